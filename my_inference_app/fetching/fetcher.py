"""Fetches images from URLs that strangers send, without giving strangers access to private networks.

An HTTP library resolves a name while it connects. Here the name is resolved first, its addresses are checked, and the
connection goes to a checked address: a name that changes its address in between gains nothing. Proxies are ignored.
"""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import cached_property
from http.client import HTTPException
from ipaddress import ip_address
from threading import BoundedSemaphore
from urllib.parse import urljoin

from ..errors import FetchFailed, Overloaded
from ..settings import Settings
from .addresses import Address, Refused, Rules, Target, parse
from .transport import connect, read_body, seconds_left, send_request

# The same for every failure: a response that distinguished a closed port from an unknown name would map the network.
_FAILED = (
    "the image cannot be fetched: give a public http or https URL that returns the image itself, or send the image"
)
_REDIRECTS = 3
_NO_HEADERS: Mapping[str, str] = {}
_MOVED = (301, 302, 303, 307, 308)
# The last two are raised for malformed or far too large numbers in a URL or a response.
_FAILURES = (Refused, OSError, HTTPException, ValueError, OverflowError)

_log = logging.getLogger(__name__)


class Fetcher:
    def __init__(self, settings: Settings) -> None:
        self._rules = Rules(settings)
        self._timeout = settings.url_timeout
        self._max_bytes = settings.max_upload_bytes
        # Three quarters of the threads remain for uploads.
        count = max(1, settings.threads // 4)
        self._slots = BoundedSemaphore(count)
        # A lookup cannot be cancelled: one that hangs occupies a thread of this pool, but not its request.
        self._resolver = ThreadPoolExecutor(count, "lookup")

    def fetch(
        self, urls: Sequence[str], deadline: float, request_id: str, headers: Mapping[str, str] = _NO_HEADERS
    ) -> list[bytes | FetchFailed]:
        """Fetches one URL after the other. Together they may take URL_TIMEOUT, and as many bytes as an upload.

        Only the servers of these URLs get the headers, and none that they redirect to.
        """
        if not self._slots.acquire(blocking=False):
            raise Overloaded("too many images are being fetched already: try again in a moment")
        try:
            deadline = min(deadline, time.monotonic() + self._timeout)
            fetched: list[bytes | FetchFailed] = []
            for url in urls:
                limit = self._max_bytes - sum(len(data) for data in fetched if isinstance(data, bytes))
                fetched.append(self._fetch(url, deadline, limit, request_id, headers))
            return fetched
        finally:
            self._slots.release()

    def _fetch(
        self, url: str, deadline: float, limit: int, request_id: str, headers: Mapping[str, str]
    ) -> bytes | FetchFailed:
        shown = "a URL"  # only the origin is logged: a path or query may contain a key, a malformed URL a password
        try:
            shown = parse(url).origin
            return self._follow(url, deadline, limit, headers)
        except _FAILURES as error:
            # The reason may contain text of the remote server.
            reason = ascii(f"{type(error).__name__}: {error}"[:200])
            _log.info("%s was not fetched: %s id=%s", shown, reason, request_id)
            return FetchFailed(_FAILED)

    def _follow(self, url: str, deadline: float, limit: int, headers: Mapping[str, str]) -> bytes:
        target = parse(url)
        for _ in range(1 + _REDIRECTS):
            with closing(self._connect(target, deadline)) as sock:
                response = send_request(sock, target, deadline, limit, headers)
                if response.status not in _MOVED:
                    return read_body(response, limit)
            following = parse(urljoin(target.origin + target.path, response.getheader("Location", "")))
            # An https URL promises that the image is not read or changed on its way.
            if (target.scheme, following.scheme) == ("https", "http"):
                raise Refused("a redirect from https to http")
            if following.origin != target.origin:
                headers = _NO_HEADERS
            target = following
        raise Refused(f"more than {_REDIRECTS} redirects")

    def _connect(self, target: Target, deadline: float) -> socket.socket:
        self._rules.check_port(target)
        addresses = [target.literal] if target.literal else self._lookup(target, deadline)
        self._rules.check_addresses(target, addresses)
        sock = connect(addresses, target.port, deadline)
        if target.scheme == "http":
            return sock
        with closing(sock):  # does nothing once wrap_socket has taken over the connection
            sock.settimeout(seconds_left(deadline))
            return self._tls.wrap_socket(sock, server_hostname=target.host)

    def _lookup(self, target: Target, deadline: float) -> list[Address]:
        lookup = self._resolver.submit(socket.getaddrinfo, target.host, target.port, type=socket.SOCK_STREAM)
        try:
            return [ip_address(entry[4][0]) for entry in lookup.result(seconds_left(deadline))]
        finally:
            lookup.cancel()  # a lookup that has not started must not wait behind those that hang

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()

"""Fetches pictures from URLs that strangers send, and nothing from where strangers should not get.

A client library resolves a name when it connects. Here the addresses are checked in between, and the connection goes
to one that was checked: a name that leads elsewhere a moment later leads nowhere. Proxies are not asked.
"""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Sequence
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
from .transport import ask, body, connect, seconds_left

# The same for everything: an answer that told a closed port from an unknown name would map the network behind.
_FAILED = (
    "the picture cannot be fetched: give a public http or https URL that answers with the picture itself, "
    "or send the picture"
)
_REDIRECTS = 3
_MOVED = (301, 302, 303, 307, 308)
# The last two come of numbers in a URL or an answer that are none, or far too large.
_FAILURES = (Refused, OSError, HTTPException, ValueError, OverflowError)

_log = logging.getLogger(__name__)


class Fetcher:
    def __init__(self, settings: Settings) -> None:
        self._rules = Rules(settings)
        self._timeout = settings.url_timeout
        self._most = settings.max_upload_bytes
        # Three quarters of the threads are left for those who send pictures.
        count = max(1, settings.threads // 4)
        self._slots = BoundedSemaphore(count)
        # Nobody can end a lookup: one that hangs keeps its thread, but not its request.
        self._resolver = ThreadPoolExecutor(count, "lookup")

    def fetch(self, urls: Sequence[str], deadline: float, request_id: str) -> list[bytes | FetchFailed]:
        """One after the other; all of them together have URL_TIMEOUT, and as many bytes as an upload."""
        if not self._slots.acquire(blocking=False):
            raise Overloaded("too many pictures are being fetched already: try again in a moment")
        try:
            deadline = min(deadline, time.monotonic() + self._timeout)
            fetched: list[bytes | FetchFailed] = []
            for url in urls:
                most = self._most - sum(len(data) for data in fetched if isinstance(data, bytes))
                fetched.append(self._fetch(url, deadline, most, request_id))
            return fetched
        finally:
            self._slots.release()

    def _fetch(self, url: str, deadline: float, most: int, request_id: str) -> bytes | FetchFailed:
        shown = "a URL"  # what cannot be read may hold a password, and a path or query a key
        try:
            shown = parse(url).origin
            return self._follow(url, deadline, most)
        except _FAILURES as error:
            # The remote server has a say in the reason.
            reason = ascii(f"{type(error).__name__}: {error}"[:200])
            _log.info("%s was not fetched: %s id=%s", shown, reason, request_id)
            return FetchFailed(_FAILED)

    def _follow(self, url: str, deadline: float, most: int) -> bytes:
        target = parse(url)
        for _ in range(1 + _REDIRECTS):
            with closing(self._connect(target, deadline)) as sock:
                response = ask(sock, target, deadline, most)
                if response.status not in _MOVED:
                    return body(response, most)
            following = parse(urljoin(target.origin + target.path, response.getheader("Location", "")))
            # Who asks for https wants nobody in between.
            if (target.scheme, following.scheme) == ("https", "http"):
                raise Refused("a redirect from https to http")
            target = following
        raise Refused(f"more than {_REDIRECTS} redirects")

    def _connect(self, target: Target, deadline: float) -> socket.socket:
        self._rules.check_port(target)
        addresses = [target.literal] if target.literal else self._lookup(target, deadline)
        self._rules.check_addresses(target, addresses)
        sock = connect(addresses, target.port, deadline)
        if target.scheme == "http":
            return sock
        with closing(sock):  # which does nothing once wrap_socket has taken the connection over
            sock.settimeout(seconds_left(deadline))
            return self._tls.wrap_socket(sock, server_hostname=target.host)

    def _lookup(self, target: Target, deadline: float) -> list[Address]:
        lookup = self._resolver.submit(socket.getaddrinfo, target.host, target.port, type=socket.SOCK_STREAM)
        try:
            return [ip_address(entry[4][0]) for entry in lookup.result(seconds_left(deadline))]
        finally:
            lookup.cancel()  # so that none waits behind those that hang

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()

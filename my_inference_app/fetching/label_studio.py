"""Fetches images that were uploaded to the one Label Studio of LABEL_STUDIO_URL, with its token."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_network
from urllib.parse import quote, unquote

from ..errors import BadRequest, FetchFailed
from ..settings import Settings
from .addresses import parse
from .fetcher import Fetcher

_UPLOADS = "/data/upload/"
_SAFE = re.compile(r"[A-Za-z0-9._~%()+,=@-]+(/[A-Za-z0-9._~%()+,=@-]+)*")


class LabelStudio:
    def __init__(self, settings: Settings) -> None:
        self._url = settings.label_studio_url
        self._headers = {"Authorization": f"Token {settings.label_studio_token}"} if settings.label_studio_token else {}
        self._fetcher: Fetcher | None = None
        if self._url:
            target = parse(self._url)
            # This server, and no other, may be in a private network.
            host = ip_network(target.literal) if target.literal else target.host
            self._fetcher = Fetcher(replace(settings, url_ports=frozenset({target.port}), url_allow=(host,)))

    def address_of(self, value: str) -> str:
        """Where the image is, if it was uploaded to Label Studio, or nothing. A client chooses the value."""
        path = value.removeprefix(self._url) if self._url else value
        if not path.startswith(_UPLOADS):
            return ""
        if not self._url:
            raise BadRequest("the image lies in Label Studio: set LABEL_STUDIO_URL and LABEL_STUDIO_TOKEN to fetch it")
        rest = quote(path.removeprefix(_UPLOADS), safe="/%()+,=@~")
        # With the token, other addresses of Label Studio would give more than images.
        if not _SAFE.fullmatch(rest) or {".", ".."} & set(_decoded(rest).split("/")):
            raise BadRequest(f"an image of Label Studio must have an address like {_UPLOADS}1/cat.jpg")
        return f"{self._url}{_UPLOADS}{rest}"

    def fetch(self, addresses: Sequence[str], deadline: float, request_id: str) -> list[bytes | FetchFailed]:
        if self._fetcher is None:
            raise ValueError("there is no LABEL_STUDIO_URL")
        return self._fetcher.fetch(addresses, deadline, request_id, self._headers)


def _decoded(path: str) -> str:
    """However often it is encoded, and whichever slash it has."""
    while (shorter := unquote(path)) != path:
        path = shorter
    return path.replace("\\", "/")

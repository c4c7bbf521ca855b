"""The Label Studio whose images are fetched."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address

from .parsing import HOST_NAME, port_number
from .setting import setting

_URL = re.compile(
    rf"https?://(?:{HOST_NAME}|(?P<v4>[0-9.]+)|\[(?P<v6>[0-9a-f:.]+)\])(?::(?P<port>[0-9]{{1,5}}))?(?:/[A-Za-z0-9._~/-]*)?",
    re.ASCII | re.IGNORECASE,
)


def base_url(text: str) -> str:
    match = _URL.fullmatch(text)
    if not match:
        raise ValueError("give a URL like http://label-studio:8080, without user, query and fragment")
    if literal := match["v4"] or match["v6"]:
        ip_address(literal)
    if match["port"]:
        port_number(match["port"])
    return text.rstrip("/")


def token(text: str) -> str:
    if not re.fullmatch(r"[!-~]+", text):
        raise ValueError("it contains a space or a character that is not visible ASCII")
    return text


@dataclass(frozen=True)
class LabelStudio:
    label_studio_url: str = setting(
        "", "address of the Label Studio that may ask for predictions, to fetch its images from", base_url
    )
    label_studio_token: str = setting("", "a user's access token there, to fetch images with", token, secret=True)

"""Clients that send predictions all the time, and keep every answer that is not the right one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import requests

from tests.images import COLOURS, plain_image
from tests.live.clients import asking

RIGHT = ""
_CLIENTS = 4
_PAUSE = 0.2


@contextmanager
def load(url: str) -> Iterator[Counter[str]]:
    """Counts the right answers under RIGHT, and all others under their text."""
    labels = list(COLOURS)
    with ExitStack() as stack:
        sessions = [stack.enter_context(requests.Session()) for _ in range(_CLIENTS)]
        clients = [partial(_ask, session, url, labels[number % len(labels)]) for number, session in enumerate(sessions)]
        with asking(clients, _PAUSE) as seen:
            yield seen


def _ask(session: requests.Session, url: str, label: str) -> str:
    response = session.post(f"{url}/predict", data=plain_image(label), timeout=60)
    right = response.ok and response.json()["predictions"][0]["label"] == label
    return RIGHT if right else f"{response.status_code} {response.text}"

"""Clients that send predictions all the time, and keep every answer that is not the right one."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event

import requests

from tests.images import COLOURS, plain_image

_CLIENTS = 4
_PAUSE = 0.2


@dataclass
class Load:
    url: str
    right: int = 0
    wrong: list[str] = field(default_factory=list)
    end: Event = field(default_factory=Event)

    def send(self, label: str) -> None:
        image = plain_image(label)
        with requests.Session() as session:
            while not self.end.wait(_PAUSE):
                response = session.post(f"{self.url}/predict", data=image, timeout=60)
                if response.ok and response.json()["predictions"][0]["label"] == label:
                    self.right += 1
                else:
                    self.wrong.append(f"{response.status_code} {response.text}")


@contextmanager
def load(url: str) -> Iterator[Load]:
    sent = Load(url)
    labels = list(COLOURS)
    with ThreadPoolExecutor(_CLIENTS) as pool:
        clients = [pool.submit(sent.send, labels[number % len(labels)]) for number in range(_CLIENTS)]
        try:
            yield sent
        finally:
            sent.end.set()
    for client in clients:
        client.result()

"""Clients that send one prediction after the other, and note every answer."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from threading import Event

from tests.images import plain_image
from tests.live.machines import Machine

_PAUSE = 0.05
"""Seconds between an answer and the next request: the load leaves the machine room for what the test does."""
_LATE = 1.0


@dataclass(frozen=True)
class Answer:
    sent: float
    received: float
    model: str = ""
    failure: str = ""

    @property
    def late(self) -> bool:
        return self.received - self.sent > _LATE


@dataclass
class Load:
    address: str
    port: object
    answers: list[Answer] = field(default_factory=list)
    _sent: dict[int, float] = field(default_factory=dict)
    _end: Event = field(default_factory=Event)

    @property
    def lost(self) -> list[str]:
        return [answer.failure for answer in self.answers if answer.failure]

    @property
    def late(self) -> int:
        """Requests that are late and not answered yet."""
        return sum(1 for sent in self._sent.copy().values() if time.monotonic() - sent > _LATE)

    @property
    def oldest(self) -> float:
        """When the oldest request was sent that is not answered yet."""
        return min(self._sent.copy().values(), default=time.monotonic())

    def since(self, moment: float) -> list[Answer]:
        """The answers received since then."""
        return [answer for answer in self.answers.copy() if answer.received > moment]

    def _client(self, number: int) -> None:
        image = plain_image()
        while not self._end.wait(_PAUSE):
            self._sent[number] = sent = time.monotonic()
            model, failure = self._predict(image)
            self.answers.append(Answer(sent, time.monotonic(), model, failure))
            del self._sent[number]

    def _predict(self, image: bytes) -> tuple[str, str]:
        connection = HTTPConnection(f"{self.address}:{self.port}", timeout=60)
        try:
            connection.request("POST", "/predict", image)
            response = connection.getresponse()
            body = response.read()
            if response.status != 200:
                return "", f"{response.status} {body.decode()}"
            return str(json.loads(body)["model"]), ""
        except (OSError, HTTPException, ValueError) as error:
            return "", repr(error)
        finally:
            connection.close()


@contextmanager
def steady_load(machine: Machine, port: object, connections: int) -> Iterator[Load]:
    """Sent from this machine to itself."""
    load = Load(machine.address, port)
    with ThreadPoolExecutor(connections, initializer=machine.enter) as pool:
        clients = [pool.submit(load._client, number) for number in range(connections)]
        try:
            yield load
        finally:
            load._end.set()
    for client in clients:
        client.result()

"""The ray engine: replicas on a Ray cluster compute. This side needs none of Ray's packages.

Each engine makes one call at a time, with a whole batch, through the relay of its worker.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection

from ..bundles.bundle import Bundle
from ..bundles.store import as_folder
from ..errors import Overloaded, SettingError, SetupError
from .base import Engine, FeatureMaps, Images, Logits, Options
from .frames import Array, Header, receive, send
from .relay import Relay, lost, relay_of

_LONGEST = 60.0
"""Seconds for a call that no request waits for."""
_TO_ANSWER = 0.1
"""Seconds in which the relay says that it has given up."""


def application_of(bundle: Bundle) -> str:
    """The name of its application on Ray Serve. A new bundle is a new application: results are never mixed."""
    return f"{as_folder(bundle.name)}-{bundle.identity[:12]}"


def load(bundle: Bundle, options: Options) -> Engine:
    address = options.cluster.ray_address
    if not address:
        raise SettingError("RAY_ADDRESS is not set: give the address of a cluster, or use `make run-ray`")
    relay = relay_of(address)
    relay.wait()
    line, application = _Line(relay), application_of(bundle)
    if line.ask({"find": application}, _LONGEST)[0].get("error") == "missing":
        raise SetupError(
            f"the Ray cluster at {address} has no application {application}: deploy it with "
            "`python -m my_inference_app.cluster deploy`"
        )
    return _Ray(line, application)


@dataclass
class _Line:
    """A connection to the relay, made anew after a failure."""

    relay: Relay
    connection: Connection | None = None

    def ask(self, header: Header, seconds: float, **arrays: Array) -> tuple[Header, dict[str, Array]]:
        connection, self.connection = self.connection or self.relay.connect(), None
        try:
            send(connection, {**header, "seconds": seconds}, **arrays)
            if not connection.poll(seconds + _TO_ANSWER):
                raise TimeoutError
            answer = receive(connection)
        except (OSError, EOFError):
            connection.close()  # a late answer would be taken for that of the next call
            raise lost() from None
        self.connection = connection
        return answer


@dataclass(frozen=True)
class _Ray:
    line: _Line
    application: str
    deadline: float = math.inf
    """On the clock of time.monotonic()."""

    def until(self, deadline: float) -> Engine:
        return replace(self, deadline=deadline)

    def __call__(self, images: Images) -> Logits:
        return self._compute(images, features=False)["logits"]

    def with_features(self, images: Images) -> tuple[Logits, FeatureMaps]:
        found = self._compute(images, features=True)
        return found["logits"], found["features"]

    def _compute(self, images: Images, *, features: bool) -> dict[str, Array]:
        seconds = min(_LONGEST, self.deadline - time.monotonic() - 2 * _TO_ANSWER)
        if seconds <= 0:
            raise lost()
        header, arrays = self.line.ask({"compute": self.application, "features": features}, seconds, images=images)
        match header.get("error"):
            case None:
                return arrays
            case "overloaded":
                raise Overloaded("too many images wait for the Ray cluster already: try again in a moment")
            case "failed":
                raise RuntimeError(header["message"])
            case _:
                raise lost()

"""`--scale my_inference_app=3`: nginx balances, and follows copies of the app that come and go."""

from __future__ import annotations

import json
import re

from tests.containers.conftest import Containers, Pair, predict, start_pair
from tests.containers.runtime import Container
from tests.images import SAMPLES
from tests.live.service import until

SAMPLE = SAMPLES[0].read_bytes()
NAME = "my_inference_app"


def copy(containers: Containers) -> Container:
    """One more copy of the app, which the network's DNS knows once it is healthy."""
    app = containers.service(NAME)
    app.wait_until_healthy()
    containers.network.names[NAME] = [*containers.network.names[NAME], app.address]
    return app


def served_by(app: Container) -> int:
    return len(re.findall(r"POST /predict 200", app.log))


def send(pair: Pair, times: int = 6) -> None:
    for _ in range(times):
        assert json.loads(predict(pair.url, SAMPLE))["success"]


def sent_until(pair: Pair, app: Container) -> None:
    """Sends requests until this copy has answered one."""
    while not served_by(app):
        send(pair, 2)


def test_nginx_follows_copies_that_come_and_go(containers: Containers) -> None:
    pair = start_pair(containers)
    second = copy(containers)
    sent_until(pair, second)
    third = copy(containers)
    sent_until(pair, third)
    before = [served_by(app) for app in (pair.app, second, third)]
    send(pair, 9)
    assert all(served_by(app) > count for app, count in zip((pair.app, second, third), before, strict=True))

    containers.network.names[NAME].remove(second.address)
    assert second.stop() == 0
    send(pair)  # none is lost, whether nginx has noticed or not
    fourth = copy(containers)
    sent_until(pair, fourth)


def test_app_that_comes_back_with_another_address_is_found(containers: Containers) -> None:
    pair = start_pair(containers)
    assert pair.app.stop() == 0
    containers.network.names[NAME] = []
    another = copy(containers)
    until(lambda: pair.nginx.healthy)
    send(pair)
    assert served_by(another) == 6

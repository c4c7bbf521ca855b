"""What is counted, and who may read it."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from my_inference_app.errors import ImageUndecodable, SettingError
from my_inference_app.settings import Settings
from tests.conftest import FakeClassifier, assert_error, client_of, form
from tests.exposition import total


def figure(client: FlaskClient, name: str, **labels: str) -> float:
    response = client.get("/metrics")
    assert response.status_code == 200
    return total(response.text, name, labels)


def test_requests_are_counted_by_path_and_status(client: FlaskClient) -> None:
    answered = {"path": "/predict", "status": "200"}
    unknown = {"path": "unknown", "status": "404"}
    before = [figure(client, "inference_requests_total", **labels) for labels in (answered, unknown)]
    client.post("/predict", data=b"x")
    for number in range(2):
        client.get(f"/nothing-{number}")
    after = [figure(client, "inference_requests_total", **labels) for labels in (answered, unknown)]
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 2]


def test_how_long_requests_took_is_counted_without_probes(client: FlaskClient) -> None:
    before = figure(client, "inference_request_seconds_count")
    for _ in range(3):
        client.get("/healthz")
    client.post("/predict", data=b"x")
    assert figure(client, "inference_request_seconds_count") == before + 1


def test_errors_are_counted_by_code_each_picture_for_itself(client: FlaskClient, fake: FakeClassifier) -> None:
    before = figure(client, "inference_errors_total", code="image_undecodable")
    fake.unreadable = {b"bad": ImageUndecodable("no")}
    client.post("/predict", **form(*[("image", "a.jpg", data) for data in (b"bad", b"good", b"bad")]))
    assert figure(client, "inference_errors_total", code="image_undecodable") == before + 2


def test_no_keys_are_needed(fake: FakeClassifier) -> None:
    assert client_of(fake, api_keys="secret").get("/metrics").status_code == 200


@pytest.mark.parametrize(
    ("peer", "forwarded", "allowed"),
    [
        ("127.0.0.1", None, True),
        ("::1", None, True),
        ("10.1.2.3", None, True),
        ("::ffff:192.168.0.9", None, True),
        ("203.0.113.7", None, False),
        ("::ffff:203.0.113.7", None, False),
        ("2001:db8::1", None, False),
        ("", None, False),
        # nginx puts the client it sees last, behind what the client itself claims.
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "203.0.113.7", False),
        ("127.0.0.1", "10.0.0.1, 203.0.113.7", False),
        ("127.0.0.1", "203.0.113.7, 10.0.0.1", True),
        ("127.0.0.1", "", False),
        ("127.0.0.1", "unknown", False),
        # Past nginx, a client can claim what it likes.
        ("203.0.113.7", "127.0.0.1", False),
    ],
)
def test_only_private_networks_may_read_them(
    client: FlaskClient, peer: str, forwarded: str | None, allowed: bool
) -> None:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    response = client.get("/metrics", headers=headers, environ_base={"REMOTE_ADDR": peer})
    if allowed:
        assert response.status_code == 200
    else:
        assert "METRICS_FROM" in assert_error(response, 403, "forbidden")


@pytest.mark.parametrize(
    ("networks", "peer", "status"),
    [
        ("*", "203.0.113.7", 200),
        ("*", "2001:db8::1", 200),
        ("203.0.113.0/24", "203.0.113.7", 200),
        ("203.0.113.0/24", "127.0.0.1", 403),
    ],
)
def test_other_networks(fake: FakeClassifier, networks: str, peer: str, status: int) -> None:
    client = client_of(fake, metrics_from=networks)
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": peer}).status_code == status


def test_networks_that_are_none_are_told_at_the_start() -> None:
    with pytest.raises(SettingError, match=r"METRICS_FROM='.*10.0.0.0/33' .*commas"):
        Settings(metrics_from="10.0.0.0/8, 10.0.0.0/33")

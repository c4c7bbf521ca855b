"""Limits for each client. The test is a load balancer, which names the clients."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from benchmarks.ports import free_port
from tests.live import raw
from tests.live.oddities import get, post
from tests.live.raw import Answer
from tests.live.service import REPOSITORY, environment, nginx_alone, until

Nginx = Callable[..., str]
ALLOWED = (502, "unreachable")
"""The answer to a request that is not limited: there is no app behind this nginx."""
REFUSED = (429, "rate_limited")


@pytest.fixture
def nginx() -> Iterator[Nginx]:
    with ExitStack() as stack:
        # Not pytest's folder: nginx's workers are another user, who may not look into that.
        prefix = Path(stack.enter_context(TemporaryDirectory()))
        prefix.chmod(0o755)

        def start(**settings: object) -> str:
            trusted = {"TRUSTED_PROXIES": "127.0.0.1", **settings}
            return stack.enter_context(nginx_alone(prefix, f"127.0.0.1:{free_port()}", **trusted))

        yield start


def speak_for(client: str) -> bytes:
    return b"X-Forwarded-For: " + client.encode()


def ask(url: str, client: str, path: bytes = b"/nothing", times: int = 1) -> list[Answer]:
    """Requests sent all together, over one connection."""
    first = b"GET " + path + b" HTTP/1.1"
    several = get(speak_for(client), host=b"Host: x\r\n", first=first) * (times - 1)
    return raw.answers(raw.send(url, several + get(speak_for(client), first=first)))


def codes(answers: list[Answer]) -> list[tuple[int, str]]:
    return [(answer.status, answer.code) for answer in answers]


def half_sent(url: str, client: str) -> socket.socket:
    """A request that nginx has started to read."""
    connection = raw.connect(url)
    connection.sendall(post(b"", b"Content-Length: 5", b"Expect: 100-continue", speak_for(client)))
    assert connection.recv(100).startswith(b"HTTP/1.1 100")
    return connection


def test_too_many_requests_in_a_second_return_429(nginx: Nginx) -> None:
    url = nginx(CLIENT_RATE=1)
    answers = ask(url, "203.0.113.7", times=30)
    assert codes(answers[:3]) == [ALLOWED] * 3, "one, and twice as many as may come in a second"
    assert codes(answers)[-1] == REFUSED
    assert all(answer.headers["retry-after"] == "1" for answer in answers if answer.status == 429)
    assert codes(ask(url, "203.0.113.8")) == [ALLOWED], "another client"


@pytest.mark.parametrize("path", [b"/healthz", b"/readyz"])
def test_other_methods_on_a_health_check_reach_no_app(nginx: Nginx, path: bytes) -> None:
    url = nginx(CLIENT_RATE=1)
    requests = post(b"x", b"Content-Length: 1", speak_for("203.0.113.7")).replace(b"/predict", path)
    assert {codes(raw.answers(raw.send(url, requests)))[0] for _ in range(20)} == {(405, "method_not_allowed")}


@pytest.mark.parametrize("path", [b"/healthz", b"/readyz"])
def test_health_checks_are_not_counted(nginx: Nginx, path: bytes) -> None:
    url = nginx(CLIENT_RATE=1, CLIENT_CONNECTIONS=1)
    assert set(codes(ask(url, "203.0.113.7", path, times=30))) == {ALLOWED}


def test_static_files_are_not_counted(nginx: Nginx) -> None:
    url = nginx(CLIENT_RATE=1)
    assert set(codes(ask(url, "203.0.113.7", b"/static/style.css", times=30))) == {(200, "")}


@pytest.mark.parametrize(
    ("settings", "client"),
    [
        ({"CLIENT_RATE": 1}, "127.0.0.1"),
        ({"CLIENT_RATE": 1}, "127.9.9.9"),
        ({"CLIENT_RATE": 1}, "::1"),
        ({"CLIENT_RATE": 1}, "nobody"),
        ({"CLIENT_RATE": 1, "TRUSTED_PROXIES": ""}, "203.0.113.7"),
        ({"CLIENT_RATE": 1, "TRUSTED_PROXIES": "10.0.0.0/8,2001:db8::/32"}, "203.0.113.7"),
        ({"CLIENT_RATE": 0}, "203.0.113.7"),
    ],
    ids=str,
)
def test_client_without_a_limit_is_not_refused(nginx: Nginx, settings: dict[str, object], client: str) -> None:
    """The machine itself, clients named by a proxy that is not trusted, and all clients if the limit is off."""
    assert set(codes(ask(nginx(**settings), client, times=30))) == {ALLOWED}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.7", "203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
        ("2001:db8::1", "2001:db8::2:3", True),
        ("2001:db8::1", "2001:db8:0:0:ffff::1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.7", True),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.8", False),
        ("198.51.100.1, 203.0.113.7", "198.51.100.2, 203.0.113.7", True),
    ],
)
def test_too_many_open_requests_return_429(nginx: Nginx, one: str, other: str, same: bool) -> None:
    """An IPv6 user has a /64; of a list the last counts, the others are what the client says."""
    url = nginx(CLIENT_CONNECTIONS=2)
    held = [half_sent(url, one) for _ in range(2)]
    try:
        assert codes(ask(url, other)) == [REFUSED if same else ALLOWED]
    finally:
        for connection in held:
            connection.close()
    until(lambda: codes(ask(url, other)) == [ALLOWED])


def test_connections_are_not_limited_by_default(nginx: Nginx) -> None:
    url = nginx(CLIENT_RATE=0, CLIENT_CONNECTIONS=0)
    held = [half_sent(url, "203.0.113.7") for _ in range(250)]
    try:
        assert codes(ask(url, "203.0.113.7")) == [ALLOWED]
    finally:
        for connection in held:
            connection.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CLIENT_RATE", "many"),
        ("CLIENT_RATE", "5; return 200"),
        ("CLIENT_RATE", "-1"),
        ("CLIENT_RATE", "1.5"),
        ("CLIENT_CONNECTIONS", "9999999"),
        ("MAX_UPLOAD_MB", "10m;"),
        ("PORT", "80 ssl"),
        ("REQUEST_TIMEOUT", "a[$(id)]"),
        ("LISTEN", "*:80; }"),
        ("UPSTREAM", "x:1|e"),
        ("UPSTREAM", "x\\:1"),
        ("TRUSTED_PROXIES", "10.0.0.0/8; deny all"),
        ("TRUSTED_PROXIES", "10.0.0.0/8\n::1"),
        ("TRUSTED_PROXIES", "10.0.0.0/99"),
    ],
)
def test_unusable_value_is_one_line(tmp_path: Path, name: str, value: str) -> None:
    settings = {"NGINX_PREFIX": tmp_path, "PORT": free_port(), "UPSTREAM": "127.0.0.1:1", name: value}
    done = subprocess.run(
        ["nginx/start.sh"], cwd=REPOSITORY, env=environment(**settings), capture_output=True, text=True, timeout=30
    )
    assert done.returncode != 0
    if "/99" in value:  # nginx knows best what a network is
        assert 'host not found in set_real_ip_from "10.0.0.0/99"' in done.stderr or "invalid" in done.stderr
    else:
        assert done.stderr.startswith(f"error: {name}={value} is not a")
    assert done.stderr.removesuffix("\n").count("\n") == value.count("\n")

"""A name is looked up once, and all its addresses are checked. The tests replace the resolver."""

# ruff: noqa: RUF001, S104

from __future__ import annotations

import socket
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.conftest import FakeClassifier, assert_error, client_of
from tests.images import plain_image
from tests.remote import Remote, allowing, http, moved, remote_server

DATA = plain_image()


class Resolver:
    """Answers each lookup with the next list of addresses."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: list[list[str]] = []
        self.asked: list[str] = []
        monkeypatch.setattr(socket, "getaddrinfo", self._look_up)

    def _look_up(self, host: str, port: int, **options: Any) -> list[Any]:
        assert options == {"type": socket.SOCK_STREAM}
        self.asked.append(host)
        found = self.answers.pop(0) if self.answers else []
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(None, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    return Resolver(monkeypatch)


def ask(client: FlaskClient, remote: Remote, name: str = "a.test", path: str = "/cat") -> Any:
    return client.post("/predict", json={"url": f"http://{name}:{remote.port}{path}"})


def test_name_is_looked_up_once(
    fetching: FlaskClient, fake: FakeClassifier, remote: Remote, resolver: Resolver
) -> None:
    """If the name changes its address after the check, the connection still goes to the checked address."""
    resolver.answers = [["127.0.0.1"], ["127.0.0.2"], ["10.0.0.1"]]
    with remote_server({"/cat": http(b"secret")}, host="127.0.0.2", port=remote.port) as inner:
        assert ask(fetching, remote).status_code == 200
    assert resolver.asked == ["a.test"]
    assert (fake.images, inner.heads) == ([DATA], [])
    assert f"\r\nHost: a.test:{remote.port}\r\n" in remote.heads[0]


def test_name_is_checked_again_at_a_redirect(fetching: FlaskClient, remote: Remote, resolver: Resolver) -> None:
    remote.answers["/away"] = moved("/cat")
    resolver.answers = [["127.0.0.1"], ["127.0.0.2"]]
    assert_error(ask(fetching, remote, path="/away"), 422, "fetch_failed")
    assert (resolver.asked, remote.paths) == (["a.test"] * 2, ["/away"])


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1", "127.0.0.2"],
        ["127.0.0.1", "::1"],
        ["::1", "127.0.0.1"],
        ["127.0.0.1", "10.0.0.1"],
        ["127.0.0.1", "fe80::1%eth0"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["0.0.0.0"],
        ["169.254.169.254"],
        [],
    ],
)
def test_name_with_one_forbidden_address_is_refused(
    fetching: FlaskClient, fake: FakeClassifier, remote: Remote, resolver: Resolver, addresses: list[str]
) -> None:
    resolver.answers = [addresses]
    assert_error(ask(fetching, remote), 422, "fetch_failed")
    assert (resolver.asked, remote.heads, fake.images) == (["a.test"], [], [])


@pytest.mark.parametrize("name", ["localhost", "LocalHost"])
def test_localhost_is_refused(fake: FakeClassifier, remote: Remote, name: str) -> None:
    """This test uses the real resolver."""
    client = client_of(fake, **allowing(remote, url_allow=""))
    assert_error(ask(client, remote, name), 422, "fetch_failed")
    assert (remote.heads, fake.images) == ([], [])


def test_name_in_url_allow_may_have_any_address(fake: FakeClassifier, remote: Remote, resolver: Resolver) -> None:
    client = client_of(fake, **allowing(remote, url_allow="images.internal"))
    resolver.answers = [["127.0.0.1"]] * 2
    assert ask(client, remote, "Images.Internal").status_code == 200
    assert_error(ask(client, remote, "more.images.internal"), 422, "fetch_failed")


def test_dead_addresses_are_skipped(fake: FakeClassifier, remote: Remote, resolver: Resolver) -> None:
    client = client_of(fake, **allowing(remote, url_allow="127.0.0.0/8,::1"))
    resolver.answers = [["::1", "127.0.0.3", "127.0.0.1", "127.0.0.4"], ["127.0.0.3"] * 8 + ["127.0.0.1"]]
    assert ask(client, remote).status_code == 200
    assert fake.images == [DATA]
    assert_error(ask(client, remote), 422, "fetch_failed")  # only the first eight addresses are tried


@pytest.mark.parametrize(
    "url",
    [
        *["http://127.0.0.1:22/", "http://a.test:22/", "http://a@a.test:PORT/", "http://a.test.:PORT/", "ftp://b/"],
        *["http://10.0.0.1:PORT/", "http://127.0.0.2:PORT/", "http://169.254.169.254:PORT/", "http://0.0.0.0:PORT/"],
        *["http://[::1]:PORT/", "http://[::]:PORT/", "http://[::ffff:127.0.0.1]:PORT/", "http://[64:ff9b::1]:PORT/"],
        *["http://2130706433:PORT/", "http://0177.0.0.1:PORT/", "http://0x7f.1:PORT/", "http://127.1:PORT/"],
        *["http://127。0。0。1:PORT/", "http://１２７.0.0.1:PORT/", "http://%31.0.0.1:PORT/", "http://b\\@a:PORT/"],
    ],
)
def test_forbidden_url_is_refused_without_a_lookup(
    fetching: FlaskClient, remote: Remote, resolver: Resolver, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setattr(socket, "socket", None)
    response = fetching.post("/predict", json={"url": url.replace("PORT", str(remote.port))})
    assert_error(response, 422, "fetch_failed")
    assert (resolver.asked, remote.heads) == ([], [])


def test_label_too_long_for_a_resolver_is_refused(fetching: FlaskClient, remote: Remote) -> None:
    """Python raises a UnicodeError for it."""
    assert_error(ask(fetching, remote, "a" * 64), 422, "fetch_failed")

"""Whether a client is still there, and a response that leaves as one piece."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from my_inference_app.api.connection import abandoned
from tests.conftest import FakeClassifier, client_of


def request_of(**environ: object) -> Request:
    return Request({**EnvironBuilder().get_environ(), **environ})


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        accepted, _ = server.accept()
    with client, accepted:
        yield client, accepted


def test_waiting_client_is_not_gone(ends: tuple[socket.socket, socket.socket]) -> None:
    client, accepted = ends
    is_gone = abandoned(request_of(**{"some_server.socket": accepted}))
    assert not is_gone()
    client.sendall(b"the next request")
    assert not is_gone()
    assert accepted.recv(100) == b"the next request", "nothing of it is taken away"


def test_client_that_hung_up_is_gone(ends: tuple[socket.socket, socket.socket]) -> None:
    client, accepted = ends
    is_gone = abandoned(request_of(**{"some_server.socket": accepted}))
    client.close()
    assert is_gone() and is_gone()


def test_client_that_was_cut_off_is_gone(ends: tuple[socket.socket, socket.socket]) -> None:
    client, accepted = ends
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    assert abandoned(request_of(**{"some_server.socket": accepted}))()


def test_half_closed_client_counts_as_gone(ends: tuple[socket.socket, socket.socket]) -> None:
    """It cannot be told from one that hung up. nginx never does this."""
    client, accepted = ends
    client.shutdown(socket.SHUT_WR)
    assert abandoned(request_of(**{"some_server.socket": accepted}))()


def test_connection_closed_on_this_side_counts_as_gone(ends: tuple[socket.socket, socket.socket]) -> None:
    _, accepted = ends
    accepted.close()
    assert abandoned(request_of(**{"some_server.socket": accepted}))()


def test_client_without_a_known_connection_is_not_gone() -> None:
    assert not abandoned(request_of())()


@pytest.mark.skipif(not hasattr(socket, "TCP_CORK"), reason="only Linux can hold headers back")
def test_headers_without_their_body_are_dropped_when_the_worker_dies(
    ends: tuple[socket.socket, socket.socket], fake: FakeClassifier
) -> None:
    client, accepted = ends
    response = client_of(fake).get("/", environ_overrides={"some_server.socket": accepted})
    accepted.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
    accepted.close()
    with pytest.raises(ConnectionResetError):
        client.recv(100)
    response.close()


def test_response_is_sent_when_its_body_is_there(
    ends: tuple[socket.socket, socket.socket], fake: FakeClassifier
) -> None:
    client, accepted = ends
    response = client_of(fake).get("/", environ_overrides={"some_server.socket": accepted})
    accepted.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
    accepted.sendall(b"hello")
    response.close()
    accepted.close()
    client.settimeout(30)
    received = b""
    while data := client.recv(100):
        received += data
    assert received.endswith(b"hello")

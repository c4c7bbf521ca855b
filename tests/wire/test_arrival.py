"""When a request is whole, told byte by byte, and what is counted meanwhile."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from my_inference_app.wire.arrival import Arrival, Held

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: gzip, Chunked\r\n\r\n"
WHOLE = [
    b"GET / HTTP/1.1\r\n\r\n",
    b"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
    HEAD + b"content-LENGTH:5 \r\n\r\n12345",
    HEAD + b"Content-Length: 0\r\n\r\n",
    CHUNKED + b"0\r\n\r\n",
    CHUNKED + b"3\r\nabc\r\nA;x=y\r\n0\r\n\r\n56789\r\n0\r\nA: b\r\nC: d\r\n\r\n",
]
REFUSED_AS_IT_IS = [
    b"\x16\x03\x01",
    b" GET",
    b"\r\n\r\n",
    b"GET / HTTP/1.1\n",
    b"GET /\r\n",
    b"GET / HTTP/1.1\r\nA: b\n",
    b"GET /" + b"a" * 20_000,
    b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200_000,
    HEAD + b"Content-Length: 101\r\n\r\n",
    HEAD + b"Content-Length: -1\r\n\r\n",
    HEAD + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
    HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    HEAD + b"Transfer-Encoding: cow\r\n\r\n",
    HEAD + b"Content-Length: 5" + b" " * 900_000 + b"x\r\n\r\n",
    HEAD + b"Content-Length:" + b" " * 900_000 + b"\rx\r\n\r\n",
    HEAD + b"Expect: wonders\r\nContent-Length: 5\r\n\r\n",
    CHUNKED + b"x\r\n",
    CHUNKED + b"5" * 20_000,
    CHUNKED + b"100000\r\n" + b"x" * (1 << 20) + b"\r\n100\r\n" + b"x" * 101,
    CHUNKED + b"FFFFFFFF\r\n" + b"x" * (101 + (1 << 20)),
    CHUNKED + b"0\r\n" + b"A: b\r\n" * 200_000,
    CHUNKED + (b"1;" + b"a" * 16_000 + b"\r\nx\r\n") * 99,
]


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        yield ours, theirs


def gather(arrival: Arrival, client: socket.socket, data: bytes) -> bool:
    """Hands the data over as fast as it is taken."""
    while data:
        data = data[client.send(data) :]
        if arrival.gather():
            return True
    return False


def test_nothing_yet(pair: tuple[socket.socket, socket.socket]) -> None:
    arrival = Arrival(pair[0], 100, Held())
    assert not arrival.gather()
    assert not arrival.whole


@pytest.mark.parametrize("data", WHOLE)
def test_whole_with_its_last_byte(pair: tuple[socket.socket, socket.socket], data: bytes) -> None:
    held = Held()
    arrival = Arrival(pair[0], 100, held)
    assert [gather(arrival, pair[1], data[at : at + 1]) for at in range(len(data))] == [False] * (len(data) - 1) + [
        True
    ]
    assert arrival.whole
    assert held.size == len(data)
    assert arrival.recv(3) + arrival.recv(1 << 20) == data
    assert arrival.recv(1) == b"", "the parser never waits"
    arrival.release()
    assert held.size == 0


def test_what_came_with_it_begins_the_next(pair: tuple[socket.socket, socket.socket]) -> None:
    held = Held()
    arrival = Arrival(pair[0], 100, held)
    assert gather(arrival, pair[1], WHOLE[2] + WHOLE[0] + b"GET")
    for data, behind in ((WHOLE[2], WHOLE[0] + b"GET"), (WHOLE[0], b"GET")):
        assert arrival.recv(len(data)) == data
        assert arrival.rest() == behind
        arrival.begin(arrival.rest())
        assert arrival.gather() == (behind != b"GET")
    assert held.size == 3


@pytest.mark.parametrize("data", REFUSED_AS_IT_IS, ids=lambda data: repr(data[:70]))
def test_what_is_refused_needs_no_rest(pair: tuple[socket.socket, socket.socket], data: bytes) -> None:
    arrival = Arrival(pair[0], 100, Held())
    assert gather(arrival, pair[1], data)
    assert not arrival.whole


def test_a_client_that_is_gone(pair: tuple[socket.socket, socket.socket]) -> None:
    arrival = Arrival(pair[0], 100, Held())
    assert not gather(arrival, pair[1], HEAD)
    pair[1].close()
    assert arrival.gather()
    assert not arrival.whole
    assert arrival.recv(100) == HEAD
    assert arrival.recv(100) == b""


def test_where_memory_has_run_out_the_rest_is_read_when_it_is_asked_for(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    arrival = Arrival(pair[0], 100, Held())
    assert not gather(arrival, pair[1], HEAD)
    arrival.reads_on = True
    pair[1].send(b"A: b\r\n")
    assert arrival.recv(100) == HEAD
    assert arrival.recv(100) == b"A: b\r\n"


def test_a_client_is_told_to_go_on_once_and_only_if_it_waits(pair: tuple[socket.socket, socket.socket]) -> None:
    asking = HEAD + b"Content-Length: 5\r\nExpect: 100-Continue\r\n\r\n"
    arrival = Arrival(pair[0], 100, Held())
    assert not gather(arrival, pair[1], asking)
    assert pair[1].recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert gather(arrival, pair[1], b"12345")
    arrival.begin(b"")
    assert gather(arrival, pair[1], asking + b"12345")
    with pytest.raises(BlockingIOError):
        pair[1].recv(100)

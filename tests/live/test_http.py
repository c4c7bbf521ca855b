"""Odd, broken and hostile HTTP: each gets one definite answer in the one shape, from nginx and from gunicorn."""

from __future__ import annotations

import socket

import pytest

from tests.live import oddities, oddities_of_heads, raw
from tests.live.endurance import assert_it_stays_as_it_was
from tests.live.oddities import BODY, NO_PICTURE, VERSION, Case, post
from tests.live.service import REPOSITORY, Service

CAT = (REPOSITORY / "post_request" / "cat.jpg").read_bytes()
GROUPS = {
    "lengths": oddities.LENGTHS,
    "codings": oddities.CODINGS,
    "chunks": oddities.CHUNKS,
    "forms": oddities.FORMS,
    "lines": oddities_of_heads.LINES,
    "fields": oddities_of_heads.FIELDS,
}
CASES = [pytest.param(case, id=f"{group}: {name}") for group, cases in GROUPS.items() for name, case in cases.items()]


@pytest.mark.parametrize("case", CASES)
def test_through_nginx(service: Service, case: Case) -> None:
    data, expected, _ = case
    answer = raw.last_of(service.url, data)
    assert (answer.status, answer.code) == expected, answer


@pytest.mark.parametrize("case", CASES)
def test_straight_at_gunicorn(service: Service, case: Case) -> None:
    data, _, expected = case
    answer = raw.last_of(service.app_url, data)
    assert (answer.status, answer.code) == expected, answer


def test_http_0_9_has_no_heads(service: Service) -> None:
    received = raw.send(service.url, b"GET /\r\n")
    assert received.startswith(b'{"success":false,"error":{"code":"%s"' % VERSION[1].encode())
    assert raw.last_of(service.app_url, b"GET /\r\n").code == "bad_request"


def test_a_range_nginx_does_not_have(service: Service) -> None:
    answer = raw.last_of(service.url, oddities.get(b"Range: bytes=9999999-", first=b"GET /static/style.css HTTP/1.1"))
    assert (answer.status, answer.code) == (416, "bad_request")


@pytest.mark.parametrize("straight", [False, True], ids=["nginx", "gunicorn"])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_who_asks_before_sending_a_body_is_told_to(service: Service, straight: bool, chunked: bool) -> None:
    length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(BODY)
    with raw.connect(service.app_url if straight else service.url) as connection:
        connection.sendall(post(b"", length, b"Expect: 100-continue"))
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY) if chunked else BODY)
        (answer,) = raw.answers(raw.read(connection))
    assert (answer.status, answer.code) == NO_PICTURE


def test_who_asks_before_sending_too_much_is_told_not_to(service: Service) -> None:
    for url in (service.url, service.app_url):
        answers = raw.answers(
            raw.send(url, post(b"", b"Content-Length: 99999999", b"Expect: 100-continue"), hang_up=True)
        )
        assert [answer.status for answer in answers] == [413]


@pytest.mark.parametrize("half", [post(BODY, b"Content-Length: 99"), oddities.chunked(b"63\r\n" + BODY)])
def test_a_body_that_ends_early_is_not_taken_for_a_whole_one(service: Service, half: bytes) -> None:
    with raw.connect(service.app_url) as connection:
        connection.sendall(half)
        connection.shutdown(socket.SHUT_WR)
        (answer,) = raw.answers(raw.read(connection))
    assert (answer.status, answer.code) == oddities.BAD


def test_requests_sent_together_are_answered_one_by_one(service: Service) -> None:
    one = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(CAT) + CAT
    two = b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(CAT)
    two += CAT + b"\r\n0\r\n\r\n"
    for url in (service.url, service.app_url):
        answers = raw.answers(raw.send(url, (one + two) * 2 + oddities.get()))
        assert [answer.status for answer in answers] == [200] * 5
        assert all(b"cat" in answer.body for answer in answers[:4])


def test_the_service_is_as_it_was(service: Service) -> None:
    def send_everything() -> None:
        for group in GROUPS.values():
            for data, _, _ in group.values():
                raw.send(service.url, data, hang_up=True)
                raw.send(service.app_url, data, hang_up=True)

    assert_it_stays_as_it_was(service, send_everything, most=30_000_000)

"""Odd, broken and hostile HTTP: each request gets one definite answer, errors in the standard body."""

from __future__ import annotations

import pytest

from tests.live import oddities, oddities_of_heads, raw
from tests.live.endurance import assert_it_stays_as_it_was
from tests.live.oddities import BODY, NOT_AN_IMAGE, VERSION, Case, post
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
def test_odd_request_gets_its_answer(service: Service, case: Case) -> None:
    data, expected = case
    answer = raw.last_of(service.url, data)
    assert (answer.status, answer.code) == expected, answer


def test_http_0_9_gets_the_error_alone(service: Service) -> None:
    received = raw.send(service.url, b"GET /\r\n")
    assert received.startswith(b'{"success":false,"error":{"code":"%s"' % VERSION[1].encode())


def test_range_beyond_a_file_is_refused(service: Service) -> None:
    answer = raw.last_of(service.url, oddities.get(b"Range: bytes=9999999-", first=b"GET /static/style.css HTTP/1.1"))
    assert (answer.status, answer.code) == (416, "bad_request")


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_expect_continue_is_answered_before_the_body(service: Service, chunked: bool) -> None:
    length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(BODY)
    with raw.connect(service.url) as connection:
        connection.sendall(post(b"", length, b"Expect: 100-continue"))
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY) if chunked else BODY)
        (answer,) = raw.answers(raw.read(connection))
    assert (answer.status, answer.code) == NOT_AN_IMAGE


def test_expect_continue_with_too_large_a_body_returns_413(service: Service) -> None:
    request = post(b"", b"Content-Length: 99999999", b"Expect: 100-continue")
    assert [answer.status for answer in raw.answers(raw.send(service.url, request, hang_up=True))] == [413]


@pytest.mark.parametrize("path", [b"/healthz", b"/readyz"])
@pytest.mark.parametrize(
    ("method", "lines", "body", "status"),
    [
        (b"GET", (), b"", 200),
        (b"HEAD", (), b"", 200),
        (b"GET", (b"Content-Length: 0",), b"", 200),
        (b"GET", (b"Content-Length: 5",), b"xxxxx", 400),
        (b"GET", (b"Transfer-Encoding: chunked",), b"0\r\n\r\n", 400),
        (b"POST", (b"Content-Length: 0",), b"", 405),
        (b"DELETE", (), b"", 405),
        (b"OPTIONS", (), b"", 405),
    ],
)
def test_health_check_takes_no_other_method_and_no_body(
    service: Service, path: bytes, method: bytes, lines: tuple[bytes, ...], body: bytes, status: int
) -> None:
    answer = raw.last_of(service.url, oddities.get(*lines, first=method + b" " + path + b" HTTP/1.1") + body)
    assert answer.status == status
    assert answer.headers.get("allow") == ("GET, HEAD" if status == 405 else None)


def test_pipelined_requests_are_answered_one_by_one(service: Service) -> None:
    one = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(CAT) + CAT
    two = b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(CAT)
    two += CAT + b"\r\n0\r\n\r\n"
    answers = raw.answers(raw.send(service.url, (one + two) * 2 + oddities.get()))
    assert [answer.status for answer in answers] == [200] * 5
    assert all(b"cat" in answer.body for answer in answers[:4])


def test_odd_requests_leave_the_service_as_it_was(service: Service) -> None:
    def send_everything() -> None:
        for group in GROUPS.values():
            for data, _ in group.values():
                raw.send(service.url, data, hang_up=True)

    assert_it_stays_as_it_was(service, send_everything, most=30_000_000)

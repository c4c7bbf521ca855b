"""Every failure has the one shape, and says no more than it should."""

from __future__ import annotations

import logging

import pytest
from flask.testing import FlaskClient

from my_inference_app import errors
from my_inference_app.errors import ServiceError
from tests.conftest import FakeClassifier, assert_error
from tests.images import plain_image

CONTRACT = {
    "no_image": (errors.NoImage, 400),
    "bad_request": (errors.BadRequest, 400),
    "urls_disabled": (errors.UrlsDisabled, 400),
    "unauthorized": (errors.Unauthorized, 401),
    "payload_too_large": (errors.PayloadTooLarge, 413),
    "uri_too_long": (errors.AddressTooLong, 414),
    "unsupported_format": (errors.UnsupportedFormat, 415),
    "expectation_failed": (errors.ExpectationFailed, 417),
    "image_undecodable": (errors.ImageUndecodable, 422),
    "image_too_large": (errors.ImageTooLarge, 422),
    "fetch_failed": (errors.FetchFailed, 422),
    "client_gone": (errors.ClientGone, 499),
    "rate_limited": (errors.RateLimited, 429),
    "headers_too_large": (errors.HeadersTooLarge, 431),
    "not_implemented": (errors.NotSupported, 501),
    "not_ready": (errors.NotReady, 503),
    "overloaded": (errors.Overloaded, 503),
    "timeout": (errors.DeadlineExceeded, 504),
    "version_not_supported": (errors.VersionNotSupported, 505),
    "internal_error": (ServiceError, 500),
}
DATA = plain_image()


@pytest.mark.parametrize("code", CONTRACT)
def test_codes_and_statuses_never_change(client: FlaskClient, fake: FakeClassifier, code: str) -> None:
    kind, status = CONTRACT[code]
    for fake.error, fake.unreadable in ((kind("what to do"), {}), (None, {DATA: kind("what to do")})):
        assert assert_error(client.post("/predict", data=DATA), status, code) == "what to do"


def test_every_error_is_in_the_contract() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ServiceError)}
    assert kinds == {kind for kind, _ in CONTRACT.values()}


@pytest.mark.parametrize(("kind", "seconds"), [(errors.NotReady, 2), (errors.Overloaded, 1), (errors.RateLimited, 1)])
def test_when_to_come_back(client: FlaskClient, fake: FakeClassifier, kind: type[ServiceError], seconds: int) -> None:
    fake.error = kind("later")
    assert client.post("/predict", data=DATA).headers["Retry-After"] == str(seconds)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize(
    "path", ["/predictions", "/predict/", "/Predict", "/index.html", "/api/predict", "/%00", "/<script>", "/static"]
)
def test_unknown_paths(client: FlaskClient, method: str, path: str) -> None:
    message = assert_error(client.open(path, method=method), 404, "not_found")
    assert "/predict" in message and "<" not in message


@pytest.mark.parametrize("path", ["none.css", "../server.py", "%2e%2e/server.py", "..%2fserver.py", ""])
def test_unknown_files(client: FlaskClient, path: str) -> None:
    assert_error(client.get(f"/static/{path}"), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/predict", {"POST", "OPTIONS"}),
        ("HEAD", "/predict", {"POST", "OPTIONS"}),
        ("PUT", "/predict", {"POST", "OPTIONS"}),
        ("DELETE", "/predict", {"POST", "OPTIONS"}),
        ("NONSENSE", "/predict", {"POST", "OPTIONS"}),
        ("PUT", "/", {"GET", "HEAD", "POST", "OPTIONS"}),
        ("POST", "/healthz", {"GET", "HEAD", "OPTIONS"}),
        ("POST", "/readyz", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_wrong_methods_are_told_the_right_ones(client: FlaskClient, method: str, path: str, allowed: set[str]) -> None:
    response = client.open(path, method=method)
    assert set(response.headers["Allow"].split(", ")) == allowed
    if method == "HEAD":
        assert (response.status_code, response.data) == (405, b"")
        return
    message = assert_error(response, 405, "method_not_allowed")
    assert all(name in message for name in allowed)


def test_options(client: FlaskClient) -> None:
    response = client.options("/predict")
    assert response.status_code == 200
    assert set(response.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}


@pytest.mark.parametrize(
    "error", [RuntimeError("secret /root/.ssh"), KeyError("secret"), MemoryError("secret"), ZeroDivisionError("secret")]
)
def test_the_unforeseen_is_logged_and_not_told(
    client: FlaskClient, fake: FakeClassifier, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    fake.error = error
    response = client.post("/predict", data=DATA, headers={"X-Request-ID": "find-me"})
    message = assert_error(response, 500, "internal_error")
    assert "secret" not in response.text and type(error).__name__ not in response.text
    assert "request id" in message
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "find-me" in record.getMessage()
    assert record.exc_info and record.exc_info[1] is error


def test_what_was_foreseen_is_not_logged_as_a_failure(
    client: FlaskClient, fake: FakeClassifier, caplog: pytest.LogCaptureFixture
) -> None:
    fake.error = errors.Overloaded("later")
    client.post("/predict", data=DATA)
    client.post("/predict")
    client.get("/nowhere")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_after_a_failure_all_goes_on(client: FlaskClient, fake: FakeClassifier) -> None:
    fake.error = RuntimeError()
    assert_error(client.post("/predict", data=DATA), 500, "internal_error")
    fake.error = None
    assert client.post("/predict", data=DATA).status_code == 200

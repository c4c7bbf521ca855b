"""Every failure has the standard error body, and reveals nothing of the inside."""

from __future__ import annotations

import logging
import re

import pytest
from flask.testing import FlaskClient
from werkzeug import exceptions

from my_inference_app import errors
from my_inference_app.errors import ServiceError
from tests.conftest import FakeClassifier, assert_error
from tests.images import REPOSITORY, plain_image

CONTRACT = {
    "no_image": (errors.NoImage, 400),
    "bad_request": (errors.BadRequest, 400),
    "urls_disabled": (errors.UrlsDisabled, 400),
    "model_not_found": (errors.ModelNotFound, 404),
    "unauthorized": (errors.Unauthorized, 401),
    "forbidden": (errors.Forbidden, 403),
    "conflict": (errors.Conflict, 409),
    "payload_too_large": (errors.PayloadTooLarge, 413),
    "unsupported_format": (errors.UnsupportedFormat, 415),
    "image_undecodable": (errors.ImageUndecodable, 422),
    "image_too_large": (errors.ImageTooLarge, 422),
    "fetch_failed": (errors.FetchFailed, 422),
    "client_gone": (errors.ClientGone, 499),
    "explanation_unavailable": (errors.ExplanationUnavailable, 501),
    "not_calibrated": (errors.NotCalibrated, 501),
    "model_failed": (errors.ModelFailed, 500),
    "not_ready": (errors.NotReady, 503),
    "overloaded": (errors.Overloaded, 503),
    "teaching_busy": (errors.TeachingBusy, 503),
    "storage_full": (errors.StorageFull, 507),
    "timeout": (errors.DeadlineExceeded, 504),
    "internal_error": (ServiceError, 500),
}
OF_THE_FRAMEWORK = {"not_found", "method_not_allowed", "http_error"}
DATA = plain_image()


@pytest.mark.parametrize("code", CONTRACT)
def test_error_of_every_class_has_its_fixed_code_and_status(
    client: FlaskClient, fake: FakeClassifier, code: str
) -> None:
    kind, status = CONTRACT[code]
    for fake.error, fake.unreadable in ((kind("what to do"), {}), (None, {DATA: kind("what to do")})):
        assert assert_error(client.post("/predict", data=DATA), status, code) == "what to do"


def test_contract_contains_every_error_class() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ServiceError)}
    assert kinds == {kind for kind, _ in CONTRACT.values()}


def test_documentation_contains_every_code() -> None:
    document = (REPOSITORY / "docs" / "errors.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+|other) \| `(\w+)` \|", document, re.MULTILINE)
    configuration = (REPOSITORY / "nginx" / "project.conf").read_text("utf-8")
    (of_nginx,) = re.findall(r"^map \$status \$error_code \{\n(.*?)^\}", configuration, re.MULTILINE | re.DOTALL)
    codes = re.findall(r"^ +\w+ (\w+);$", of_nginx, re.MULTILINE)
    assert len(codes) > 10
    assert {code for _, code in rows} == CONTRACT.keys() | OF_THE_FRAMEWORK | set(codes)
    assert {(str(status), code) for code, (_, status) in CONTRACT.items()} <= set(rows)


@pytest.mark.parametrize(("kind", "seconds"), [(errors.NotReady, 2), (errors.Overloaded, 1), (errors.TeachingBusy, 5)])
def test_temporary_error_has_retry_after(
    client: FlaskClient, fake: FakeClassifier, kind: type[ServiceError], seconds: int
) -> None:
    fake.error = kind("later")
    assert client.post("/predict", data=DATA).headers["Retry-After"] == str(seconds)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize(
    "path", ["/predicts", "/predict/", "/Predict", "/index.html", "/api/predict", "/%00", "/<script>", "/static"]
)
def test_unknown_path_returns_404(client: FlaskClient, method: str, path: str) -> None:
    message = assert_error(client.open(path, method=method), 404, "not_found")
    assert "/predict" in message and "<" not in message


@pytest.mark.parametrize("path", ["none.css", "../server.py", "%2e%2e/server.py", "..%2fserver.py", ""])
def test_unknown_static_file_returns_404(client: FlaskClient, path: str) -> None:
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
    ],
)
def test_wrong_method_returns_405_with_the_right_ones(
    client: FlaskClient, method: str, path: str, allowed: set[str]
) -> None:
    response = client.open(path, method=method)
    assert set(response.headers["Allow"].split(", ")) == allowed
    if method == "HEAD":
        assert (response.status_code, response.data) == (405, b"")
        return
    message = assert_error(response, 405, "method_not_allowed")
    assert all(name in message for name in allowed)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v2/models/fake/infer", "OPTIONS, POST"),
        ("HEAD", "/v2/models/fake/infer", "OPTIONS, POST"),
        ("GET", "/v2/models/fake/versions/1/infer", "OPTIONS, POST"),
        ("GET", "/v1/models/fake:predict", "OPTIONS, POST"),
        ("GET", "/v1/models/fake/versions/1:explain", "OPTIONS, POST"),
        ("POST", "/hf/fake/info", "GET, HEAD, OPTIONS"),
    ],
)
def test_wrong_method_at_an_address_of_a_model_returns_405(
    client: FlaskClient, method: str, path: str, allowed: str
) -> None:
    """To the router it is the address of a model called `fake/infer`."""
    response = client.open(path, method=method, data=DATA if method == "POST" else None)
    assert (response.status_code, response.headers["Allow"]) == (405, allowed)
    assert method == "HEAD" or response.get_json()["error"] == f"{method} is not allowed here: use {allowed}"


@pytest.mark.parametrize("path", ["/v2/models/none/infer", "/v2/models/fake/other", "/v1/models/none:predict"])
def test_address_of_no_model_returns_404(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert "there is no model" in response.get_json()["error"]


def test_options_returns_the_methods(client: FlaskClient) -> None:
    response = client.options("/predict")
    assert response.status_code == 200
    assert set(response.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}


@pytest.mark.parametrize(
    "error", [RuntimeError("secret /root/.ssh"), KeyError("secret"), MemoryError("secret"), ZeroDivisionError("secret")]
)
def test_unforeseen_exception_is_logged_and_not_shown(
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


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (exceptions.BadRequest("library text"), "bad_request"),
        (exceptions.BadRequestKeyError("library text"), "bad_request"),
        (exceptions.ClientDisconnected("library text"), "bad_request"),
        (exceptions.SecurityError("library text"), "bad_request"),
        (exceptions.NotFound("library text"), "not_found"),
        (exceptions.MethodNotAllowed(["PUT"], "library text"), "method_not_allowed"),
        (exceptions.RequestEntityTooLarge("library text"), "payload_too_large"),
        (exceptions.UnsupportedMediaType("library text"), "http_error"),
        (exceptions.RequestedRangeNotSatisfiable(None, "bytes", "library text"), "http_error"),
        (exceptions.ImATeapot("library text"), "http_error"),
        (exceptions.InternalServerError("library text"), "http_error"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_error_of_the_framework_is_put_into_our_own_words(
    client: FlaskClient, fake: FakeClassifier, error: exceptions.HTTPException, code: str
) -> None:
    fake.error = error
    response = client.post("/predict", data=DATA)
    message = assert_error(response, error.code or 500, code)
    assert "library text" not in response.text
    assert ": " in message, "the message says what to do"


def test_range_that_cannot_be_served_returns_416(client: FlaskClient) -> None:
    assert_error(client.get("/static/style.css", headers={"Range": "bytes=999999-"}), 416, "http_error")


def test_expected_error_is_not_logged_as_a_failure(
    client: FlaskClient, fake: FakeClassifier, caplog: pytest.LogCaptureFixture
) -> None:
    fake.error = errors.Overloaded("later")
    client.post("/predict", data=DATA)
    client.post("/predict")
    client.get("/nowhere")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_request_after_a_failure_is_answered(client: FlaskClient, fake: FakeClassifier) -> None:
    fake.error = RuntimeError()
    assert_error(client.post("/predict", data=DATA), 500, "internal_error")
    fake.error = None
    assert client.post("/predict", data=DATA).status_code == 200

"""CORS: pages of permitted origins may use the API, and the headers tell the browser so."""

from __future__ import annotations

import pytest

from my_inference_app.errors import Overloaded
from tests.conftest import FakeClassifier, assert_error, client_of

PAGE = "https://page.example"
BOTH = (PAGE, "http://localhost:3000")
PREFLIGHT = {"Origin": PAGE, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
PATHS = {"/predict": {"POST", "OPTIONS"}, "/": {"GET", "HEAD", "POST", "OPTIONS"}}


@pytest.mark.parametrize("origin", [PAGE, "http://localhost:3000"])
def test_permitted_origin_may_read_the_response(fake: FakeClassifier, origin: str) -> None:
    response = client_of(fake, cors_origins=BOTH).post("/predict", data=b"x", headers={"Origin": origin})
    assert response.status_code == 200
    assert response.headers.getlist("Access-Control-Allow-Origin") == [origin]
    exposed = response.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"X-Request-ID", "Inference-Header-Content-Length"} <= set(exposed)
    assert response.headers["Vary"] == "Origin"
    assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize(
    "origin",
    [
        "https://other.example",
        "http://page.example",
        f"{PAGE}.evil.example",
        f"{PAGE}:443",
        "null",
        "",
        "*",
        ", ".join(BOTH),
    ],
)
def test_other_origin_may_not_read_the_response(fake: FakeClassifier, origin: str) -> None:
    client = client_of(fake, cors_origins=BOTH)
    for response in (
        client.post("/predict", data=b"x", headers={"Origin": origin}),
        client.options("/predict", headers={**PREFLIGHT, "Origin": origin}),
        client.get("/static/style.css", buffered=True),
    ):
        assert response.status_code in (200, 204)
        assert "Access-Control-Allow-Origin" not in response.headers
        assert response.headers["Vary"] == "Origin", "a cache must not give this response to a permitted page"


def test_asterisk_permits_every_origin(fake: FakeClassifier) -> None:
    client = client_of(fake, cors_origins=("*",))
    for response in (client.post("/predict", data=b"x", headers={"Origin": PAGE}), client.get("/nothing")):
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "Vary" not in response.headers


def test_cors_is_off_by_default(fake: FakeClassifier) -> None:
    client = client_of(fake)
    for response in (
        client.post("/predict", data=b"x", headers=PREFLIGHT),
        client.options("/predict", headers=PREFLIGHT),
    ):
        assert response.status_code == 200
        assert not [name for name, _ in response.headers if name.startswith("Access-Control-")]
        assert "Vary" not in response.headers


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("keys", [(), (b"secret",)])
def test_preflight_needs_no_key(fake: FakeClassifier, path: str, keys: tuple[bytes, ...]) -> None:
    client = client_of(fake, cors_origins=BOTH, api_keys=keys)
    response = client.options(path, headers=PREFLIGHT)
    assert (response.status_code, response.data) == (204, b"")
    assert response.headers["Access-Control-Allow-Origin"] == PAGE
    assert set(response.headers["Access-Control-Allow-Methods"].split(", ")) == PATHS[path]
    sent = {"Authorization", "Content-Type", "Inference-Header-Content-Length", "X-API-Key", "X-Request-ID"}
    assert set(response.headers["Access-Control-Allow-Headers"].split(", ")) == sent
    assert int(response.headers["Access-Control-Max-Age"]) > 0
    assert response.headers["X-Request-ID"]
    assert fake.images == []


def test_other_request_with_preflight_headers_needs_a_key(fake: FakeClassifier) -> None:
    client = client_of(fake, cors_origins=BOTH, api_keys=(b"secret",))
    assert_error(client.post("/predict", data=b"x", headers=PREFLIGHT), 401, "unauthorized")
    assert_error(client.options("/predict", headers={"Origin": PAGE}), 401, "unauthorized")
    assert fake.images == []


@pytest.mark.parametrize(
    ("path", "status", "code"), [("/nothing", 404, "not_found"), ("/predict", 401, "unauthorized")]
)
def test_permitted_origin_may_read_errors(fake: FakeClassifier, path: str, status: int, code: str) -> None:
    client = client_of(fake, cors_origins=(PAGE,), api_keys=(b"secret",) if status == 401 else ())
    response = client.post(path, data=b"x", headers={"Origin": PAGE})
    assert_error(response, status, code)
    assert response.headers["Access-Control-Allow-Origin"] == PAGE


def test_permitted_origin_may_read_overloaded(fake: FakeClassifier) -> None:
    fake.error = Overloaded("later")
    response = client_of(fake, cors_origins=(PAGE,)).post("/predict", data=b"x", headers={"Origin": PAGE})
    assert_error(response, 503, "overloaded")
    assert response.headers["Access-Control-Allow-Origin"] == PAGE
    assert "Retry-After" in response.headers["Access-Control-Expose-Headers"]


def test_preflight_of_unknown_path_returns_404(fake: FakeClassifier) -> None:
    assert_error(client_of(fake, cors_origins=(PAGE,)).options("/nothing", headers=PREFLIGHT), 404, "not_found")


def test_page_varies_by_accept_and_origin(fake: FakeClassifier) -> None:
    response = client_of(fake, cors_origins=(PAGE,)).get("/", headers={"Origin": PAGE})
    assert {part.strip() for part in response.headers["Vary"].split(",")} == {"Accept", "Origin"}

"""GET / for people and for programs, and the form without JavaScript."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from my_inference_app import errors
from my_inference_app.bundles.bundle import Bundle
from my_inference_app.errors import ServiceError
from my_inference_app.inference.classifier import Prediction
from my_inference_app.server import create_app
from my_inference_app.settings import Settings
from tests.conftest import PREDICTIONS, FakeClassifier, assert_error, client_of, form
from tests.images import plain_image

GREETING = "Hello! Use /predict route to POST your prediction requests."
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
DATA = plain_image()


class Page(HTMLParser):
    """The texts of a page by the class, or else the tag, they are in; and all tags there are."""

    def __init__(self, response: TestResponse) -> None:
        super().__init__()
        assert response.mimetype == "text/html"
        self.texts: dict[str, list[str]] = {}
        self.tags: list[str] = []
        self.attributes: list[dict[str, str | None]] = []
        self._within = ""
        self.feed(response.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.append(dict(attrs))
        self._within = dict(attrs).get("class") or tag

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within:
            self.texts.setdefault(self._within, []).append(data.strip())


def upload(client: FlaskClient, data: bytes = DATA, name: str = "cat.png") -> TestResponse:
    return client.post("/", **form(("image", name, data)))


@pytest.mark.parametrize("accept", [None, "", "*/*", "text/plain", "application/json", "text/*", "image/png"])
def test_a_program_gets_one_line(client: FlaskClient, accept: str | None) -> None:
    response = client.get("/", headers={} if accept is None else {"Accept": accept})
    assert (response.status_code, response.mimetype, response.text) == (200, "text/plain", GREETING)
    assert response.headers["Vary"] == "Accept"


@pytest.mark.parametrize("accept", [BROWSER, "text/html", "text/html;level=1, */*"])
def test_a_browser_gets_the_page(client: FlaskClient, accept: str) -> None:
    response = client.get("/", headers={"Accept": accept})
    assert response.status_code == 200
    assert response.headers["Vary"] == "Accept"
    page = Page(response)
    assert {"form", "input", "button"} <= set(page.tags)
    assert "script" not in page.tags
    form = page.attributes[page.tags.index("form")]
    assert (form["action"], form["method"], form["enctype"]) == ("/", "post", "multipart/form-data")
    assert "fake" in page.texts["footer"][0]
    assert "error" not in page.texts and "li" not in page.tags


def test_what_the_page_refers_to_is_there(client: FlaskClient) -> None:
    page = Page(client.get("/", headers={"Accept": BROWSER}))
    links = [link for attributes in page.attributes if (link := attributes.get("href") or attributes.get("src"))]
    assert "/static/style.css" in links
    assert all(client.get(link, buffered=True).status_code == 200 for link in links)


def test_the_limit_of_the_settings_is_told(fake: FakeClassifier) -> None:
    page = Page(client_of(fake, max_upload_mb=77).get("/", headers={"Accept": BROWSER}))
    assert "77 MB" in page.texts["label"][0]


def test_the_top_five(client: FlaskClient, fake: FakeClassifier) -> None:
    response = upload(client)
    page = Page(response)
    assert response.status_code == 200
    assert (fake.images, fake.top_k) == ([DATA], 5)
    assert page.texts["label"][-5:] == [prediction.label for prediction in PREDICTIONS[:5]]
    assert page.texts["score"] == ["50.0 %", "25.0 %", "12.5 %", "6.2 %", "3.1 %"]
    assert page.texts["h2"] == [PREDICTIONS[0].label]
    assert page.texts["file"] == ["cat.png"]
    assert "error" not in page.texts


def test_a_real_model(tiny: Bundle) -> None:
    client = create_app(Settings(bundle=str(tiny.path))).test_client()
    assert Page(upload(client, plain_image("red"))).texts["h2"] == ["red"]
    assert upload(client, b"text").status_code == 415


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>.png", "'><img src=x onerror=alert(1)>", "{{ 7 * 7 }}", "a&amp;b", "'; --", "猫.jpg"],
)
def test_hostile_file_names_are_only_text(client: FlaskClient, name: str) -> None:
    harmless = Page(upload(client))
    page = Page(upload(client, name=name))
    assert page.texts["file"] == [name]
    assert page.tags == harmless.tags


def test_hostile_labels_and_messages_are_only_text(client: FlaskClient, fake: FakeClassifier) -> None:
    fake.predictions = [Prediction("<script>alert(1)</script>", 1.0, 0)]
    page = Page(upload(client))
    assert page.texts["h2"] == ["<script>alert(1)</script>"]
    fake.error = errors.BadRequest("<script>alert(1)</script>")
    page = Page(upload(client))
    assert page.texts["error"] == ["<script>alert(1)</script>"]
    assert "script" not in page.tags


def test_a_hostile_host_is_only_text(client: FlaskClient) -> None:
    response = client.get("/", headers={"Accept": BROWSER, "Host": '"><script>alert(1)</script>'})
    assert "<script" not in response.text


@pytest.mark.parametrize(
    "error",
    [
        errors.UnsupportedFormat("of what kind is this?"),
        errors.ImageUndecodable("broken"),
        errors.ImageTooLarge("too large"),
        errors.NotReady("starting"),
        errors.Overloaded("busy"),
        errors.DeadlineExceeded("too late"),
    ],
)
def test_an_error_is_on_the_page_with_its_status(
    client: FlaskClient, fake: FakeClassifier, error: ServiceError
) -> None:
    for fake.error, fake.unreadable in ((error, {}), (None, {DATA: error})):
        response = upload(client)
        assert response.status_code == error.status
        assert ("Retry-After" in response.headers) == (error.status == 503)
        page = Page(response)
        assert page.texts["error"] == [str(error)]
        assert "form" in page.tags and "li" not in page.tags


def test_no_file_chosen(client: FlaskClient) -> None:
    response = upload(client, b"", "")
    assert response.status_code == 400
    assert "empty" in Page(response).texts["error"][0]


def test_a_file_that_is_too_large(fake: FakeClassifier) -> None:
    response = client_of(fake, max_upload_mb=1).post("/", data=b"x" * 2_000_000, content_type="image/png")
    assert response.status_code == 413
    assert "too large" in Page(response).texts["error"][0]


def test_the_unforeseen(client: FlaskClient, fake: FakeClassifier) -> None:
    fake.error = RuntimeError("secret")
    assert_error(upload(client), 500, "internal_error")

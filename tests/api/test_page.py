"""GET / for people and for programs, and the form without JavaScript."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from my_inference_app import errors
from my_inference_app.api import static_files
from my_inference_app.api.page import SAMPLES
from my_inference_app.bundles.bundle import Bundle
from my_inference_app.errors import ServiceError
from my_inference_app.inference.answers import Doubts, Prediction
from my_inference_app.server import create_app
from my_inference_app.settings import Settings
from tests.conftest import PREDICTIONS, FakeClassifier, assert_error, client_of, form
from tests.doubtful import WORDED
from tests.images import plain_image
from tests.page import BROWSER, DATA, Page, upload

GREETING = "Hello! Use /predict route to POST your prediction requests."


@pytest.mark.parametrize("accept", [None, "", "*/*", "text/plain", "application/json", "text/*", "image/png"])
def test_get_by_a_program_returns_one_line(client: FlaskClient, accept: str | None) -> None:
    response = client.get("/", headers={} if accept is None else {"Accept": accept})
    assert (response.status_code, response.mimetype, response.text) == (200, "text/plain", GREETING)
    assert response.headers["Vary"] == "Accept"


@pytest.mark.parametrize("accept", [BROWSER["Accept"], "text/html", "text/html;level=1, */*"])
def test_get_by_a_browser_returns_the_form(client: FlaskClient, accept: str) -> None:
    response = client.get("/", headers={"Accept": accept})
    assert response.status_code == 200
    assert response.headers["Vary"] == "Accept"
    page = Page(response)
    assert page.fields == ["model", "image", "image"] and "button" in page.tags
    form = page.attributes[page.tags.index("form")]
    assert (form["action"], form["method"], form["enctype"]) == ("/", "post", "multipart/form-data")
    assert page.texts["only-model"] == ["fake"]
    assert not page.has("result") and "li" not in page.tags


def test_links_of_the_page_are_served(client: FlaskClient) -> None:
    page = Page(client.get("/", headers=BROWSER))
    links = [link for attributes in page.attributes if (link := attributes.get("href") or attributes.get("src"))]
    assert {link.rpartition("/")[2] for link in links} == {
        path.name for path in static_files.FOLDER.iterdir() if not path.name.startswith(static_files.OTHER_PAGES)
    }
    for link in links:
        response = client.get(link, buffered=True)
        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_policy_allows_scripts_of_the_service_and_nothing_inline(client: FlaskClient) -> None:
    response = client.get("/", headers=BROWSER)
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self';")
    page = Page(response)
    scripts = [attributes for tag, attributes in zip(page.tags, page.attributes, strict=True) if tag == "script"]
    assert [attributes["type"] for attributes in scripts if attributes["src"]] == ["module"]
    assert "style" not in page.tags
    assert not [name for attributes in page.attributes for name in attributes if name.startswith(("on", "style"))]


@pytest.mark.parametrize("path", [f"{'0' * 12}/style.css", "style", "../server.py", f"{'0' * 12}/../server.py"])
def test_file_of_another_version_or_folder_returns_404(client: FlaskClient, path: str) -> None:
    assert_error(client.get(f"/static/{path}"), 404, "not_found")


def test_label_of_the_form_shows_max_upload_mb(fake: FakeClassifier) -> None:
    page = Page(client_of(fake, max_upload_mb=77).get("/", headers=BROWSER))
    assert page.texts["formats"] == ["JPEG, PNG, WebP, GIF or BMP, up to 77 MB"]


def test_upload_shows_the_top_five(client: FlaskClient, fake: FakeClassifier) -> None:
    response = upload(client)
    page = Page(response)
    assert response.status_code == 200
    assert (fake.images, fake.top_k) == ([DATA], 5)
    labels = [prediction.label for prediction in PREDICTIONS[:5]]
    assert (page.texts["best"], page.texts["guess"]) == ([labels[0]], labels)
    assert page.texts["score"] == ["50.0 %", "25.0 %", "12.5 %", "6.2 %", "3.1 %"]
    assert page.texts["file"] == ["cat.png"]
    assert page.texts["model-name"] == ["fake, version 1"]
    assert page.texts["timing"] == ["decode 1.5 ms · queue 0.0 ms · compute 20.1 ms"]
    assert page.texts["rest"] == ["All other labels together: 3.1 %"]
    assert page.has("answer") and not page.has("failed")


@pytest.mark.parametrize(
    ("score", "hedge"),
    [(0.99, None), (0.5, None), (0.49, ["Perhaps"]), (0.25, ["Perhaps"]), (0.24, ["Not sure. Perhaps"])],
)
def test_answer_with_a_low_score_is_worded_with_care(
    client: FlaskClient, fake: FakeClassifier, score: float, hedge: list[str] | None
) -> None:
    fake.predictions = [Prediction("something", score, 0)]
    page = Page(upload(client))
    assert page.texts.get("hedge") == hedge
    assert ("note" in page.texts) == (hedge is not None)


@pytest.mark.parametrize(("score", "doubts", "hedge", "note"), WORDED)
def test_doubts_of_a_calibrated_model_are_worded(
    client: FlaskClient, fake: FakeClassifier, score: float, doubts: Doubts, hedge: str, note: str
) -> None:
    fake.predictions, fake.doubts = [Prediction("a cat", score, 0)], doubts
    page = Page(upload(client))
    assert page.texts.get("hedge", [""]) == [hedge]
    assert page.texts.get("note", [""]) == [note]


def test_page_says_whether_images_are_kept(fake: FakeClassifier, tmp_path: Path) -> None:
    for folder, words in (("", "Images are not stored."), (str(tmp_path), "may be kept for review")):
        assert words in client_of(fake, review_dir=folder).get("/", headers=BROWSER).text


def test_sample_is_classified(client: FlaskClient, fake: FakeClassifier) -> None:
    for name in SAMPLES:
        page = Page(client.post("/", headers=BROWSER, **form(("sample", None, name.encode()), ("image", "", b""))))
        assert page.texts["file"] == [name]
        assert fake.images == [(static_files.FOLDER / name).read_bytes()]


@pytest.mark.parametrize("name", ["nothing", "style.css", "../server.py", "/etc/passwd", "\xff"])
def test_unknown_sample_returns_400_on_the_page(client: FlaskClient, fake: FakeClassifier, name: str) -> None:
    response = client.post("/", headers=BROWSER, **form(("sample", None, name.encode())))
    assert response.status_code == 400
    assert "no such sample" in Page(response).texts["message"][0]
    assert fake.images == []


def test_form_names_the_model_that_answers() -> None:
    client = client_of(FakeClassifier("one"), FakeClassifier("two"))
    assert Page(client.get("/", headers=BROWSER)).texts["option"] == ["one", "two"]
    page = Page(client.post("/", headers=BROWSER, **form(("model", None, b"two"), ("image", "cat.png", DATA))))
    assert page.texts["model-name"] == ["two, version 1"]
    chosen = [attributes for attributes in page.attributes if "selected" in attributes]
    assert len(chosen) == 1
    response = client.post("/", headers=BROWSER, **form(("model", None, b"three"), ("image", "cat.png", DATA)))
    assert (response.status_code, "three" in Page(response).texts["message"][0]) == (404, True)


def test_url_field_is_shown_only_where_urls_are_fetched(client: FlaskClient, fake: FakeClassifier) -> None:
    assert "url" not in Page(client.get("/", headers=BROWSER)).fields
    assert "url" in Page(client_of(fake, predict_urls=True).get("/", headers=BROWSER)).fields


def test_upload_shows_the_image_without_storing_it(client: FlaskClient) -> None:
    response = upload(client)
    page = Page(response)
    (source,) = [attributes["src"] for attributes in page.attributes if attributes.get("id") == "preview"]
    assert source and source.startswith("data:image/jpeg;base64,")
    assert "img-src 'self' data: blob:;" in response.headers["Content-Security-Policy"]
    assert response.headers["Cache-Control"] == "no-store"


def test_upload_without_a_possible_preview_shows_predictions(client: FlaskClient, fake: FakeClassifier) -> None:
    page = Page(upload(client, b"only the fake classifier takes this"))
    assert fake.images and page.texts["best"] == [PREDICTIONS[0].label]
    assert not page.has("frame")


def test_upload_with_a_real_model_shows_its_label(tiny: Bundle) -> None:
    client = create_app(Settings(bundle=str(tiny.path))).test_client()
    assert Page(upload(client, plain_image("red"))).texts["best"] == ["red"]
    assert upload(client, b"text").status_code == 415


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>.png", "'><img src=x onerror=alert(1)>", "{{ 7 * 7 }}", "a&amp;b", "'; --", "猫.jpg"],
)
def test_hostile_file_name_is_shown_as_text(client: FlaskClient, name: str) -> None:
    harmless = Page(upload(client))
    page = Page(upload(client, name=name))
    assert page.texts["file"] == [name]
    assert page.tags == harmless.tags


def test_hostile_labels_and_messages_are_shown_as_text(client: FlaskClient, fake: FakeClassifier) -> None:
    fake.predictions = [Prediction("<script>alert(1)</script>", 1.0, 0)]
    page = Page(upload(client))
    assert page.texts["best"] == page.texts["guess"] == ["<script>alert(1)</script>"]
    fake.error = errors.BadRequest("<script>alert(1)</script>")
    page = Page(upload(client))
    assert page.texts["message"] == ["<script>alert(1)</script>"]
    assert page.tags.count("script") == 1


def test_hostile_host_is_shown_as_text(client: FlaskClient) -> None:
    response = client.get("/", headers={**BROWSER, "Host": '"><script>alert(1)</script>'})
    assert "alert(1)</script>" not in response.text


@pytest.mark.parametrize(
    "error",
    [
        errors.UnsupportedFormat("an unknown format"),
        errors.ImageUndecodable("broken"),
        errors.ImageTooLarge("too large"),
        errors.NotReady("starting"),
        errors.Overloaded("busy"),
        errors.DeadlineExceeded("too late"),
    ],
)
def test_error_is_shown_on_the_page_with_its_status(
    client: FlaskClient, fake: FakeClassifier, error: ServiceError
) -> None:
    for fake.error, fake.unreadable in ((error, {}), (None, {DATA: error})):
        response = upload(client)
        assert response.status_code == error.status
        assert ("Retry-After" in response.headers) == (error.status == 503)
        page = Page(response)
        assert page.texts["message"] == [str(error)]
        assert "image" in page.fields and "li" not in page.tags


def test_error_of_an_upload_by_a_program_is_json(client: FlaskClient, fake: FakeClassifier) -> None:
    fake.error = errors.Overloaded("busy")
    response = client.post("/", **form(("image", "cat.png", DATA)))
    assert assert_error(response, 503, "overloaded") == "busy"
    assert response.headers["Vary"] == "Accept"


def test_form_without_a_file_returns_400_on_the_page(client: FlaskClient) -> None:
    response = upload(client, b"", "")
    assert response.status_code == 400
    assert "empty" in Page(response).texts["message"][0]


def test_upload_over_the_limit_returns_413_on_the_page(fake: FakeClassifier) -> None:
    for client in (client_of(fake, max_upload_mb=1), client_of(fake, max_upload_mb=1, api_keys=(b"secret",))):
        response = upload(client, bytes(2_000_000))
        assert response.status_code == 413
        page = Page(response)
        assert page.texts["message"] == ["the request is larger than 1 MB: send fewer or smaller images"]
        assert "form" in page.tags


def test_unforeseen_error_returns_500_on_the_page_with_the_request_id(
    client: FlaskClient, fake: FakeClassifier, caplog: pytest.LogCaptureFixture
) -> None:
    fake.error = RuntimeError("secret")
    response = upload(client)
    assert response.status_code == 500
    page = Page(response)
    assert "something went wrong" in page.texts["message"][0]
    assert page.texts["request-id"][0] == response.headers["X-Request-ID"]
    assert "secret" not in response.text
    assert response.headers["X-Request-ID"] in caplog.text


def test_wrong_method_returns_405_json(client: FlaskClient) -> None:
    assert_error(client.put("/", headers=BROWSER), 405, "method_not_allowed")

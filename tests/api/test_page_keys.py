"""The page of a service with API keys: the form has a field for the key, and reveals nothing without one."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.conftest import PREDICTIONS, FakeClassifier, assert_error, client_of, form
from tests.page import BROWSER, DATA, Page, upload

WRONG_KEY = "The API key is missing or wrong: enter a key of this service."


@pytest.fixture
def keyed(fake: FakeClassifier) -> FlaskClient:
    return client_of(fake, api_keys=(b"secret", "schlüssel".encode()))


def test_form_of_a_service_with_keys_shows_a_key_field_and_nothing_else(keyed: FlaskClient) -> None:
    response = keyed.get("/", headers=BROWSER)
    assert response.status_code == 200
    page = Page(response)
    assert page.fields == ["model", "api_key", "image", "image"]
    (field,) = [attributes for attributes in page.attributes if attributes.get("name") == "api_key"]
    assert (field["type"], field["autocomplete"]) == ("password", "off")
    assert "value" not in field
    assert "fake" not in response.text and "/predict" not in response.text
    assert not page.has("result")
    for link in (attributes.get("src") for attributes in page.attributes):
        assert not link or keyed.get(link, buffered=True).status_code == 200
    assert keyed.get("/static/style.css", buffered=True).status_code == 200


@pytest.mark.parametrize("key", ["secret", " secret\r\n", "schlüssel"])
def test_upload_with_a_key_in_the_form_shows_predictions(keyed: FlaskClient, fake: FakeClassifier, key: str) -> None:
    response = upload(keyed, key=key)
    assert response.status_code == 200
    page = Page(response)
    assert page.texts["best"] == [PREDICTIONS[0].label]
    assert page.texts["only-model"] == ["fake"]
    assert fake.images == [DATA]
    assert "secret" not in response.text


@pytest.mark.parametrize("key", [None, "", "wrong", "secret, schlüssel", "secre"])
def test_upload_without_a_right_key_returns_401_on_the_page(
    keyed: FlaskClient, fake: FakeClassifier, key: str | None
) -> None:
    response = upload(keyed, key=key)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    page = Page(response)
    assert page.texts["message"] == [WRONG_KEY]
    assert page.fields == ["model", "api_key", "image", "image"]
    assert "fake" not in response.text
    assert fake.images == []


def test_malformed_form_without_a_key_shows_no_model(keyed: FlaskClient) -> None:
    response = keyed.post("/", headers=BROWSER, data=b"x", content_type="multipart/form-data; boundary=b")
    assert response.status_code == 400
    assert "fake" not in response.text


def test_key_in_the_form_counts_on_the_page_only(keyed: FlaskClient, fake: FakeClassifier) -> None:
    sent = form(("api_key", None, b"secret"), ("image", "cat.png", DATA))
    assert_error(keyed.post("/predict", **sent), 401, "unauthorized")
    assert fake.images == []


def test_program_without_a_key_gets_401_json(keyed: FlaskClient) -> None:
    for response in (keyed.get("/"), keyed.post("/", **form(("image", "cat.png", DATA)))):
        assert "X-API-Key" in assert_error(response, 401, "unauthorized")


def test_key_in_a_header_shows_the_model_on_the_page(keyed: FlaskClient) -> None:
    response = keyed.get("/", headers={**BROWSER, "X-API-Key": "secret"})
    assert Page(response).texts["only-model"] == ["fake"]

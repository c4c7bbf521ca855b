"""The ML backend API of Label Studio, with requests as Label Studio sends them."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from my_inference_app.errors import ImageUndecodable, Overloaded
from my_inference_app.inference.answers import Prediction
from tests.conftest import FakeClassifier, client_of
from tests.images import plain_image
from tests.remote import Remote, allowing, http, moved

CONFIG = """<View>
  <Header value="Which animal is it?"/>
  <Image name="photo" value="$image" zoom="true"/>
  <Choices name="animal" toName="photo" choice="single" showInLine="true">
    <Choice value="Cat"/>
    <Choice value="Dog" alias="dog"/>
    <Choice value="Something else"/>
  </Choices>
</View>"""
PROJECT = {"project": "7.1764565000", "label_config": CONFIG}
PARAMS = {"login": None, "password": None, "context": None}
DATA = plain_image()
TOKEN = "0123456789abcdef"


def task(image: str, number: int = 1) -> dict[str, Any]:
    """As Label Studio 1.x sends it."""
    return {
        "id": number,
        "data": {"image": image},
        "meta": {},
        "created_at": "2026-11-30T09:00:00.000000Z",
        "updated_at": "2026-11-30T09:00:00.000000Z",
        "is_labeled": False,
        "overlap": 1,
        "inner_id": number,
        "total_annotations": 0,
        "cancelled_annotations": 0,
        "total_predictions": 0,
        "comment_count": 0,
        "unresolved_comment_count": 0,
        "last_comment_updated_at": None,
        "project": 7,
        "updated_by": None,
        "file_upload": number,
        "comment_authors": [],
        "annotations": [],
        "predictions": [],
    }


def inline(data: bytes = DATA) -> str:
    return f"data:image/png;base64,{b64encode(data).decode()}"


def predict(client: FlaskClient, *images: str, path: str = "/label-studio/predict", **change: Any) -> TestResponse:
    tasks = [task(image, number) for number, image in enumerate(images, 1)]
    return client.post(path, json={"tasks": tasks, "model_version": None, **PROJECT, "params": PARAMS, **change})


def setup(client: FlaskClient, schema: object = CONFIG) -> TestResponse:
    body = {
        "project": "7.1764565000",
        "schema": schema,
        "hostname": "http://127.0.0.1:9",
        "access_token": "of-a-user",
        "extra_params": None,
    }
    return client.post("/label-studio/setup", json=body)


def error_of(response: TestResponse, status: int) -> str:
    assert response.status_code == status, response.text
    body = response.get_json()
    assert set(body) == {"error"} and body["error"]
    return str(body["error"])


@pytest.fixture
def fake() -> FakeClassifier:
    return FakeClassifier(
        predictions=[
            Prediction("fox", 0.4, 0),
            Prediction("tiger cat", 0.2, 1),
            Prediction("dog, hound", 0.3, 2),
            Prediction("Egyptian  CAT, cat", 0.1, 3),
        ]
    )


@pytest.fixture
def studio(fake: FakeClassifier, remote: Remote) -> FlaskClient:
    """A client of a service that belongs to a Label Studio, which needs its token."""
    remote.answers["/data/upload/7/cat.png"] = http(DATA)
    return client_of(fake, label_studio_url=remote.url, label_studio_token=TOKEN)


def test_health_says_that_it_is_up(client: FlaskClient) -> None:
    for path in ("/label-studio/health", "/label-studio/fake/health"):
        assert client.get(path).get_json() == {"status": "UP", "model_class": "fake"}


def test_setup_accepts_a_configuration_with_an_image_and_a_choice(client: FlaskClient) -> None:
    assert setup(client).get_json() == {"model_version": "fake 1"}


def test_prediction_is_the_likeliest_choice(client: FlaskClient) -> None:
    response = predict(client, inline())
    region = {
        "from_name": "animal",
        "to_name": "photo",
        "type": "choices",
        "value": {"choices": ["dog"]},
        "score": pytest.approx(0.3),
    }
    found = {"result": [region], "score": pytest.approx(0.3), "model_version": "fake 1"}
    assert response.get_json() == {"results": [found], "model_version": "fake 1"}


def test_choice_gets_the_probability_of_all_classes_that_it_names(client: FlaskClient, fake: FakeClassifier) -> None:
    fake.predictions = [Prediction("cat", 0.3, 0), Prediction("dog", 0.4, 1), Prediction("lion, cat", 0.3, 2)]
    (found,) = predict(client, inline()).get_json()["results"]
    assert found["result"][0]["value"] == {"choices": ["Cat"]}
    assert found["score"] == pytest.approx(0.6)


def test_choices_that_a_task_brings_along_are_any_label(client: FlaskClient) -> None:
    config = '<View><Image name="i" value="$image"/><Choices name="c" toName="i" value="$options"/></View>'
    (found,) = predict(client, inline(), label_config=config).get_json()["results"]
    assert found["result"][0]["value"] == {"choices": ["fox"]}


def test_another_model_has_an_address_of_its_own(fake: FakeClassifier) -> None:
    other = FakeClassifier("some/other", "2", predictions=fake.predictions)
    client = client_of(fake, other)
    assert (
        predict(client, inline(), path="/label-studio/some/other/predict").get_json()["model_version"] == "some/other 2"
    )
    assert "fake" in error_of(predict(client, inline(), path="/label-studio/none/predict"), 404)


def test_more_tasks_than_images_in_a_request_are_all_answered(fake: FakeClassifier) -> None:
    results = predict(client_of(fake, max_images=2), *[inline()] * 5).get_json()["results"]
    assert [found["result"][0]["value"]["choices"] for found in results] == [["dog"]] * 5
    assert predict(client_of(fake)).get_json() == {"results": [], "model_version": "fake 1"}


def test_task_that_fails_leaves_the_others_their_predictions(client: FlaskClient, fake: FakeClassifier) -> None:
    fake.unreadable = {b"bad": ImageUndecodable("the image is damaged")}
    images = [inline(b"bad"), inline(), "data:image/png;base64,???", "https://example.com/a.jpg", "", inline()]
    results = predict(client, *images).get_json()["results"]
    assert [bool(found["result"]) for found in results] == [False, True, False, False, False, True]
    assert results[0]["error"] == "the image is damaged"
    assert "PREDICT_URLS" in results[3]["error"]
    assert all(found["error"] and found["score"] == 0 for found in results if not found["result"])


def test_only_task_that_fails_is_an_error(client: FlaskClient, fake: FakeClassifier) -> None:
    fake.unreadable = {b"bad": ImageUndecodable("the image is damaged")}
    assert error_of(predict(client, inline(b"bad")), 422) == "the image is damaged"
    fake.error = Overloaded("later")
    assert error_of(predict(client, inline()), 503) == "later"


@pytest.mark.parametrize("base", ["", "with its own address"])
def test_uploaded_image_is_fetched_from_label_studio_with_its_token(
    studio: FlaskClient, fake: FakeClassifier, remote: Remote, base: str
) -> None:
    address = f"{remote.url if base else ''}/data/upload/7/cat.png"
    assert predict(studio, address).status_code == 200
    assert fake.images == [DATA]
    (head,) = remote.heads
    assert f"\r\nAuthorization: Token {TOKEN}\r\n" in head


def test_odd_name_of_an_uploaded_image_is_encoded(studio: FlaskClient, remote: Remote) -> None:
    remote.answers["/data/upload/7/1a2b-K%C3%A4tzchen%20(1).png"] = http(DATA)
    for name in ("1a2b-Kätzchen (1).png", "1a2b-K%C3%A4tzchen%20(1).png"):
        assert predict(studio, f"/data/upload/7/{name}").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "../../api/projects",
        "7/%2e%2e/%2E%2e/api",
        "7/..%2f..%2fapi",
        "7/%252e%252e/api",
        "7/..\\..\\api",
        "7//x",
        "",
        "7/a?b=c",
        "7/a#b",
    ],
)
def test_address_that_leads_elsewhere_in_label_studio_is_refused(
    studio: FlaskClient, remote: Remote, path: str
) -> None:
    response = predict(studio, f"/data/upload/{path}")
    if response.status_code == 422:  # the characters were encoded, and there is no such file
        assert all(path.startswith("/data/upload/") for path in remote.paths)
        return
    error_of(response, 400)
    assert remote.heads == []


def test_token_is_not_sent_after_a_redirect_to_another_server(studio: FlaskClient, remote: Remote) -> None:
    """localhost is another name, so it counts as another server, which happens to be at the same address here."""
    remote.answers["/data/upload/7/moved.png"] = moved(f"http://localhost:{remote.port}/cat")
    assert predict(studio, "/data/upload/7/moved.png").status_code == 200
    first, second = remote.heads
    assert TOKEN in first and "Authorization" not in second


def test_redirect_into_the_network_is_refused(studio: FlaskClient, remote: Remote) -> None:
    remote.answers["/data/upload/7/moved.png"] = moved(f"http://127.0.0.2:{remote.port}/cat")
    assert "cannot be fetched" in error_of(predict(studio, "/data/upload/7/moved.png"), 422)


@pytest.mark.parametrize("address", ["http://localhost:{}", "http://127.0.0.1:{}0", "http://127.0.0.1:{}@example.com"])
def test_address_that_resembles_label_studio_gets_no_token(studio: FlaskClient, remote: Remote, address: str) -> None:
    found = predict(studio, f"{address.format(remote.port)}/data/upload/7/cat.png")
    assert "PREDICT_URLS" in error_of(found, 400)
    assert remote.heads == []


def test_address_outside_label_studio_is_fetched_under_the_rules_of_urls(fake: FakeClassifier, remote: Remote) -> None:
    client = client_of(fake, **allowing(remote, label_studio_url="http://127.0.0.2", label_studio_token=TOKEN))
    assert predict(client, f"{remote.url}/cat").status_code == 200
    assert TOKEN not in remote.heads[0]
    assert "cannot be fetched" in error_of(predict(client, f"http://127.0.0.1:{remote.port + 1}/cat"), 422)


def test_uploaded_image_without_an_address_of_label_studio_says_what_to_set(client: FlaskClient) -> None:
    assert "LABEL_STUDIO_URL" in error_of(predict(client, "/data/upload/7/cat.png"), 400)


def test_host_and_token_of_setup_are_not_used(studio: FlaskClient, remote: Remote) -> None:
    assert setup(studio).status_code == 200
    assert predict(studio, "/data/upload/7/cat.png").status_code == 200
    assert TOKEN in remote.heads[0] and "of-a-user" not in remote.heads[0]


def test_api_key_is_accepted_as_the_password_of_basic_authentication(fake: FakeClassifier) -> None:
    client = client_of(fake, api_keys=(b"a-key",))
    for user, password, status in (("label-studio", "a-key", 200), ("", "a-key", 200), ("a-key", "wrong", 401)):
        answer = client.get("/label-studio/health", auth=(user, password))
        assert answer.status_code == status
    error_of(client.get("/label-studio/health"), 401)
    for header in ("Basic", "Basic ???", "Basic YS1rZXk="):
        error_of(client.get("/label-studio/health", headers={"Authorization": header}), 401)


IMAGE = '<Image name="i" value="$image"/>'
CHOICES = '<Choices name="c" toName="i"><Choice value="cat"/></Choices>'
BOMB = '<!DOCTYPE v [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
FILE = '<!DOCTYPE v [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (None, "there is no labelling configuration"),
        ("  ", "there is no labelling configuration"),
        (7, "there is no labelling configuration"),
        ("<View>", "not well-formed"),
        ("nonsense", "not well-formed"),
        ("\0", "not well-formed"),
        (f"{BOMB}<View>{IMAGE}{CHOICES}&b;</View>", "no DTD"),
        (f"{FILE}<View>{IMAGE}{CHOICES}&a;</View>", "no DTD"),
        ('<!DOCTYPE v SYSTEM "http://127.0.0.1/x.dtd"><View/>', "no DTD"),
        ("<View/>", "0 Image and 0 Choices"),
        (f"<View>{IMAGE}</View>", "1 Image and 0 Choices"),
        (f"<View>{IMAGE}{IMAGE}{CHOICES}</View>", "2 Image and 1 Choices"),
        (f"<View>{IMAGE}{CHOICES}{CHOICES}</View>", "1 Image and 2 Choices"),
        (f"<View>{IMAGE}{CHOICES.replace('toName=', 'x=')}</View>", "toName"),
        (f"<View>{IMAGE}{CHOICES.replace('i', 'j')}</View>", "toName|Choices"),
        (f"<View>{IMAGE.replace('$image', 'image')}{CHOICES}</View>", "the value of Image"),
        (f"<View>{IMAGE}{CHOICES.replace('cat', 'zebra')}</View>", "none of the choices"),
        ("<View>" * 50_000 + IMAGE + CHOICES + "</View>" * 50_000, None),
        (f"<View>{' ' * 1_000_001}</View>", "1000000 are allowed"),
        (f"<View>{IMAGE}{CHOICES.replace('</Choices>', '<Choice/>' * 2000 + '</Choices>')}</View>", "more than 2000"),
    ],
)
def test_hostile_or_unusable_configuration_is_refused(client: FlaskClient, config: object, reason: str | None) -> None:
    for response in (setup(client, config), predict(client, inline(), label_config=config)):
        if reason is None:  # deep, and good
            assert response.status_code == 200
        else:
            assert any(part in error_of(response, 400) for part in reason.split("|"))


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"null", b'{"tasks": {}}', b'{"tasks": null}', b'{"tasks": [1, null, {}]}']
)
def test_malformed_request_is_refused(client: FlaskClient, body: bytes) -> None:
    assert error_of(client.post("/label-studio/predict", data=body, content_type="application/json"), 400)


def test_too_many_tasks_are_refused(client: FlaskClient) -> None:
    body = {"tasks": [1] * 1001, **PROJECT}
    assert "1000 at most" in error_of(client.post("/label-studio/predict", json=body), 400)


@pytest.mark.parametrize("wrong", [1, None, {}, {"data": 1}, {"data": {"image": 1}}, {"data": {"picture": "x"}}])
def test_task_without_its_image_is_an_error_of_its_own(client: FlaskClient, wrong: object) -> None:
    body = {"tasks": [wrong, task(inline())], **PROJECT}
    bad, good = client.post("/label-studio/predict", json=body).get_json()["results"]
    assert "`image`" in bad["error"] and good["result"]


def test_unknown_address_and_method_have_errors_of_this_protocol(client: FlaskClient) -> None:
    error_of(client.post("/label-studio/nothing"), 404)
    error_of(client.get("/label-studio/predict"), 405)

"""POST /label-studio/webhook: what Label Studio says of annotations becomes photos of classes."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from my_inference_app.bundles.bundle import Bundle
from tests.conftest import FakeClassifier, client_of
from tests.images import plain_image

CONFIGURATION = (
    '<View><Image name="photo" value="$image"/><Choices name="animal" toName="photo">'
    '<Choice value="cat"/><Choice value="dog"/></Choices></View>'
)
RED, GREEN = plain_image("red"), plain_image("green")

Event = dict[str, Any]


def inline(data: bytes) -> str:
    return f"data:image/png;base64,{b64encode(data).decode()}"


def event(choice: str = "cat", image: object = inline(RED), action: str = "ANNOTATION_CREATED") -> Event:
    """As Label Studio sends it, which says more than is used."""
    region = {"from_name": "animal", "to_name": "photo", "type": "choices", "value": {"choices": [choice]}, "id": "x1"}
    return {
        "action": action,
        "annotation": {"id": 7, "task": 3, "was_cancelled": False, "lead_time": 2.5, "result": [region]},
        "task": {"id": 3, "data": {"image": image}, "meta": {}},
        "project": {"id": 1, "title": "Pets", "label_config": CONFIGURATION},
    }


@pytest.fixture
def client(fake: FakeClassifier, colours: Bundle, tmp_path: Path) -> FlaskClient:
    settings = {"models_dir": tmp_path / "models", "bundle": str(colours.path), "teach_store": tmp_path / "store"}
    return client_of(fake, teach=True, **settings)


@pytest.mark.parametrize("address", ["/label-studio/pets/webhook", "/label-studio/webhook?model=pets"])
def test_annotation_becomes_a_photo_of_its_class(client: FlaskClient, address: str) -> None:
    body = client.post(address, json=event()).get_json()
    assert body == {"action": "ANNOTATION_CREATED", "name": "pets", "label": "cat", "classes": {"cat": 1}}
    assert client.get("/teach/pets").get_json()["classes"] == {"cat": 1}


def test_correction_moves_the_photo(client: FlaskClient) -> None:
    client.post("/label-studio/pets/webhook", json=event())
    body = client.post("/label-studio/pets/webhook", json=event("dog", action="ANNOTATION_UPDATED")).get_json()
    assert body["classes"] == {"dog": 1}
    client.post("/label-studio/pets/webhook", json=event())
    client.post("/label-studio/pets/webhook", json=event("cat", inline(GREEN)))
    body = client.post("/label-studio/pets/webhook", json=event("dog", action="ANNOTATION_UPDATED")).get_json()
    assert body["classes"] == {"cat": 1, "dog": 1}


@pytest.mark.parametrize("action", ["ANNOTATIONS_DELETED", "TASKS_CREATED", "PROJECT_UPDATED", "SOMETHING_NEW"])
def test_other_event_teaches_nothing(client: FlaskClient, action: str) -> None:
    body = client.post("/label-studio/pets/webhook", json={"action": action}).get_json()
    assert body == {"action": action, "name": "pets", "label": None, "classes": {}}


def test_skipped_task_teaches_nothing(client: FlaskClient) -> None:
    skipped = event()
    skipped["annotation"]["was_cancelled"] = True
    assert client.post("/label-studio/pets/webhook", json=skipped).get_json()["label"] is None


def without(name: str) -> Event:
    return {key: value for key, value in event().items() if key != name}


def spoiled(change: Callable[[Event], object]) -> Event:
    found = event()
    change(found)
    return found


BAD: dict[str, tuple[object, int]] = {
    "not an object": ([], 400),
    "no action": ({}, 400),
    "no payload": ({"action": "ANNOTATION_CREATED"}, 400),
    "no task": (without("task"), 400),
    "no project": (without("project"), 400),
    "two choices": (spoiled(lambda it: it["annotation"]["result"][0]["value"]["choices"].append("dog")), 400),
    "no choice": (spoiled(lambda it: it["annotation"]["result"].clear()), 400),
    "a choice of another control": (spoiled(lambda it: it["annotation"]["result"][0].update(from_name="x")), 400),
    "a result of another kind": (spoiled(lambda it: it["annotation"].update(result={"a": 1})), 400),
    "a class that is a path": (event("../../cat"), 400),
    "an image from elsewhere": (event(image="http://example.com/cat.png"), 400),
    "a file of this machine": (event(image="file:///etc/passwd"), 400),
    "an upload without a Label Studio": (event(image="/data/upload/1/cat.png"), 400),
    "not an image": (event(image="data:image/png;base64,AAAA"), 415),
    "no image": (event(image=None), 400),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_event_is_refused_in_the_shape_of_label_studio(client: FlaskClient, name: str) -> None:
    body, status = BAD[name]
    response = client.post("/label-studio/pets/webhook", json=body)
    assert response.status_code == status, response.text
    assert list(response.get_json()) == ["error"]
    assert client.get("/teach/pets").status_code == 404


@pytest.mark.parametrize(
    "address", ["/label-studio/webhook", "/label-studio/Pets/webhook", "/label-studio/a%2Fb/webhook"]
)
def test_address_must_name_a_model(client: FlaskClient, address: str) -> None:
    assert client.post(address, json=event()).status_code in (400, 404)

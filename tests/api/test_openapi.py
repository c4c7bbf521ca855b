"""/openapi.json is made from the routes: nothing is missing, and its types and examples are true."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient

from my_inference_app.api.operation import operation_of
from my_inference_app.api.schemas import Schemas
from my_inference_app.inference.registry import of
from my_inference_app.server import create_app
from my_inference_app.settings import Settings
from tests.conftest import FakeClassifier, client_of
from tests.page import BROWSER


@pytest.fixture
def app() -> Flask:
    return create_app(Settings(), of(FakeClassifier()))


def document(client: FlaskClient) -> Any:
    return client.get("/openapi.json").get_json()


def test_document_describes_every_route(app: Flask) -> None:
    undescribed = {
        rule.rule for rule in app.url_map.iter_rules() if operation_of(app.view_functions[rule.endpoint]) is None
    }
    assert undescribed == {"/static/<path:filename>", "/static/<string(length=12):version>/<filename>"}


def test_document_is_valid_openapi(app: Flask) -> None:
    schema = schemathesis.openapi.from_dict(document(app.test_client()))
    schema.validate()
    assert schema.specification.version == "3.1.0"


def test_every_body_in_json_has_an_example(client: FlaskClient) -> None:
    for path, methods in document(client)["paths"].items():
        for operation in methods.values():
            for media_type, body in operation.get("requestBody", {}).get("content", {}).items():
                assert media_type != "application/json" or "example" in body, path


def test_keys_are_described_where_they_are_set() -> None:
    keyed = client_of(FakeClassifier(), api_keys=(b"secret",))
    body = keyed.get("/openapi.json", headers={"X-API-Key": "secret"}).get_json()
    assert body["security"] == [{"bearer": []}, {"header": []}]
    assert "401" in body["paths"]["/predict"]["post"]["responses"]


def test_page_shows_every_operation_and_loads_nothing_from_elsewhere(client: FlaskClient) -> None:
    response = client.get("/docs", headers=BROWSER)
    assert response.status_code == 200
    for methods in document(client)["paths"].values():
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in response.text
    assert "http://" not in response.text and "https://" not in response.text
    assert "script" not in response.text.lower()
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")


class _Leaf(TypedDict):
    value: float | None
    note: NotRequired[str]


class _Tree(TypedDict):
    leaves: list[_Leaf]
    by_name: dict[str, list[int]]
    more: NotRequired[list[_Tree]]


def test_types_become_schemas() -> None:
    schemas = Schemas()
    assert schemas.of(_Tree) == {"$ref": "#/components/schemas/_Tree"}
    assert schemas.components["_Leaf"] == {
        "type": "object",
        "properties": {"value": {"anyOf": [{"type": "number"}, {"type": "null"}]}, "note": {"type": "string"}},
        "required": ["value"],
    }
    tree = schemas.components["_Tree"]
    assert tree["required"] == ["by_name", "leaves"]
    assert tree["properties"]["more"] == {"type": "array", "items": {"$ref": "#/components/schemas/_Tree"}}
    assert tree["properties"]["by_name"]["additionalProperties"] == {"type": "array", "items": {"type": "integer"}}


def test_type_without_a_schema_is_refused() -> None:
    with pytest.raises(TypeError, match="has no JSON schema here"):
        Schemas().of(complex)

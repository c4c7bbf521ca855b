"""GET /openapi.json, made from the routes and what is written beside them, and GET /docs, the same as a page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, make_response, render_template
from markupsafe import Markup, escape
from werkzeug.routing import Rule

from .. import __version__
from . import static_files
from .context import settings
from .errors import Error
from .operation import JSON, Body, Operation, Parameter, operation, operation_of
from .schemas import Schemas

blueprint = Blueprint("openapi", __name__)

_CONVERTER = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")
_CODE = re.compile(r"`([^`]+)`")
_METHODS = ("GET", "POST", "PUT", "DELETE", "OPTIONS")
_SECURITY: list[dict[str, list[str]]] = [{"bearer": []}, {"header": []}]
_DESCRIPTION = (
    "An image-classification server. Every error has a status, a code that never changes, and a message that says "
    "what to do. nginx answers /healthz and /readyz."
)
# Page and static files are for people.
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@blueprint.get("/openapi.json")
@operation(Operation("This document", "Service", {JSON: dict[str, Any]}))
def document() -> Response:
    return jsonify(describe())


@blueprint.get("/docs")
@operation(Operation("This document as a page", "Service", {"text/html": str}))
def page() -> Response:
    found = describe()
    tags: dict[str, list[tuple[str, str, Any]]] = {}
    for path, methods in found["paths"].items():
        for method, described in methods.items():
            tags.setdefault(described["tags"][0], []).append((path, method, described))
    response = make_response(
        render_template("docs.html", document=found, tags=tags, static_file=static_files.addresses())
    )
    response.headers["Content-Security-Policy"] = _POLICY
    return response


def describe() -> dict[str, Any]:
    schemas = Schemas()
    paths: dict[str, Any] = {}
    for rule in sorted(current_app.url_map.iter_rules(), key=lambda rule: rule.rule):
        described = operation_of(current_app.view_functions[rule.endpoint])
        if described is None:
            continue
        for method in _METHODS:
            if method in (rule.methods or ()) and (method != "OPTIONS" or rule.methods == {"OPTIONS"}):
                path = _CONVERTER.sub(r"{\1}", rule.rule)
                paths.setdefault(path, {})[method.lower()] = _operation(rule, method, described, schemas)
    components: dict[str, Any] = {"schemas": schemas.components}
    body: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "my_inference_app", "version": __version__, "description": _DESCRIPTION},
        "paths": paths,
        "components": components,
    }
    if settings().keys or settings().teaching_keys:
        components["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        }
    if settings().keys:
        body["security"] = _SECURITY
    return body


def _operation(rule: Rule, method: str, described: Operation, schemas: Schemas) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": f"{method.lower()}_{re.sub(r'[^a-z0-9]+', '_', rule.rule.lower()).strip('_') or 'root'}",
        "summary": described.summary,
        "tags": [described.tag],
        "parameters": list(_parameters(rule, described, schemas)),
        "responses": _responses(rule, method, described, schemas),
    }
    if described.taught and settings().teaching_keys:
        found["security"] = _SECURITY
    if described.bodies:
        found["requestBody"] = {
            "required": True,
            "content": {body.media_type: _content(body, schemas) for body in described.bodies},
        }
    return found


def _parameters(rule: Rule, described: Operation, schemas: Schemas) -> Iterator[dict[str, Any]]:
    for name in _CONVERTER.findall(rule.rule):
        example = described.path_examples.get(name)
        yield _parameter(Parameter(name, _PATH_HELP.get(name, name), example=example, place="path"), schemas)
    for parameter in described.parameters:
        yield _parameter(parameter, schemas)


_PATH_HELP = {
    "name": "name of a model, as in `GET /models`",
    "version": "version of the model",
    "taught": "name of a model that is taught",
    "label": "name of a class",
    "photo": "id of a photo: its SHA-256",
}


def _parameter(parameter: Parameter, schemas: Schemas) -> dict[str, Any]:
    found = {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.help,
        "required": parameter.place == "path",
        "schema": parameter.kind if isinstance(parameter.kind, dict) else schemas.of(parameter.kind),
    }
    return found if parameter.example is None else {**found, "example": parameter.example}


def _content(body: Body, schemas: Schemas) -> dict[str, Any]:
    found: dict[str, Any] = {"schema": body.kind if isinstance(body.kind, dict) else schemas.of(body.kind)}
    if body.example is not None:
        found["example"] = body.example
    return found


def _responses(rule: Rule, method: str, described: Operation, schemas: Schemas) -> dict[str, Any]:
    content = {media_type: {"schema": schemas.of(kind)} for media_type, kind in described.answers.items()}
    found: dict[str, Any] = {str(described.status): {"description": "the answer", "content": content}}
    common = [405, *((401, 403) if described.taught else ())]
    if rule.arguments:
        common.append(404)
    if settings().keys:
        common.append(401)
    if method in ("POST", "PUT"):
        common += [400, 413, 429, 499, 500, 502, 503, 504]
    error = {JSON: {"schema": schemas.of(described.error or Error)}}
    for status in sorted({*common, *described.statuses}):
        found[str(status)] = {"description": _REASONS[status], "content": error}
    return found


_REASONS = {
    400: "the request is malformed: the message says where",
    401: "a key is needed, or is wrong",
    403: "this client may not teach",
    404: "there is no such model or version",
    405: "the method is not allowed here",
    406: "the answer cannot be given in the form asked for",
    409: "the request contradicts what is there already",
    413: "the request is too large",
    415: "the bytes are not an image in a supported format",
    422: "the image is damaged or too large, or could not be fetched",
    429: "too many requests: try again after the seconds in Retry-After",
    499: "the client is gone",
    500: "a failure of the service",
    501: "the model cannot do this",
    502: "the app does not answer: try again",
    503: "overloaded, or not ready: try again after the seconds in Retry-After",
    504: "the request took too long",
    507: "there is no room for more photos",
}


@blueprint.app_template_filter("prose")
def _prose(text: str) -> Markup:
    """What stands between backticks is code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - it is escaped


@blueprint.app_template_filter("laid_out")
def _laid_out(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)

"""GET /teach: a page to teach on for a browser, the list of taught models for a program."""

from __future__ import annotations

from typing import TypedDict

from flask import Blueprint, Response, g, jsonify, render_template, request

from .. import browser, context, static_files
from ..guard.teachers import refuse_without_right
from ..operation import JSON, Operation, operation
from ..teaching import Taught, all_described

blueprint = Blueprint("teach_page", __name__)

_SHARED = ("post.js", "prepare.js")
"""Scripts of the first page that this one needs too."""


class AllTaught(TypedDict):
    models: list[Taught]
    request_id: str


@blueprint.get("/teach")
@operation(
    Operation(
        "A page to teach on for a browser, the models that are taught for a program",
        "Teaching",
        {JSON: AllTaught, "text/html": str},
        taught=True,
    )
)
def page() -> Response:
    response = _page() if browser.asks(request) else _list()
    response.vary.add("Accept")
    response.headers["Cache-Control"] = "no-store"
    return response


def _list() -> Response:
    refuse_without_right()
    body: AllTaught = {"models": all_described(), "request_id": g.request_id}
    return jsonify(body)


def _page() -> Response:
    """It holds nothing that is not public: its script asks for the rest, with a key where one is needed."""
    settings = context.settings()
    html = render_template(
        "teach.html",
        needs_key=bool(settings.teaching_keys or settings.keys),
        keeps=bool(settings.teach_store),
        max_upload_mb=settings.max_upload_mb,
        accept=browser.ACCEPT,
        scripts=[*static_files.names(".js", "teach"), *_SHARED],
        static_file=static_files.addresses(),
    )
    return browser.page(html)

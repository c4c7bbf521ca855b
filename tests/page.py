"""The page, uploaded to and read as a browser does."""

from __future__ import annotations

from html.parser import HTMLParser

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conftest import form
from tests.images import plain_image

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
DATA = plain_image()


class Page(HTMLParser):
    """The texts of a page by the class, or else the tag, they are in; and all its tags."""

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

    @property
    def fields(self) -> list[str | None]:
        return [
            attributes["name"]
            for tag, attributes in zip(self.tags, self.attributes, strict=True)
            if tag in ("input", "textarea", "select")
        ]


def upload(client: FlaskClient, data: bytes = DATA, name: str = "cat.png", key: str | None = None) -> TestResponse:
    """As a browser sends the form."""
    keys = [] if key is None else [("api_key", None, key.encode())]
    return client.post("/", headers=BROWSER, **form(*keys, ("image", name, data)))

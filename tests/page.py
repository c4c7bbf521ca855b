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
    """The texts of a page by the id, class or tag they are in, the first there is; and all tags outside templates."""

    def __init__(self, response: TestResponse) -> None:
        super().__init__()
        assert response.mimetype == "text/html"
        self.texts: dict[str, list[str]] = {}
        self.tags: list[str] = []
        self.attributes: list[dict[str, str | None]] = []
        self._within = ""
        self._in_template = False
        self.feed(response.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_template |= tag == "template"
        if self._in_template:
            return
        self.tags.append(tag)
        attributes = dict(attrs)
        self.attributes.append(attributes)
        self._within = attributes.get("id") or attributes.get("class") or tag

    def handle_endtag(self, tag: str) -> None:
        self._in_template &= tag != "template"
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within and data.strip():
            self.texts.setdefault(self._within, []).append(data.strip())

    def has(self, name: str) -> bool:
        """Whether the element of this id is there to be seen."""
        return any(attributes.get("id") == name and "hidden" not in attributes for attributes in self.attributes)

    @property
    def fields(self) -> list[str | None]:
        return [
            attributes["name"]
            for tag, attributes in zip(self.tags, self.attributes, strict=True)
            if tag in ("input", "textarea", "select") and "name" in attributes
        ]


def upload(client: FlaskClient, data: bytes = DATA, name: str = "cat.png", key: str | None = None) -> TestResponse:
    """As a browser sends the form."""
    keys = [] if key is None else [("api_key", None, key.encode())]
    return client.post("/", headers=BROWSER, **form(*keys, ("image", name, data)))

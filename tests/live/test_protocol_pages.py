"""docs/protocols/: each example runs as written, and prints what the page shows below it.

A page has fenced blocks of sh, python and js. A block of json or text directly below one of them is its output: numbers
may differ a little, since processors round differently, and objects and lists may have more than the page shows.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.live.service import REPOSITORY, Service

PAGES = sorted((REPOSITORY / "docs" / "protocols").glob("*.md"))
# npm's packages are there.
CLIENTS = REPOSITORY / "tests" / "clients"
COMMANDS = {
    "sh": (["bash", "-euo", "pipefail", "-c"], REPOSITORY),
    "python": ([sys.executable, "-c"], REPOSITORY),
    "js": (["node", "--input-type=module", "--eval"], CLIENTS),
}
BLOCK = re.compile(r"^```(\w+)\n(.*?)\n```$(?:\n\n```(json|text)\n(.*?)\n```$)?", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    language: str
    code: str
    shown_as: str
    shown: str

    def output(self, service: Service) -> str:
        command, folder = COMMANDS[self.language]
        code = with_ports(self.code, service)
        return subprocess.run(
            [*command, code], cwd=folder, stdout=subprocess.PIPE, text=True, timeout=120, check=True
        ).stdout


def examples_of(page: Path) -> list[Example]:
    found = [Example(*match.groups("")) for match in BLOCK.finditer(page.read_text("utf-8"))]
    return [example for example in found if example.language in COMMANDS]


def with_ports(code: str, service: Service) -> str:
    """The pages name the ports of a service with default settings: 80, and 8001 for management."""
    code = code.replace("localhost:8001", service.management_url.removeprefix("http://"))
    return re.sub(r"\blocalhost(:80)?(?![\w:.-])", service.url.removeprefix("http://"), code)


def alike(shown: object, real: object) -> bool:
    if isinstance(shown, dict) and isinstance(real, dict):
        return all(key in real and alike(value, real[key]) for key, value in shown.items())
    if isinstance(shown, list) and isinstance(real, list):
        return len(shown) <= len(real) and all(map(alike, shown, real))
    if isinstance(shown, float) and isinstance(real, float):
        return abs(shown - real) <= max(0.05, abs(shown) / 10)
    if isinstance(shown, str) and isinstance(real, str) and real.startswith(f"{shown}, "):
        return "; there is " in shown  # this service has more models
    return shown == real


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_has_an_example_with_its_output(page: Path) -> None:
    assert any(example.shown for example in examples_of(page))


@pytest.mark.parametrize(
    "example",
    [pytest.param(example, id=f"{page.stem}-{number}-{example.language}")
     for page in PAGES for number, example in enumerate(examples_of(page), 1)],
)  # fmt: skip
def test_example_prints_what_the_page_shows(service: Service, example: Example) -> None:
    output = example.output(service)
    if example.shown_as == "json":
        assert alike(json.loads(example.shown), json.loads(output)), output
    elif example.shown_as == "text":
        assert output.strip() == example.shown.strip()


@pytest.mark.parametrize("page", [pytest.param(page, id=page.stem) for page in PAGES])
def test_page_is_among_the_clients(page: Path) -> None:
    assert f"](protocols/{page.name})" in (REPOSITORY / "docs" / "clients.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("shown", "real"),
    [({"a": 1}, {"b": 1}), ([1], []), (["cat"], ["dog"]), ("cat", "cat, dog"), ([{"s": 0.5}], [{"s": 0.6}]), (1, 2)],
)
def test_other_output_is_not_alike(shown: object, real: object) -> None:
    assert not alike(shown, real)
    assert alike(shown, shown)

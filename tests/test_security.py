"""Every promise in SECURITY.md names the tests that hold it, and they are there."""

from __future__ import annotations

import ast
import re

import pytest

from tests.images import REPOSITORY

TEXT = (REPOSITORY / "SECURITY.md").read_text("utf-8")
PROMISED = re.split(r"^## ", TEXT, flags=re.MULTILINE)[1]
PROMISES = re.findall(r"^- (.*?)(?=^- |\Z)", PROMISED, re.MULTILINE | re.DOTALL)
NAMED = sorted(set(re.findall(r"`(tests/[^`]+)`", TEXT)))


def test_the_promises_are_found() -> None:
    assert PROMISED.startswith("What is promised\n")
    assert len(PROMISES) > 10


@pytest.mark.parametrize("promise", PROMISES, ids=lambda text: text[:40])
def test_every_promise_names_its_tests(promise: str) -> None:
    assert re.search(r"`tests/[\w/]+\.py::test_\w+`", promise), promise


@pytest.mark.parametrize("name", NAMED)
def test_every_test_named_is_there(name: str) -> None:
    file, _, function = name.partition("::")
    tree = ast.parse((REPOSITORY / file).read_bytes())
    assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}

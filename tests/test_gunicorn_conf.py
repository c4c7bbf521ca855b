"""gunicorn is used as it comes: through documented settings and hooks, from one file."""

from __future__ import annotations

import ast

from gunicorn.config import KNOWN_SETTINGS

from tests.images import REPOSITORY

PACKAGE = REPOSITORY / "my_inference_app"
CONFIGURATION = ast.parse((PACKAGE / "gunicorn.conf.py").read_bytes())


def names() -> set[str]:
    """All public names that the configuration assigns or defines."""
    found = {node.name for node in CONFIGURATION.body if isinstance(node, ast.FunctionDef)}
    for node in CONFIGURATION.body:
        if isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return {name for name in found if not name.startswith("_")}


def test_configuration_names_only_documented_settings() -> None:
    assert {"bind", "workers", "threads", "child_exit"} <= names()
    assert names() - {setting.name for setting in KNOWN_SETTINGS} == set()


def test_worker_is_the_stock_one() -> None:
    assert 'worker_class = "gthread"' in ast.unparse(CONFIGURATION).replace("'", '"')


def test_hooks_use_no_private_attribute() -> None:
    private = [node.attr for node in ast.walk(CONFIGURATION) if isinstance(node, ast.Attribute) and node.attr[0] == "_"]
    assert private == []


def test_package_does_not_import_gunicorn() -> None:
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Import):
                assert not any(alias.name.partition(".")[0] == "gunicorn" for alias in node.names), file
            if isinstance(node, ast.ImportFrom):
                assert (node.module or "").partition(".")[0] != "gunicorn", file

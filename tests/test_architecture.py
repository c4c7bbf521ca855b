"""The structure of the package: imports run downwards, and serving stays light."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

from my_inference_app.bundles.bundle import Bundle
from tests.images import REPOSITORY, plain_image

NAME = "my_inference_app"
PACKAGE = REPOSITORY / NAME

# From top to bottom; of those in one line only the bottom's may import each other.
LAYERS = [
    {"wsgi", "run", "check", "gunicorn.conf", "ResNet50_inference"},
    {"worker", "front", "pid_file", "certificate", "preparation", "renewal", "announcement"},
    {"reloading", "builds"},
    {"local_ray"},
    {"server", "management", "processes"},
    {"api"},
    {"torchserve"},
    {"fetching", "teaching", "review"},
    {"inference"},
    {"engines"},
    {"bundles"},
    {
        "settings",
        "errors",
        "metrics",
        "logs",
        "tracing",
        "resources",
        "watchdog",
        "shared_folder",
        "own_folder",
        "progress",
        "waiting",
        "__init__",
    },
]
FLOOR = LAYERS[-1]
# Beside the API, and what each of them stands on. Nothing else imports them.
BESIDE = {
    "export": {"inference", "engines", "bundles", *FLOOR},
    "calibrate": {"export", "inference", "engines", "bundles", *FLOOR},
    "batch": {"cluster", "fetching", "inference", "engines", "bundles", *FLOOR},
    "teach": {"calibrate", "inference", "engines", "bundles", *FLOOR},
    "cluster": {"engines", "bundles", *FLOOR},
}

HEAVY = {"torch", "torchvision", "transformers", "huggingface_hub", "opentelemetry", "pyarrow", "sklearn", "ray"}
# The modules that may import a package.
ALLOWED = {
    "flask": {"api", "server", "worker"},
    "werkzeug": {"api", "server", "management"},
    "jinja2": {"api", "server", "teach.report"},
    "prometheus_client": {"metrics"},
    "defusedxml": {"api.input.label_config"},
    "dotenv": {"settings.environment"},
    "pythonjsonlogger": {"logs"},
    "opentelemetry": {"tracing"},
    "openvino": {"engines.openvino", "export", "teach.graph"},
    "torch": {"engines.torchscript", "export", "teach.torchscript"},
    "torchvision": {"export"},
    "transformers": {"export"},
    "huggingface_hub": {"export"},
    "pyarrow": {"batch", "cluster.delivery"},
    "ray": {"cluster", "batch.on_ray"},
    "sklearn": {"teach"},
}


def module_of(file: Path) -> str:
    """api/page.py is api.page, api/__init__.py is api."""
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


SOURCES = {module_of(file): ast.parse(file.read_bytes()) for file in sorted(PACKAGE.rglob("*.py"))}
PACKAGES = {module_of(file) for file in PACKAGE.rglob("*/__init__.py")}


def imports_of(module: str) -> set[str]:
    """Full names of all that a module imports, wherever in it."""
    return {name for node in ast.walk(SOURCES[module]) for name in _names(module, node)}


def _names(module: str, node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    if isinstance(node, ast.ImportFrom):
        return {f"{_origin(module, node)}.{alias.name}" for alias in node.names}
    return set()


def _origin(module: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = [NAME, *module.split("."), *(["__init__"] if module in PACKAGES else [])]
    return ".".join([*parts[: -node.level], *([node.module] if node.module else [])])


def own_imports_of(module: str) -> set[str]:
    """The imported modules of this package."""
    inner = {name.removeprefix(f"{NAME}.") for name in imports_of(module) if name.startswith(f"{NAME}.")}
    return {name if name in SOURCES else name.rpartition(".")[0] or "__init__" for name in inner} - {module}


def layer_of(module: str) -> int:
    part = module if module in LAYERS[0] else module.partition(".")[0]
    found = [index for index, layer in enumerate(LAYERS) if part in layer]
    assert found, f"{module} has no place in LAYERS yet"
    return found[0]


def test_imports_are_read_from_the_source() -> None:
    assert {"api.context", "api.errors", "api.input.reader", "errors", "inference.answers"} <= own_imports_of(
        "api.protocols.predict"
    )
    assert own_imports_of("engines.openvino") == {"bundles.bundle", "engines.base", "errors"}
    assert own_imports_of("bundles.bundle") == {
        "bundles.manifest",
        "bundles.own_python",
        "bundles.replace",
        "errors",
    }
    assert "flask.Flask" in imports_of("server")


def test_imports_run_downwards() -> None:
    for module in SOURCES:
        part = module.partition(".")[0]
        for imported in own_imports_of(module):
            below = imported.partition(".")[0]
            if part in BESIDE:
                assert below in {part, *BESIDE[part]}, f"{module} imports {imported}"
            elif not (part == below or {part, below} <= FLOOR):
                assert below not in BESIDE, f"{module} imports from {below}"
                assert layer_of(module) < layer_of(imported), f"{module} imports {imported}"


def test_protocols_are_imported_by_nothing_but_the_server() -> None:
    """A protocol and the page share code through other modules of api/."""
    protocols = {module for module in SOURCES if module.startswith("api.protocols.")}
    assert [module for module in SOURCES if own_imports_of(module) & protocols] == []


def test_only_one_module_of_the_api_reads_the_extensions_of_the_app() -> None:
    readers = {
        module
        for module, source in SOURCES.items()
        for node in ast.walk(source)
        if isinstance(node, ast.Attribute) and node.attr == "extensions" and module.startswith("api")
    }
    assert readers == {"api.context"}


def test_imports_have_no_circles() -> None:
    TopologicalSorter({module: own_imports_of(module) for module in SOURCES}).prepare()


def test_functions_import_none_of_our_own_modules() -> None:
    """That would only hide a circle. Optional packages may be imported in a function."""
    for module, source in SOURCES.items():
        for function in ast.walk(source):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                for node in ast.walk(function):
                    assert not any(name.partition(".")[0] == NAME for name in _names(module, node)), ast.unparse(node)


def test_packages_are_imported_in_few_places() -> None:
    for module in SOURCES:
        for outside in {name.partition(".")[0] for name in imports_of(module)} & ALLOWED.keys():
            assert {module, module.partition(".")[0]} & ALLOWED[outside], f"{module} imports {outside}"


SERVE = f"""
import sys
from {NAME}.wsgi import app
answer = app.test_client().post("/predict", data=open(sys.argv[1], "rb").read()).json
assert answer["response"]["body"] == '"blue"', answer
print(*{{name.partition(".")[0] for name in sys.modules}})
print(*(name for name in sys.modules if name.startswith("{NAME}.export")))
"""


def test_serving_with_openvino_is_light(tiny: Bundle, tmp_path: Path) -> None:
    file = tmp_path / "blue.png"
    file.write_bytes(plain_image("blue"))
    environment = {**os.environ, "BUNDLE": str(tiny.path), "ENGINE": "openvino"}
    output = subprocess.check_output([sys.executable, "-c", SERVE, file], env=environment, text=True, timeout=60)
    loaded, export = output.splitlines()
    assert {"flask", "numpy", "openvino"} <= set(loaded.split())
    assert not HEAVY & set(loaded.split())
    assert export == ""

"""The environment that make installs: made once, kept up to date, and repaired whatever has happened to it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.checkout import Checkout, small_checkout, wheel
from tests.images import REPOSITORY

# A python3 that can be interrupted while it makes an environment: the folder is there, pip is not.
SLOW_PYTHON = f"""#!/bin/sh
[ "$1" = -m ] || exec {sys.executable} "$@"
mkdir -p "$3/bin" && ln -s {sys.executable} "$3/bin/python" && touch reached && exec sleep 60
"""
# Fails the check of its version, as Python 3.10 does, and leaves a file if it is used for anything else.
OLD_PYTHON = '#!/bin/sh\n[ "$1" = -c ] || touch used\nexit 1\n'
INSTALLING = "installing into .venv: "
REPAIRING = ".venv is unfinished, was moved or has lost its Python: making it again\n"


@pytest.fixture
def fresh(tmp_path: Path) -> Checkout:
    return small_checkout(tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout whose environment is made. Tests may break it if they have make repair it."""
    checkout = small_checkout(tmp_path_factory.mktemp("made"))
    done = checkout.make("serve")
    expected = "requirements/serving.txt requirements/export.txt post_request/requirements.txt pyproject.toml"
    making, installing, installed, serving = done.stdout.splitlines()
    assert making == f"making .venv with python3 (Python {sys.version.split()[0]})"
    assert installing == f"{INSTALLING}{expected} (minutes the first time)"
    assert re.fullmatch(r"installed in \d+ s: \.venv has \d+ MB", installed)
    assert serving == "serving --no-nginx"
    assert (done.stderr, done.returncode) == ("", 0)
    return checkout


def program(checkout: Checkout, name: str, text: str) -> str:
    path = checkout.write(name, text)
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("instead", "end"), [("", ""), ("run without it: make serve", "; or run without it: make serve")]
)
def test_missing_program_is_named_to_those_who_cannot_install(tmp_path: Path, instead: str, end: str) -> None:
    """Without root. `make run` adds that `make serve` needs no nginx."""
    (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n")
    (tmp_path / "id").chmod(0o755)
    done = subprocess.run(
        [REPOSITORY / ".ci" / "install.sh", "no-such-program=its-package", "sh=dash"],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "INSTEAD": instead},
        capture_output=True,
        text=True,
    )
    install = "install with your package manager, for example: sudo apt-get install its-package"
    assert (done.stderr, done.returncode) == (f"error: its-package missing: {install}{end}\n", 1)


def test_run_looks_for_nginx_before_it_installs_packages(made: Checkout) -> None:
    first, second, _ = made.make("--dry-run", "run").stdout.splitlines()
    assert first == "INSTEAD='run without it, for development: make serve' .ci/install.sh nginx=nginx-light"
    assert second.startswith(".ci/environment.sh .venv run")


def test_second_run_installs_nothing(made: Checkout) -> None:
    assert made.make("serve").stdout == "serving --no-nginx\n"


def test_packages_are_compiled_by_the_first_start_alone(made: Checkout) -> None:
    (compiled,) = made.folder.glob(".venv/lib/*/site-packages/__pycache__/torch.*.pyc")
    compiled.unlink()
    made.make("serve", PYTHONDONTWRITEBYTECODE="1")
    assert compiled.exists()


def test_interrupted_environment_is_made_again(fresh: Checkout) -> None:
    fresh.interrupt("serve", PYTHON=program(fresh, "slow-python", SLOW_PYTHON))
    done = fresh.make("serve")
    assert (done.stdout.startswith(REPAIRING), done.returncode) == (True, 0)
    assert done.stdout.endswith("\nserving --no-nginx\n")


def test_interrupted_installation_is_taken_up_again(made: Checkout) -> None:
    made.write("hold", "")
    made.write("requirements/serving.txt", "flask==1\n# changed\n")
    made.interrupt("serve")
    (made.folder / "hold").unlink()
    done = made.make("serve")
    assert (done.stdout.startswith(REPAIRING), done.returncode) == (True, 0)
    assert done.stdout.endswith("\nserving --no-nginx\n")


def test_failed_installation_keeps_the_environment_and_is_tried_again(made: Checkout) -> None:
    made.write("requirements/serving.txt", "flask==2\n")
    failed = made.make("serve")
    assert "No matching distribution found for flask==2" in failed.stderr
    assert failed.returncode != 0
    wheel(made.wheels, "flask", "2")
    done = made.make("serve")
    assert (done.stdout.startswith(INSTALLING), done.returncode) == (True, 0)
    assert done.stdout.endswith("\nserving --no-nginx\n")


def test_terminal_shows_the_progress_of_pip(made: Checkout) -> None:
    made.write("requirements/export.txt", "torch==1\n# changed\n")
    shown = made.make_on_a_terminal("serve")
    assert "Requirement already satisfied: torch==1" in shown
    assert shown.splitlines()[-1] == "serving --no-nginx"


def move(checkout: Checkout) -> None:
    checkout.folder = checkout.folder.rename(checkout.folder.with_name("moved"))


def lose_interpreter(checkout: Checkout) -> None:
    checkout.python.unlink()
    checkout.python.symlink_to("/nowhere/python3.11")


@pytest.mark.parametrize("break_it", [move, lose_interpreter])
def test_broken_environment_is_repaired(made: Checkout, break_it: Callable[[Checkout], None]) -> None:
    break_it(made)
    done = made.make("serve")
    assert (done.stdout.startswith(REPAIRING), done.stderr, done.returncode) == (True, "", 0)
    assert done.stdout.endswith("\nserving --no-nginx\n")
    assert str(made.folder) in (made.python.parent / "pip").read_text()


@pytest.mark.parametrize("name", ["python3.10", "no-such-python"])
def test_unsuitable_python_is_refused(fresh: Checkout, name: str) -> None:
    path = program(fresh, name, OLD_PYTHON) if name == "python3.10" else name
    done = fresh.make("serve", PYTHON=path)
    first, *rest = done.stderr.splitlines()
    assert first == f"error: Python 3.11 or newer is needed, not {path}; PYTHON=python3.12 picks another"
    assert [line[:8] for line in rest] == ["make: **"]
    assert (done.stdout, done.returncode) == ("", 2)
    assert not (fresh.folder / ".venv").exists()
    assert not (fresh.folder / "used").exists()


@pytest.mark.parametrize(
    ("dotenv", "variables", "expected"),
    [
        ("", {}, "run"),
        ("PRECISION=bf16\n", {}, "run"),
        ("# PRECISION=int8\n", {}, "run"),
        ("PRECISION=int8\n", {"PRECISION": "f32"}, "run"),
        ("", {"PRECISION": "int8"}, "run int8"),
        ('MODEL=x\nexport PRECISION="int8"  # twice as fast\n', {}, "run int8"),
        ("", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}, "run tracing"),
        ("TEACH=1\n", {}, "run teach"),
        ("TEACH=1\n", {"TEACH": "0"}, "run"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT='http://localhost:4318'\nPRECISION=int8\n", {}, "run int8 tracing"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT=''\n", {}, "run"),
    ],
)
def test_packages_of_one_setting_are_installed_for_it_only(
    made: Checkout, dotenv: str, variables: dict[str, str], expected: str
) -> None:
    made.write(".env", dotenv)
    needed = made.make("--dry-run", "serve", **variables).stdout.splitlines()[0]
    assert needed == f".ci/environment.sh .venv {expected}"


def test_int8_in_dotenv_installs_the_quantising_packages(made: Checkout) -> None:
    assert not made.has("nncf")
    made.write(".env", "PRECISION=int8\n")
    assert made.make("serve").returncode == 0
    assert made.has("nncf")


def test_reload_calls_run_with_its_option(made: Checkout) -> None:
    assert made.make("reload").stdout == "serving --reload\n"


def test_broken_linked_environment_is_replaced_and_not_emptied(made: Checkout, fresh: Checkout) -> None:
    (fresh.folder / ".venv").symlink_to(made.folder / ".venv")
    before = sorted(made.python.parent.iterdir())
    shutil.rmtree(next((made.folder / ".venv" / "lib").glob("python3.*")) / "site-packages" / "pip")
    assert fresh.make("serve").returncode == 0
    assert not (fresh.folder / ".venv").is_symlink()
    assert sorted(made.python.parent.iterdir()) == before

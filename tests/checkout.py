"""A small checkout for tests of the Makefile: the real Makefile and scripts, packages that install in no time."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

from tests.images import REPOSITORY
from tests.live.service import until

SETS = {
    "serving": "flask",
    "export": "torch",
    "quantize": "nncf",
    "tracing": "opentelemetry",
    "batch": "pyarrow",
    "teach": "sklearn",
    "ray": "ray",
    "notebook": "nbclient",
    "development": "pytest",
}
PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n[project]\nname = "app"\n'
# Builds the checkout as an editable package, without setuptools. Where there is a file `hold`, it waits for a signal.
BACKEND = """\
import pathlib, signal, zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    if pathlib.Path("hold").exists():
        pathlib.Path("reached").touch()
        signal.pause()
    with zipfile.ZipFile(pathlib.Path(folder, "app-0-py3-none-any.whl"), "w") as wheel:
        wheel.writestr("app.pth", str(pathlib.Path.cwd()))
        wheel.writestr("app-0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: app\\nVersion: 0\\n")
        wheel.writestr("app-0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("app-0.dist-info/RECORD", "")
    return "app-0-py3-none-any.whl"
"""
RUN = "import sys, flask, torch, requests\nprint('serving', *sys.argv[1:])\n"


@dataclass
class Checkout:
    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / ".venv" / "bin" / "python"

    @property
    def wheels(self) -> Path:
        return self.folder.parent / "wheels"

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def make(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["make", *arguments], cwd=self.folder, env=self._environment(variables), capture_output=True, text=True
        )

    def make_on_a_terminal(self, target: str) -> str:
        command = ["script", "--quiet", "--command", f"make {target}", "/dev/null"]
        return subprocess.check_output(command, cwd=self.folder, env=self._environment({}), text=True)

    def interrupt(self, *arguments: str, **variables: str) -> None:
        """Starts make, and sends Ctrl-C when the file `reached` is there."""
        process = subprocess.Popen(
            ["env", "--default-signal=INT", "make", *arguments],
            cwd=self.folder,
            env=self._environment(variables),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until((self.folder / "reached").exists)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(60) != 0

    def has(self, module: str) -> bool:
        return subprocess.run([self.python, "-c", f"import {module}"], stderr=subprocess.DEVNULL).returncode == 0

    def _environment(self, variables: dict[str, str]) -> dict[str, str]:
        offline = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": self.wheels.as_uri()}
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), **offline, **variables}


def small_checkout(place: Path) -> Checkout:
    checkout = Checkout(place / "my checkout")
    shutil.copytree(REPOSITORY / ".ci", checkout.folder / ".ci")
    shutil.copy(REPOSITORY / "Makefile", checkout.folder)
    checkout.write("pyproject.toml", PYPROJECT)
    checkout.write("backend.py", BACKEND)
    checkout.write("my_inference_app/run.py", RUN)
    for file, package in SETS.items():
        checkout.write(f"requirements/{file}.txt", f"{package}==1\n")
    checkout.write("post_request/requirements.txt", "requests==1\n")
    for package in (*SETS.values(), "requests"):
        wheel(checkout.wheels, package)
    return checkout


def wheel(folder: Path, package: str, version: str = "1") -> None:
    """An empty package that pip installs like any other."""
    folder.mkdir(exist_ok=True)
    about = f"{package}-{version}.dist-info"
    with ZipFile(folder / f"{package}-{version}-py3-none-any.whl", "w") as file:
        file.writestr(f"{package}.py", "")
        file.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
        file.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{about}/RECORD", "")

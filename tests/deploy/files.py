"""What the files in deploy/ contain, and the variables that each gives to the service."""

from __future__ import annotations

import re
import tomllib
from configparser import RawConfigParser
from typing import Any

import yaml

from tests.images import REPOSITORY

FOLDER = REPOSITORY / "deploy"


def read_yaml(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / name).read_bytes())
    return found


def read_toml(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / name).read_text("utf-8"))


class Unit(RawConfigParser):
    """A file of systemd: a key may occur several times."""

    optionxform = staticmethod(str)  # type: ignore[assignment]

    def __init__(self, name: str) -> None:
        super().__init__(strict=False, delimiters="=", comment_prefixes="#", interpolation=None)
        self.read_string((FOLDER / "systemd" / name).read_text("utf-8"))


def named_values(items: list[dict[str, str]]) -> dict[str, str]:
    return {item["name"]: item["value"] for item in items}


def _environment_lines(name: str) -> dict[str, str]:
    text = (FOLDER / "systemd" / name).read_text("utf-8")
    words = [word for line in re.findall(r"^Environment=(.*)$", text, re.MULTILINE) for word in line.split()]
    return dict(word.split("=", 1) for word in words)


def _environment_file(name: str) -> dict[str, str]:
    lines = (FOLDER / "systemd" / name).read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def _cloud_run() -> dict[str, str]:
    (container,) = read_yaml("cloud-run.yaml")["spec"]["template"]["spec"]["containers"]
    return named_values(container["env"])


def _app_runner() -> dict[str, str]:
    image = read_yaml("apprunner.yaml")["SourceConfiguration"]["ImageRepository"]["ImageConfiguration"]
    found: dict[str, str] = image["RuntimeEnvironmentVariables"]
    return found


def _ray_service() -> dict[str, str]:
    service, _ = yaml.safe_load_all((FOLDER / "ray" / "rayservice.yaml").read_bytes())
    *_, web = service["spec"]["rayClusterConfig"]["workerGroupSpecs"]
    (_, app) = web["template"]["spec"]["containers"]
    return named_values(app["env"])


# At run time. A file that sets none is listed too.
VARIABLES: dict[str, dict[str, str]] = {
    "apprunner.yaml": _app_runner(),
    "cloud-run.yaml": _cloud_run(),
    "fly.toml": read_toml("fly.toml")["env"],
    "heroku/Dockerfile": {},
    "heroku/heroku.yml": read_yaml("heroku/heroku.yml")["setup"]["config"],
    "image.sh": {},
    "ray/rayservice.yaml": _ray_service(),
    "ray/serve.yaml": {},
    "paperspace.yaml": named_values(read_yaml("paperspace.yaml")["env"]),
    "sagemaker/endpoint-config.yaml": {},
    "sagemaker/model.yaml": read_yaml("sagemaker/model.yaml")["PrimaryContainer"]["Environment"],
    "systemd/install.sh": {},
    "systemd/journald@my_inference_app.conf": {},
    "systemd/my_inference_app.env": _environment_file("my_inference_app.env"),
    "systemd/my_inference_app.service": _environment_lines("my_inference_app.service"),
    "systemd/nginx-site.conf": {},
    "systemd/tls.conf": _environment_lines("tls.conf"),
    "vertex-model.yaml": read_yaml("vertex-model.yaml")["--container-env-vars"],
}

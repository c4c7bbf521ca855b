"""Containers have only the rights that they need: no root, no capabilities, nothing to write to but /tmp."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.images import REPOSITORY

SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_bytes())["services"]
DOCKERFILES = sorted(REPOSITORY.glob("*/Dockerfile"))
CONFINED = {
    "read_only": True,
    "tmpfs": "/tmp",  # noqa: S108
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
}
# The other keys that a service may have. None of them gives it rights on the machine.
HARMLESS = {"image", "build", "environment", "ports", "depends_on", "healthcheck", "stop_grace_period", "restart"}


def test_services_are_the_app_and_nginx() -> None:
    assert set(SERVICES) == {"my_inference_app", "nginx"}


@pytest.mark.parametrize("name", SERVICES)
def test_service_is_confined(name: str) -> None:
    assert {key: SERVICES[name].get(key) for key in CONFINED} == CONFINED


@pytest.mark.parametrize("name", SERVICES)
def test_service_gets_no_rights_back(name: str) -> None:
    assert set(SERVICES[name]) - set(CONFINED) - HARMLESS == set()


def test_app_is_published_on_loopback_only() -> None:
    assert SERVICES["my_inference_app"]["ports"] == ["127.0.0.1:${APP_PORT:-8000}:8000"]


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.parent.name)
def test_image_does_not_run_as_root(dockerfile: Path) -> None:
    last_stage = re.split(r"^FROM .*$", dockerfile.read_text("utf-8"), flags=re.M)[-1]
    users = re.findall(r"^USER (\S+)$", last_stage, re.M)
    assert users and users[-1] not in ("root", "0")

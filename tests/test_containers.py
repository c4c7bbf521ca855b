"""Containers may do no more than they must: not root, nothing written but to /tmp, no capabilities."""

from __future__ import annotations

import re

import pytest

from tests.images import REPOSITORY

COMPOSE = (REPOSITORY / "docker-compose.yml").read_text("utf-8")
SERVICES = dict(re.findall(r"^  (\w+):\n(.*?)(?=^  \w|\Z)", COMPOSE.partition("services:\n")[2], re.M | re.S))
DOCKERFILES = ["my_inference_app/Dockerfile", "nginx/Dockerfile"]


def test_the_services_are_found() -> None:
    assert set(SERVICES) == {"my_inference_app", "nginx"}


@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize(
    "line",
    ["read_only: true", "tmpfs: /tmp", "cap_drop: [ALL]", 'security_opt: ["no-new-privileges:true"]'],
)
def test_a_service_is_confined(name: str, line: str) -> None:
    assert f"\n    {line}\n" in SERVICES[name]


@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize("word", ["privileged:", "cap_add", "user:", "docker.sock", "network_mode", "pid:", "volumes:"])
def test_nothing_is_given_back(name: str, word: str) -> None:
    assert word not in SERVICES[name]


def test_the_app_is_reached_through_nginx_alone_from_outside() -> None:
    assert re.findall(r"ports:\n +- (.*)\n", SERVICES["my_inference_app"]) == ["127.0.0.1:${APP_PORT:-8000}:8000"]


@pytest.mark.parametrize("file", DOCKERFILES)
def test_an_image_does_not_run_as_root(file: str) -> None:
    last_stage = re.split(r"^FROM .*$", (REPOSITORY / file).read_text("utf-8"), flags=re.M)[-1]
    users = re.findall(r"^USER (\S+)$", last_stage, re.M)
    assert users and users[-1] not in ("root", "0")

"""The files for hosting services: keys that the service knows, ports and paths that this service has, good settings."""

from __future__ import annotations

import subprocess
from dataclasses import fields
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.session import Session
from botocore.validate import validate_parameters

from my_inference_app.settings import Settings
from my_inference_app.settings.setting import names_of
from tests.deploy.files import FOLDER, VARIABLES, read_toml, read_yaml
from tests.images import REPOSITORY

KNOWN = {name for item in fields(Settings) for name in names_of(item)}
# Of other programs, in the unit of systemd.
OTHERS = {"HF_HUB_OFFLINE", "PYTHONDONTWRITEBYTECODE"}
HEALTH = {"/readyz", "/healthz"}


def test_every_file_is_checked_for_variables() -> None:
    """Those of Kubernetes are rendered first, and the monitoring sets none: they have tests of their own."""
    found = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file()}
    assert {name for name in found if not name.startswith(("kubernetes/", "monitoring/"))} == set(VARIABLES)


@pytest.mark.parametrize("name", VARIABLES)
def test_variables_are_settings_with_usable_values(name: str) -> None:
    variables = VARIABLES[name]
    assert set(variables) - OTHERS <= KNOWN
    assert all(isinstance(value, str) for value in variables.values()), "a host passes text only"
    assert Settings.from_env({"MODEL": "x", **variables})


def unknown_keys(found: Any, known: Any) -> list[str]:
    """Keys that the second structure has not. It has one example for each list."""
    if isinstance(found, dict) and isinstance(known, dict) and known:
        inner = [
            f"{key}.{rest}" for key in found.keys() & known.keys() for rest in unknown_keys(found[key], known[key])
        ]
        return [*(found.keys() - known.keys()), *inner]
    if isinstance(found, list) and isinstance(known, list):
        return [key for item in found for key in unknown_keys(item, known[0])]
    return [] if isinstance(found, dict | list) == isinstance(known, dict | list) else ["of another type"]


FLY_CHECK = dict.fromkeys(["type", "port", "method", "path", "interval", "timeout", "grace_period"], "")
FLY: dict[str, Any] = {
    **dict.fromkeys(["app", "primary_region", "kill_signal", "kill_timeout"], ""),
    "build": {"build-target": "", "args": {"MODEL": ""}},
    "env": {},
    "http_service": {
        **dict.fromkeys(
            ["internal_port", "force_https", "auto_stop_machines", "auto_start_machines", "min_machines_running"], ""
        ),
        "concurrency": {"type": "", "soft_limit": "", "hard_limit": ""},
        "checks": [{key: "" for key in FLY_CHECK if key not in ("type", "port")}],
    },
    "checks": {"management": FLY_CHECK},
    "vm": [{"cpu_kind": "", "cpus": "", "memory": ""}],
}
PROBE = {"path": "", "port": "", "periodSeconds": "", "failureThreshold": ""}
PAPERSPACE = {
    **dict.fromkeys(["enabled", "image", "port"], ""),
    "env": [{"name": "", "value": ""}],
    "resources": {"replicas": "", "instanceType": ""},
    "healthChecks": {"startup": PROBE, "readiness": PROBE, "liveness": PROBE},
}
CLOUD_RUN_PROBE = {
    "httpGet": {"path": "", "port": ""},
    **dict.fromkeys(["periodSeconds", "failureThreshold", "timeoutSeconds"], ""),
}
CLOUD_RUN = {
    "apiVersion": "",
    "kind": "",
    "metadata": {"name": ""},
    "spec": {
        "template": {
            "metadata": {"annotations": {}},
            "spec": {
                "containerConcurrency": "",
                "timeoutSeconds": "",
                "containers": [
                    {
                        "image": "",
                        "ports": [{"containerPort": ""}],
                        "env": [{"name": "", "value": ""}],
                        "resources": {"limits": {"cpu": "", "memory": ""}},
                        "startupProbe": CLOUD_RUN_PROBE,
                        "livenessProbe": CLOUD_RUN_PROBE,
                    }
                ],
            },
        }
    },
}
HEROKU = {"setup": {"config": {}}, "build": {"docker": {"web": ""}}}
VERTEX = {
    f"--{name}": "" if name != "container-env-vars" else {}
    for name in (
        *("display-name", "container-image-uri", "container-ports", "container-env-vars"),
        *("container-health-route", "container-predict-route"),
    )
}


@pytest.mark.parametrize(
    ("found", "known"),
    [
        (read_toml("fly.toml"), FLY),
        (read_yaml("paperspace.yaml"), PAPERSPACE),
        (read_yaml("cloud-run.yaml"), CLOUD_RUN),
        (read_yaml("heroku/heroku.yml"), HEROKU),
        (read_yaml("vertex-model.yaml"), VERTEX),
    ],
    ids=["fly", "paperspace", "cloud-run", "heroku", "vertex"],
)
def test_file_has_only_keys_that_the_host_documents(found: dict[str, Any], known: dict[str, Any]) -> None:
    assert unknown_keys(found, known) == []


def test_unknown_key_is_found() -> None:
    assert unknown_keys({"a": [{"b": 1}, {"c": 1}]}, {"a": [{"b": ""}]}) == ["a.c"]


@pytest.mark.parametrize(
    ("name", "service", "operation"),
    [
        ("apprunner.yaml", "apprunner", "CreateService"),
        ("sagemaker/model.yaml", "sagemaker", "CreateModel"),
        ("sagemaker/endpoint-config.yaml", "sagemaker", "CreateEndpointConfig"),
    ],
)
def test_aws_accepts_the_input(name: str, service: str, operation: str) -> None:
    """By the description of its API that comes with its client. Nothing is sent."""
    client = Session().create_client(service, region_name="eu-central-1", config=Config(signature_version=UNSIGNED))
    found = read_yaml(name)
    shape = client.meta.service_model.operation_model(operation).input_shape
    validate_parameters(found, shape)
    assert set(found) <= set(shape.members)


def paths_and_ports(found: object) -> list[tuple[str, int]]:
    """Every health check in a file."""
    if isinstance(found, list):
        return [pair for item in found for pair in paths_and_ports(item)]
    if not isinstance(found, dict):
        return []
    here = [(found["path"], int(found.get("port", 8080)))] if "path" in found else []
    return [*here, *(pair for item in found.values() for pair in paths_and_ports(item))]


@pytest.mark.parametrize("name", ["fly.toml", "paperspace.yaml", "cloud-run.yaml"])
def test_health_checks_ask_what_the_service_answers(name: str) -> None:
    checks = paths_and_ports(read_toml(name) if name.endswith("toml") else read_yaml(name))
    assert len(checks) >= 2
    assert {path for path, _ in checks} <= HEALTH
    assert {port for _, port in checks} <= {8080, Settings().management_port}


def test_fly_stops_idle_machines_and_keeps_no_volume() -> None:
    fly = read_toml("fly.toml")
    assert fly["http_service"]["auto_stop_machines"] == "stop"
    assert fly["http_service"]["auto_start_machines"] is True
    assert fly["http_service"]["min_machines_running"] == 0
    assert str(fly["http_service"]["internal_port"]) == fly["env"]["PORT"]
    assert fly["checks"]["management"]["port"] == Settings().management_port
    assert fly["kill_timeout"] > int(fly["env"]["GRACE_TIMEOUT"]) + 5
    assert "mounts" not in fly


def test_vertex_routes_are_the_defaults_of_the_service() -> None:
    vertex, settings = read_yaml("vertex-model.yaml"), Settings()
    assert vertex["--container-health-route"] == settings.aip_health_route
    assert vertex["--container-predict-route"] == settings.aip_predict_route
    assert vertex["--container-ports"] == 8080


def test_paperspace_is_stopped_by_the_documented_command() -> None:
    text = (FOLDER / "paperspace.yaml").read_text("utf-8")
    command = ["sed", "s/^enabled: true/enabled: false/"]
    changed = subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout
    assert changed != text
    assert command[1] in (REPOSITORY / "docs" / "deploy.md").read_text("utf-8")


def test_heroku_dockerfile_only_names_the_image() -> None:
    lines = (FOLDER / "heroku" / "Dockerfile").read_text("utf-8").splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        "FROM docker.io/myinferenceapp/my_inference_app:all-in-one_ap"
    ]

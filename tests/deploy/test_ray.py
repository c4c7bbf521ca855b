"""deploy/ray/ and docs/ray.md: configurations that Ray accepts, of the form that the code makes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest
import yaml

from my_inference_app.bundles.bundle import Bundle
from my_inference_app.cluster.configuration import configuration
from my_inference_app.engines.ray import application_of
from my_inference_app.settings import Settings
from tests.deploy.files import FOLDER
from tests.images import REPOSITORY

TEXT = (REPOSITORY / "docs" / "ray.md").read_text("utf-8")
SERVICE, FOR_THE_EDGE = yaml.safe_load_all((FOLDER / "ray" / "rayservice.yaml").read_bytes())
CLUSTER = SERVICE["spec"]["rayClusterConfig"]
WRITTEN = {
    "serve.yaml": yaml.safe_load((FOLDER / "ray" / "serve.yaml").read_bytes()),
    "rayservice.yaml": yaml.safe_load(SERVICE["spec"]["serveConfigV2"]),
}

EXAMPLE = WRITTEN["serve.yaml"]["applications"][0]["name"]
ACCEPT = """
import importlib, json, sys
from ray.scripts.scripts import start
from ray.serve.schema import ServeDeploySchema
from my_inference_app.cluster import cli
given = json.load(sys.stdin)
for command in given["commands"]:
    cli.parser().parse_args(command.split())
assert set(given["flags"]) <= {name for option in start.params for name in option.opts}
names = []
for configuration in given["configurations"]:
    applications = ServeDeploySchema.model_validate(configuration).applications
    for application in applications:
        module, _, function = application.import_path.partition(":")
        found = importlib.import_module(module)
        assert getattr(found, function)(application.args)
        assert [deployment.name for deployment in application.deployments] == [found.Replica.name]
    names.append([application.name for application in applications])
print(json.dumps(names))
"""


def keys(value: Any) -> Any:
    """The structure, without the values."""
    if isinstance(value, dict):
        return {key: keys(inner) for key, inner in value.items()}
    return [keys(inner) for inner in value] if isinstance(value, list) else None


@pytest.fixture(scope="module")
def made(tiny: Bundle) -> dict[str, Any]:
    return configuration(Settings(engine="ray", bundle=str(tiny.path), ray_replicas=2, ray_max_replicas=16))


def test_file_has_the_form_of_the_configuration_that_the_code_makes(made: dict[str, Any]) -> None:
    for written in WRITTEN.values():
        assert keys(written) == keys(made)
        (application,) = written["applications"]
        assert application["name"] == f"efficientnet-lite0-{application['args']['identity'][:12]}"


def test_ray_accepts_configurations_and_the_command_line_its_documented_commands(
    made: dict[str, Any], tiny: Bundle
) -> None:
    """In a process of its own: the packages of Ray warn when they are imported."""
    commands = sorted(set(re.findall(r"`python -m my_inference_app\.cluster ([^`]*)`", TEXT)))
    flags = [
        flag for line in re.findall(r"^ray start (.*)$", TEXT, re.MULTILINE) for flag in re.findall(r"--[\w-]+", line)
    ]
    given = {"configurations": [made, *WRITTEN.values()], "commands": commands, "flags": flags}
    done = subprocess.run(
        [sys.executable, "-c", ACCEPT], input=json.dumps(given), capture_output=True, text=True, cwd=REPOSITORY
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [[application_of(tiny)], [EXAMPLE], [EXAMPLE]]


def test_replicas_fit_on_a_node_of_the_service() -> None:
    compute, web = CLUSTER["workerGroupSpecs"]
    (application,) = WRITTEN["rayservice.yaml"]["applications"]
    wanted = application["deployments"][0]["ray_actor_options"]["num_cpus"]
    (node,) = compute["template"]["spec"]["containers"]
    assert wanted <= int(node["resources"]["limits"]["cpu"])
    assert [group["rayStartParams"].get("num-cpus") for group in (CLUSTER["headGroupSpec"], web)] == ["0", "0"]


def test_versions_are_those_of_the_requirements() -> None:
    (pinned,) = re.findall(r"^ray\[.*\]==(.+)$", (REPOSITORY / "requirements" / "ray.txt").read_text(), re.MULTILINE)
    assert CLUSTER["rayVersion"] == pinned


def test_pods_are_confined() -> None:
    for group in [CLUSTER["headGroupSpec"], *CLUSTER["workerGroupSpecs"]]:
        pod = group["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] == 10001
        for container in pod["containers"]:
            assert container["resources"]["requests"] == container["resources"]["limits"]
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            }


def test_web_pods_are_those_of_the_service_for_the_edge() -> None:
    *_, web = CLUSTER["workerGroupSpecs"]
    assert web["template"]["metadata"]["labels"] == FOR_THE_EDGE["spec"]["selector"]
    _, app = web["template"]["spec"]["containers"]
    assert {port["name"]: port["containerPort"] for port in app["ports"]} == {"http": 8000, "management": 8001}
    base = yaml.safe_load((FOLDER / "kubernetes" / "base" / "app-service.yaml").read_bytes())
    assert base == FOR_THE_EDGE


def test_commands_of_the_document_exist() -> None:
    commands = "\n".join(re.findall(r"```(?:console|sh)\n(.*?)```", TEXT, re.DOTALL))
    subprocess.run(["bash", "-n"], input=commands, text=True, check=True)
    makefile = (REPOSITORY / "Makefile").read_text("utf-8")
    for target in re.findall(r"^make ([a-z-]+)", commands, re.MULTILINE):
        assert f"\n{target}:" in makefile

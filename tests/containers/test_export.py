"""The image of the init container in deploy/kubernetes that exports a model, run as the pod runs it."""

from __future__ import annotations

import yaml

from tests.containers.conftest import Containers
from tests.containers.runtime import Options
from tests.images import REPOSITORY

EXPORT = REPOSITORY / "deploy" / "kubernetes" / "components" / "export" / "export.yaml"


def test_init_container_exports_the_model(containers: Containers) -> None:
    containers.buildah.build("build", "converter")
    (pod,) = yaml.safe_load(EXPORT.read_text("utf-8"))["spec"]["template"]["spec"]["initContainers"]
    options = Options(
        environment={entry["name"]: entry["value"] for entry in pod["env"]}
        | {"MODEL": "efficientnet-lite0", "MODELS_DIR": "/models"},
        read_only=pod["securityContext"]["readOnlyRootFilesystem"],
        tmpfs={mount["mountPath"]: "" for mount in pod["volumeMounts"]},
    )
    (script,) = pod["args"]
    command = [*pod["command"], f"{script} && cat /bundle/current/bundle.json"]
    container = containers.run("converter", options, command, user="10001")
    assert container.process.wait(300) == 0, container.log
    assert '"name": "efficientnet-lite0"' in container.log

"""deploy/kubernetes: accepted by the schemas of Kubernetes, with the rights, limits and probes that a pod needs."""

from __future__ import annotations

import re
import shutil
from dataclasses import fields
from itertools import product
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from werkzeug.test import Client

from benchmarks.simulation.cluster import Scenario
from my_inference_app import metrics
from my_inference_app.inference import registry
from my_inference_app.management import Management
from my_inference_app.settings import Settings
from my_inference_app.settings.setting import names_of
from tests.conftest import FakeClassifier
from tests.deploy.kubernetes import (
    COMPONENTS,
    KUBERNETES,
    Manifest,
    containers,
    labels_match,
    of_kind,
    only,
    pods,
    render,
    variables,
)
from tests.images import REPOSITORY

VARIANTS = ["cpu", "gpu", "local", *(f"cpu with {name}" for name in COMPONENTS), "cpu with all components"]
COMPLETE = ["cpu with all components", "gpu", "local"]
# Before 1.30 clusters have no `sleep` for preStop, or do not enable it.
VERSIONS = ["1.30", "1.37"]
# Kinds that are not part of Kubernetes. Their tests are below.
FOREIGN = {"ServiceMonitor"}
OTHERS = {"UPSTREAM", "HF_HOME", "TMPDIR"}
"""Variables of nginx/start.sh and of other programs."""
EVERYWHERE = {"app.kubernetes.io/name", "app.kubernetes.io/component"}


@pytest.fixture(scope="module")
def variants(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Manifest]]:
    """All of them, rendered from a copy in which keys.txt is written, as its comment says."""
    copy = tmp_path_factory.mktemp("deploy") / "kubernetes"
    shutil.copytree(KUBERNETES, copy)
    (copy / "components" / "keys" / "keys.txt").write_text("a-key\n")
    combinations = {f"cpu with {name}": [name] for name in COMPONENTS} | {"cpu with all components": COMPONENTS}
    for name, chosen in combinations.items():
        paths = [f"../../components/{component}" for component in chosen]
        write(copy / "overlays" / name, {"resources": ["../cpu"], "components": paths})
    return {name: render(copy / "overlays" / name) for name in VARIANTS}


def write(folder: Path, content: dict[str, Any]) -> None:
    folder.mkdir()
    head = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(head | content))


@pytest.fixture(params=["cpu", *COMPLETE])
def manifests(request: pytest.FixtureRequest, variants: dict[str, list[Manifest]]) -> list[Manifest]:
    return variants[request.param]


@pytest.mark.parametrize(("variant", "version"), [*product(COMPLETE[:1], VERSIONS), *product(COMPLETE[1:], ["1.37"])])
def test_schemas_of_kubernetes_accept_every_manifest(
    variants: dict[str, list[Manifest]], variant: str, version: str
) -> None:
    checked = [one for one in variants[variant] if one["kind"] not in FOREIGN]
    assert len(checked) >= 10
    for manifest in checked:
        kubernetes_validate.validate(manifest, version, strict=True)


def test_schemas_find_a_mistake(variants: dict[str, list[Manifest]]) -> None:
    broken = only(variants["cpu"], "Service", "edge")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**broken, "spec": {**broken["spec"], "port": 80}}, "1.37", strict=True)


def test_pods_run_under_the_restricted_profile(manifests: list[Manifest]) -> None:
    namespace = only(manifests, "Namespace", "my-inference-app")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for pod in pods(manifests):
        rights = pod["securityContext"]
        assert rights["runAsNonRoot"] is True
        assert rights["runAsUser"] > 0
        assert rights["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        assert {key for volume in pod["volumes"] for key in volume} <= {
            *("name", "emptyDir", "secret", "persistentVolumeClaim")
        }
    for container in containers(manifests):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_users_are_those_of_the_images(variants: dict[str, list[Manifest]]) -> None:
    for deployment, file in {"my-inference-app": "my_inference_app/Dockerfile", "edge": "nginx/Dockerfile"}.items():
        pod = only(variants["cpu"], "Deployment", deployment)["spec"]["template"]["spec"]
        users = set(re.findall(r"^USER (\d+)$", (REPOSITORY / file).read_text("utf-8"), re.MULTILINE))
        assert {str(pod["securityContext"]["runAsUser"])} == users


def test_containers_have_limits(manifests: list[Manifest]) -> None:
    for container in containers(manifests):
        resources = container["resources"]
        assert {"cpu", "memory"} <= set(resources["requests"])
        assert {"cpu", "memory"} <= set(resources["limits"])
    for pod in pods(manifests):
        assert all(volume["emptyDir"]["sizeLimit"] for volume in pod["volumes"] if "emptyDir" in volume)


def test_variables_are_settings_with_usable_values(manifests: list[Manifest], tmp_path: Path) -> None:
    known = {name for item in fields(Settings) for name in names_of(item)}
    keys = tmp_path / "keys.txt"
    keys.write_text("a-key")
    for container in containers(manifests):
        found = variables(manifests, container)
        assert set(found) - OTHERS <= known
        if "API_KEYS_FILE" in found:
            assert found["API_KEYS_FILE"] == "/keys/keys.txt"
            found["API_KEYS_FILE"] = str(keys)
        Settings.from_env({"MODEL": "x", **found})


def test_app_is_probed_on_the_management_port(manifests: list[Manifest], client_paths: set[str]) -> None:
    container = app_of(manifests)
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"http": Settings().app_port, "management": Settings().management_port}
    probes = {kind: container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")}
    assert {probe["port"] for probe in probes.values()} == {"management"}
    assert {probe["path"] for probe in probes.values()} <= client_paths
    assert (probes["liveness"]["path"], probes["readiness"]["path"]) == ("/healthz", "/readyz")


@pytest.fixture(scope="module")
def client_paths() -> set[str]:
    """What the management port answers."""
    client = Client(Management(registry.of(FakeClassifier()), lambda: False, Settings()))
    return {path for path in ("/healthz", "/readyz", "/metrics") if client.get(path).status_code == 200}


def app_of(manifests: list[Manifest]) -> Manifest:
    (container,) = only(manifests, "Deployment", "my-inference-app")["spec"]["template"]["spec"]["containers"]
    found: Manifest = container
    return found


def test_pod_has_time_to_drain(manifests: list[Manifest]) -> None:
    for pod in pods(manifests):
        (container,) = pod["containers"]
        grace = int(variables(manifests, container)["GRACE_TIMEOUT"])
        pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert pause >= 5, "longer than the edge needs to see a changed name"
        assert pod["terminationGracePeriodSeconds"] > pause + grace + 5


def test_everything_is_in_one_namespace(variants: dict[str, list[Manifest]]) -> None:
    found = {one["metadata"].get("namespace") for one in variants[COMPLETE[0]] if one["kind"] != "Namespace"}
    assert found == {"my-inference-app"}


def test_references_lead_to_something(manifests: list[Manifest]) -> None:
    labels = [one["spec"]["template"]["metadata"]["labels"] for one in of_kind(manifests, "Deployment")]
    selectors = [one["spec"]["podSelector"] for one in of_kind(manifests, "NetworkPolicy")]
    selectors += [one["spec"]["selector"] for one in of_kind(manifests, "PodDisruptionBudget")]
    selectors += [{"matchLabels": one["spec"]["selector"]} for one in of_kind(manifests, "Service")]
    for selector in selectors:
        assert set(selector["matchLabels"]) >= EVERYWHERE
        assert sum(labels_match(selector, one) for one in labels) == 1
    for scaler in of_kind(manifests, "HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        assert "replicas" not in only(manifests, target["kind"], target["name"])["spec"], "the autoscaler sets it"
    for pod in pods(manifests):
        for volume in pod["volumes"]:
            if "secret" in volume:
                only(manifests, "Secret", volume["secret"]["secretName"])
            if "persistentVolumeClaim" in volume:
                only(manifests, "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"])


def test_edge_finds_all_pods_of_the_app(manifests: list[Manifest]) -> None:
    """By a name that stands for each ready pod's address, so that nginx balances and bounds the queue of each."""
    edge = only(manifests, "Deployment", "edge")["spec"]["template"]["spec"]["containers"][0]
    name, _, port = variables(manifests, edge)["UPSTREAM"].partition(":")
    service = only(manifests, "Service", name)["spec"]
    assert service["clusterIP"] == "None"
    assert {str(one["port"]) for one in service["ports"]} == {port, str(Settings().management_port)}


def test_only_the_edge_reaches_the_app_and_the_app_reaches_nothing(variants: dict[str, list[Manifest]]) -> None:
    app = only(variants["cpu"], "NetworkPolicy", "my-inference-app")["spec"]
    (rule,) = app["ingress"]
    (peer,) = rule["from"]
    edge = only(variants["cpu"], "Deployment", "edge")["spec"]["template"]["metadata"]["labels"]
    assert labels_match(peer["podSelector"], edge)
    assert app["policyTypes"] == ["Ingress", "Egress"]
    assert app["egress"] == []


def test_app_may_connect_out_only_if_it_fetches_urls_or_exports(variants: dict[str, list[Manifest]]) -> None:
    outside = {}
    for name, manifests in variants.items():
        rules = [rule for one in of_kind(manifests, "NetworkPolicy") for rule in one["spec"].get("egress", [])]
        outside[name] = any("ipBlock" in peer for rule in rules for peer in rule["to"])
    assert {name for name, open_ in outside.items() if open_} == {
        *("cpu with urls", "cpu with export", "cpu with all components")
    }
    assert variables(variants["cpu with urls"], app_of(variants["cpu with urls"]))["PREDICT_URLS"] == "1"


def test_pods_of_a_lost_node_are_replaced_as_soon_as_the_simulation_says(manifests: list[Manifest]) -> None:
    for name in ("my-inference-app", "edge"):
        tolerations = only(manifests, "Deployment", name)["spec"]["template"]["spec"]["tolerations"]
        seconds = {each["key"]: each.get("tolerationSeconds") for each in tolerations if each["effect"] == "NoExecute"}
        keys = ("node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready")
        assert seconds == dict.fromkeys(keys, Scenario.replaced_after)


def test_pods_of_the_gpu_overlay_may_run_on_gpu_nodes(variants: dict[str, list[Manifest]]) -> None:
    tolerations = only(variants["gpu"], "Deployment", "my-inference-app")["spec"]["template"]["spec"]["tolerations"]
    assert {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"} in tolerations


def test_app_scales_with_the_requests_that_wait(variants: dict[str, list[Manifest]]) -> None:
    scaler = only(variants["cpu with waiting-requests"], "HorizontalPodAutoscaler", "my-inference-app")["spec"]
    kinds = {metric["type"]: metric for metric in scaler["metrics"]}
    assert set(kinds) == {"Resource", "Pods"}
    name = kinds["Pods"]["pods"]["metric"]["name"]
    assert f"\n{name} 7.0\n".encode() in metrics.exposition(7)
    values = (KUBERNETES / "components" / "waiting-requests" / "adapter-values.yaml").read_text("utf-8")
    assert yaml.safe_load(values)["rules"]["custom"][0]["seriesQuery"].startswith(f"{name}{{")
    gpu = only(variants["gpu"], "HorizontalPodAutoscaler", "my-inference-app")["spec"]
    assert [metric["type"] for metric in gpu["metrics"]] == ["Pods"], "a GPU does the work, not the cores"


def test_service_monitor_scrapes_the_management_port(
    variants: dict[str, list[Manifest]], client_paths: set[str]
) -> None:
    manifests = variants["cpu with service-monitor"]
    monitor = only(manifests, "ServiceMonitor", "my-inference-app")
    assert monitor["apiVersion"] == "monitoring.coreos.com/v1"
    assert set(monitor["spec"]) == {"selector", "endpoints"}
    (endpoint,) = monitor["spec"]["endpoints"]
    assert set(endpoint) == {"port", "path", "interval", "scrapeTimeout"}
    service = only(manifests, "Service", "my-inference-app")
    assert labels_match(monitor["spec"]["selector"], service["metadata"]["labels"])
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert endpoint["path"] in client_paths


def test_ingress_is_encrypted_and_its_limits_are_those_of_the_edge(variants: dict[str, list[Manifest]]) -> None:
    manifests = variants["cpu with ingress"]
    ingress = only(manifests, "Ingress", "edge")
    (rule,) = ingress["spec"]["rules"]
    assert ingress["spec"]["tls"][0]["hosts"] == [rule["host"]]
    backend = rule["http"]["paths"][0]["backend"]["service"]
    ports = only(manifests, "Service", backend["name"])["spec"]["ports"]
    assert backend["port"]["name"] in {port["name"] for port in ports}
    annotations = ingress["metadata"]["annotations"]
    assert annotations["nginx.ingress.kubernetes.io/proxy-body-size"] == f"{Settings().max_upload_mb}m"
    settings = Settings.from_env({"MODEL": "x", **variables(manifests, app_of(manifests))})
    longest = 2 * (settings.request_timeout + 5)
    assert int(annotations["nginx.ingress.kubernetes.io/proxy-read-timeout"]) > longest, "two tries"


def test_kserve_serves_the_open_inference_protocol_from_the_all_in_one_image() -> None:
    manifests = render(KUBERNETES / "kserve")
    service, runtime = (only(manifests, kind, "my-inference-app") for kind in ("InferenceService", "ServingRuntime"))
    assert (service["apiVersion"], runtime["apiVersion"]) == ("serving.kserve.io/v1beta1", "serving.kserve.io/v1alpha1")
    model, spec = service["spec"]["predictor"]["model"], runtime["spec"]
    assert model["runtime"] == runtime["metadata"]["name"]
    assert model["protocolVersion"] in spec["protocolVersions"]
    assert model["modelFormat"]["name"] in {form["name"] for form in spec["supportedModelFormats"]}
    # Its container has the fields of a pod's, so the schema of a pod checks it.
    pod = {key: spec[key] for key in ("containers", "volumes")}
    kubernetes_validate.validate(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": pod}, "1.37", strict=True
    )
    (container,) = spec["containers"]
    assert container["image"].endswith(":all-in-one_ap")
    Settings.from_env({"MODEL": "x", **{item["name"]: item["value"] for item in container["env"]}})
    assert {container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("liveness", "readiness")} == {
        *("/healthz", "/readyz")
    }


def test_images_and_targets_of_the_manifests_are_built_here(variants: dict[str, list[Manifest]]) -> None:
    names = {container["image"] for manifests in variants.values() for container in containers(manifests)}
    repository = "docker.io/myinferenceapp/my_inference_app"
    tags = ("my_inference_app_ap", "my_inference_app_cuda_ap", "nginx_ap", "export_ap")
    assert names == {f"{repository}:{tag}" for tag in tags}


def test_document_names_every_component_and_folders_that_exist() -> None:
    text = (REPOSITORY / "docs" / "kubernetes.md").read_text("utf-8")
    assert set(re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE)) == {"cpu", "gpu", "local", *COMPONENTS}
    folders = set(re.findall(r"\bdeploy/kubernetes/[\w/-]+\w", text))
    assert len(folders) >= 2
    assert [name for name in folders if not (REPOSITORY / name).is_dir()] == []


def test_first_command_of_the_document_renders_the_manifests() -> None:
    text = (REPOSITORY / "docs" / "kubernetes.md").read_text("utf-8")
    (folder,) = re.findall(r"^kubectl kustomize (\S+)$", text, re.MULTILINE)
    assert render(REPOSITORY / folder)

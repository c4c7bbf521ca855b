"""docker-compose.yml: every setting gets through, containers have only the rights that they need, and limits."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from my_inference_app.settings import Settings
from my_inference_app.settings.setting import names_of
from tests.containers import compose
from tests.containers.compose import FILES
from tests.images import REPOSITORY

SERVICES: dict[str, dict[str, Any]] = compose.load()["services"]
CONFINED = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"]}
# The other keys that a service may have. None of them gives it rights on the machine.
HARMLESS = {
    *("image", "build", "environment", "working_dir", "secrets", "ports", "depends_on", "tmpfs", "mem_limit", "cpus"),
    *("stop_grace_period", "restart", "logging"),
}
NAMES = [name for item in fields(Settings) for name in names_of(item)]
PUBLISHED = {"LISTEN", "PORT"}
DOCUMENT = (REPOSITORY / "docs" / "containers.md").read_text("utf-8")
COMPOSE = [
    command
    for command in (["docker", "compose"], ["docker-compose"])
    if shutil.which(command[0]) and subprocess.run([*command, "version"], capture_output=True).returncode == 0
]


def not_for_compose() -> set[str]:
    """The settings that docs/containers.md lists as not passed on."""
    (table,) = re.findall(r"^\| not passed on \|.*?\n\n", DOCUMENT + "\n\n", re.MULTILINE | re.DOTALL)
    return set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE))


def test_services_are_the_app_and_nginx() -> None:
    assert set(SERVICES) == {"my_inference_app", "nginx"}


def test_every_setting_is_passed_on_or_documented_as_not() -> None:
    passed = {name for service in SERVICES.values() for name in compose.passed_on(service)}
    built = {name for name in SERVICES["my_inference_app"]["build"]["args"] if name in NAMES}
    assert set(NAMES) - passed - built - PUBLISHED == not_for_compose()
    assert passed <= set(NAMES)


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
def test_every_variable_of_a_file_is_a_setting(file: Path) -> None:
    of_others = {"NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES"}
    for service in compose.load(file)["services"].values():
        assert {*compose.passed_on(service), *compose.fixed(service)} - {*NAMES, *of_others} == set()


def test_folder_of_bundles_is_mounted_where_the_app_looks_for_them() -> None:
    app = compose.load(REPOSITORY / "docker-compose.models.yml")["services"]["my_inference_app"]
    (volume,) = app["volumes"]
    variables = compose.fixed(app)
    assert volume == f"./{Settings().models_dir.name}:{variables['MODELS_DIR']}:ro"
    assert variables["BUNDLE"] == "", "the bundle of the image would be served instead"


def test_nginx_gets_every_setting_that_it_reads() -> None:
    text = (REPOSITORY / "nginx" / "values.sh").read_text("utf-8")
    read = set(re.findall(r'"\$\{(\w+):=', text)) & set(NAMES)
    inside = {"LISTEN", "PORT", "MANAGEMENT_PORT", "TLS_PORT", "TLS_PUBLIC_PORT", "AIP_HEALTH_ROUTE"}
    assert set(compose.passed_on(SERVICES["nginx"])) == read - inside


def test_build_arguments_exist_in_the_dockerfiles() -> None:
    for name, service in SERVICES.items():
        text = (REPOSITORY / name / "Dockerfile").read_text("utf-8")
        assert set(service["build"]["args"]) <= set(re.findall(r"^ARG (\w+)", text, re.MULTILINE))


def test_user_and_tag_name_the_images() -> None:
    named = {name: compose.service(name, {"HUB_USER": "someone", "TAG": "2"})["image"] for name in SERVICES}
    assert named == {
        "my_inference_app": "someone/my_inference_app:my_inference_app_2",
        "nginx": "someone/my_inference_app:nginx_2",
    }


def test_one_repository_holds_both_tags() -> None:
    assert SERVICES["my_inference_app"]["image"].endswith(":my_inference_app_ap")
    assert SERVICES["nginx"]["image"].endswith(":nginx_ap")
    assert len({service["image"].partition(":")[0] for service in SERVICES.values()}) == 1


@pytest.mark.parametrize("name", SERVICES)
def test_service_is_confined(name: str) -> None:
    assert {key: SERVICES[name].get(key) for key in CONFINED} == CONFINED


@pytest.mark.parametrize("name", SERVICES)
def test_service_gets_no_rights_back(name: str) -> None:
    assert set(SERVICES[name]) - set(CONFINED) - HARMLESS == set()


@pytest.mark.parametrize("name", SERVICES)
def test_service_restarts_and_has_limits(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert service["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}
    assert {"mem_limit", "cpus"} <= set(service)


@pytest.mark.parametrize("name", SERVICES)
def test_files_in_memory_fit_into_the_memory_limit(name: str) -> None:
    (place,) = SERVICES[name]["tmpfs"]
    size = re.fullmatch(r"/tmp:size=(\w+)", place)  # noqa: S108
    assert size and compose.amount(size[1]) < compose.amount(SERVICES[name]["mem_limit"])


@pytest.mark.parametrize("name", SERVICES)
def test_stopping_is_given_more_time_than_it_takes(name: str) -> None:
    assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) >= Settings().grace_timeout + 5


def test_nginx_starts_when_the_app_is_healthy() -> None:
    assert SERVICES["nginx"]["depends_on"] == {"my_inference_app": {"condition": "service_healthy"}}


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
def test_only_nginx_publishes_a_port(file: Path) -> None:
    published = {name: service.get("ports", []) for name, service in compose.load(file)["services"].items()}
    others = {name: ports for name, ports in published.items() if ports and name != "nginx"}
    assert others == {}
    assert published.get("nginx", []) in ([], ["0.0.0.0:80:8080"], ["0.0.0.0:443:8443"])


def test_listen_and_port_are_honoured() -> None:
    assert compose.service("nginx", {"LISTEN": "127.0.0.1", "PORT": "8080"})["ports"] == ["127.0.0.1:8080:8080"]


@pytest.mark.parametrize("given", ["keys.txt", "./keys.txt", "/etc/keys.txt"])
def test_file_of_keys_is_a_secret_at_the_path_that_the_app_is_given(given: str) -> None:
    loaded = compose.load(variables={"API_KEYS_FILE": given})
    assert loaded["secrets"] == {"api_keys": {"file": given}}
    app = loaded["services"]["my_inference_app"]
    (secret,) = app["secrets"]
    # Normalised as a kernel does it, where // and /./ are /.
    assert Path(secret["target"].replace("//", "/")) == Path(app["working_dir"]) / given


@pytest.mark.parametrize("command", COMPOSE, ids=lambda command: "-".join(command))
@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
def test_compose_reads_the_files(
    command: list[str], file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*NAMES, "HUB_USER", "HUB_REPOSITORY", "TAG", "APP_MEMORY", "APP_CPUS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LISTEN", "127.0.0.1")
    files = [word for path in dict.fromkeys([compose.FILE, file]) for word in ("-f", str(path))]
    (tmp_path / ".env").touch()
    options = ["--project-directory", str(REPOSITORY), "--env-file", str(tmp_path / ".env")]
    done = subprocess.run([*command, *files, *options, "config"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    read = yaml.safe_load(done.stdout)["services"]
    assert {name: read[name]["image"] for name in SERVICES} == {
        name: {**SERVICES[name], **compose.load(file)["services"].get(name, {})}.get("image") for name in SERVICES
    }
    assert "127.0.0.1" in str(read["nginx"]["ports"])


def test_compose_script_takes_the_plugin_or_the_program(tmp_path: Path) -> None:
    for name, text in (("docker", '[ "$1 $2" != "compose version" ]'), ("docker-compose", 'echo "program $*"')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    command = [str(REPOSITORY / "containers" / "compose.sh"), "ps"]
    assert subprocess.check_output(command, env=environment, text=True) == "program ps\n"
    (tmp_path / "docker").write_text('#!/bin/sh\n[ "$2" = version ] || echo "plugin $*"\n')
    assert subprocess.check_output(command, env=environment, text=True) == "plugin compose ps\n"


@pytest.mark.parametrize(("help_text", "expected"), [("--wait", "up --detach --wait x"), ("", "up --detach x")])
def test_run_docker_starts_anew_with_either_compose(tmp_path: Path, help_text: str, expected: str) -> None:
    program = f'#!/bin/sh\nif [ "$2" = --help ]; then echo "{help_text}"; else echo "$@" >> {tmp_path}/calls; fi\n'
    (tmp_path / "docker").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "docker-compose").write_text(program)
    for name in ("docker", "docker-compose"):
        (tmp_path / name).chmod(0o755)
    subprocess.check_call([REPOSITORY / "run_docker.sh", "x"], env={"PATH": f"{tmp_path}:/usr/bin:/bin"})
    assert (tmp_path / "calls").read_text().splitlines() == ["down --remove-orphans", "build", expected]

"""The images, built once from nothing, and containers of them. `make test-containers` runs these tests."""

from __future__ import annotations

import os
import shutil
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.containers import bases, compose
from tests.containers.buildah import Buildah
from tests.containers.network import Network, bridged
from tests.containers.runtime import Container, Options, running

REPOSITORY_NAME = "localhost/myinferenceapp/my_inference_app"
PROGRAMS = ("buildah", "debootstrap", "runc", "ip")


def name_of(image: str) -> str:
    return f"{REPOSITORY_NAME}:{image}_ap"


@pytest.fixture(scope="session")
def buildah(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Buildah]:
    """With both images and the one of all-in-one."""
    if "TEST_CONTAINERS" not in os.environ:
        pytest.skip("takes minutes: make test-containers runs it")
    if os.getuid() != 0:
        pytest.skip("needs root")
    assert [program for program in PROGRAMS if not shutil.which(program)] == []
    made = Buildah(tmp_path_factory.mktemp("buildah"))
    try:
        bases.add(made)
        made.build("build", MODEL="efficientnet-lite0")
        made.build("build", "all-in-one", MODEL="efficientnet-lite0")
        yield made
    finally:
        made.remove_everything()


@pytest.fixture(scope="session")
def network(buildah: Buildah) -> Iterator[Network]:  # noqa: ARG001 - skips where containers cannot be tested
    with bridged() as made:
        yield made


@dataclass
class Containers:
    """Starts containers, and ends them with the test."""

    buildah: Buildah
    network: Network
    folder: Path
    stack: ExitStack

    def run(self, image: str, options: Options, command: Sequence[str] = (), user: str = "") -> Container:
        """A container of the image, with its own command and user unless others are given."""
        root = self.stack.enter_context(self.buildah.mounted(name_of(image)))
        folder = self.folder / str(len(list(self.folder.iterdir())))
        described = self.buildah.configuration(name_of(image))
        described |= {"Cmd": command} if command else {}
        described |= {"User": user} if user else {}
        return self.stack.enter_context(running(root, described, self.network, folder, options))

    def service(self, name: str, **variables: str) -> Container:
        """A service of docker-compose.yml, with these variables in the environment of compose."""
        return self.run(name, options_of(compose.load(variables=variables), name, variables))


def options_of(loaded: Mapping[str, Any], name: str, variables: Mapping[str, str]) -> Options:
    service = loaded["services"][name]
    files = {
        Path(loaded["secrets"][secret["source"]]["file"]): secret["target"] for secret in service.get("secrets", [])
    }
    return Options(
        environment={
            **compose.fixed(service),
            **{name: variables[name] for name in compose.passed_on(service) if name in variables},
        },
        read_only=service["read_only"],
        tmpfs=dict(place.split(":") for place in service["tmpfs"]),
        files=files,
        memory=compose.amount(service["mem_limit"]),
        folder=service.get("working_dir", ""),
    )


@pytest.fixture
def containers(buildah: Buildah, network: Network, tmp_path: Path) -> Iterator[Containers]:
    (tmp_path / "containers").mkdir()
    with ExitStack() as stack:
        yield Containers(buildah, network, tmp_path / "containers", stack)


@dataclass(frozen=True)
class Pair:
    app: Container
    nginx: Container

    @property
    def url(self) -> str:
        return f"http://{self.nginx.address}:8080"


def start_pair(containers: Containers, **variables: str) -> Pair:
    """Both services of docker-compose.yml. The name of the app leads to its address, as in the network of compose."""
    app = containers.service("my_inference_app", **variables)
    app.wait_until_healthy()
    containers.network.names["my_inference_app"] = [app.address]
    nginx = containers.service("nginx", **variables)
    nginx.wait_until_healthy()
    return Pair(app, nginx)


@pytest.fixture(scope="module")
def pair(buildah: Buildah, network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """One with the default settings, for tests that leave it as they found it."""
    with ExitStack() as stack:
        yield start_pair(Containers(buildah, network, tmp_path_factory.mktemp("containers"), stack))


def predict(url: str, image: bytes, **headers: str) -> bytes:
    request = urllib.request.Request(f"{url}/predict", image, {"Content-Type": "image/*", **headers})
    with urllib.request.urlopen(request, timeout=60) as response:
        body: bytes = response.read()
        return body

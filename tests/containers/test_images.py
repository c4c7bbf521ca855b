"""The images as they were built: small, labelled, without leftovers, and quickly built again."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.containers import bases, pip_configuration
from tests.containers.buildah import Buildah
from tests.containers.conftest import name_of
from tests.images import REPOSITORY

IMAGES = ("my_inference_app", "nginx", "all-in-one")
# No file or folder in an image may be called so.
UNWANTED = {
    *("torch", "torchvision", "transformers", "pip", "pip3", "ensurepip", "setuptools", "wheel", "huggingface_hub"),
    *("gcc", "cc", "cc1", "g++", "clang", "make", "as", "ld"),
}


def test_app_image_is_small(buildah: Buildah) -> None:
    size = buildah.size(name_of("my_inference_app"))
    print(f"my_inference_app: {size:.0f} MB, base {buildah.size(bases.NAME):.0f} MB")
    assert size <= 300


def test_nginx_image_is_not_larger_than_its_base(buildah: Buildah) -> None:
    size, base = buildah.size(name_of("nginx")), buildah.size(bases.NAME)
    print(f"nginx: {size:.0f} MB, base {base:.0f} MB")
    assert size <= base + 1


@pytest.mark.parametrize("image", IMAGES)
def test_image_runs_as_a_user(buildah: Buildah, image: str) -> None:
    assert int(buildah.configuration(name_of(image))["User"]) > 0


@pytest.mark.parametrize("image", IMAGES)
def test_image_is_labelled(buildah: Buildah, image: str) -> None:
    labels = buildah.configuration(name_of(image))["Labels"]
    revision = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=REPOSITORY, text=True).strip()
    found = {name.removeprefix("org.opencontainers.image."): value for name, value in labels.items()}
    assert {"title", "description", "licenses", "version", "revision"} <= set(found)
    assert (found["licenses"], found["revision"]) == ("MIT", revision)


@pytest.mark.parametrize("image", IMAGES)
def test_image_has_no_tools_to_build_or_install(buildah: Buildah, image: str) -> None:
    with buildah.mounted(name_of(image)) as root:
        found = [path for path in root.rglob("*") if path.name in UNWANTED and "share/doc" not in str(path)]
        assert found == []
        assert not any((root / "root").rglob("*pip*"))


@pytest.mark.parametrize("image", IMAGES)
def test_image_has_nothing_of_this_machine(buildah: Buildah, image: str) -> None:
    """pip's configuration is mounted for the build. Only empty files remain where it was."""
    targets = [mount.split(":")[1] for mount in pip_configuration.mounts(buildah.folder)]
    with buildah.mounted(name_of(image)) as root:
        for target in targets:
            left = root / target.lstrip("/")
            assert not left.exists() or (not any(left.iterdir()) if left.is_dir() else left.stat().st_size == 0)
    history = buildah.history(name_of(image))
    assert [target for target in targets if target in history] == []


def test_change_of_code_rebuilds_the_last_layers_only(buildah: Buildah, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    ignored = shutil.ignore_patterns(".venv", "models", ".git", "__pycache__", ".*_cache", "tests", "benchmarks")
    shutil.copytree(REPOSITORY, checkout, ignore=ignored, symlinks=True)
    with (checkout / "my_inference_app" / "api" / "page.py").open("a") as file:
        file.write("# changed\n")
    variables = {"MODEL": "efficientnet-lite0", "TAG": "changed", "VERSION": "2", "REVISION": "2"}
    output = buildah.build("build", "serving", checkout=checkout, **variables)
    assert "compileall" in output
    assert re.findall(r"Collecting |Making the bundle|Setting up ", output) == []
    with buildah.mounted("localhost/myinferenceapp/my_inference_app:serving_changed") as root:
        assert (root / "app/my_inference_app/api/page.py").read_text().endswith("# changed\n")


def test_sbom_lists_packages_of_python_and_debian(buildah: Buildah) -> None:
    command = [sys.executable, str(REPOSITORY / "containers" / "sbom.py"), name_of("my_inference_app")]
    listed = subprocess.check_output(command, env=buildah.environment, text=True)
    urls = re.findall(r'"purl": "(.*?)@', listed)
    assert {"pkg:pypi/openvino", "pkg:pypi/gunicorn", "pkg:deb/debian/libc6", "pkg:deb/debian/python3.11"} <= set(urls)
    assert not {"pkg:pypi/pip", "pkg:pypi/torch"} & set(urls)

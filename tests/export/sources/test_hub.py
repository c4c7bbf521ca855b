"""The hub, asked by its own client. A local server stands in for it; every export runs in its own process."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import load

from my_inference_app.bundles import bundle
from tests.export import hub_server
from tests.export.command_line import NOWHERE, CommandLine, Done
from tests.export.conftest import MODEL
from tests.export.hub_server import Hub

STEPS = [
    "  downloading from the hub",
    "  loading torch and other libraries",
    "  loading the weights",
    "  tracing",
    "  converting for OpenVINO",
    "  converting for torch",
    "  comparing with the original model",
]

DOWNLOAD = """
from my_inference_app.export.options import Options
from my_inference_app.export.sources.download import download
print(download(Options({model!r}, {revision!r})))
"""


@dataclass(frozen=True)
class Exported:
    done: Done
    command_line: CommandLine
    commit: str
    requests: list[str]

    @property
    def lines(self) -> list[str]:
        """The text on the terminal at the end."""
        return [line.rstrip().rpartition("\r")[2] for line in self.done.stderr.split("\n")[:-1]]


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]) -> Exported:
    """One export from a hub, on a terminal; the hub is gone for the tests that come after."""
    with hub_server.running() as hub:
        commit = hub.add(MODEL, files)
        command_line = CommandLine(tmp_path_factory.mktemp("once")).with_(HF_ENDPOINT=hub.endpoint)
        done = command_line.on_a_terminal(MODEL)
    return Exported(done, command_line, commit, hub.requests)


def download(command_line: CommandLine, model: str = MODEL, revision: str = "") -> Path:
    return command_line.python(DOWNLOAD.format(model=model, revision=revision)).folder


def test_bundle_describes_its_source(once: Exported) -> None:
    made = bundle.read(once.done.folder)
    assert made.path == once.command_line.models / "tiny--resnet"
    assert (made.name, made.license) == (MODEL, "apache-2.0")
    assert made.source == {"kind": "hub", "id": MODEL, "revision": once.commit}
    assert made.origin == f"hub {MODEL} {once.commit}"
    assert list(made.files) == ["head.npz", "model.bin", "model.xml"]
    assert made.input.shortest_edge == 144


def test_export_downloads_only_needed_files(once: Exported) -> None:
    fetched = {request.rpartition("/")[2] for request in once.requests if "resolve" in request}
    assert fetched == {"config.json", "preprocessor_config.json", "README.md", "model.safetensors"}


def test_terminal_shows_a_bar_only_during_the_download(once: Exported) -> None:
    assert "downloading: " in once.done.stderr
    assert not any("downloading: " in line for line in once.lines)


def test_every_step_is_reported_with_its_seconds(once: Exported) -> None:
    """And no library prints anything else."""
    first, *steps, last = once.lines
    assert first == f"Making the bundle of {MODEL}"
    assert [re.sub(r" +\d+\.\d s( +\d+\.\d MB)?$", "", line) for line in steps] == STEPS
    assert re.fullmatch(rf"Wrote {once.done.folder}: \d+\.\d MB in \d+ s", last)


def test_export_leaves_the_home_folder_empty(once: Exported) -> None:
    assert list((once.command_line.folder / "home").iterdir()) == []


def test_unreachable_hub_with_a_cached_model_uses_the_cache(once: Exported) -> None:
    """So that the fallback, which replaces a model that cannot be had, is not used."""
    assert download(once.command_line.with_(HF_ENDPOINT=NOWHERE)).name == once.commit


def test_offline_download_uses_the_cache_without_a_request(once: Exported) -> None:
    with hub_server.running() as hub:
        folder = download(once.command_line.with_(HF_ENDPOINT=hub.endpoint, HF_HUB_OFFLINE="1"))
    assert (hub.requests, folder.name) == ([], once.commit)


def test_if_missing_keeps_an_existing_bundle_without_a_request(once: Exported, hub: Hub) -> None:
    before = (once.done.folder / "bundle.json").stat().st_mtime_ns
    done = once.command_line.with_(HF_ENDPOINT=hub.endpoint)(MODEL, "--if-missing")
    assert (done.folder, done.stderr, hub.requests) == (once.done.folder, "", [])
    assert (done.folder / "bundle.json").stat().st_mtime_ns == before


def test_revision_without_safetensors_downloads_its_pickles(
    hub: Hub, online: CommandLine, files: dict[str, bytes]
) -> None:
    pickled = online.folder / "pytorch_model.bin"
    torch.save(load(files["model.safetensors"]), pickled)
    others = {name: data for name, data in files.items() if name != "model.safetensors"}
    hub.add(MODEL, {"README.md": b"nothing yet"})
    commit = hub.add(MODEL, {**others, "pytorch_model.bin": pickled.read_bytes()}, branch="v1.0")

    folder = download(online, revision="v1.0")

    assert folder.name == commit
    assert (folder / "pytorch_model.bin").read_bytes() == pickled.read_bytes()


def test_fallback_is_announced(command_line: CommandLine, efficientnet: Path) -> None:
    command_line.models.mkdir()
    (command_line.models / efficientnet.name).symlink_to(efficientnet)
    done = command_line.with_(HF_ENDPOINT=NOWHERE)(MODEL, "--if-missing", "--fallback", "efficientnet-lite0")
    assert done.folder == command_line.models / "efficientnet-lite0"
    assert f"*** Using efficientnet-lite0 INSTEAD of {MODEL}" in done.stderr

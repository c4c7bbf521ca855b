"""The hub, asked by its own client: a local server answers as it does, and every export is a process of its own."""

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


@dataclass(frozen=True)
class Exported:
    done: Done
    command_line: CommandLine
    commit: str
    requests: list[str]

    @property
    def lines(self) -> list[str]:
        """What is on the terminal at the end."""
        return [line.rstrip().rpartition("\r")[2] for line in self.done.stderr.split("\n")[:-1]]


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]) -> Exported:
    """One export from a hub, on a terminal; the hub is gone for the tests that come after."""
    with hub_server.running() as hub:
        commit = hub.add(MODEL, files)
        command_line = CommandLine(tmp_path_factory.mktemp("once")).with_(HF_ENDPOINT=hub.endpoint)
        done = command_line.on_a_terminal(MODEL)
    return Exported(done, command_line, commit, hub.requests)


def test_the_bundle_says_what_it_was_made_of(once: Exported) -> None:
    made = bundle.read(once.done.folder)
    assert made.path == once.command_line.models / "tiny--resnet"
    assert (made.name, made.license) == (MODEL, "apache-2.0")
    assert made.source == {"kind": "hub", "id": MODEL, "revision": once.commit}
    assert made.origin == f"hub {MODEL} {once.commit}"
    assert list(made.files) == ["model.bin", "model.xml"]
    assert made.input.shortest_edge == 144


def test_only_what_is_needed_is_fetched(once: Exported) -> None:
    fetched = {request.rpartition("/")[2] for request in once.requests if "resolve" in request}
    assert fetched == {"config.json", "preprocessor_config.json", "README.md", "model.safetensors"}


def test_a_bar_is_drawn_while_downloading_and_gone_afterwards(once: Exported) -> None:
    assert "downloading: " in once.done.stderr
    assert not any("downloading: " in line for line in once.lines)


def test_every_step_is_told_with_its_seconds(once: Exported) -> None:
    assert once.lines[0] == f"making the bundle of {MODEL}"
    assert [re.sub(r" +\d+\.\d s$", "", line) for line in once.lines[1:-1]] == [
        "  fetching it from the hub",
        "  loading torch and transformers",
        "  reading the weights",
        "  tracing",
        "  writing for OpenVINO",
        "  writing for torch",
        "  comparing with the original",
    ]
    assert once.lines[-1].startswith(f"wrote {once.done.folder} (")


def test_nothing_is_left_in_the_home_folder(once: Exported) -> None:
    assert list((once.command_line.folder / "home").iterdir()) == []


def test_offline_it_is_made_from_the_cache(once: Exported) -> None:
    with hub_server.running() as hub:
        offline = once.command_line.with_(HF_ENDPOINT=hub.endpoint, HF_HUB_OFFLINE="1")
        made = bundle.read(offline(MODEL).folder)
    assert (hub.requests, made.source["revision"]) == ([], once.commit)


def test_out_of_reach_it_is_made_from_the_cache_too_and_not_replaced(once: Exported) -> None:
    done = once.command_line.with_(HF_ENDPOINT=NOWHERE)(MODEL, "--fallback", "efficientnet-lite0")
    assert done.folder == once.done.folder
    assert "***" not in done.stderr


def test_what_is_there_is_kept_without_asking(once: Exported, hub: Hub) -> None:
    before = (once.done.folder / "bundle.json").stat().st_mtime_ns
    done = once.command_line.with_(HF_ENDPOINT=hub.endpoint)(MODEL, "--if-missing")
    assert (done.folder, done.stderr, hub.requests) == (once.done.folder, "", [])
    assert (done.folder / "bundle.json").stat().st_mtime_ns == before


def test_without_safetensors_pickles_do_and_a_revision_is_taken(
    hub: Hub, online: CommandLine, files: dict[str, bytes]
) -> None:
    pickled = online.folder / "pytorch_model.bin"
    torch.save(load(files["model.safetensors"]), pickled)
    others = {name: data for name, data in files.items() if name != "model.safetensors"}
    hub.add(MODEL, {"README.md": b"nothing yet"})
    commit = hub.add(MODEL, {**others, "pytorch_model.bin": pickled.read_bytes()}, branch="v1.0")

    made = bundle.read(online.with_(MODEL=MODEL, MODEL_REVISION="v1.0")().folder)

    assert made.path.name == "tiny--resnet@v1.0"
    assert made.source["revision"] == commit


def test_the_fallback_is_loud(command_line: CommandLine, efficientnet: Path) -> None:
    command_line.models.mkdir()
    (command_line.models / efficientnet.name).symlink_to(efficientnet)
    done = command_line.with_(HF_ENDPOINT=NOWHERE)(MODEL, "--if-missing", "--fallback", "efficientnet-lite0")
    assert done.folder == command_line.models / "efficientnet-lite0"
    assert f"*** Using efficientnet-lite0 INSTEAD of {MODEL}" in done.stderr

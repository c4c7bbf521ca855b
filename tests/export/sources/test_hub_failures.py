"""Where the hub gives no model, or not the right one: one line that says so, no bundle, and never another model."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from tests.export.command_line import NOWHERE, CommandLine
from tests.export.conftest import MODEL
from tests.export.hub_server import Hub


def test_a_text_model_is_refused_and_the_older_bundle_stays(hub: Hub, online: CommandLine) -> None:
    hub.add("tiny/text", {"config.json": json.dumps({"model_type": "bert"}).encode(), "model.safetensors": b""})
    older = online.models / "tiny--text" / "bundle.json"
    older.parent.mkdir(parents=True)
    older.write_text("older")
    assert online("tiny/text").error == "tiny/text is not an image classifier: its model type is bert"
    assert [path.name for path in online.models.iterdir()] == ["tiny--text"]
    assert older.read_text() == "older"


def test_a_download_with_other_bytes_is_refused(hub: Hub, online: CommandLine, files: dict[str, bytes]) -> None:
    hub.add(MODEL, files)
    weights = files["model.safetensors"]
    hub.spoil = {"model.safetensors": weights[:-1] + bytes([weights[-1] ^ 1])}
    error = online(MODEL).error
    assert error.startswith(f"model.safetensors of {MODEL} is damaged, its checksum is not the hub's: delete ")

    Path(error.removesuffix(" and try again").rpartition(" ")[2]).unlink()  # as it says
    hub.spoil = {}
    assert online(MODEL).folder.is_dir()


def test_a_download_that_ends_early_is_refused(hub: Hub, online: CommandLine, files: dict[str, bytes]) -> None:
    hub.add(MODEL, files)
    hub.spoil = {"model.safetensors": files["model.safetensors"][:1000]}
    assert online(MODEL).error.startswith(f"{MODEL} could not be downloaded: Consistency check failed: file should be")
    assert not online.models.exists() or not any(online.models.iterdir())


@pytest.mark.parametrize("arguments", [(), ("--fallback", "efficientnet-lite0")], ids=["strict", "with a fallback"])
@pytest.mark.parametrize(
    ("model", "revision", "message"),
    [
        ("no/such", "", "the hub has no model 'no/such' (or it is private and HF_TOKEN is not set)"),
        (MODEL, "v9", f"{MODEL} has no revision 'v9'"),
        ("tiny/gated", "", "tiny/gated asks for a login: accept its terms on the hub and set HF_TOKEN"),
        ("a/b/c", "", "'a/b/c' is neither a hub id, nor a folder, nor a name this program knows"),
    ],
    ids=["unknown", "no such revision", "gated", "no id"],
)
def test_a_wrong_model_is_an_error_and_never_another_model(
    arguments: tuple[str, ...],
    model: str,
    revision: str,
    message: str,
    hub: Hub,
    online: CommandLine,
    files: dict[str, bytes],
) -> None:
    hub.add(MODEL, files)
    hub.add("tiny/gated", files, gated=True)
    assert online.with_(MODEL_REVISION=revision)(model, *arguments).error == message


def test_out_of_reach_and_not_cached(command_line: CommandLine) -> None:
    error = command_line.with_(HF_ENDPOINT=NOWHERE)(MODEL).error
    assert error.startswith(f"{MODEL} is not in the cache, and the hub ({NOWHERE}) gives no answer: ")


@pytest.mark.parametrize("settings", [{"HF_ENDPOINT": NOWHERE}, {"HF_HUB_OFFLINE": "1"}], ids=["away", "forbidden"])
def test_out_of_reach_and_cached_in_part(
    settings: dict[str, str], command_line: CommandLine, files: dict[str, bytes]
) -> None:
    """As after a program that only looked at the configuration."""
    cache = command_line.folder / "hub" / "hub" / "models--tiny--resnet"
    (cache / "refs").mkdir(parents=True)
    (cache / "refs" / "main").write_text("1" * 40)
    snapshot = cache / "snapshots" / ("1" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_bytes(files["config.json"])
    assert f"{MODEL} is not in the cache, and " in command_line.with_(**settings)(MODEL).error


def test_forbidden_to_ask_and_not_cached(command_line: CommandLine) -> None:
    error = command_line.with_(HF_HUB_OFFLINE="1")(MODEL).error
    assert error == f"{MODEL} is not in the cache, and HF_HUB_OFFLINE forbids to ask the hub"


def test_a_hub_that_is_down(hub: Hub, online: CommandLine) -> None:
    hub.status = 503
    assert f"the hub ({hub.endpoint}) gives no answer: Server error '503 " in online(MODEL).error


def test_a_commit_out_of_reach_is_not_asked_for_again_and_again(command_line: CommandLine) -> None:
    error = command_line.with_(HF_ENDPOINT=NOWHERE, MODEL_REVISION="0" * 40)(MODEL).error
    assert "gives no answer" in error


def test_a_hub_that_is_silent(command_line: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        error = command_line.with_(HF_ENDPOINT=endpoint, HF_HUB_ETAG_TIMEOUT="1")(MODEL).error
    assert error == f"{MODEL} is not in the cache, and the hub ({endpoint}) gives no answer: timed out"

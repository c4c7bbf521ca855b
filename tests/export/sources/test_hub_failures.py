"""The hub gives no model, or a damaged one: the export fails with one line, and never uses another model."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.export.command_line import NOWHERE, CommandLine
from tests.export.conftest import MODEL
from tests.export.hub_server import Hub
from tests.export.sources.test_hub import download


def test_a_download_with_other_bytes_is_refused(hub: Hub, online: CommandLine, files: dict[str, bytes]) -> None:
    hub.add(MODEL, files)
    weights = files["model.safetensors"]
    hub.spoil = {"model.safetensors": weights[:-1] + bytes([weights[-1] ^ 1])}
    error = online(MODEL).error
    assert error.startswith(f"model.safetensors of {MODEL} is damaged: its checksum is not the hub's: delete ")

    Path(error.removesuffix(" and try again").rpartition(" ")[2]).unlink()  # as it says
    hub.spoil = {}
    assert (download(online) / "model.safetensors").read_bytes() == weights


def test_a_download_that_ends_early_is_refused(hub: Hub, online: CommandLine, files: dict[str, bytes]) -> None:
    hub.add(MODEL, files)
    hub.spoil = {"model.safetensors": files["model.safetensors"][:1000]}
    assert online(MODEL).error.startswith(f"{MODEL} could not be downloaded: Consistency check failed: file should be")
    assert not any(online.models.iterdir())


@pytest.mark.parametrize(
    ("model", "revision", "message"),
    [
        ("no/such", "", "the hub has no model 'no/such' (or it is private and HF_TOKEN is not set)"),
        (MODEL, "v9", f"{MODEL} has no revision 'v9'"),
        ("tiny/gated", "", "tiny/gated needs a login: accept its terms on the hub and set HF_TOKEN"),
        ("a/b/c", "", "'a/b/c' is not a hub id, a folder or another known form of MODEL"),
    ],
    ids=["unknown", "no such revision", "gated", "no id"],
)
def test_a_wrong_model_is_an_error_and_never_another_model(
    model: str,
    revision: str,
    message: str,
    hub: Hub,
    online: CommandLine,
    files: dict[str, bytes],
) -> None:
    hub.add(MODEL, files)
    hub.add("tiny/gated", files, gated=True)
    assert online.with_(MODEL=model, MODEL_REVISION=revision)("--fallback", "efficientnet-lite0").error == message


def test_unreachable_hub_without_a_cached_model_is_an_error(command_line: CommandLine) -> None:
    error = command_line.with_(HF_ENDPOINT=NOWHERE)(MODEL).error
    assert error.startswith(f"{MODEL} is not in the cache, and the hub ({NOWHERE}) does not answer: ")


@pytest.mark.parametrize(
    "settings", [{"HF_ENDPOINT": NOWHERE}, {"HF_HUB_OFFLINE": "1"}], ids=["unreachable", "offline"]
)
def test_unreachable_hub_with_a_partly_cached_model_is_an_error(
    settings: dict[str, str], command_line: CommandLine, files: dict[str, bytes]
) -> None:
    """As left by a program that only read the configuration."""
    cache = command_line.folder / "hub" / "hub" / "models--tiny--resnet"
    (cache / "refs").mkdir(parents=True)
    (cache / "refs" / "main").write_text("1" * 40)
    snapshot = cache / "snapshots" / ("1" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_bytes(files["config.json"])
    assert f"{MODEL} is not in the cache, and " in command_line.with_(**settings)(MODEL).error


def test_offline_without_a_cached_model_is_an_error(command_line: CommandLine) -> None:
    error = command_line.with_(HF_HUB_OFFLINE="1")(MODEL).error
    assert error == f"{MODEL} is not in the cache, and HF_HUB_OFFLINE forbids a download"


def test_hub_that_is_down_is_an_error(hub: Hub, online: CommandLine) -> None:
    hub.status = 503
    assert f"the hub ({hub.endpoint}) does not answer: Server error '503 " in online(MODEL).error


def test_unreachable_hub_with_a_commit_fails_without_retries(command_line: CommandLine) -> None:
    error = command_line.with_(HF_ENDPOINT=NOWHERE, MODEL_REVISION="0" * 40)(MODEL).error
    assert "does not answer" in error


def test_silent_hub_is_an_error_after_the_timeout(command_line: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        error = command_line.with_(HF_ENDPOINT=endpoint, HF_HUB_ETAG_TIMEOUT="1")(MODEL).error
    assert error == f"{MODEL} is not in the cache, and the hub ({endpoint}) does not answer: timed out"

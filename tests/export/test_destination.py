"""The folder for bundles: checked before the work begins, and cleaned of what killed exports left."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from my_inference_app.errors import SetupError
from my_inference_app.export import cli
from my_inference_app.export.destination import prepare
from my_inference_app.export.pipeline import make_bundle
from tests.export.test_pipeline import Plain, model_of


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"a disk cannot be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def export_fails_at_once(models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """The error. No step comes before it."""
    monkeypatch.setenv("MODELS_DIR", str(models))
    with pytest.raises(SystemExit) as stopped:
        cli.main(["efficientnet-lite0"])
    assert capsys.readouterr() == ("", "")
    return str(stopped.value.code)


def test_file_in_place_of_the_folder_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "efficientnet-lite0").touch()
    for models in (tmp_path, tmp_path / "efficientnet-lite0"):
        error = export_fails_at_once(models, monkeypatch, capsys)
        path = tmp_path / "efficientnet-lite0"
        assert error == f"error: {path} is a file, not a folder: move it away, or set MODELS_DIR to another folder"
    assert path.read_bytes() == b""
    error = export_fails_at_once(path / "models", monkeypatch, capsys)
    assert error.startswith(f"error: {path}/models cannot be written to (Not a directory): set MODELS_DIR")


@pytest.mark.parametrize("models", ["/proc/sys", "/proc/sys/models"])
def test_unwritable_folder_is_refused_at_once(
    models: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody can write to this one, not even root."""
    error = export_fails_at_once(Path(models), monkeypatch, capsys)
    assert error.startswith(f"error: {models} cannot be written to (")
    assert error.endswith("): set MODELS_DIR to another folder")


def test_small_disk_is_refused_before_the_conversion(
    disk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MODELS_DIR", str(disk))
    with pytest.raises(SystemExit) as stopped:
        cli.main(["efficientnet-lite0"])
    message = rf"error: {disk} has 2 MB of free space, the export needs about 3\d MB: free some, or use another disk"
    assert re.match(message, str(stopped.value.code))
    assert "tracing" not in capsys.readouterr().err
    assert list(disk.iterdir()) == []


def test_disk_that_became_full_is_an_error_and_leaves_nothing(disk: Path) -> None:
    filler = disk / "filler"
    with pytest.raises(OSError, match="No space left"):
        filler.write_bytes(bytes(3_000_000))
    with pytest.raises(SetupError, match=rf"^the bundle cannot be written to {disk}/mine: No space left on device$"):
        make_bundle(model_of(Plain()), disk / "mine", ("openvino",))
    assert list(disk.iterdir()) == [filler]


def test_leftovers_of_killed_exports_are_removed_after_a_day(tmp_path: Path) -> None:
    names = (".mine-abcd1234", ".mine-old-abcd1234", ".mine-new", ".other-abcd1234", "mine-abcd1234")
    for name in names:
        (tmp_path / name / "inside").mkdir(parents=True)
        old = time.time() - 25 * 60 * 60
        if name != ".mine-new":
            os.utime(tmp_path / name, (old, old))
    prepare(tmp_path / "mine")
    assert {path.name for path in tmp_path.iterdir()} == {".mine-new", ".other-abcd1234", "mine-abcd1234"}

"""ResNet50_inference.py classifies one image without a server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from my_inference_app.bundles.bundle import Bundle
from my_inference_app.errors import ImageUndecodable, ServiceError, UnsupportedFormat
from my_inference_app.ResNet50_inference import inference, main
from tests.images import REPOSITORY, SAMPLES, plain_image

SCRIPT = REPOSITORY / "my_inference_app" / "ResNet50_inference.py"


def run(*arguments: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), **settings}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


@pytest.fixture
def error_of(tiny: Bundle, monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """Runs the command line in this process, with the tiny model; returns what it stops with."""

    def of(*arguments: str | Path, **settings: str) -> object:
        for name, value in {"BUNDLE": str(tiny.path), **settings}.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in arguments])
        return stopped.value.code

    return of


@pytest.mark.parametrize("engine", ["openvino", "torch"])
def test_script_prints_the_label(tiny: Bundle, tmp_path: Path, engine: str) -> None:
    file = tmp_path / "leaf.png"
    file.write_bytes(plain_image("green"))
    done = run(file, BUNDLE=str(tiny.path), ENGINE=engine)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "{'statusCode': 200, 'body': '\"green\"'}\n"


def test_script_with_the_real_model_recognises_a_cat(efficientnet: Path) -> None:
    cat = next(path for path in SAMPLES if path.stem == "cat")
    done = run(cat, BUNDLE=str(efficientnet))
    assert done.stdout.startswith("{'statusCode': 200, 'body': '\"") and "cat" in done.stdout, done


def test_script_without_a_bundle_prepares_one_with_the_words_of_make_run(efficientnet: Path, tmp_path: Path) -> None:
    """By the same function. Tests of `make run` show that it makes what is missing."""
    cat = next(path for path in SAMPLES if path.stem == "cat")
    models = tmp_path / "models"
    models.mkdir()
    (models / efficientnet.name).symlink_to(efficientnet)
    done = run(cat, MODELS_DIR=str(models), HF_HOME=str(tmp_path), HF_HUB_OFFLINE="1")
    assert done.stdout.startswith("{'statusCode': 200, 'body': '\"") and "cat" in done.stdout, done
    assert "*** Using efficientnet-lite0 INSTEAD of microsoft/resnet-50." in done.stderr


def test_script_does_not_fall_back_from_a_named_model(tmp_path: Path) -> None:
    nowhere = {"MODELS_DIR": str(tmp_path / "models"), "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    done = run(SAMPLES[0], MODEL="microsoft/resnet-50", **nowhere)
    assert (done.returncode, done.stdout) == (1, "")
    assert "microsoft/resnet-50" in done.stderr.splitlines()[-1] and "Traceback" not in done.stderr
    assert not (tmp_path / "models" / "efficientnet-lite0").exists()


def test_script_outside_the_environment_fails_with_one_line() -> None:
    command = [sys.executable, "-IS", str(SCRIPT), str(SAMPLES[0])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    expected = "error: no module named 'my_inference_app': use the Python of `make run`, .venv/bin/python\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", expected)


def test_script_fails_with_one_line(tmp_path: Path) -> None:
    done = run(SAMPLES[0], BUNDLE=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: there is no bundle in {tmp_path}: make it with `make export`\n"


def test_missing_file_is_an_error(error_of: Callable[..., object], tmp_path: Path) -> None:
    file = tmp_path / "none.jpg"
    assert error_of(file) == f"error: {file}: No such file or directory"


def test_folder_is_an_error(error_of: Callable[..., object], tmp_path: Path) -> None:
    assert error_of(tmp_path) == f"error: {tmp_path}: Is a directory"


@pytest.mark.parametrize(
    ("data", "kind"),
    [(b"not an image at all", UnsupportedFormat), (b"", UnsupportedFormat), (plain_image()[:60], ImageUndecodable)],
)
def test_file_that_is_not_an_image_is_an_error_in_one_line(
    error_of: Callable[..., object], tmp_path: Path, data: bytes, kind: type[ServiceError]
) -> None:
    file = tmp_path / "file.jpg"
    file.write_bytes(data)
    code = str(error_of(file))
    with pytest.raises(kind) as caught:
        inference(data)
    assert code == f"error: {file}: {caught.value}" and "\n" not in code


def test_bad_setting_is_an_error(error_of: Callable[..., object]) -> None:
    message = "error: ENGINE='abacus' cannot be used: give one of openvino, torch, ray"
    assert error_of(SAMPLES[0], ENGINE="abacus") == message


@pytest.mark.parametrize("arguments", [(), ("a.jpg", "b.jpg")])
def test_wrong_number_of_arguments_prints_the_usage(
    arguments: tuple[str, ...], error_of: Callable[..., object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert error_of(*arguments) == 2
    assert capsys.readouterr() == ("", "usage: ResNet50_inference.py IMAGE\n")


def test_function_returns_the_label(tiny: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUNDLE", str(tiny.path))
    assert [inference(plain_image(label))["body"] for label in ("red", "blue", "red")] == ['"red"', '"blue"', '"red"']
    with pytest.raises(UnsupportedFormat):
        inference(b"not an image")

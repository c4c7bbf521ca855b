"""ResNet50_inference.py classifies one image without a server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from my_inference_app.bundles.bundle import Bundle
from my_inference_app.errors import UnsupportedFormat
from my_inference_app.ResNet50_inference import inference
from tests.images import REPOSITORY, SAMPLES, plain_image

SCRIPT = REPOSITORY / "my_inference_app" / "ResNet50_inference.py"


def run(*arguments: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), **settings}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def assert_one_line(done: subprocess.CompletedProcess[str], code: int, line: str) -> None:
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr == f"{line}\n"


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


def test_missing_file_is_an_error_in_one_line(tiny: Bundle, tmp_path: Path) -> None:
    file = tmp_path / "none.jpg"
    assert_one_line(run(file, BUNDLE=str(tiny.path)), 1, f"error: {file}: No such file or directory")


def test_folder_is_an_error_in_one_line(tiny: Bundle, tmp_path: Path) -> None:
    assert_one_line(run(tmp_path, BUNDLE=str(tiny.path)), 1, f"error: {tmp_path}: Is a directory")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"not an image at all", "this is not a picture in a supported format: send JPEG, PNG, WebP, GIF or BMP"),
        (b"", "this is not a picture in a supported format: send JPEG, PNG, WebP, GIF or BMP"),
        (plain_image()[:60], "the picture is damaged or incomplete and cannot be decoded"),
    ],
)
def test_file_that_is_not_an_image_is_an_error_in_one_line(
    tiny: Bundle, tmp_path: Path, data: bytes, message: str
) -> None:
    file = tmp_path / "file.jpg"
    file.write_bytes(data)
    assert_one_line(run(file, BUNDLE=str(tiny.path)), 1, f"error: {file}: {message}")


def test_missing_bundle_is_an_error_in_one_line(tmp_path: Path) -> None:
    done = run(SAMPLES[0], BUNDLE=str(tmp_path))
    assert_one_line(done, 1, f"error: there is no bundle in {tmp_path}: make it with `make export`")


def test_bad_setting_is_an_error_in_one_line(tiny: Bundle) -> None:
    done = run(SAMPLES[0], BUNDLE=str(tiny.path), ENGINE="abacus")
    assert_one_line(done, 1, "error: ENGINE='abacus' cannot be used: give one of openvino, torch")


@pytest.mark.parametrize("arguments", [(), ("a.jpg", "b.jpg")])
def test_wrong_number_of_arguments_prints_the_usage(arguments: tuple[str, ...]) -> None:
    assert_one_line(run(*arguments), 2, "usage: ResNet50_inference.py IMAGE")


def test_function_returns_the_label(tiny: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUNDLE", str(tiny.path))
    assert [inference(plain_image(label))["body"] for label in ("red", "blue", "red")] == ['"red"', '"blue"', '"red"']
    with pytest.raises(UnsupportedFormat):
        inference(b"not an image")

"""The `.env` file: how it is read, and that the environment wins over it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from my_inference_app.errors import SettingError
from my_inference_app.settings import PROJECT, Settings
from my_inference_app.settings.environment import is_set

Write = Callable[[str], Path]


@pytest.fixture
def dotenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    file = tmp_path / ".env"
    monkeypatch.setattr("my_inference_app.settings.environment.FILE", file)

    def write(text: str) -> Path:
        file.write_bytes(text.encode())
        return file

    return write


@pytest.mark.parametrize(
    ("line", "model"),
    [
        ("MODEL=a/b", "a/b"),
        ("  MODEL = a/b  ", "a/b"),
        ("export MODEL=a/b", "a/b"),
        ("MODEL=a/b # a comment", "a/b"),
        ("MODEL=a/b#c", "a/b#c"),
        ("MODEL='a/b # c'", "a/b # c"),
        ('MODEL="a/b # c" # a comment', "a/b # c"),
        (r'MODEL="a\"b"', 'a"b'),
        ("MODEL='$HOME'", "$HOME"),
        ("MODEL='a/$b' # a comment", "a/$b"),
        ("MODEL=x\nMODEL=a/b", "a/b"),
        ("\ufeff# a comment\r\n\r\nMODEL=a/b\r\nPORT=81\r\n", "a/b"),
        ("MODEL=", "microsoft/resnet-50"),
        ("MODEL", "microsoft/resnet-50"),
        ("# MODEL=a/b", "microsoft/resnet-50"),
        ("", "microsoft/resnet-50"),
        ("HUB_USER=me\nTAG=$OTHER\nMODEL=a/b", "a/b"),
    ],
)
def test_line_of_file_sets_setting(dotenv: Write, line: str, model: str) -> None:
    dotenv(line)
    assert Settings.from_env().model == model
    assert is_set("MODEL") == (model != "microsoft/resnet-50")


@pytest.mark.parametrize("name", ["WORKERS", "WEB_CONCURRENCY"])
def test_second_name_of_setting_is_read_from_file(dotenv: Write, name: str) -> None:
    dotenv(f"{name}=3")
    assert Settings.from_env().workers == 3


@pytest.mark.parametrize(("given", "port"), [("81", 81), ("", 80)])
def test_environment_wins_over_file_even_when_empty(
    dotenv: Write, monkeypatch: pytest.MonkeyPatch, given: str, port: int
) -> None:
    dotenv("PORT=8080\nTHREADS=7")
    monkeypatch.setenv("PORT", given)
    settings = Settings.from_env()
    assert (settings.port, settings.threads) == (port, 7)
    assert is_set("PORT") == bool(given)


def test_mapping_is_not_mixed_with_file(dotenv: Write) -> None:
    dotenv("PORT=8080")
    assert Settings.from_env({}).port == 80


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("PORT=81\n\nthis is not one\n", "{}, line 3: this is not a line like NAME=value"),
        ("MODEL='a/b\nPORT=81\n", "{}, line 1: this is not a line like NAME=value"),
        ("PORT: 81", "{}, line 1: this is not a line like NAME=value"),
        ("\n# one\nAPI_KEYS=${ONE},two", "{}, line 3: API_KEYS contains a $: put the value in single quotes"),
        ('BUNDLE="$HOME/bundle"', "{}, line 1: BUNDLE contains a $: put the value in single quotes"),
        ("PORT=http", "PORT='http' cannot be used: give a whole number from 1 to 65535"),
    ],
)
def test_bad_line_is_refused_with_its_number(dotenv: Write, text: str, reason: str) -> None:
    file = dotenv(text)
    with pytest.raises(SettingError) as caught:
        Settings.from_env()
    assert str(caught.value) == reason.format(file)


def test_unreadable_file_is_refused(dotenv: Write) -> None:
    file = dotenv("")
    file.write_bytes(b"MODEL=caf\xe9")
    with pytest.raises(SettingError, match=f"^{file} is not UTF-8 text$"):
        Settings.from_env()
    file.unlink()
    assert Settings.from_env() == Settings()
    file.mkdir()
    with pytest.raises(SettingError, match=f"^{file} cannot be read: Is a directory$"):
        Settings.from_env()


def test_process_reads_file_beside_makefile(tmp_path: Path) -> None:
    assert (PROJECT / "Makefile").exists()
    shutil.copytree(PROJECT / "my_inference_app", tmp_path / "my_inference_app")
    (tmp_path / ".env").write_text("PORT=8080\nAPP_PORT=8002\n")
    code = (
        "from my_inference_app.settings import Settings; print(Settings.from_env().port, Settings.from_env().app_port)"
    )
    variables = {**os.environ, "APP_PORT": "8003"}
    output = subprocess.check_output([sys.executable, "-c", code], cwd=tmp_path, env=variables, text=True, timeout=60)
    assert output == "8080 8003\n"

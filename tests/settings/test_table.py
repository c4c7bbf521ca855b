"""The tables of docs/settings.md, as `python -m my_inference_app.settings` prints them."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields

from my_inference_app.settings import PROJECT, Settings
from my_inference_app.settings.table import table


def test_command_prints_tables_of_document() -> None:
    command = [sys.executable, "-m", "my_inference_app.settings"]
    printed = subprocess.check_output(command, cwd=PROJECT, text=True, timeout=60)
    assert printed == table() + "\n"
    assert (PROJECT / "docs" / "settings.md").read_text("utf-8").endswith(printed)


def test_every_setting_has_one_row() -> None:
    assert sorted(re.findall(r"^\| `(\w+)` \|", table(), re.MULTILINE)) == sorted(
        item.name.upper() for item in fields(Settings)
    )


def test_default_is_shown_as_a_user_writes_it() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", table(), re.MULTILINE))
    shown = {name: rows[name].strip("`") for name in ("MODELS_DIR", "PREDICT_URLS", "URL_PORTS", "DEVICE", "API_KEYS")}
    assert shown == {
        "MODELS_DIR": "models",
        "PREDICT_URLS": "0",
        "URL_PORTS": "80,443",
        "DEVICE": "cpu",
        "API_KEYS": "",
    }
    assert (rows["REQUEST_TIMEOUT"], rows["MAX_PIXELS"]) == ("`30`", "`50000000`")

"""What a reload would load is tried in a process of its own."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from my_inference_app import shared_folder
from my_inference_app.bundles.bundle import Bundle
from my_inference_app.reloading import loads
from my_inference_app.settings import Settings


def test_broken_bundle_is_noticed_though_somebody_else_collects_the_exit_code(tmp_path: Path) -> None:
    """As gunicorn's master does with those of all its children."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert "there is no bundle in" in loads(Settings(), {"BUNDLE": str(tmp_path)})
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_what_is_tried_does_not_count_in_the_metrics(
    tiny: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(shared_folder.VARIABLE, str(tmp_path))
    assert loads(Settings(), {"BUNDLE": str(tiny.path)}) == ""
    assert list(tmp_path.iterdir()) == []

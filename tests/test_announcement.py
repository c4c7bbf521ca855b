"""What `make run` says that it serves."""

from __future__ import annotations

from pathlib import Path

from my_inference_app.announcement import served
from my_inference_app.settings import Settings
from tests.pipelines import pipeline


def test_version_is_named(tmp_path: Path) -> None:
    for version in ("1", "2"):
        pipeline(tmp_path / "colours" / version)
    (line,) = served(Settings(bundle=str(tmp_path / "colours")))
    assert line.startswith("colours version 2 (")


def test_plain_bundle_beside_a_folder_with_a_number_has_no_version(tmp_path: Path) -> None:
    pipeline(tmp_path / "1")
    pipeline(tmp_path / "colours")
    (line,) = served(Settings(bundle=str(tmp_path / "colours")))
    assert line.startswith("colours (")

"""The table of sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from my_inference_app.export.sources import SOURCES, Source, find


def test_source_is_found_by_the_form_of_model(tmp_path: Path) -> None:
    models = ("efficientnet-lite2", "torchvision:resnet50", "a.mar", "b/a.pt", "/a.onnx", str(tmp_path), "a/resnet-50")
    assert tuple(find(model) for model in models) == SOURCES


def test_folder_with_the_name_of_a_file_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "model.pt").mkdir()
    assert find(str(tmp_path / "model.pt")).form == "a folder in hub format"


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.form)
def test_every_source_has_a_module_with_load(source: Source) -> None:
    assert callable(source.loader().load)

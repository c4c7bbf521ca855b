"""The table of sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from my_inference_app.export.sources import SOURCES, Source, find


def test_source_is_found_by_the_form_of_model(tmp_path: Path) -> None:
    models = ("efficientnet-lite0", "torchvision:resnet50", str(tmp_path), "microsoft/resnet-50")
    assert tuple(find(model) for model in models) == SOURCES


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.form)
def test_every_source_has_a_module_with_load(source: Source) -> None:
    assert callable(source.loader().load)

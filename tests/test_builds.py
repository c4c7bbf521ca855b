"""Orders of models are carried out, whatever comes of them. tests/live/test_teach.py has them in a service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from my_inference_app import builds, shared_folder
from my_inference_app.bundles.bundle import Bundle
from my_inference_app.settings import Settings
from my_inference_app.teaching.album import Album
from my_inference_app.teaching.orders import Order, Orders
from my_inference_app.teaching.photo import Photo
from tests.live.test_teach import photos


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """For this process and for the program that it starts."""
    monkeypatch.setenv("MODELS_DIR", str(tmp_path / "models"))
    return Settings(teach=True, teach_store=tmp_path / "store", models_dir=tmp_path / "models")


def carried_out(settings: Settings, parent: Path, go_live: str = "") -> dict[str, Any]:
    """What is known of the model in the end."""
    album = Album(settings)
    orders = Orders(album.own)
    for label in ("warm", "cold"):
        album.add(
            "moods", label, [Photo(data, f"{label}-{number}", ".png") for number, data in enumerate(photos(label))]
        )
    with album.locked():
        album.copy("moods", orders.photos)
        orders.place(Order("moods", str(parent), estimate=False))
    builds.Builder(settings, lambda: go_live).look()
    assert orders.current() is None and not orders.photos.exists()
    return orders.known("moods")


def test_model_that_cannot_be_loaded_is_told_and_leaves_no_metrics(
    settings: Settings, colours: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    monkeypatch.setenv(shared_folder.VARIABLE, str(shared))
    known = carried_out(settings, colours.path, "error: no memory")
    assert (known["state"], known["error"]) == ("failed", "it was made, and cannot be served: error: no memory")
    assert known["report"]["version"] == "1"
    assert list(shared.iterdir()) == []
    assert Album(settings).classes("moods") == {"cold": 4, "warm": 4}


def test_error_of_the_program_is_told(settings: Settings, tmp_path: Path) -> None:
    known = carried_out(settings, tmp_path / "nothing")
    assert known["state"] == "failed"
    assert "there is no bundle" in known["error"] and not known["error"].startswith("error:")


def test_damaged_state_is_as_none(settings: Settings) -> None:
    orders = Orders(Album(settings).own)
    with Album(settings).locked():
        (Album(settings).own / "moods.state.json").write_text("{")
        (Album(settings).own / "order.json").write_text("")
    assert (orders.known("moods"), orders.current()) == ({}, None)
    orders.clear()
    assert orders.names() == ["moods"]

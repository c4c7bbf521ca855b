"""The report: how good the model is, on what it is wrong, and what would help."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from my_inference_app.settings import Settings
from my_inference_app.teach.cache import Cache, Seen
from my_inference_app.teach.job import Job, run
from my_inference_app.teach.nearly import groups
from my_inference_app.teach.quality import wilson
from my_inference_app.teach.summary import summary
from tests.teach import photos


@pytest.fixture(scope="module")
def mistaken(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    """A cup among the cats, a cat that was saved again among the cups, and a name that is HTML: report and page."""
    folder = tmp_path_factory.mktemp("mistaken")
    photos.write(folder, 5)
    (folder / "cats" / "<b>cup.jpg").write_bytes(photos.photo("cups", 16))
    file = io.BytesIO()
    Image.open(folder / "cats" / "0.jpg").resize((180, 180)).save(file, "JPEG", quality=60)
    (folder / "cups" / "saved again.jpg").write_bytes(file.getvalue())
    page = folder.with_suffix(".html")
    return run(Job(folder, "mistaken", estimate=True, report=page), settings), page.read_text("utf-8")


def test_good_lessons_are_found_good(report: dict[str, Any]) -> None:
    low, high = report["interval"]
    assert 0.8 < report["accuracy"] <= high <= 1 and low < report["accuracy"]
    assert [(entry["label"], entry["photos"]) for entry in report["classes"]] == [(name, 5) for name in photos.CLASSES]
    assert np.sum(report["confusion"], axis=1).round().tolist() == [5, 5, 5]


def test_photo_in_the_wrong_folder_is_named(mistaken: tuple[dict[str, Any], str]) -> None:
    found = {entry["file"]: entry["looks_like"] for entry in mistaken[0]["suspicious"]}
    assert found["cats/<b>cup.jpg"] == "cups"
    assert found["cups/saved again.jpg"] == "cats"


def test_nearly_the_same_photos_in_two_classes_come_first(mistaken: tuple[dict[str, Any], str]) -> None:
    first = mistaken[0]["nearly_the_same"][0]
    assert first == {"files": ["cats/0.jpg", "cups/saved again.jpg"], "labels": ["cats", "cups"]}
    assert any("in two classes" in line for line in mistaken[0]["advice"])


def test_page_has_everything_in_it_and_escapes_names(mistaken: tuple[dict[str, Any], str]) -> None:
    page = mistaken[1]
    assert "cats/&lt;b&gt;cup.jpg" in page and "<b>cup." not in page
    assert page.count('src="data:image/jpeg;base64,') == page.count("<img") >= 4
    assert "http:" not in page and "https:" not in page and "<script" not in page


def test_summary_says_what_is_wrong(mistaken: tuple[dict[str, Any], str]) -> None:
    lines = summary(mistaken[0])
    assert "cats/0.jpg and cups/saved again.jpg" in lines
    assert "photos are too few for a sure estimate" in lines


@pytest.mark.parametrize(
    ("share", "count", "low", "high"), [(0.5, 10, 0.237, 0.763), (1, 5, 0.566, 1), (0, 5, 0, 0.434)]
)
def test_interval_is_the_one_of_wilson(share: float, count: int, low: float, high: float) -> None:
    assert wilson(share, count) == pytest.approx((low, high), abs=1e-3)


def test_near_copies_are_a_group() -> None:
    class_ids = np.array([0, 0, 0, 0, 0, 1, 1, 1])
    found = groups(class_ids, [(0, 1), (1, 2), (3, 5), (6, 7)])
    assert found[0] == found[1] == found[2] and found[6] == found[7]
    assert len(set(found)) == 5


def test_photos_of_a_camera_that_does_not_move_are_not_copies() -> None:
    """Otherwise no photo of such a class could teach anything about the others."""
    assert groups(np.zeros(6, int), [(0, other) for other in range(1, 5)]).tolist() == list(range(6))
    assert groups(np.array([0, 0, 1, 1]), [(0, 1), (2, 3)]).tolist() == list(range(4))


def test_cache_forgets_what_was_not_used_for_longest(tmp_path: Path) -> None:
    cache = Cache(Settings(models_dir=tmp_path), "key")
    seen = Seen(np.ones(100, np.float32), np.zeros((16, 16), np.uint8), np.ones(9, np.float32))
    for name in ("old", "new"):
        cache.put(name, seen)
    (tmp_path / ".teach-cache" / "key" / "damaged").write_bytes(b"damaged")
    assert cache.get("damaged") is None and cache.get("missing") is None
    old = tmp_path / ".teach-cache" / "key" / "old"
    os.utime(old, (0, 0))
    cache.trim(most_bytes=old.stat().st_size + 100)
    assert cache.get("old") is None
    again = cache.get("new")
    assert again and np.array_equal(again.features, seen.features)

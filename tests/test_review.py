"""Images kept for review: which, how many, for how long, and that nothing in them comes from a client but the bytes."""

from __future__ import annotations

import os
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from benchmarks.unfamiliar import files, flat, noise
from my_inference_app import metrics
from my_inference_app.bundles.bundle import Bundle
from my_inference_app.errors import SettingError
from my_inference_app.review import Review
from my_inference_app.server import create_app
from my_inference_app.settings import Settings
from tests.exposition import total
from tests.images import SAMPLES, plain_image

PHOTO = SAMPLES[0].read_bytes()
IMAGE = plain_image()


def kept(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def review(folder: Path, **settings: float) -> Review:
    return Review(Settings(review_dir=str(folder), **{"review_pause": 0, **settings}))  # type: ignore[arg-type]


@pytest.fixture
def client(calibrated: Bundle, tmp_path: Path) -> FlaskClient:
    settings = Settings(bundle=str(calibrated.path), review_dir=str(tmp_path / "review"), review_pause=0)
    return create_app(settings).test_client()


def test_doubtful_image_is_kept_and_counted(client: FlaskClient, tmp_path: Path) -> None:
    counted = {"model": "colours", "version": "1", "doubt": "unfamiliar"}
    before = total(metrics.exposition().decode(), "inference_answers_total", counted)
    images = files(noise, 3, [PHOTO])
    for image in images:
        answer = client.post("/predict", data={"image": (BytesIO(image), "../../evil.sh")})
        assert not answer.get_json()["certain"]
    found = kept(tmp_path / "review")
    assert sorted(path.read_bytes() for path in found) == sorted(images)
    assert all(path.name.startswith("unfamiliar-") and path.suffix == ".png" for path in found)
    assert {stat.S_IMODE(path.stat().st_mode) for path in found} == {0o600}
    assert stat.S_IMODE((tmp_path / "review").stat().st_mode) == 0o700
    assert total(metrics.exposition().decode(), "inference_answers_total", counted) == before + 3


def test_image_of_a_certain_answer_is_not_kept(client: FlaskClient, tmp_path: Path, calibrated: Bundle) -> None:
    photos = sorted((calibrated.path.parent / "photos").rglob("*.png"))
    answers = {path: client.post("/predict", data=path.read_bytes()).get_json() for path in photos}
    doubtful = sorted(path.read_bytes() for path, answer in answers.items() if not answer["certain"])
    assert 0 < len(doubtful) < len(photos)
    assert sorted(path.read_bytes() for path in kept(tmp_path / "review")) == doubtful


def test_oldest_images_make_room(tmp_path: Path) -> None:
    keeper = review(tmp_path, review_images=3)
    for second in range(5):
        keeper.keep(IMAGE, "uncertain")
        for path in kept(tmp_path):
            if path.stat().st_mtime > 10:
                os.utime(path, (time.time() - 100 + second,) * 2)
    assert len(kept(tmp_path)) == 3


def test_images_stay_within_their_bytes(tmp_path: Path) -> None:
    keeper = review(tmp_path, review_mb=1)
    large = b"\xff\xd8\xff" + bytes(400_000)
    for _ in range(4):
        keeper.keep(large, "uncertain")
    assert len(kept(tmp_path)) == 2
    keeper.keep(b"\xff\xd8\xff" + bytes(1_000_001), "uncertain")
    assert len(kept(tmp_path)) == 2


def test_old_images_and_unfinished_ones_are_removed_and_other_files_are_not(tmp_path: Path) -> None:
    review(tmp_path).keep(IMAGE, "uncertain")
    (old,) = kept(tmp_path)
    os.utime(old, (time.time() - 40 * 86_400,) * 2)
    (tmp_path / f".{'0' * 32}").touch()
    (tmp_path / "notes.txt").touch()
    review(tmp_path, review_days=30)
    assert [path.name for path in tmp_path.iterdir() if path.name != ".lock"] == ["notes.txt"]


def test_one_image_is_kept_in_each_pause(tmp_path: Path) -> None:
    keeper = review(tmp_path, review_pause=3600)
    for _ in range(3):
        keeper.keep(IMAGE, "uncertain")
    assert len(kept(tmp_path)) == 1


def test_bytes_that_are_no_image_are_not_kept(tmp_path: Path) -> None:
    review(tmp_path).keep(b"#!/bin/sh", "uncertain")
    assert kept(tmp_path) == []


def test_several_workers_keep_within_the_limits(tmp_path: Path) -> None:
    keepers = [review(tmp_path, review_images=5) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: keepers[number % 4].keep(IMAGE, "uncertain"), range(80)))
    assert 0 < len(kept(tmp_path)) <= 5
    assert all(path.read_bytes() == IMAGE for path in kept(tmp_path))


def test_folder_that_vanishes_costs_no_answer(client: FlaskClient, tmp_path: Path) -> None:
    (tmp_path / "review").rename(tmp_path / "elsewhere")
    assert client.post("/predict", data=files(flat, 1, [PHOTO])[0]).status_code == 200


def test_folder_that_cannot_be_made_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingError, match=r"^REVIEW_DIR=.*/file/review cannot be written to: Not a directory$"):
        review(tmp_path / "file" / "review")

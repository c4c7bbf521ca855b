"""Which photos are used, which are left out, and when teaching is refused."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from my_inference_app.errors import SetupError
from my_inference_app.settings import Settings
from my_inference_app.teach.job import Job, run
from my_inference_app.teach.photos import find
from tests.images import plain_image
from tests.teach import photos

MOST = 1_000_000


def refusal(folder: Path) -> str:
    with pytest.raises(SetupError) as caught:
        find(folder, MOST)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    assert "is not a folder" in refusal(tmp_path / "nothing")


def test_folder_without_classes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(photos.photo("cats", 1))
    assert "has no folders in it" in refusal(tmp_path)


def test_one_class_is_refused(tmp_path: Path) -> None:
    assert "only one class, 'cats'" in refusal(photos.write(tmp_path, 2, ("cats",)))


def test_single_photo_of_a_class_is_refused(tmp_path: Path) -> None:
    photos.write(tmp_path, 2, ("cats",))
    assert "'cups' has 1 usable photo," in refusal(photos.write(tmp_path, 1, ("cups",)))


def test_same_photo_in_two_classes_is_refused(tmp_path: Path) -> None:
    photos.write(tmp_path, 2)
    shutil.copy(tmp_path / "cats" / "0.jpg", tmp_path / "cups" / "again.jpg")
    assert "in two classes, as cats/0.jpg and cups/again.jpg" in refusal(tmp_path)


def test_unusable_files_are_listed_with_the_reason(settings: Settings, tmp_path: Path) -> None:
    photos.write(tmp_path, 3)
    (tmp_path / "stray.jpg").write_bytes(photos.photo("cats", 9))
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "cats" / ".DS_Store").write_bytes(b"hidden")
    shutil.copy(tmp_path / "cats" / "0.jpg", tmp_path / "cats" / "copy.jpg")
    (tmp_path / "cups" / "iphone.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    (tmp_path / "cups" / "cut.jpg").write_bytes(photos.photo("cups", 1)[:3000])
    (tmp_path / "cups" / "notes.txt").write_text("not a photo")
    (tmp_path / "cups" / "large.bmp").write_bytes(bytes(2 * MOST))
    (tmp_path / "cups" / "gone.jpg").symlink_to("nowhere")
    os.mkfifo(tmp_path / "cups" / "pipe.jpg")
    report = run(Job(tmp_path, "left-out", estimate=True), Settings(**{**vars(settings), "max_upload_mb": 1}))
    reasons = {entry["file"]: entry["reason"] for entry in report["left_out"]}
    assert reasons.keys() == {
        "stray.jpg", "cats/copy.jpg", "cups/iphone.HEIC", "cups/cut.jpg", "cups/notes.txt", "cups/large.bmp",
        "cups/gone.jpg", "cups/pipe.jpg",
    }  # fmt: skip
    assert "in no folder of a class" in reasons["stray.jpg"]
    assert "same photo as cats/0.jpg" in reasons["cats/copy.jpg"]
    assert "convert it to JPEG" in reasons["cups/iphone.HEIC"]
    assert "damaged or incomplete" in reasons["cups/cut.jpg"]
    assert "MAX_UPLOAD_MB" in reasons["cups/large.bmp"]
    assert report["photos"] == 9


def test_class_without_readable_photos_is_refused(settings: Settings, tmp_path: Path) -> None:
    photos.write(tmp_path, 2)
    (tmp_path / "cups" / "0.jpg").write_bytes(photos.photo("cups", 0)[:3000])
    with pytest.raises(SetupError, match=r"'cups' has 1 usable photo, .*cups/0\.jpg: the image is damaged"):
        run(Job(tmp_path, "refused", estimate=True), settings)


def test_odd_names_are_written_readably(tmp_path: Path) -> None:
    photos.write(tmp_path, 2, ("cats",))
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9\nau lait"))
    odd.mkdir()
    for colour in ("red", "blue"):
        (odd / f"{colour}.png").write_bytes(plain_image(colour))
    found = find(tmp_path, MOST)
    assert found.labels == ("caf\\xe9 au lait", "cats")
    assert "caf\\xe9 au lait/red.png" in [photo.name for photo in found.usable]

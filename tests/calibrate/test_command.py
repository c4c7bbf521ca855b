"""The command: what it writes into a bundle, and every refusal in one line."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from my_inference_app.bundles import bundle
from my_inference_app.bundles.bundle import Bundle
from my_inference_app.bundles.doubt import read_doubt, write_doubt
from my_inference_app.calibrate.cli import main
from my_inference_app.errors import BundleError
from my_inference_app.inference.model_classifier import ModelClassifier
from my_inference_app.settings import Settings
from tests.calibrate.labelled import copied, tinted_photos
from tests.images import SAMPLES
from tests.pipelines import MEAN_COLOUR, pipeline


def test_bundle_is_the_same_with_what_was_learned(
    colours: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = copied(colours, tmp_path / "colours")
    monkeypatch.setenv("BUNDLE", str(made.path))
    photos = tinted_photos(tmp_path / "photos", 60)
    main([str(photos)])
    printed = capsys.readouterr()
    assert printed.out == f"{made.path}\n"
    assert "60 photos" in printed.err and "expected calibration error" in printed.err
    written = bundle.read(made.path)
    assert written.doubt and written.doubt["photos"] == 60 and written.doubt["coverage"] == 0.9
    assert {"before", "after"} == written.doubt["calibration_error"].keys()
    assert written.files == made.files | {name: written.files[name] for name in ("doubt.npz", "reliability.svg")}
    drawn = ElementTree.parse(made.path / "reliability.svg").getroot()  # noqa: S314 - our own file
    assert "before calibration: expected calibration error" in "".join(drawn.itertext())
    main([str(photos), "--coverage", "0.95"])
    again = read_doubt(bundle.read(made.path))
    assert again and again.coverage == 0.95 and again.temperature == written.doubt["temperature"]


@pytest.mark.parametrize(
    ("number", "options", "words"),
    [
        (12, [], "has 12 photos with a label, and 20 are needed"),
        (30, ["--coverage", "0.99"], "has 30 photos with a label, and 99 are needed"),
    ],
)
def test_too_few_photos_are_refused(
    colours: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, options: list[str], words: str
) -> None:
    made = copied(colours, tmp_path / "colours")
    monkeypatch.setenv("BUNDLE", str(made.path))
    with pytest.raises(SystemExit, match=f"^error: .*{words}"):
        main([str(tinted_photos(tmp_path / "photos", number)), *options])
    assert bundle.read(made.path).files == made.files


def test_photos_that_cannot_be_read_do_not_count(
    colours: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BUNDLE", str(colours.path))
    photos = tinted_photos(tmp_path / "photos", 20)
    (photos / "red" / "0.png").write_bytes(b"text")
    with pytest.raises(SystemExit, match=r"^error: only 19 photos in .* can be read, and 20 are needed$"):
        main([str(photos)])
    assert "left out" in capsys.readouterr().err


def test_own_python_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = pipeline(tmp_path / "own", MEAN_COLOUR)
    monkeypatch.setenv("BUNDLE", str(folder))
    with pytest.raises(
        SystemExit, match=r"^error: .* is your own Python, and only exported bundles can be calibrated$"
    ):
        main([str(SAMPLES[0].parent)])


@pytest.mark.parametrize("text", ["0", "1", "90", "high", "nan"])
def test_coverage_that_is_no_share_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["photos", "--coverage", text])
    assert stopped.value.code == 2 and "is not a number between 0 and 1" in capsys.readouterr().err


def test_damaged_calibration_is_refused(colours: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = copied(colours, tmp_path / "colours")
    monkeypatch.setenv("BUNDLE", str(made.path))
    main([str(tinted_photos(tmp_path / "photos", 20))])
    (made.path / "doubt.npz").write_bytes(b"damaged")
    with pytest.raises(BundleError, match=r"doubt\.npz has another checksum"):
        read_doubt(bundle.read(made.path))


def test_calibration_of_another_version_is_refused(calibrated: Bundle, tmp_path: Path) -> None:
    made = copied(calibrated, tmp_path / "colours")
    known = read_doubt(made)
    assert known
    other = replace(known, familiarity=replace(known.familiarity, mean=np.zeros(3), whitening=np.eye(3)))

    def fill(folder: Path) -> None:
        for name in made.files:
            shutil.copy(calibrated.path / name, folder / name)
        write_doubt(other, folder)

    written = bundle.write(made, fill)
    with pytest.raises(
        BundleError, match=r"doubt\.npz was made by another version of this program; calibrate it again$"
    ):
        ModelClassifier(written, Settings())

"""A real model tells photos from images that no photo looks like. The photos are development data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.unfamiliar import KINDS, files
from my_inference_app.bundles import bundle
from my_inference_app.calibrate.fit import fit
from my_inference_app.calibrate.photos import compute
from my_inference_app.engines.base import load_engine
from my_inference_app.inference.answers import Doubts, Result
from my_inference_app.inference.images.decode import decode
from my_inference_app.inference.images.statistics import statistics
from my_inference_app.settings import Settings
from tests.calibrate.labelled import copied
from tests.images import PHOTOS

_OF_EACH = 20


@pytest.mark.skipif(not PHOTOS, reason="needs the development data")
def test_photos_are_familiar_and_five_other_kinds_are_not(efficientnet: Path, tmp_path: Path) -> None:
    made = copied(bundle.read(efficientnet), tmp_path / "bundle")
    folder = tmp_path / "photos"
    folder.mkdir()
    for path in PHOTOS[::2]:
        (folder / path.name).symlink_to(path)
    engine = load_engine(made, "openvino", threads=1)
    computed = compute(made, engine, folder, 100)
    fitted = fit(computed.logits, computed.classes, computed.statistics)
    assert fitted.report["calibration_error"]["after"] < fitted.report["calibration_error"]["before"] / 2

    def doubts(contents: list[bytes]) -> list[Doubts]:
        images = np.stack([decode(data, made.input, Settings.max_pixels) for data in contents])
        results = [
            Result(made.labels, row, doubt=fitted.doubt, statistics=statistics(image))
            for image, row in zip(images, engine(images), strict=True)
        ]
        return [found for result in results if (found := result.doubts())]

    held_out = [path.read_bytes() for path in PHOTOS[1::2]]
    familiar = doubts(held_out)
    assert np.mean([not one.is_familiar for one in familiar]) == pytest.approx(0.05, abs=0.03)
    right = [made.labels[int(path.name[:4])] for path in PHOTOS[1::2]]
    assert np.mean([label in one.labels for one, label in zip(familiar, right, strict=True)]) >= 0.87
    shares = [
        np.mean([not one.is_familiar for one in doubts(files(make, _OF_EACH, held_out))]) for make in KINDS.values()
    ]
    assert min(shares) >= 0.75 and np.mean(shares) >= 0.9

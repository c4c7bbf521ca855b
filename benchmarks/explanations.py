"""python -m benchmarks.explanations BUNDLE PHOTOS KINDS: whether maps and embeddings mean anything, on labelled photos.

PHOTOS has images with WordNet ids in their names, KINDS a folder of images for each kind of thing.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from my_inference_app.bundles import bundle
from my_inference_app.export.image_folder import find
from my_inference_app.inference.answers import Detail, Result
from my_inference_app.inference.classifier import Classifier
from my_inference_app.inference.explain import Grid, activation, embedding, seen
from my_inference_app.inference.model_classifier import ModelClassifier
from my_inference_app.settings import Settings

KINDS = ("bird", "cat", "dog", "food", "insect", "snake")
_SIDE = 448
_SHARE = 5  # a fifth of the image is covered
_DRAWS = 3


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.explanations", description=__doc__)
    for name in ("bundle", "photos", "kinds"):
        parser.add_argument(name, type=Path)
    given = parser.parse_args()
    made = bundle.read(given.bundle)
    classifier = ModelClassifier(made, Settings())
    photos = labelled(given.photos, made.labels)
    sides = hotter_on_its_side(classifier, photos)
    print(f"hotter on the photo's side: {np.mean(sides):.3f} of {len(sides)}")
    paths, class_ids = [path for path, _ in photos], [class_id for _, class_id in photos]
    covered = occluding_the_hottest_lowers_more(classifier, on_canvases(paths), class_ids)
    whole = occluding_the_hottest_lowers_more(classifier, [path.read_bytes() for path in paths], class_ids)
    print(f"covering the hottest fifth lowers more than as much elsewhere: {np.mean(covered):.3f} of {len(covered)}")
    print(f"the same with whole photos: {np.mean(whole):.3f} of {len(whole)}")
    kinds = {kind: sorted((given.kinds / kind).glob("*.jpg")) for kind in KINDS}
    same = nearest_share_the_kind(classifier, kinds)
    print(f"nearest neighbour is of the same kind: {np.mean(same):.3f} of {len(same)}")


def labelled(folder: Path, labels: Sequence[str]) -> list[tuple[Path, int]]:
    files = find(folder, labels)
    return [(file.path, file.class_id) for file in files if file.class_id is not None]


def results(classifier: Classifier, images: Sequence[bytes | NDArray[np.uint8]]) -> list[Result]:
    found: list[Result] = []
    for start in range(0, len(images), 32):
        answer = classifier.classify(images[start : start + 32], time.monotonic() + 600, detail=Detail.FEATURES)
        found.extend(outcome for outcome in answer.outcomes if isinstance(outcome, Result))
    assert len(found) == len(images)
    return found


def hotter_on_its_side(classifier: Classifier, photos: Sequence[tuple[Path, int]]) -> list[bool]:
    """Whether the map of a photo's class is hotter on the half of a grey canvas where the photo is."""
    found = []
    images = on_canvases([path for path, _ in photos])
    for result, (_, class_id), (right, _) in zip(results(classifier, images), photos, _corners(photos), strict=True):
        grid = activation(result, class_id)
        middle = grid.shape[1] // 2
        halves = (grid[:, :middle].mean(), grid[:, -middle:].mean())
        found.append(bool(halves[right] > halves[1 - right]))
    return found


def on_canvases(paths: Sequence[Path]) -> list[bytes]:
    """Each photo in a corner of a grey canvas, in each corner in turn."""
    return [_in_corner(path, corner) for path, corner in zip(paths, _corners(paths), strict=True)]


def _corners(photos: Sequence[object]) -> list[tuple[int, int]]:
    return [(index % 2, index // 2 % 2) for index in range(len(photos))]


def _in_corner(path: Path, corner: tuple[int, int]) -> bytes:
    canvas = Image.new("RGB", (_SIDE, _SIDE), (127, 127, 127))
    half = _SIDE // 2
    canvas.paste(Image.open(path).convert("RGB").resize((half, half)), (corner[0] * half, corner[1] * half))
    file = io.BytesIO()
    canvas.save(file, "PNG")
    return file.getvalue()


def occluding_the_hottest_lowers_more(
    classifier: Classifier, images: Sequence[bytes], class_ids: Sequence[int]
) -> list[bool]:
    """Compared with covering as much, in the same shape, at random other places.

    Scattered squares would be no comparison: their many edges disturb a network wherever they are.
    """
    random = np.random.default_rng(0)
    found = []
    for result, class_id in zip(results(classifier, images), class_ids, strict=True):
        pixels = seen(result).pixels
        hottest = _hottest_fifth(activation(result, class_id), (pixels.shape[0], pixels.shape[1]))
        shifts = [[int(random.integers(side // 7, side)) for side in hottest.shape] for _ in range(_DRAWS)]
        masks = [hottest, *(np.roll(hottest, shift, (0, 1)) for shift in shifts)]
        fill = np.round(classifier.description.input.mean).astype(np.uint8)
        covered = [np.where(mask[..., None], fill, pixels) for mask in masks]
        left = [other.probabilities[class_id] for other in results(classifier, covered)]
        found.append(bool(left[0] < np.mean(left[1:])))
    return found


def _hottest_fifth(grid: Grid, size: tuple[int, int]) -> NDArray[np.bool_]:
    large = np.asarray(Image.fromarray(grid).resize((size[1], size[0]), Image.Resampling.BICUBIC))
    mask: NDArray[np.bool_] = large >= np.quantile(large, 1 - 1 / _SHARE)
    return mask


def nearest_share_the_kind(classifier: Classifier, paths: dict[str, list[Path]]) -> list[bool]:
    kinds = [kind for kind, files in paths.items() for _ in files]
    files = [file.read_bytes() for files in paths.values() for file in files]
    vectors = np.stack([embedding(result, normalize=True) for result in results(classifier, files)])
    similar = vectors @ vectors.T
    np.fill_diagonal(similar, -1)
    return [kinds[other] == kind for kind, other in zip(kinds, similar.argmax(1), strict=True)]


if __name__ == "__main__":
    main()

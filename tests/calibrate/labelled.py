"""Photos with known labels for the model of three colours."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from my_inference_app.bundles.bundle import Bundle
from tests.images import COLOURS, SAMPLES, encode


def tinted_photos(folder: Path, number: int, seed: int = 0) -> Path:
    """Parts of the sample photos in folders named by label, each with some of the colour."""
    random = np.random.default_rng(seed)
    photos = [Image.open(path).convert("RGB") for path in SAMPLES]
    for index in range(number):
        label = list(COLOURS)[index % 3]
        part = _part(photos[int(random.integers(len(photos)))], random)
        tint = Image.new("RGB", part.size, COLOURS[label])
        place = folder / label / f"{index}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(encode(Image.blend(part, tint, float(random.uniform(0.05, 0.7)))))
    return folder


def _part(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    side = int(min(photo.size) * random.uniform(0.4, 0.9))
    left, top = (int(random.integers(length - side)) for length in photo.size)
    return photo.crop((left, top, left + side, top + side)).resize((64, 64))


def copied(made: Bundle, folder: Path) -> Bundle:
    shutil.copytree(made.path, folder)
    return replace(made, path=folder)

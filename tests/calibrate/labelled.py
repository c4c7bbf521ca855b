"""Photos with known labels for the model of three colours, and images that are not like photos."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from my_inference_app.bundles.bundle import Bundle
from tests.images import COLOURS, SAMPLES, encode

Random = np.random.Generator
_WORDS = (
    "an",
    "invoice",
    "of",
    "24",
    "pages",
    "says",
    "what",
    "was",
    "sent",
    "and",
    "when",
    "it",
    "must",
    "be",
    "paid",
)


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


def _part(photo: Image.Image, random: Random) -> Image.Image:
    side = int(min(photo.size) * random.uniform(0.4, 0.9))
    left, top = (int(random.integers(length - side)) for length in photo.size)
    return photo.crop((left, top, left + side, top + side)).resize((64, 64))


def copied(made: Bundle, folder: Path) -> Bundle:
    shutil.copytree(made.path, folder)
    return replace(made, path=folder)


def noise(random: Random, _: Image.Image) -> Image.Image:
    width, height = _size(random)
    grey = random.random() < 0.5
    values = random.integers(0, 256, (height, width, 1 if grey else 3), np.uint8)
    return Image.fromarray(np.broadcast_to(values, (height, width, 3)).copy())


def flat(random: Random, _: Image.Image) -> Image.Image:
    return Image.new("RGB", _size(random), _colour(random))


def page(random: Random, _: Image.Image) -> Image.Image:
    width, height = _size(random)
    image = Image.new("RGB", (width, height), "white")
    size = int(random.integers(10, 24))
    font = ImageFont.load_default(size)
    for top in range(8, height, int(size * 1.4)):
        ImageDraw.Draw(image).text((8, top), " ".join(random.choice(_WORDS, 20)), "black", font)
    return image


def drawing(random: Random, _photo: Image.Image) -> Image.Image:
    width, height = _size(random)
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    for _ in range(int(random.integers(2, 8))):
        left, right = sorted(random.integers(0, width, 2).tolist())
        top, bottom = sorted(random.integers(0, height, 2).tolist())
        shape = str(random.choice(["ellipse", "rectangle", "line"]))
        getattr(draw, shape)((left, top, right + 1, bottom + 1), fill=_colour(random), width=4)
    return image


def blurred(random: Random, photo: Image.Image) -> Image.Image:
    return photo.filter(ImageFilter.GaussianBlur(min(photo.size) * float(random.uniform(0.06, 0.15))))


KINDS = (noise, flat, page, drawing, blurred)


def unfamiliar(make: Callable[[Random, Image.Image], Image.Image], number: int, photos: list[Path]) -> list[bytes]:
    """PNG files of one kind, always the same."""
    random = np.random.default_rng(7)
    chosen = (photos[int(random.integers(len(photos)))] for _ in range(number))
    return [encode(make(random, Image.open(io.BytesIO(path.read_bytes())).convert("RGB"))) for path in chosen]


def _size(random: Random) -> tuple[int, int]:
    width, height = random.integers(200, 500, 2).tolist()
    return width, height


def _colour(random: Random) -> tuple[int, ...]:
    return tuple(random.integers(0, 256, 3).tolist())

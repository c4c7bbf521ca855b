"""Images that no photo looks like: noise, one colour, pages of text, drawings, photos blurred beyond recognition."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Random = np.random.Generator
Make = Callable[[Random, Image.Image], Image.Image]
"""From random numbers, and a photo to be spoilt."""

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


def noise(random: Random, _: Image.Image) -> Image.Image:
    """Grey or coloured, in grains of one to four pixels."""
    width, height = _size(random)
    grain, channels = int(random.integers(1, 5)), int(random.choice([1, 3]))
    values = random.integers(0, 256, (height // grain + 1, width // grain + 1, channels), np.uint8)
    large = values.repeat(grain, axis=0).repeat(grain, axis=1)
    return Image.fromarray(np.broadcast_to(large, (*large.shape[:2], 3)).copy())


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
    image = Image.new("RGB", (width, height), "white" if random.random() < 0.6 else _colour(random))
    draw = ImageDraw.Draw(image)
    for _ in range(int(random.integers(2, 9))):
        left, right = sorted(random.integers(0, width, 2).tolist())
        top, bottom = sorted(random.integers(0, height, 2).tolist())
        shape = str(random.choice(["ellipse", "rectangle", "line"]))
        getattr(draw, shape)((left, top, right + 1, bottom + 1), fill=_colour(random), width=4)
    return image


def blurred(random: Random, photo: Image.Image) -> Image.Image:
    return photo.filter(ImageFilter.GaussianBlur(min(photo.size) * float(random.uniform(0.06, 0.15))))


KINDS: dict[str, Make] = {"noise": noise, "one colour": flat, "text": page, "drawings": drawing, "blurred": blurred}


def files(make: Make, number: int, photos: Sequence[bytes]) -> list[bytes]:
    """PNG files of one kind, always the same."""
    random = np.random.default_rng(7)
    return [_png(make(random, _opened(photos[int(random.integers(len(photos)))]))) for _ in range(number)]


def _opened(photo: bytes) -> Image.Image:
    return Image.open(io.BytesIO(photo)).convert("RGB")


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _size(random: Random) -> tuple[int, int]:
    width, height = random.integers(200, 500, 2).tolist()
    return width, height


def _colour(random: Random) -> tuple[int, ...]:
    return tuple(random.integers(0, 256, 3).tolist())

"""Images made from the samples: a usual photo, large ones, and many different ones."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from my_inference_app.settings import PROJECT

SAMPLES = PROJECT / "post_request"


def usual_photo() -> bytes:
    """A JPEG of 500 x 375 pixels."""
    photo = Image.open(SAMPLES / "cat.jpg").resize((500, 375), Image.Resampling.LANCZOS)
    # Grain as from a camera: without it the smooth sample has a third of the size of a usual photo.
    return _grainy_jpeg(photo, noise=6, quality=90)


def twelve_megapixels() -> bytes:
    photo = Image.open(SAMPLES / "coffee.jpg").resize((4000, 3000), Image.Resampling.LANCZOS)
    return _grainy_jpeg(photo, noise=4, quality=85)


def _grainy_jpeg(photo: Image.Image, noise: float, quality: int) -> bytes:
    grain = np.random.default_rng(0).normal(0, noise, (photo.height, photo.width, 1))
    file = io.BytesIO()
    Image.fromarray((np.asarray(photo) + grain).clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=quality)
    return file.getvalue()


def crops() -> NDArray[np.uint8]:
    """About a hundred different crops of the sample images."""
    random = np.random.default_rng(0)
    cut = []
    for path in sorted(SAMPLES.glob("*.[jp][pn]g")):
        image = Image.open(path).convert("RGB")
        for _ in range(36):
            side = int(random.integers(150, min(image.size)))
            left, top = (int(random.integers(0, length - side)) for length in image.size)
            cut.append(np.asarray(image.resize((224, 224), box=(left, top, left + side, top + side))))
    return np.stack(cut)

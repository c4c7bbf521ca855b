"""Photos to teach with: cut out of the samples, so that each class looks like itself and no two are the same."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from tests.images import SAMPLES

CLASSES = {"cameras": "camera", "cats": "cat", "cups": "coffee"}


def write(folder: Path, count: int, classes: tuple[str, ...] = tuple(CLASSES), first: int = 0) -> Path:
    """A folder for each class, with so many photos."""
    for label in classes:
        (folder / label).mkdir(parents=True, exist_ok=True)
        for number in range(first, first + count):
            (folder / label / f"{number}.jpg").write_bytes(photo(label, number))
    return folder


def photo(label: str, number: int) -> bytes:
    (path,) = (path for path in SAMPLES if path.stem == CLASSES[label])
    with Image.open(path) as whole:
        width, height = whole.size
        side = min(width, height) * (0.6 + 0.1 * (number % 4))
        left, top = (width - side) * (number % 3) / 2, (height - side) * (number % 5) / 4
        cut = whole.convert("RGB").crop((round(left), round(top), round(left + side), round(top + side)))
    file = io.BytesIO()
    cut.resize((240, 240)).rotate(4 * (number % 7) - 12).save(file, "JPEG", quality=80)
    return file.getvalue()

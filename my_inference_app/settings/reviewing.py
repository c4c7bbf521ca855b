"""Which doubtful images are kept, for somebody to label them."""

from __future__ import annotations

from dataclasses import dataclass

from .parsing import Number, Whole
from .setting import setting


@dataclass(frozen=True)
class Reviewing:
    review_dir: str = setting(
        "", "folder that keeps a sample of the images whose answers are doubtful; empty keeps none; see docs/doubt.md"
    )
    review_images: int = setting(1000, "images in it at most; the oldest are removed", Whole(1, 1_000_000))
    review_mb: int = setting(500, "MB in it at most", Whole(1, 1_000_000))
    review_days: float = setting(30.0, "days after which an image is removed", Number(0.001, 3650))
    review_pause: float = setting(
        1.0, "seconds from one image to the next that a worker keeps, so that a flood costs nothing", Number(0, 86_400)
    )

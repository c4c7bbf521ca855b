"""The real app, two engines, and images that hang or are slow, for gunicorn to serve."""

from __future__ import annotations

import threading
from typing import Any
from unittest.mock import patch

import numpy as np
from PIL import Image

from my_inference_app import worker
from my_inference_app.engines.base import Engine, Images, Logits, load_engine
from my_inference_app.inference.images import decode
from my_inference_app.server import create_app
from tests.images import COLOURS
from tests.live.hanging_images import HANGING_WIDTH


class _Hanging:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, images: Images, /) -> Logits:
        colours = {label for label in COLOURS if (images == np.array(COLOURS[label], np.uint8)).all((1, 2, 3)).any()}
        if "red" in colours:
            threading.Event().wait()
        if "blue" in colours:
            threading.Event().wait(2)
        return self._engine(images)


def _load(*arguments: Any, **options: Any) -> Engine:
    return _Hanging(load_engine(*arguments, **options))


_to_rgb = decode._to_rgb


def _hanging_to_rgb(image: Image.Image) -> Image.Image:
    if image.width == HANGING_WIDTH:
        threading.Event().wait()
    return _to_rgb(image)


decode._to_rgb = _hanging_to_rgb
with patch("my_inference_app.inference.model_classifier.load_engine", _load):
    app = worker.start(create_app)

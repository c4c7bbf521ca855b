"""The real app with an engine that kills its worker for a red image, for gunicorn to serve."""

from __future__ import annotations

import os
import signal
from typing import Any
from unittest.mock import patch

import numpy as np

from my_inference_app import worker
from my_inference_app.engines.base import Engine, Images, Logits, load_engine
from my_inference_app.server import create_app
from tests.images import COLOURS


class _Crashing:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, images: Images, /) -> Logits:
        if (images == np.array(COLOURS["red"], np.uint8)).all((1, 2, 3)).any():
            os.kill(os.getpid(), signal.SIGKILL)
        return self._engine(images)


def _load(*arguments: Any, **options: Any) -> Engine:
    return _Crashing(load_engine(*arguments, **options))


with patch("my_inference_app.inference.model_classifier.load_engine", _load):
    app = worker.start(create_app)

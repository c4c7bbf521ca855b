"""The real app with a classifier that hangs on demand, for gunicorn to serve."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from my_inference_app import worker
from my_inference_app.inference.classifier import Answer, Prediction, Timings
from my_inference_app.server import create_app
from my_inference_app.settings import Settings


class HangingClassifier:
    name = "hanging"
    ready = True

    def classify(self, images: Sequence[bytes], *_: Any) -> Answer:
        if images[0] == b"hang":
            threading.Event().wait()
        if images[0] == b"slow":
            threading.Event().wait(2)
        return Answer([[Prediction("cat", 1.0, 0)] for _ in images], Timings())


app = worker.start(lambda: create_app(Settings.from_env(), HangingClassifier()))

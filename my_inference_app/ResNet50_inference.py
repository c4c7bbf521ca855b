"""Classifies one image without a server: `python my_inference_app/ResNet50_inference.py cat.jpg` prints its label.

The command line makes the bundle if there is none, as `make run` does. The function needs one.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

try:
    from my_inference_app.errors import ServiceError, SetupError, raised
    from my_inference_app.inference.registry import Registry, load
    from my_inference_app.preparation import prepare
    from my_inference_app.settings import Settings
except ModuleNotFoundError as missing:
    if __name__ != "__main__":
        raise
    sys.exit(f"error: no module named {missing.name!r}: use the Python of `make run`, .venv/bin/python")


@cache
def _registry(settings: Settings) -> Registry:
    return load(settings)


def inference(image: bytes) -> dict[str, Any]:
    """Classifies the bytes of an image. The first call loads the model."""
    return _classify(image, Settings.from_env())


def _classify(image: bytes, settings: Settings) -> dict[str, Any]:
    answer = _registry(settings).find().classify([image], time.monotonic() + settings.request_timeout)
    return {"statusCode": 200, "body": json.dumps(raised(answer.outcomes[0]).top(1)[0].label)}


def main(arguments: list[str]) -> None:
    if len(arguments) != 1:
        print("usage: ResNet50_inference.py IMAGE", file=sys.stderr)
        sys.exit(2)
    path = Path(arguments[0])
    try:
        image = path.read_bytes()  # first: a missing file is not worth minutes of making a bundle
    except OSError as error:
        sys.exit(f"error: {path}: {error.strerror}")
    try:
        settings = Settings.from_env()
        variables = prepare(settings, fall_back=True)
        print(_classify(image, replace(settings, bundle=variables.get("BUNDLE", ""))))
    except ServiceError as error:
        sys.exit(f"error: {path}: {error}")
    except SetupError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main(sys.argv[1:])

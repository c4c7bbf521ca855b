"""Classifies one image without a server: `python my_inference_app/ResNet50_inference.py cat.jpg` prints its label."""

from __future__ import annotations

import json
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

from my_inference_app.errors import ServiceError, SetupError
from my_inference_app.inference.registry import Registry, load
from my_inference_app.settings import Settings


@cache
def _registry(settings: Settings) -> Registry:
    return load(settings)


def inference(image: bytes) -> dict[str, Any]:
    """Classifies the bytes of an image. The first call loads the model."""
    settings = Settings.from_env()
    answer = _registry(settings).find().classify([image], time.monotonic() + settings.request_timeout)
    outcome = answer.outcomes[0]
    if isinstance(outcome, ServiceError):
        raise outcome
    return {"statusCode": 200, "body": json.dumps(outcome.top(1)[0].label)}


def main(arguments: list[str]) -> None:
    if len(arguments) != 1:
        print("usage: ResNet50_inference.py IMAGE", file=sys.stderr)
        sys.exit(2)
    path = Path(arguments[0])
    try:
        print(inference(path.read_bytes()))
    except OSError as error:
        sys.exit(f"error: {path}: {error.strerror}")
    except ServiceError as error:
        sys.exit(f"error: {path}: {error}")
    except SetupError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])

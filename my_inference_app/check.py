"""python -m my_inference_app.check: loads all that a worker loads, and exits. Says in one line why it cannot."""

from __future__ import annotations

import sys

from .errors import SetupError
from .reloading import LOADED
from .server import create_app

if __name__ == "__main__":
    try:
        create_app()
    except SetupError as error:
        sys.exit(f"error: {error}")
    print(LOADED)

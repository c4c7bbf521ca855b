"""An image-classification server: Flask and gunicorn behind nginx, fed from model bundles."""

import sys

__version__ = "0.1.0"

# Importing openvino sends usage data to its makers, and writes an id into the home folder, where it finds this.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

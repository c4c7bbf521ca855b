"""Starts ray_service.py, with Ray's files in a temporary folder and its ports on loopback."""

import sys
import tempfile
from pathlib import Path

import foreground

ENVIRONMENT = {
    # With 0, Ray is a cluster of one at 127.0.0.1. Otherwise it opens a dozen ports to the network.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    # A token would be written to the home folder.
    "RAY_AUTH_MODE": "disabled",
    "RAY_USAGE_STATS_ENABLED": "0",
}

if __name__ == "__main__":
    foreground.exit_on_signals()
    with tempfile.TemporaryDirectory(prefix="ray-") as name:
        argv = [sys.executable, str(Path(__file__).with_name("ray_service.py")), name]
        sys.exit(foreground.run(argv, {**ENVIRONMENT, "TMPDIR": name}, Path(name)))

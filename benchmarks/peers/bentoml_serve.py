"""Starts bentoml_service.py, with BentoML's home in a temporary folder."""

import sys
import tempfile
from pathlib import Path

import foreground
import inputs

SERVICE = "bentoml_service:Classifier"


def serve(home: Path) -> int:
    argv = [sys.executable, "-m", "bentoml", "serve", SERVICE, "--working-dir", str(Path(__file__).parent)]
    where = ["--host", inputs.HOST, "--port", str(inputs.port())]
    environment = {"BENTOML_HOME": str(home), "BENTOML_DO_NOT_TRACK": "true", "TMPDIR": str(home)}
    return foreground.run([*argv, *where], environment, home)


if __name__ == "__main__":
    foreground.exit_on_signals()
    with tempfile.TemporaryDirectory(prefix="bentoml-") as name:
        sys.exit(serve(Path(name)))

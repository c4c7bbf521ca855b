"""Changes bundle.json and renews its checksum, as a program with a defect would write it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from my_inference_app.bundles.bundle import MANIFEST, checksum


def change_manifest(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    file = folder / MANIFEST
    data = json.loads(file.read_bytes())
    change(data)
    data["sha256"] = checksum(data)
    file.write_text(json.dumps(data))

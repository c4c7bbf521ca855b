"""Describes the machine, without which measurements mean nothing."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from pathlib import Path

from my_inference_app.resources import cores

_TELLING = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "asimd")


def facts() -> dict[str, object]:
    return {
        "processor": _processor(),
        "cores": cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "date": datetime.now(UTC).date().isoformat(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    found = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = [flag for flag in _TELLING if flag in found.get("flags", "").split()]
    return f"{found.get('model name', platform.processor())} ({', '.join(flags)})"

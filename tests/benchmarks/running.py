"""A benchmark as a command of its own."""

from __future__ import annotations

import subprocess
import sys

from tests.live.service import REPOSITORY, environment


def printed(module: str, *arguments: str) -> str:
    """What it prints, if it succeeds."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=REPOSITORY,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout

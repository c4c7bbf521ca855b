"""Runs `python -m my_inference_app.export` in its own process, with all its files in one folder."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.images import REPOSITORY

MODULE = "my_inference_app.export"
# Nothing listens on this address: connections are refused at once.
NOWHERE = "http://127.0.0.1:9"
_FROM_OUTSIDE = ("HF_", "HUGGING", "TRANSFORMERS_", "TORCH", "MODEL", "ENGINE", "PRECISION", "BUNDLE", "CALIBRATION")


@dataclass(frozen=True)
class Done:
    code: int
    stdout: str
    stderr: str

    @property
    def error(self) -> str:
        """The error: a single line, after those of the steps that succeeded."""
        assert self.code == 1 and self.stdout == "", self
        *steps, line = self.stderr.splitlines()
        assert line.startswith("error: ") and not any("rror" in step for step in steps), self.stderr
        return line.removeprefix("error: ")

    @property
    def folder(self) -> Path:
        assert self.code == 0, self.stderr
        (line,) = self.stdout.splitlines()
        return Path(line)


@dataclass(frozen=True)
class CommandLine:
    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def models(self) -> Path:
        return self.folder / "models"

    def with_(self, **settings: str) -> CommandLine:
        return CommandLine(self.folder, {**self.settings, **settings})

    def __call__(self, *arguments: str | Path) -> Done:
        return self._run("-m", MODULE, *map(str, arguments))

    def python(self, code: str, *arguments: str) -> Done:
        return self._run("-c", code, *arguments)

    def _run(self, *arguments: str) -> Done:
        command = [sys.executable, *arguments]
        done = subprocess.run(command, env=self._environment(), cwd=REPOSITORY, capture_output=True, text=True)
        return Done(done.returncode, done.stdout, done.stderr)

    def on_a_terminal(self, *arguments: str) -> Done:
        """With stderr on a terminal, where progress bars are drawn."""
        reader, writer = pty.openpty()
        fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        command = [sys.executable, "-m", MODULE, *arguments]
        with subprocess.Popen(
            command, env=self._environment(), cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=writer
        ) as process:
            os.close(writer)
            shown = b"".join(iter(lambda: _read(reader), b"")).decode()
            os.close(reader)
            assert process.stdout
            stdout = process.stdout.read().decode()
        return Done(process.returncode, stdout, shown)

    def _environment(self) -> dict[str, str]:
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(_FROM_OUTSIDE) and not key.lower().endswith("_proxy")
        }
        own = {"HOME": "home", "HF_HOME": "hub", "TORCH_HOME": "torch", "MODELS_DIR": "models", "TMPDIR": "tmp"}
        for name in own.values():
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        return {**kept, **{key: str(self.folder / name) for key, name in own.items()}, **self.settings}


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux: the other end was closed
        return b""

"""Teaching: who may teach models over HTTP, with how much, and where the photos are kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .parsing import Number, Whole, file_path, keys, keys_of_file, yes_or_no
from .setting import setting


@dataclass(frozen=True)
class Teaching:
    teach: bool = setting(
        False, "whether models can be taught on the page `/teach` and over HTTP: 1 or 0; see docs/teach.md", yes_or_no
    )
    teach_keys: tuple[bytes, ...] = setting(
        (),
        "keys that may teach, separated by commas; without any, only clients on this machine may",
        keys,
        secret=True,
    )
    teach_keys_file: tuple[bytes, ...] = setting(
        (), "file with further such keys, one a line", keys_of_file, secret=True
    )
    teach_store: Path | None = setting(
        None, "folder that keeps the photos; without one they are removed once their model is made", file_path
    )
    teach_models: int = setting(10, "most models that can be taught; each needs memory in every worker", Whole(1, 1000))
    teach_classes: int = setting(100, "most classes of a taught model", Whole(2, 10_000))
    teach_photos: int = setting(2000, "most photos of a taught model", Whole(4, 1_000_000))
    teach_mb: int = setting(256, "MB for the photos of all models that are being taught", Whole(1, 1_000_000))
    teach_timeout: float = setting(
        900.0, "seconds after which the making of a taught model is stopped", Number(1, 86_400)
    )

    @property
    def teaching_keys(self) -> tuple[bytes, ...]:
        """All keys that may teach; none means that only clients on this machine may."""
        return self.teach_keys + self.teach_keys_file

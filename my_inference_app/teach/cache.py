"""Keeps what was computed of a photo, so that teaching again with one photo more costs one image.

One file a photo, below a folder for each parent. Photos that were not used for longest go first.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..bundles.store import TEACH_CACHE
from ..settings import Settings

MOST_MB = 500


@dataclass(frozen=True)
class Seen:
    """What is known of a photo."""

    features: NDArray[np.float32]
    """Pooled, as the last layer gets them."""
    thumbnail: NDArray[np.uint8]
    """Grey and tiny, to find photos that are nearly the same."""
    statistics: NDArray[np.float32]
    """Of its pixels, for calibration."""


class Cache:
    def __init__(self, settings: Settings, key: str) -> None:
        """The key stands for all that changes what is computed: the parent, its engine and the precision."""
        self._root = settings.models_dir / TEACH_CACHE
        self._folder = self._root / key

    def get(self, sha256: str) -> Seen | None:
        path = self._folder / sha256
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
                seen = Seen(arrays["features"].astype(np.float32), arrays["thumbnail"], arrays["statistics"])
            os.utime(path)
        except Exception:  # it is missing, or was damaged: numpy and zipfile raise what they like
            return None
        return seen

    def put(self, sha256: str, seen: Seen) -> None:
        """Without the cache everything works, only slower, so a full disk is not an error."""
        content = io.BytesIO()
        arrays = {**vars(seen), "features": seen.features.astype(np.float16)}
        np.savez(content, allow_pickle=False, **arrays)
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folder, prefix=".", delete=False) as file:
                file.write(content.getvalue())
            Path(file.name).rename(self._folder / sha256)

    def trim(self, most_bytes: int = MOST_MB << 20) -> None:
        with contextlib.suppress(OSError):  # another process may be trimming, too
            files = [(path, path.stat()) for path in self._root.glob("*/*")]
            size = sum(stat.st_size for _, stat in files)
            for path, stat in sorted(files, key=lambda item: item[1].st_mtime):
                if size <= most_bytes:
                    break
                path.unlink(missing_ok=True)
                size -= stat.st_size

"""Keeps a sample of the images whose answers are doubtful, for somebody to label them.

All workers share one folder, bounded in files, bytes and age. A lock keeps two of them from writing at the same time.
An image that comes while another is written is not kept: it is a sample.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

from .errors import SettingError
from .inference.images.decode import ending_of
from .settings import Settings

_log = logging.getLogger(__name__)

_NAME = re.compile(r"(?:unfamiliar|uncertain)-[0-9a-f]{32}\.(?:jpg|png|gif|webp|bmp)")
_UNFINISHED = re.compile(r"\.[0-9a-f]{32}")
_LOCK = ".lock"
_DAY = 86_400
_LOOK_EVERY = 600.0
_PRIVATE = 0o600


class Review:
    def __init__(self, settings: Settings) -> None:
        self._folder = Path(settings.review_dir)
        self._most_images = settings.review_images
        self._most_bytes = settings.review_mb * 1_000_000
        self._longest = settings.review_days * _DAY
        self._pause = settings.review_pause
        self._next = 0.0
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._locked() as alone:
                if alone:
                    self._remove_old()
        except OSError as error:
            raise SettingError(f"REVIEW_DIR={settings.review_dir} cannot be written to: {error.strerror}") from None
        Thread(target=self._watch, name="review", daemon=True).start()

    def keep(self, image: bytes, doubt: str) -> None:
        """`doubt` is `unfamiliar` or `uncertain`. Nothing in the name of the file comes from a client."""
        now = time.monotonic()
        if now < self._next or len(image) > self._most_bytes:
            return
        self._next = now + self._pause
        ending = ending_of(image)
        if ending is None:
            return
        try:
            with self._locked() as alone:
                if alone:
                    self._remove_old(room_for=len(image))
                    self._write(image, f"{doubt}-{secrets.token_hex(16)}.{ending}")
        except OSError as error:  # a full disk must not cost the answer
            _log.warning("no image is kept for review in %s: %s", self._folder, error.strerror)

    def _write(self, image: bytes, name: str) -> None:
        unfinished = self._folder / f".{secrets.token_hex(16)}"
        try:
            with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE), "wb") as file:
                file.write(image)
            unfinished.rename(self._folder / name)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise

    def _remove_old(self, room_for: int = 0) -> None:
        """What is too old, what killed workers left, and the oldest where there is no room. The lock is held."""
        kept: list[tuple[float, int, Path]] = []
        for entry in os.scandir(self._folder):
            if _UNFINISHED.fullmatch(entry.name):
                Path(entry).unlink()
            elif _NAME.fullmatch(entry.name):
                status = entry.stat(follow_symlinks=False)
                kept.append((status.st_mtime, status.st_size, Path(entry)))
        kept.sort(reverse=True)
        images, size = int(room_for > 0), room_for
        for made, length, path in kept:
            images, size = images + 1, size + length
            if images > self._most_images or size > self._most_bytes or time.time() - made > self._longest:
                path.unlink(missing_ok=True)  # a person may have taken it out

    @contextmanager
    def _locked(self) -> Iterator[bool]:
        """Whether no other worker is at it. The lock ends with its process."""
        lock = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT, _PRIVATE)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(lock)

    def _watch(self) -> None:
        """Images are removed in time, also where no others come."""
        while True:
            time.sleep(_LOOK_EVERY)
            with suppress(OSError), self._locked() as alone:
                if alone:
                    self._remove_old()

"""Brings a bundle to the node of a replica, and checks that it is the one that was meant."""

from __future__ import annotations

import tarfile
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.error import URLError

from pyarrow import fs

from ..bundles import bundle as bundles
from ..bundles.bundle import Bundle
from ..errors import BundleError, first_line

_SECONDS = 60.0
"""Without a byte of a download."""


@contextmanager
def delivered(place: str, identity: str) -> Iterator[Bundle]:
    """The bundle at a path or URL, with the files that this checksum is of. What was unpacked is removed in the end."""
    if "://" in place:
        with tempfile.TemporaryDirectory(prefix="bundle-") as folder:
            _unpack(place, folder)
            yield _verified(place, Path(folder), identity)
    else:
        yield _verified(place, Path(place), identity)


def _verified(place: str, folder: Path, identity: str) -> Bundle:
    bundle = bundles.read(folder)
    if bundle.identity != identity:
        raise BundleError(f"{place} is another bundle than the one that was deployed: its checksum differs")
    bundle.verify(*bundle.files)
    return bundle


def _unpack(url: str, folder: str) -> None:
    try:
        with _opened(url) as file, tarfile.open(fileobj=file, mode="r|*") as archive:
            archive.extractall(folder, filter="data")
    except (OSError, tarfile.TarError, URLError) as error:
        raise BundleError(f"{url} cannot be loaded: {first_line(error)}; it must be a tar file of a bundle") from None


@contextmanager
def _opened(url: str) -> Iterator[IO[bytes]]:
    if url.startswith(("http://", "https://")):
        with urllib.request.urlopen(url, timeout=_SECONDS) as response:  # noqa: S310 - the scheme is checked
            yield response
    else:
        system, path = fs.FileSystem.from_uri(url)
        with system.open_input_stream(path) as stream:
            yield stream

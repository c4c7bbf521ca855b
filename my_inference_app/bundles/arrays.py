"""Reads the arrays in a file of a bundle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import first_line
from .bundle import Bundle, damaged

Kind = TypeVar("Kind", bound=np.floating[Any])
T = TypeVar("T")


def read_arrays(bundle: Bundle, name: str, kind: type[Kind], use: Callable[[Mapping[str, NDArray[Kind]]], T]) -> T:
    """What `use` makes of the arrays. If it cannot, the bundle is damaged."""
    bundle.verify(name)
    try:
        # numpy leaves a file open that it cannot read, so it is opened here.
        with (bundle.path / name).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return use({key: arrays[key].astype(kind) for key in arrays.files})
    except Exception as error:  # numpy and zipfile raise what they like
        raise damaged(bundle.path, f"{name}: {first_line(error)}") from None

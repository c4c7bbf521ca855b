"""Names that clients give to models and classes: they become folders."""

from __future__ import annotations

import re
import unicodedata

from ..errors import BadRequest

_MODEL = re.compile(r"[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?")
_LONGEST_LABEL = 64
# Not allowed in a file name on one system or another.
_SPECIAL = frozenset('/\\:*?"<>|')


def checked_model(name: str) -> str:
    if not _MODEL.fullmatch(name) or ".." in name:
        raise BadRequest(
            "the name of a taught model has 1 to 64 small letters, digits, dots, hyphens and underscores, and begins "
            "and ends with a letter or a digit: such as my-cats"
        )
    return name


def checked_label(label: str) -> str:
    """The label of a class, in the one form that Unicode has for it."""
    label = unicodedata.normalize("NFC", label)
    if (
        not 1 <= len(label) <= _LONGEST_LABEL
        or len(label.encode("utf-8", "replace")) > 3 * _LONGEST_LABEL
        or not label.isprintable()
        or _SPECIAL & set(label)
        or "\ufffd" in label  # bytes that are not UTF-8
        or label[0] in ". "
        or label[-1] in ". "
    ):
        raise BadRequest(
            f"the name of a class has 1 to {_LONGEST_LABEL} visible characters, none of {' '.join(sorted(_SPECIAL))}, "
            "and begins and ends with neither a dot nor a space: such as tabby cat"
        )
    return label

"""The settings as the tables in docs/settings.md."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from .access import Access
from .environment import PROJECT
from .label_studio import LabelStudio
from .limits import Limits
from .model import Model
from .network import Network
from .observing import Observing
from .ray import Ray
from .reviewing import Reviewing
from .serving import Serving
from .teaching import Teaching
from .tls import Tls
from .urls import Urls
from .vertex import Vertex

SUBJECTS = {
    "Model": Model,
    "Serving": Serving,
    "Ray": Ray,
    "Limits": Limits,
    "Access": Access,
    "Images from URLs": Urls,
    "Label Studio": LabelStudio,
    "Teaching": Teaching,
    "Network": Network,
    "TLS": Tls,
    "Vertex AI": Vertex,
    "Logs and traces": Observing,
    "Images for review": Reviewing,
}


def table() -> str:
    """One table a subject, each under its heading."""
    return "\n\n".join("\n".join([f"## {title}", "", *_rows(subject)]) for title, subject in SUBJECTS.items())


def _rows(subject: type) -> list[str]:
    rows = ["| setting | default | meaning |", "| --- | --- | --- |"]
    for item in fields(subject):
        default = _shown(item.default)
        rows.append(f"| `{item.name.upper()}` | {f'`{default}`' if default else ''} | {item.metadata['help']} |")
    return rows


def _shown(value: object) -> str:
    """As a user would write it."""
    if value is None:
        return ""
    if isinstance(value, Path):
        return str(value.relative_to(PROJECT))
    if isinstance(value, tuple | frozenset):
        return ",".join(map(str, sorted(value)))
    return f"{value:d}" if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)

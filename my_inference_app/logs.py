"""The log: JSON, one object a line, or plain text. The app and gunicorn write the same."""

from __future__ import annotations

import logging
import logging.config
import sys
import warnings
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from .settings import Settings

_IN_MESSAGE = frozenset({"message", "method", "path", "status"})
_JSON = {
    "()": JsonFormatter,
    "fmt": ["levelname", "name", "process", "message"],
    "rename_fields": {"levelname": "level", "name": "logger", "exc_info": "exception"},
    "timestamp": "time",
}
_PLAIN = {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}


class Line(dict[str, Any]):
    """A line of fields, each of which is a key in JSON. `message` says in short what happened."""

    def __str__(self) -> str:
        rest = [f"{name}={value}" for name, value in self.items() if name not in _IN_MESSAGE]
        return " ".join([self["message"], *rest])


def configuration(settings: Settings) -> dict[str, Any]:
    """For logging.config.dictConfig(), and for gunicorn, whose own log it includes."""
    chosen = settings.log_format
    as_json = chosen == "json" or (chosen == "auto" and not sys.stderr.isatty())
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": _JSON if as_json else _PLAIN},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"level": settings.log_level.upper(), "handlers": ["stderr"]},
        "loggers": {
            "gunicorn.error": {"handlers": [], "propagate": True},
            # At level debug it would write down what is in images, such as where a photo was taken.
            "PIL": {"level": "INFO"},
        },
    }


def configure(settings: Settings) -> None:
    # Pillow warns of oddities in images. They concern the client, who gets an error, and would fill the log.
    warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
    logging.config.dictConfig(configuration(settings))

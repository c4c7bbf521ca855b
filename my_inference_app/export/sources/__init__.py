"""Where weights come from: the one table of sources.

To add a source, write a module in this folder and add a line to SOURCES. The module has one function,
`load(options, downloaded) -> LoadedModel`. It is imported when it is needed, since torch takes seconds to import.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from ..options import PACKAGED, TORCHVISION, Options

if TYPE_CHECKING:
    from ..loaded_model import LoadedModel


@dataclass(frozen=True)
class Source:
    form: str
    """How MODEL names a model of this source, for help texts."""
    takes: Callable[[str], bool]
    """Whether MODEL names a model of this source. The first source that takes it loads it."""
    module: str
    download_first: str = ""
    """A module with `download(options) -> Path`, which needs no torch: then an unreachable server shows at once."""
    revisions: bool = False
    own_weights: bool = False
    """Whether the user may give weights and labels."""

    def download(self, options: Options) -> Path | None:
        if not self.download_first:
            return None
        folder: Path = import_module(f"{__name__}.{self.download_first}").download(options)
        return folder

    def load(self, options: Options, downloaded: Path | None = None) -> LoadedModel:
        loaded: LoadedModel = self.loader().load(options, downloaded)
        loaded.module.eval()
        return loaded

    def loader(self) -> ModuleType:
        return import_module(f"{__name__}.{self.module}")


SOURCES = (
    Source(PACKAGED, lambda model: model == PACKAGED, "packaged"),
    Source(f"{TORCHVISION}NAME", lambda model: model.startswith(TORCHVISION), "torchvision", own_weights=True),
    Source("a folder in hub format", lambda model: Path(model).is_dir(), "hub"),
    Source("a hub id", lambda _model: True, "hub", download_first="download", revisions=True),
)


def find(model: str) -> Source:
    return next(source for source in SOURCES if source.takes(model))

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

from ...engines.base import EXPORTED
from ..options import Options

if TYPE_CHECKING:
    from ..loaded_model import LoadedModel

TORCHVISION = "torchvision:"
PACKAGED = ("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2")

_LABELS = frozenset({"labels"})
_INPUT = frozenset({"size", "resize", "interpolation", "mean", "std"})
_WEIGHTS = frozenset({"weights", "random_weights"})
_LAYOUT = frozenset({"layout"})


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
    flags: frozenset[str] = frozenset()
    """The flags of the command line that go with it, besides those that go with every source."""
    engines: tuple[str, ...] = tuple(EXPORTED)
    """The engines that can serve its models."""

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


def _ends_in(*suffixes: str) -> Callable[[str], bool]:
    return lambda model: model.endswith(suffixes) and not Path(model).is_dir()


SOURCES = (
    Source(", ".join(PACKAGED), lambda model: model in PACKAGED, "packaged"),
    Source(
        f"{TORCHVISION}NAME",
        lambda model: model.startswith(TORCHVISION),
        "torchvision",
        flags=_WEIGHTS | _LABELS | _INPUT,
    ),
    Source("FILE.mar of TorchServe", _ends_in(".mar"), "archive", flags=_LABELS | _INPUT),
    Source("FILE.pt of TorchScript", _ends_in(".pt", ".pth"), "torchscript", flags=_LABELS | _INPUT),
    Source("FILE.onnx", _ends_in(".onnx"), "onnx", flags=_LABELS | _INPUT | _LAYOUT, engines=("openvino",)),
    Source("a folder in hub format", lambda model: Path(model).is_dir(), "hub", flags=_INPUT),
    Source("a hub id", lambda _model: True, "hub", download_first="download", revisions=True, flags=_INPUT),
)


def find(model: str) -> Source:
    return next(source for source in SOURCES if source.takes(model))

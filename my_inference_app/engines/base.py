"""The contract of engines, and the one table of them.

An engine takes images and returns logits. A new one is a module with a function `load` like those of its neighbours,
and one line in `ENGINES`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..bundles import own_python
from ..bundles.bundle import Bundle
from ..errors import BundleError, SettingError, SetupError, first_line

Images = NDArray[np.uint8]  # N x height x width x 3
Logits = NDArray[np.float32]  # N x classes
FeatureMaps = NDArray[np.float32]  # N x height x width x channels


class Engine(Protocol):
    def __call__(self, images: Images, /) -> Logits: ...


@runtime_checkable
class FeatureEngine(Engine, Protocol):
    """An engine that can also return the last feature maps, if the bundle has features."""

    def with_features(self, images: Images, /) -> tuple[Logits, FeatureMaps]: ...


@dataclass(frozen=True)
class Entry:
    module: str
    files: tuple[str, ...]
    """Its files in a bundle. The first is passed to the engine, and the others belong to it."""
    exported: bool = True
    """Whether exporting a model makes these files."""


ENGINES = {
    "openvino": Entry(".openvino", ("model.xml", "model.bin")),
    "torch": Entry(".torchscript", ("model.pt",)),
    "python": Entry(".your_python", (own_python.FILE,), exported=False),
}
EXPORTED = tuple(name for name, entry in ENGINES.items() if entry.exported)


def engine_of(bundle: Bundle, engine: str) -> str:
    """The engine that computes a bundle: the one of ENGINE, unless the bundle is Python."""
    return "python" if own_python.FILE in bundle.files else engine


def load_engine(bundle: Bundle, engine: str, *, threads: int, device: str = "cpu", precision: str = "") -> Engine:
    """Loads one engine by name. Only the module of that engine is imported, since torch takes seconds."""
    model = model_file(bundle, engine)
    module = import_module(ENGINES[engine].module, __package__)
    try:
        loaded: Engine = module.load(model, threads=threads, device=device, precision=precision)
    except SetupError:
        raise
    except Exception as error:  # each framework raises what it likes
        raise BundleError(
            f"the {engine} engine cannot load the bundle {bundle.path}: {first_line(error)}; {bundle.remedy}"
        ) from error
    return loaded


def model_file(bundle: Bundle, engine: str) -> Path:
    """A bundle's file for an engine; the checksums of all files of that engine are verified."""
    if engine not in ENGINES:
        raise SettingError(f"ENGINE={engine!r} is none of {', '.join(EXPORTED)}")
    files = ENGINES[engine].files
    for name in files:
        if name not in bundle.files:
            raise BundleError(
                f"the bundle {bundle.path} has no {name} for ENGINE={engine}: "
                f"export the model again with ENGINE={engine}"
            )
    bundle.verify(*files)
    return bundle.path / files[0]

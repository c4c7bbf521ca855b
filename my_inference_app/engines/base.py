"""The contract of engines, and the one table of them.

An engine takes images and returns logits. A new one is a module with a function `load` like those of its neighbours,
and one line in `ENGINES`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..bundles import own_python
from ..bundles.bundle import Bundle
from ..errors import BundleError, SettingError, SetupError, first_line
from ..settings.ray import Ray

Images = NDArray[np.uint8]  # N x height x width x 3
Logits = NDArray[np.float32]  # N x classes
FeatureMaps = NDArray[np.float32]  # N x height x width x channels


class Engine(Protocol):
    def __call__(self, images: Images, /) -> Logits: ...


@runtime_checkable
class FeatureEngine(Engine, Protocol):
    """An engine that can also return the last feature maps, if the bundle has features."""

    def with_features(self, images: Images, /) -> tuple[Logits, FeatureMaps]: ...


@runtime_checkable
class RemoteEngine(Engine, Protocol):
    """An engine that other machines compute for, which may not answer."""

    def until(self, deadline: float, /) -> Engine:
        """The same engine, which raises a ServiceError at this moment of time.monotonic() if it has no answer."""


@dataclass(frozen=True)
class Options:
    """How an engine should compute."""

    threads: int
    device: str = "cpu"
    precision: str = ""
    """Empty lets the engine choose."""
    cluster: Ray = Ray()


@dataclass(frozen=True)
class Entry:
    module: str
    files: tuple[str, ...]
    """Its files in a bundle, the model first."""
    exported: bool = True
    """Whether exporting a model makes these files."""


ENGINES = {
    "openvino": Entry(".openvino", ("model.xml", "model.bin")),
    "torch": Entry(".torchscript", ("model.pt",)),
    "python": Entry(".your_python", (own_python.FILE,), exported=False),
    "ray": Entry(".ray", (), exported=False),
}
EXPORTED = tuple(name for name, entry in ENGINES.items() if entry.exported)


def engine_of(bundle: Bundle, engine: str) -> str:
    """The engine that computes a bundle: the one of ENGINE, unless the bundle is Python. Ray computes that too."""
    return "python" if own_python.FILE in bundle.files and engine != "ray" else engine


def load_engine(
    bundle: Bundle,
    engine: str,
    *,
    threads: int,
    device: str = "cpu",
    precision: str = "",
    cluster: Ray = Ray(),  # noqa: B008 - it is frozen
) -> Engine:
    """Loads one engine by name. Only the module of that engine is imported, since torch takes seconds."""
    check_files(bundle, engine)
    module = import_module(ENGINES[engine].module, __package__)
    try:
        loaded: Engine = module.load(bundle, Options(threads, device, precision, cluster))
    except SetupError:
        raise
    except Exception as error:  # each framework raises what it likes
        raise BundleError(
            f"the {engine} engine cannot load the bundle {bundle.path}: {first_line(error)}; {bundle.remedy}"
        ) from error
    return loaded


def check_files(bundle: Bundle, engine: str) -> None:
    """Raises BundleError unless the bundle has all files of an engine, as they were written."""
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

"""The bundle that is taught: its network stays, and only its last layer is replaced."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..bundles import bundle as bundles
from ..bundles.bundle import Bundle
from ..bundles.head import Head, read_head
from ..bundles.store import bundle_dir, folder_of, newest
from ..engines.base import FeatureEngine, engine_of, load_engine
from ..errors import BundleError, SetupError
from ..resources import cores
from ..settings import Settings


@dataclass(frozen=True)
class Parent:
    bundle: Bundle
    head: Head
    engine: FeatureEngine
    checksum: str
    """Of its files."""


def load(settings: Settings, name: str, last: Bundle | None) -> Parent:
    """The newest version of the model in MODEL or BUNDLE, or the parent of the last version if that is the one.

    `name` is what the taught model will be called.
    """
    folder = newest(bundle_dir(settings)).folder
    if folder.resolve().is_relative_to(folder_of(settings, name).resolve()):
        if last is None:
            raise SetupError(f"{name} cannot be taught on itself: give another model, or another --name")
        settings = replace(settings, model=str(last.source["parent"]), model_revision="", bundle="")
        folder = newest(bundle_dir(settings)).folder
    try:
        return bundles.load(folder, lambda bundle: _loaded(bundle, settings))
    except BundleError as error:
        if (folder / bundles.MANIFEST).exists():
            raise
        raise SetupError(
            f"there is no bundle of {settings.model} in {folder}: run `make export MODEL={settings.model}`"
        ) from error


def threads(settings: Settings) -> int:
    """All cores, since nothing else runs here, or as many as COMPUTE_THREADS says."""
    return settings.compute_threads or cores()


def _loaded(bundle: Bundle, settings: Settings) -> Parent:
    head = read_head(bundle)
    if head is None:
        raise SetupError(
            f"{bundle.name} cannot be taught, since it has no feature map: only networks that end in global pooling "
            "and one linear layer have; if it is one, make its bundle again with `make export`"
        )
    engine = load_engine(
        bundle,
        engine_of(bundle, settings.local_engine),
        threads=threads(settings),
        device=settings.device[0],
        precision=settings.engine_precision,
    )
    if not isinstance(engine, FeatureEngine):
        raise SetupError(f"the engine of {bundle.name} does not return feature maps")
    return Parent(bundle, head, engine, bundles.checksum({"files": bundle.files}))

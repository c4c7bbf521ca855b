"""The taught models in the store, and from which bundle one is taught."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ..bundles import bundle
from ..bundles.bundle import Bundle
from ..bundles.store import as_folder, bundle_dir, folder_of, places, taught_in
from ..errors import BadRequest, BundleError, Conflict, ModelNotFound
from ..settings import Settings


def newest(settings: Settings, name: str) -> Bundle | None:
    """The model as it was taught last, if it was."""
    return taught_in(folder_of(settings, name))


def taught(settings: Settings) -> list[str]:
    """The names of all taught models."""
    return [found.name for path in settings.models_dir.glob("[!.]*") if (found := taught_in(path))]


def refuse_name_of_another(settings: Settings, name: str) -> None:
    """No model that somebody made in another way is replaced, or has its name taken."""
    path = folder_of(settings, name)
    if path.exists() and not taught_in(path):
        raise Conflict(f"{name} is in MODELS_DIR already and was not taught: choose another name")
    for other, found in _served(settings):
        is_this = path.resolve() in (found.path.resolve(), found.path.resolve().parent)
        if name in _forms(other) and not is_this:
            raise Conflict(f"{name} is the name of a model that is served and was not taught: choose another name")


def refuse_one_more(settings: Settings, name: str) -> None:
    most, there = settings.teach_models, taught(settings)
    if name not in there and len(there) >= most:
        raise Conflict(f"there are {most} taught models: delete one with DELETE /teach/NAME, or raise TEACH_MODELS")


def parent(settings: Settings, name: str) -> Path:
    """The folder of the served bundle with this name, or of the default model."""
    found = next((one for other, one in _served(settings) if not name or name in _forms(other)), None)
    if found is None:
        raise ModelNotFound(f"there is no model {name[:100]!r} here: GET /models lists those that there are")
    if found.features is None:
        raise BadRequest(f"{found.name} has no features to teach from: name another served model with ?model=")
    return found.path


def delete(settings: Settings, name: str) -> bool:
    """Removes all versions of a taught model. A model that the settings name stays."""
    path = folder_of(settings, name)
    if not taught_in(path):
        return False
    named = [folder_of(settings, entry.model) for entry in settings.entries] or [bundle_dir(settings)]
    if any(path.resolve() in (other.resolve(), other.resolve().parent) for other in named):
        raise Conflict(f"{name} is named in MODEL, BUNDLE or SERVER_MODELS: take it out there first")
    scratch = Path(tempfile.mkdtemp(prefix=".deleted-", dir=path.parent))
    path.rename(scratch / "model")  # in one step: nobody finds half of it
    shutil.rmtree(scratch, ignore_errors=True)
    return True


def _served(settings: Settings) -> Iterator[tuple[str, Bundle]]:
    """What is served under which name, as far as it is still there."""
    for place in places(settings):
        with suppress(BundleError):
            found = bundle.read(place.folder)
            yield place.name or found.name, found


def _forms(name: str) -> set[str]:
    """The names under which a served model is found."""
    return {name, as_folder(name), name.rpartition("/")[2]}

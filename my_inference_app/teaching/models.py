"""The taught models in the store, and from which bundle one is taught."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..bundles import bundle
from ..bundles.bundle import Bundle
from ..bundles.store import as_folder, bundle_dir, folder_of, is_taught, newest_in, places
from ..errors import BadRequest, Conflict, ModelNotFound
from ..settings import Settings


def newest(settings: Settings, name: str) -> Bundle | None:
    """The model as it was taught last, if it was."""
    path = folder_of(settings, name)
    return bundle.read(newest_in(path)) if is_taught(path) else None


def taught(settings: Settings) -> list[str]:
    """The names of all taught models."""
    return [bundle.read(newest_in(path)).name for path in settings.models_dir.glob("[!.]*") if is_taught(path)]


def refuse_name_of_another(settings: Settings, name: str) -> None:
    """No model that somebody made in another way is replaced, or has its name taken."""
    path = folder_of(settings, name)
    if path.exists() and not is_taught(path):
        raise Conflict(f"{name} is in MODELS_DIR already and was not taught: choose another name")
    for place in places(settings):
        other = place.name or bundle.read(place.folder).name
        is_this = path.resolve() in (place.folder.resolve(), place.folder.resolve().parent)
        if name in _forms(other) and not is_this:
            raise Conflict(f"{name} is the name of a model that is served and was not taught: choose another name")


def refuse_one_more(settings: Settings, name: str) -> None:
    most, there = settings.teach_models, taught(settings)
    if name not in there and len(there) >= most:
        raise Conflict(f"there are {most} taught models: delete one with DELETE /teach/NAME, or raise TEACH_MODELS")


def parent(settings: Settings, name: str) -> Path:
    """The folder of the served bundle with this name, or of the default model. It was not taught itself."""
    for place in places(settings):
        found = bundle.read(place.folder)
        if not name or name in _forms(place.name or found.name):
            break
    else:
        raise ModelNotFound(f"there is no model {name[:100]!r} here")
    if found.features is None:
        raise BadRequest(f"{found.name} has no features to teach from: name another served model with ?model=")
    return place.folder


def delete(settings: Settings, name: str) -> bool:
    """Removes all versions of a taught model. A model that the settings name stays."""
    path = folder_of(settings, name)
    if not is_taught(path):
        return False
    named = [folder_of(settings, entry.model) for entry in settings.entries] or [bundle_dir(settings)]
    if any(path.resolve() in (other.resolve(), other.resolve().parent) for other in named):
        raise Conflict(f"{name} is named in MODEL, BUNDLE or SERVER_MODELS: take it out there first")
    gone = path.rename(path.with_name(f".{name}-deleted"))  # in one step: nobody finds half of it
    shutil.rmtree(gone, ignore_errors=True)
    return True


def _forms(name: str) -> set[str]:
    """The names under which a served model is found."""
    return {name, as_folder(name), name.rpartition("/")[2]}

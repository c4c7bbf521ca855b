"""Fetches a model from the Hugging Face hub or finds it in its cache. Needs no torch, so a hub out of reach shows soon."""

from __future__ import annotations

import os
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from ..errors import SourceError, SourceUnreachable
from .request import Request
from .steps import first_line

_CONFIGURATION = ["config.json", "preprocessor_config.json", "README.md"]
_SAFETENSORS = ["model*.safetensors", "model.safetensors.index.json"]
_PICKLES = ["pytorch_model*.bin", "pytorch_model.bin.index.json"]


def download(request: Request) -> Path:
    """The folder of the model's files; pickles are fetched only where there are no safetensors."""
    folder = _snapshot(request, _CONFIGURATION + _SAFETENSORS)
    if not weight_files(folder):
        folder = _snapshot(request, _CONFIGURATION + _PICKLES)
    return folder


def weight_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("model*.safetensors")) or sorted(folder.glob("pytorch_model*.bin"))


def _snapshot(request: Request, patterns: list[str]) -> Path:
    model, revision = request.model, request.revision or None
    try:
        return Path(snapshot_download(model, revision=revision, allow_patterns=patterns))
    except GatedRepoError:
        raise SourceError(f"{model} asks for a login: accept its terms on the hub and set HF_TOKEN") from None
    except RevisionNotFoundError:
        raise SourceError(f"{model} has no revision {revision!r}") from None
    except RepositoryNotFoundError:
        raise SourceError(f"the hub has no model {model!r} (or it is private and HF_TOKEN is not set)") from None
    except HFValidationError:
        raise SourceError(f"{model!r} is neither a hub id, nor a folder, nor a name this program knows") from None
    except LocalEntryNotFoundError:
        raise SourceUnreachable(f"{model} is not cached, and {_why_unreachable()}") from None
    except HfHubHTTPError as error:
        raise SourceUnreachable(f"the hub does not give {model}: {first_line(error)}") from None
    except OSError as error:
        raise SourceError(f"{model} could not be downloaded: {first_line(error)}") from None


def _why_unreachable() -> str:
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        return "HF_HUB_OFFLINE forbids to ask the hub"
    return f"the hub ({os.environ.get('HF_ENDPOINT') or 'huggingface.co'}) cannot be reached"

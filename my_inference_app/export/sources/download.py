"""Fetches a model from the Hugging Face hub or its cache. Needs no torch, so a hub out of reach shows at once."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from httpx2 import ConnectError, ConnectTimeout
from huggingface_hub import HfApi, constants, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from ...bundles.bundle import sha256
from ...errors import SourceError, SourceUnreachable
from ..bar import bar_of_bytes
from ..options import Options
from ..progress import first_line

PREPROCESSORS = ("preprocessor_config.json", "processor_config.json")
_CONFIGURATION = ["config.json", *PREPROCESSORS]
_CARD = "README.md"
_SAFETENSORS = ["model.safetensors", "model-*-of-*.safetensors", "model.safetensors.index.json"]
_PICKLES = ["pytorch_model.bin", "pytorch_model-*-of-*.bin", "pytorch_model.bin.index.json"]


def download(request: Options) -> Path:
    """The folder of the model's files; pickles are fetched only where there are no safetensors."""
    refusal = _ask(request)
    folder = _snapshot(request, _CONFIGURATION + _SAFETENSORS, refusal)
    if not weight_files(folder):
        folder = _snapshot(request, _CONFIGURATION + _PICKLES, refusal)
    if refusal and not weight_files(folder):
        raise refusal
    _verify(request, folder)
    return folder


def weight_files(folder: Path) -> list[Path]:
    def found(patterns: list[str]) -> list[Path]:
        return sorted(path for pattern in patterns[:2] for path in folder.glob(pattern))

    return found(_SAFETENSORS) or found(_PICKLES)


def origin_of_folder(folder: Path) -> dict[str, Any]:
    """What tells a folder's model from every other: all that is in it and matters."""
    files = [*weight_files(folder), *(folder / name for name in _CONFIGURATION if (folder / name).exists())]
    return {"kind": "folder", "files": {path.name: sha256(path) for path in files}}


def _ask(request: Options) -> SourceError | None:
    """Asks the hub for the model; returns why it does not give it, in which case the cache may still have it.

    snapshot_download asks too, but waits for ever.
    """
    try:
        HfApi().model_info(
            request.model, revision=request.revision or None, timeout=float(constants.HF_HUB_ETAG_TIMEOUT)
        )
    except RevisionNotFoundError:
        raise SourceError(f"{request.model} has no revision {request.revision!r}") from None
    except HFValidationError:
        raise SourceError(
            f"{request.model!r} is neither a hub id, nor a folder, nor a name this program knows"
        ) from None
    except Exception as error:  # of the network, or of something in between that answers in the hub's place
        return _refusal(request.model, error)
    return None


def _refusal(model: str, error: Exception) -> SourceError:
    if isinstance(error, OfflineModeIsEnabled):
        return SourceUnreachable(f"{model} is not in the cache, and HF_HUB_OFFLINE forbids to ask the hub")
    if isinstance(error, GatedRepoError):
        return SourceError(f"{model} asks for a login: accept its terms on the hub and set HF_TOKEN")
    if isinstance(error, RepositoryNotFoundError):
        return SourceError(f"the hub has no model {model!r} (or it is private and HF_TOKEN is not set)")
    if isinstance(error, HfHubHTTPError) and error.response.status_code == 401:
        return SourceError(f"the hub refuses the login in HF_TOKEN: {first_line(error)}")
    hub = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    return SourceUnreachable(f"{model} is not in the cache, and the hub ({hub}) gives no answer: {first_line(error)}")


def _snapshot(request: Options, patterns: list[str], refusal: SourceError | None) -> Path:
    # The card only tells the licence: without the hub, what was cached before can do without.
    wanted = patterns if refusal else [*patterns, _CARD]
    try:
        with bar_of_bytes() as bar:
            return Path(
                snapshot_download(
                    request.model,
                    revision=request.revision or None,
                    allow_patterns=wanted,
                    local_files_only=refusal is not None,
                    tqdm_class=bar,
                )
            )
    except (GatedRepoError, LocalEntryNotFoundError, ConnectError, ConnectTimeout) as error:
        raise refusal or _refusal(request.model, error) from None
    except Exception as error:  # of the network, the disk, or the library that transfers large files
        raise SourceError(f"{request.model} could not be downloaded: {first_line(error)}") from None


def _verify(request: Options, folder: Path) -> None:
    """Compares large files with the checksum the hub gave, which is the name they are cached under."""
    for path in weight_files(folder):
        blob = Path(os.path.normpath(folder / path.readlink())) if path.is_symlink() else path
        if re.fullmatch("[0-9a-f]{64}", blob.name) and sha256(path) != blob.name:
            raise SourceError(
                f"{path.name} of {request.model} is damaged, its checksum is not the hub's: delete {blob} and try again"
            )

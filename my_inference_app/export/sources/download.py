"""Downloads a model from the Hugging Face hub, or finds it in the hub's cache. Imports no torch."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

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
from ...errors import SourceError, SourceUnreachable, first_line
from ..options import Options
from ..progress import download_bar, megabytes, step
from .hub_format import CARD, CONFIGURATION, PICKLES, SAFETENSORS, weight_files


def download(options: Options) -> Path:
    """The folder of the model's files. Pickles are downloaded only if there are no safetensors."""
    with step("downloading from the hub") as done:
        refusal = _ask(options)
        folder = _snapshot(options, CONFIGURATION + SAFETENSORS, refusal)
        if not weight_files(folder):
            folder = _snapshot(options, CONFIGURATION + PICKLES, refusal)
        if refusal and not weight_files(folder):
            raise refusal
        _verify(options, folder)
        done.result = megabytes(weight_files(folder))
    return folder


def _ask(options: Options) -> SourceError | None:
    """Asks the hub for the model. Returns why the hub does not give it; the cache may still have it.

    snapshot_download asks too, but has no timeout.
    """
    try:
        HfApi().model_info(
            options.model, revision=options.revision or None, timeout=float(constants.HF_HUB_ETAG_TIMEOUT)
        )
    except RevisionNotFoundError:
        raise SourceError(f"{options.model} has no revision {options.revision!r}") from None
    except HFValidationError:
        raise SourceError(f"{options.model!r} is not a hub id, a folder or another known form of MODEL") from None
    except Exception as error:  # of the network, or of a proxy that answers in the hub's place
        return _refusal(options.model, error)
    return None


def _refusal(model: str, error: Exception) -> SourceError:
    if isinstance(error, OfflineModeIsEnabled):
        return SourceUnreachable(f"{model} is not in the cache, and HF_HUB_OFFLINE forbids a download")
    if isinstance(error, GatedRepoError):
        return SourceError(f"{model} needs a login: accept its terms on the hub and set HF_TOKEN")
    if isinstance(error, RepositoryNotFoundError):
        return SourceError(f"the hub has no model {model!r} (or it is private and HF_TOKEN is not set)")
    if isinstance(error, HfHubHTTPError) and error.response.status_code == 401:
        return SourceError(f"the hub refuses the login in HF_TOKEN: {first_line(error)}")
    hub = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    return SourceUnreachable(f"{model} is not in the cache, and the hub ({hub}) does not answer: {first_line(error)}")


def _snapshot(options: Options, patterns: Sequence[str], refusal: SourceError | None) -> Path:
    # The card only names the licence. A model that was cached without it is still usable when the hub is unreachable.
    wanted = list(patterns) if refusal else [*patterns, CARD]
    try:
        with download_bar() as bar:
            return Path(
                snapshot_download(
                    options.model,
                    revision=options.revision or None,
                    allow_patterns=wanted,
                    local_files_only=refusal is not None,
                    tqdm_class=bar,
                )
            )
    except (GatedRepoError, LocalEntryNotFoundError, ConnectError, ConnectTimeout) as error:
        raise refusal or _refusal(options.model, error) from None
    except Exception as error:  # of the network, the disk, or the library that transfers large files
        raise SourceError(f"{options.model} could not be downloaded: {first_line(error)}") from None


def _verify(options: Options, folder: Path) -> None:
    """Compares large files with the hub's checksum, which is the name they are cached under."""
    for path in weight_files(folder):
        blob = Path(os.path.normpath(folder / path.readlink())) if path.is_symlink() else path
        if re.fullmatch("[0-9a-f]{64}", blob.name) and sha256(path) != blob.name:
            raise SourceError(
                f"{path.name} of {options.model} is damaged: its checksum is not the hub's: delete {blob} and try again"
            )

"""Models of the Hugging Face hub, its cache, or a folder in the same format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from huggingface_hub import ModelCard

from ..bundle import InputSpec, sha256
from ..errors import SourceError
from .download import weight_files
from .preprocessing import Transform, from_processor, standard_spec, standard_transform
from .request import Request
from .source import Source
from .steps import first_line
from .torchvision_cpu import torchvision  # noqa: F401  (transformers imports torchvision)

from transformers import AutoImageProcessor, AutoModelForImageClassification  # isort: skip


def load(request: Request, downloaded: Path | None) -> Source:
    if downloaded:
        return _source(request.model, downloaded, {"kind": "hub", "id": request.model, "revision": downloaded.name})
    folder = Path(request.model).resolve()
    origin = {"kind": "folder", "files": {path.name: sha256(path) for path in weight_files(folder)}}
    return _source(folder.name, folder, origin)


class _Logits(torch.nn.Module):
    """A classifier of transformers as a plain function of its input."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model(pixel_values=pixels).logits
        return logits


def _source(name: str, folder: Path, origin: dict[str, Any]) -> Source:
    model = _load_model(name, folder)
    spec, preprocess = _preprocessing(name, folder)
    id2label = model.config.id2label
    return Source(
        name=name,
        module=_Logits(model).eval(),
        labels=tuple(str(id2label[index]) for index in range(len(id2label))),
        input=spec,
        preprocess=preprocess,
        origin=origin,
        license=_license(folder),
    )


def _load_model(name: str, folder: Path) -> Any:
    try:
        model, info = AutoModelForImageClassification.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, output_loading_info=True, dtype=torch.float32
        )
    # It raises OSError, ValueError, KeyError, SafetensorError and more, for files that are missing, of another kind
    # of model, or damaged.
    except Exception as error:
        raise SourceError(f"{name} cannot be loaded as an image classifier: {first_line(error)}") from None
    absent = [*info["missing_keys"], *info.get("mismatched_keys", ())]
    if absent:
        raise SourceError(
            f"{name} is not a whole image classifier: {len(absent)} weights are absent ({absent[0]}, ...)"
        )
    return model


def _preprocessing(name: str, folder: Path) -> tuple[InputSpec, Transform]:
    if not (folder / "preprocessor_config.json").exists():
        spec = standard_spec()
        return spec, standard_transform(spec)
    try:
        return from_processor(AutoImageProcessor.from_pretrained(folder, local_files_only=True))  # type: ignore[no-untyped-call]
    except SourceError as error:
        raise SourceError(f"{name} cannot be served: {error}") from None
    except Exception as error:  # as with the model
        raise SourceError(f"the preprocessor_config.json of {name} cannot be used: {first_line(error)}") from None


def _license(folder: Path) -> str | None:
    card = folder / "README.md"
    if not card.exists():
        return None
    try:
        found = ModelCard.load(card).data.license
    except Exception:  # a card is free text; what it says is only passed on
        return None
    return str(found) if found else None

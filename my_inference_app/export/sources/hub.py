"""Loads models of the Hugging Face hub, of its cache, or of a folder in the same format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from huggingface_hub import ModelCard

from ...errors import SourceError, first_line
from ..input_options import InputOptions
from ..loaded_model import LoadedModel
from ..options import Options
from ..preprocessing import standard_transform
from ..processor import Preparation, read_processor
from ..torchvision_cpu import torchvision  # noqa: F401  (transformers imports torchvision)
from .hub_format import CARD, PREPROCESSORS, origin_of_folder, weight_files

from transformers import AutoConfig, AutoImageProcessor, AutoModelForImageClassification  # isort: skip
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES  # isort: skip
from transformers.utils.logging import disable_progress_bar  # isort: skip

# Its bar shows the reading of files, which takes no time.
disable_progress_bar()  # type: ignore[no-untyped-call]


def load(options: Options, downloaded: Path | None) -> LoadedModel:
    if downloaded:
        origin = {"kind": "hub", "id": options.model, "revision": downloaded.name}
        return _load(options, downloaded, origin)
    folder = Path(options.model).resolve()
    return _load(options, folder, origin_of_folder(folder))


class _Logits(torch.nn.Module):
    """A classifier of transformers as a plain function from pixels to logits."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model(pixel_values=pixels).logits
        return logits


def _load(options: Options, folder: Path, origin: dict[str, Any]) -> LoadedModel:
    name = options.name
    model = _load_model(name, folder)
    preparation = _preparation(name, folder, options.input, model.config)
    return LoadedModel(
        name=name,
        module=_Logits(model).eval(),
        labels=_labels(name, model.config.id2label),
        input=preparation.spec,
        preprocess=preparation.own,
        origin=origin,
        license=_license(folder),
        arrange=preparation.arrange,
    )


def _load_model(name: str, folder: Path) -> Any:
    if not weight_files(folder):
        raise SourceError(f"{name} has no weights: it has neither model.safetensors nor pytorch_model.bin")
    try:
        kind = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False).model_type
        if kind not in MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES:
            raise SourceError(f"{name} is not an image classifier: its model type is {kind}")
        model, info = AutoModelForImageClassification.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # so that the error can name them
            dtype=torch.float32,
        )
    except SourceError:
        raise
    # transformers raises OSError, ValueError, KeyError, SafetensorError and more for files that are missing, damaged or
    # of another kind of model.
    except Exception as error:
        raise SourceError(f"{name} cannot be loaded as an image classifier: {first_line(error)}") from None
    absent = [*info["missing_keys"], *(name for name, *_ in info["mismatched_keys"])]
    if absent:
        raise SourceError(
            f"{name} is not a complete image classifier: {len(absent)} weights are missing or have another shape "
            f"({absent[0]}, ...)"
        )
    return model


def _labels(name: str, id2label: dict[int, Any]) -> tuple[str, ...]:
    if sorted(id2label) != list(range(len(id2label))):
        raise SourceError(f"{name} does not number its classes from 0: see id2label in its config.json")
    return tuple(str(id2label[index]) for index in range(len(id2label)))


def _preparation(name: str, folder: Path, given: InputOptions, config: Any) -> Preparation:
    if not any((folder / file).exists() for file in PREPROCESSORS):
        side = getattr(config, "image_size", None)
        told = InputOptions((side, side) if isinstance(side, int) else None)
        spec = given.or_else(told).spec(name)
        return Preparation(spec, standard_transform(spec), torch.nn.Identity())
    if given.given:
        raise SourceError(f"{name} itself says how images are prepared for it: leave --{given.given[0]} out")
    try:
        # The backend that uses Pillow, as serving does and as most models were published with. The other one differs in
        # `nearest`.
        processor = AutoImageProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            folder, local_files_only=True, trust_remote_code=False, backend="pil"
        )
    except Exception as error:  # as with the model
        raise SourceError(f"the preprocessor_config.json of {name} cannot be used: {first_line(error)}") from None
    try:
        return read_processor(processor)
    except SourceError as error:
        kind = type(processor).__name__
        raise SourceError(f"{name} cannot be served: its {kind} is not supported ({error})") from None


def _license(folder: Path) -> str | None:
    card = folder / CARD
    if not card.exists():
        return None
    try:
        found = ModelCard.load(card).data.license
    except Exception:  # a card is free text, and its licence is only passed on
        return None
    return str(found) if found else None

"""torchvision's models: `torchvision:NAME` with its default weights, a file's, or random ones for measurements."""

from __future__ import annotations

import json
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors.torch import load_file

from ...bundles.bundle import InputSpec, sha256
from ...errors import SourceError, SourceUnreachable
from .. import imagenet
from ..loaded_model import LoadedModel, Transform
from ..options import TORCHVISION, Options
from ..preprocessing import make_spec, standard_spec, standard_transform
from ..progress import first_line
from ..torchvision_cpu import torchvision


def load(request: Options) -> LoadedModel:
    name = request.model.removeprefix(TORCHVISION)
    if name not in torchvision.models.list_models(module=torchvision.models):
        raise SourceError(f"torchvision has no classification model {name!r}: try torchvision:resnet50")
    if request.random_weights:
        torch.manual_seed(0)
        origin = {"kind": "torchvision", "weights": "random", "torchvision": torchvision.__version__}
        return _source(request, _build(name, None), *_standard(), origin)
    if request.weights:
        return _from_file(request, name, request.weights)
    return _from_default(request, name)


def _from_default(request: Options, name: str) -> LoadedModel:
    weights = torchvision.models.get_model_weights(name).DEFAULT
    try:
        # By torchvision itself: for some, weights of its own come with another normalisation inside of the model.
        module = torchvision.models.get_model(name, weights=weights)
    except OSError as error:  # URLError is one, and wraps another
        reason = getattr(error, "reason", error)
        raise SourceUnreachable(f"the weights of {request.model} cannot be downloaded: {reason}") from None
    except Exception as error:  # the download's checksum, or a damaged file that was downloaded before
        file = Path(torch.hub.get_dir(), "checkpoints", Path(weights.url).name)
        raise SourceError(
            f"the weights of {request.model} are damaged, delete {file} and try again: {first_line(error)}"
        ) from None
    transforms = weights.transforms()
    spec = make_spec(
        (transforms.crop_size[0],) * 2,
        transforms.resize_size[0],
        transforms.interpolation.value,
        tuple(transforms.mean),
        tuple(transforms.std),
    )
    origin = {"kind": "torchvision", "weights": str(weights), "torchvision": torchvision.__version__}
    return _source(request, module, spec, transforms, origin)


def _from_file(request: Options, name: str, path: Path) -> LoadedModel:
    state = _read_weights(path)
    try:
        module = _build(name, len(state[_head(name)]))
        module.load_state_dict(state)
    except Exception as error:  # of another architecture, or not a state dict at all
        raise SourceError(f"{path} does not hold the weights of a torchvision {name}: {first_line(error)}") from None
    origin = {"kind": "torchvision", "weights": path.name, "sha256": sha256(path)}
    return _source(request, module, *_standard(), origin)


def _head(name: str) -> str:
    """The last of an architecture's weights, of which there is one a class. Files need not keep the order."""
    with torch.device("meta"):
        return list(_build(name, None).state_dict())[-1]


def _read_weights(path: Path) -> Any:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from None
    except UnpicklingError:  # torch's text says how to run it all the same
        raise SourceError(f"{path} is no file of weights, or has code in it, which is never run") from None
    except Exception as error:  # of zip files, safetensors and more
        raise SourceError(f"{path} cannot be read: {first_line(error)}") from None


def _standard() -> tuple[InputSpec, Transform]:
    spec = standard_spec()
    return spec, standard_transform(spec)


def _build(name: str, classes: int | None) -> torch.nn.Module:
    options = {} if classes is None else {"num_classes": classes}
    if name in ("inception_v3", "googlenet"):
        options["init_weights"] = False  # theirs takes long, and they warn of it where nothing is said
    module: torch.nn.Module = torchvision.models.get_model(name, weights=None, **options)
    return module.eval()


def _source(
    request: Options, module: torch.nn.Module, spec: InputSpec, transform: Transform, origin: dict[str, str]
) -> LoadedModel:
    with torch.inference_mode():
        classes = module(torch.zeros(1, 3, *spec.size)).shape[-1]
    return LoadedModel(request.model, module, _labels(request.labels, classes), spec, transform, origin)


def _labels(path: Path | None, classes: int) -> tuple[str, ...]:
    if path is None:
        if classes == len(imagenet.LABELS):
            return imagenet.LABELS
        raise SourceError(f"the model has {classes} classes: name them with --labels FILE")
    try:
        text = path.read_text("utf-8")
        names = json.loads(text) if text.lstrip().startswith("[") else text.strip().splitlines()
    except (OSError, ValueError) as error:
        raise SourceError(f"{path} cannot be read: {error}") from None
    if len(names) != classes:
        raise SourceError(f"{path} names {len(names)} classes, the model has {classes}")
    return tuple(str(name) for name in names)

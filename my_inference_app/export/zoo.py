"""torchvision's models: `torchvision:NAME` with its default weights, a file's, or random ones for measurements."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.error import URLError

import torch

from ..bundle import InputSpec, sha256
from ..errors import SourceError, SourceUnreachable
from . import imagenet
from .preprocessing import Transform, make_spec, standard_spec, standard_transform
from .request import TORCHVISION, Request
from .source import Source
from .torchvision_cpu import torchvision


def load(request: Request) -> Source:
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


def _from_default(request: Request, name: str) -> Source:
    weights = torchvision.models.get_model_weights(name).DEFAULT
    try:
        state = weights.get_state_dict(progress=True, check_hash=True)
    except (URLError, OSError) as error:
        raise SourceUnreachable(f"the weights of {request.model} cannot be downloaded: {error}") from None
    except RuntimeError as error:  # the download's checksum
        raise SourceError(f"the weights of {request.model} are damaged: {error}") from None
    module = _build(name, None)
    module.load_state_dict(state)
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


def _from_file(request: Request, name: str, path: Path) -> Source:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        classes = list(state.values())[-1].shape[0]
        module = _build(name, classes)
        module.load_state_dict(state)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from None
    except Exception as error:  # not a pickle, a pickle of something else, another architecture's
        reason = str(error).splitlines()[0]
        raise SourceError(f"{path} does not hold the weights of a torchvision {name}: {reason}") from None
    origin = {"kind": "torchvision", "weights": path.name, "sha256": sha256(path)}
    return _source(request, module, *_standard(), origin)


def _standard() -> tuple[InputSpec, Transform]:
    spec = standard_spec()
    return spec, standard_transform(spec)


def _build(name: str, classes: int | None) -> torch.nn.Module:
    options = {} if classes is None else {"num_classes": classes}
    # Only these two weigh down their initialisation and outputs with training heads.
    if name in ("inception_v3", "googlenet"):
        options["init_weights"] = True
    module: torch.nn.Module = torchvision.models.get_model(name, weights=None, **options)
    return module.eval()


def _source(
    request: Request, module: torch.nn.Module, spec: InputSpec, transform: Transform, origin: dict[str, str]
) -> Source:
    with torch.inference_mode():
        classes = module(torch.zeros(1, 3, *spec.size)).shape[-1]
    return Source(request.model, module, _labels(request.labels, classes), spec, transform, origin)


def _labels(path: Path | None, classes: int) -> tuple[str, ...]:
    if path is None:
        if classes == len(imagenet.LABELS):
            return imagenet.LABELS
        raise SourceError(f"the model has {classes} classes: name them with --labels FILE")
    try:
        text = path.read_text("utf-8")
        names = json.loads(text) if text.lstrip().startswith("[") else text.splitlines()
    except (OSError, ValueError) as error:
        raise SourceError(f"{path} cannot be read: {error}") from None
    if len(names) != classes:
        raise SourceError(f"{path} names {len(names)} classes, the model has {classes}")
    return tuple(str(name) for name in names)

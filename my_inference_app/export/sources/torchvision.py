"""torchvision's models: `torchvision:NAME` with default weights, weights of a file, or random ones for measurements."""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors.torch import load_file

from ...bundles.bundle import InputSpec, sha256
from ...errors import SourceError, SourceUnreachable, first_line
from ..imagenet import LABELS
from ..labels import read_labels
from ..loaded_model import LoadedModel, Transform
from ..options import TORCHVISION, Options
from ..preprocessing import make_spec, standard_spec, standard_transform
from ..torchvision_cpu import torchvision


def load(options: Options, _downloaded: Path | None) -> LoadedModel:
    name = options.model.removeprefix(TORCHVISION)
    if name not in torchvision.models.list_models(module=torchvision.models):
        raise SourceError(f"torchvision has no classification model {name!r}: try torchvision:resnet50")
    if options.random_weights:
        torch.manual_seed(0)
        origin = {"kind": "torchvision", "weights": "random", "torchvision": torchvision.__version__}
        return _loaded(options, _build(name, None), *_standard(), origin)
    if options.weights:
        return _from_file(options, name, options.weights)
    return _from_default(options, name)


def _from_default(options: Options, name: str) -> LoadedModel:
    weights = torchvision.models.get_model_weights(name).DEFAULT
    try:
        # torchvision loads them itself: some models normalise differently with these weights.
        module = torchvision.models.get_model(name, weights=weights)
    except OSError as error:  # such as URLError, which wraps another
        reason = getattr(error, "reason", error)
        raise SourceUnreachable(f"the weights of {options.model} cannot be downloaded: {reason}") from None
    except Exception as error:  # a wrong checksum, or a damaged file of an earlier download
        file = Path(torch.hub.get_dir(), "checkpoints", Path(weights.url).name)
        raise SourceError(
            f"the weights of {options.model} are damaged, delete {file} and try again: {first_line(error)}"
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
    return _loaded(options, module, spec, transforms, origin)


def _from_file(options: Options, name: str, path: Path) -> LoadedModel:
    state = _read_weights(path)
    try:
        module = _build(name, len(state[_head(name)]))
        module.load_state_dict(state)
    except Exception as error:  # another architecture, or not a state dict
        raise SourceError(f"{path} does not hold the weights of a torchvision {name}: {first_line(error)}") from None
    origin = {"kind": "torchvision", "weights": path.name, "sha256": sha256(path)}
    return _loaded(options, module, *_standard(), origin)


def _head(name: str) -> str:
    """The name of an architecture's last weights, one for each class. A file may have them in another order."""
    with torch.device("meta"):
        return list(_build(name, None).state_dict())[-1]


def _read_weights(path: Path) -> Any:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from None
    except UnpicklingError:  # torch's message tells how to run the code anyway
        raise SourceError(f"{path} is not a file of weights, or contains code, which is never run") from None
    except Exception as error:  # of zip files, safetensors and more
        raise SourceError(f"{path} cannot be read: {first_line(error)}") from None


def _standard() -> tuple[InputSpec, Transform]:
    spec = standard_spec()
    return spec, standard_transform(spec)


def _build(name: str, classes: int | None) -> torch.nn.Module:
    arguments = {} if classes is None else {"num_classes": classes}
    if name in ("inception_v3", "googlenet"):
        arguments["init_weights"] = False  # the default takes long, and warns
    module: torch.nn.Module = torchvision.models.get_model(name, weights=None, **arguments)
    return module.eval()


def _loaded(
    options: Options, module: torch.nn.Module, spec: InputSpec, transform: Transform, origin: dict[str, str]
) -> LoadedModel:
    with torch.inference_mode():
        classes = module(torch.zeros(1, 3, *spec.size)).shape[-1]
    return LoadedModel(options.name, module, _labels(options.labels, classes), spec, transform, origin)


def _labels(path: Path | None, classes: int) -> tuple[str, ...]:
    if path is None and classes != len(LABELS):
        raise SourceError(f"the model has {classes} classes: name them with --labels FILE")
    names = read_labels(path) if path else LABELS
    if len(names) != classes:
        raise SourceError(f"{path} names {len(names)} classes, the model has {classes}")
    return names

"""torchvision's models: `torchvision:NAME` with default weights, weights of a file, or random ones for measurements."""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors.torch import load_file

from ...bundles.bundle import InputSpec, sha256
from ...errors import SourceError, SourceUnreachable, first_line
from ...progress import say
from ..imagenet import LABELS
from ..input_options import InputOptions, described
from ..labels import labels_of
from ..loaded_model import LoadedModel
from ..options import Options
from ..outputs import classes_of
from ..preprocessing import standard_transform
from ..torchvision_cpu import torchvision
from . import TORCHVISION

# torchvision gives these two another normalisation along with its weights.
_TRANSFORM_INPUT = ("inception_v3", "googlenet")


def load(options: Options, _downloaded: Path | None) -> LoadedModel:
    name = options.model.removeprefix(TORCHVISION)
    if name not in torchvision.models.list_models(module=torchvision.models):
        raise SourceError(f"torchvision has no classification model {name!r}: try torchvision:resnet50")
    if options.random_weights:
        torch.manual_seed(0)
        origin = {"kind": "torchvision", "weights": "random", "torchvision": torchvision.__version__}
        spec = _spec(options, name)
        return _loaded(options, _build(name, spec, None), spec, origin)
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
    origin = {"kind": "torchvision", "weights": str(weights), "torchvision": torchvision.__version__}
    return _loaded(options, module, _spec(options, name), origin)


def _spec(options: Options, name: str) -> InputSpec:
    """As torchvision prepares images for its default weights of the architecture, unless the user says otherwise."""
    transforms = torchvision.models.get_model_weights(name).DEFAULT.transforms()
    told = InputOptions(
        (transforms.crop_size[0],) * 2,
        transforms.resize_size[0],
        transforms.interpolation.value,
        tuple(transforms.mean),
        tuple(transforms.std),
    )
    return options.input.or_else(told).spec(options.name)


def _from_file(options: Options, name: str, path: Path) -> LoadedModel:
    state = _read_weights(path)
    spec = _spec(options, name)
    try:
        module = _build(name, spec, len(state[_head(name)]), transform_input=options.input.mean is None)
        module.load_state_dict(state)
    except Exception as error:  # another architecture, or not a state dict
        raise SourceError(f"{path} does not hold the weights of a torchvision {name}: {first_line(error)}") from None
    say(f"  images: {described(spec)} (flags change that)")
    origin = {"kind": "torchvision", "weights": path.name, "sha256": sha256(path)}
    return _loaded(options, module, spec, origin)


def _head(name: str) -> str:
    """The name of an architecture's last weights, one for each class. A file may have them in another order."""
    with torch.device("meta"):
        return list(_build(name, None, None).state_dict())[-1]


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


def _build(name: str, spec: InputSpec | None, classes: int | None, *, transform_input: bool = False) -> torch.nn.Module:
    arguments: dict[str, Any] = {} if classes is None else {"num_classes": classes}
    if name in _TRANSFORM_INPUT:
        # Initialising takes long, and warns.
        arguments |= {"init_weights": False, "transform_input": transform_input}
    if name.startswith("vit_") and spec:
        arguments["image_size"] = spec.size[0]
    module: torch.nn.Module = torchvision.models.get_model(name, weights=None, **arguments)
    return module.eval()


def _loaded(options: Options, module: torch.nn.Module, spec: InputSpec, origin: dict[str, str]) -> LoadedModel:
    labels = labels_of(options.labels, classes_of(options.name, module, spec), LABELS)
    return LoadedModel(options.name, module, labels, spec, standard_transform(spec), origin)

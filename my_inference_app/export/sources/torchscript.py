"""A TorchScript file: what `torch.jit.trace(...).save(...)` or `torch.jit.script(...).save(...)` writes."""

from __future__ import annotations

import re
from pathlib import Path

import torch

from ...errors import SourceError, first_line
from ..input_options import InputOptions
from ..labels import labels_of
from ..loaded_model import LoadedModel
from ..options import Options
from ..outputs import FromProbabilities, classes_of, gives_probabilities
from ..preprocessing import standard_transform
from .file_format import origin_of_file
from .zip_file import opened

_MOST_CODE = 10**7
# TorchScript is a language of its own that runs no Python. But some of its operators read and write files, and some of
# its methods run unasked. The graph, which is checked for the operators, does not have those methods.
_UNASKED = re.compile(rb"__setstate__|__forward(_pre)?_hooks__")
_FILES = re.compile(r"\b(aten::(save|from_file)|debugprims::\w+|prim::Call(Method|Function)|c10d::\w+)\(")


def load(options: Options, _downloaded: Path | None) -> LoadedModel:
    file = Path(options.model)
    origin = origin_of_file(file)
    return loaded(options, load_script(file, str(file)), InputOptions(), origin)


def loaded(
    options: Options,
    module: torch.nn.Module,
    told: InputOptions,
    origin: dict[str, object],
    known: tuple[str, ...] = (),
) -> LoadedModel:
    """With the preparation and the labels that come with the file, unless the user gave others."""
    spec = options.input.or_else(told).spec(options.name)
    labels = labels_of(options.labels, classes_of(options.name, module, spec), known)
    prepare = standard_transform(spec)
    if gives_probabilities(options.name, module, prepare):
        module = FromProbabilities(module).eval()
    return LoadedModel(options.name, module, labels, spec, prepare, origin)


def load_script(file: Path, shown: str) -> torch.nn.Module:
    """`shown` is what errors call the file."""
    _check_code(file, shown)
    try:
        module: torch.nn.Module = torch.jit.load(file, map_location="cpu").eval()  # type: ignore[no-untyped-call]
        graph = str(module.inlined_graph)
    except Exception as error:  # of its parser, of its interpreter, or of a version of torch
        raise SourceError(f"{shown} cannot be loaded: {first_line(error)}") from None
    if found := _FILES.search(graph):
        raise SourceError(f"{shown} is refused: its TorchScript calls {found[1]}, which a classifier has no use for")
    return module


def _check_code(file: Path, shown: str) -> None:
    with opened(file, "a TorchScript file", shown) as archive:
        members = archive.infolist()
        if not any(member.filename.endswith("/constants.pkl") for member in members):
            raise SourceError(
                f"{shown} is not TorchScript: it holds pickled objects, whose Python code is never run; save "
                "torch.jit.trace(model, example), or export a state dict as torchvision:NAME --weights FILE"
            )
        code = [member for member in members if member.filename.endswith(".py")]
        if sum(member.file_size for member in code) > _MOST_CODE:
            raise SourceError(f"{shown} is refused: it holds too much code")
        if any(_UNASKED.search(archive.read(member)) for member in code):
            raise SourceError(f"{shown} is refused: its TorchScript runs while it is loaded, or in hooks")

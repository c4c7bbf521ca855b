"""From a request to a bundle: find the weights, convert them, check that they still answer the same."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from .. import __version__
from ..bundles import bundle
from ..bundles.bundle import Bundle
from ..engines.base import ENGINES, load_engine
from ..errors import SourceError
from ..resources import cores
from . import agreement, convert, quantize
from .agreement import Agreement
from .loaded_model import LoadedModel
from .options import PACKAGED, TORCHVISION, Calibration, Options
from .progress import first_line, say, step
from .quantize import Quality
from .sources import hub, packaged, torchvision


def make_bundle(request: Options, downloaded: Path | None, folder: Path, engines: Sequence[str]) -> Bundle:
    with step("reading the weights"):
        source = find_source(request, downloaded)
    return bundle_of(source, folder, engines, request.calibration)


def bundle_of(
    source: LoadedModel, folder: Path, engines: Sequence[str], calibration: Calibration | None = None
) -> Bundle:
    agreement.check_preparation(source)
    with step("tracing"):
        traced = _trace(source)
    with tempfile.TemporaryDirectory() as scratch:
        draft = _convert(source, traced, Path(scratch) / folder.name)
        with step("comparing with the original"):
            figures = _check(draft, source)
        if calibration:
            with step("quantising to int8"):
                draft, quality = _to_int8(draft, calibration)
            figures["int8"] = quality.figures()
        made = _publish(draft, folder, engines, figures)
    say(f"wrote {made.path} ({sum(item.stat().st_size for item in made.path.iterdir()) / 1e6:.0f} MB)")
    return made


def find_source(request: Options, downloaded: Path | None = None) -> LoadedModel:
    if request.model == PACKAGED:
        source = packaged.load()
    elif request.model.startswith(TORCHVISION):
        source = torchvision.load(request)
    else:
        source = hub.load(request, downloaded)
    source.module.eval()
    return source


def _trace(source: LoadedModel) -> torch.jit.ScriptModule:
    try:
        return convert.trace(source)
    except Exception as error:  # a model's code can raise anything
        raise SourceError(f"{source.name} cannot be traced: {first_line(error)}") from error


def _save_openvino(traced: torch.jit.ScriptModule, source: LoadedModel, folder: Path) -> None:
    try:
        convert.save_openvino(traced, source, folder)
    except Exception as error:  # an operation OpenVINO does not have, told in many ways
        raise SourceError(f"{source.name} cannot be converted for OpenVINO: {first_line(error)}") from error


def _convert(source: LoadedModel, traced: torch.jit.ScriptModule, folder: Path) -> Bundle:
    """Files for every engine, in a folder to be checked."""

    def fill(scratch: Path) -> None:
        with step("writing for OpenVINO"):
            _save_openvino(traced, source, scratch)
        with step("writing for torch"):
            convert.save_torch(traced, scratch)

    draft = Bundle(
        path=folder,
        name=source.name,
        source=source.origin,
        labels=source.labels,
        input=source.input,
        precision="f16 weights",
        license=source.license,
        created={"at": datetime.now(UTC).isoformat(timespec="seconds"), "by": f"my_inference_app {__version__}"},
    )
    return bundle.write(draft, fill)


def _check(draft: Bundle, source: LoadedModel) -> dict[str, Any]:
    """Compares each engine, computing in float32, with the original; the processor's fastest precision is noted too."""
    samples = agreement.sample_pictures()
    expected = agreement.original_scores(source, samples)

    def measure(engine: str, precision: str) -> Agreement:
        try:
            loaded = load_engine(draft, engine, threads=cores(), precision=precision)
            return agreement.measure(loaded, source, samples, expected)
        except Exception as error:  # a graph that only takes as many pictures as it was traced with, for one
            raise SourceError(f"{source.name} does not work for {engine}: {first_line(error)}") from error

    found = {engine: measure(engine, "f32") for engine in ENGINES}
    for engine, result in found.items():
        if not result.holds:
            raise SourceError(
                f"{source.name} answers differently after the conversion for {engine}: on {result.pictures} pictures "
                f"{result.top5_same} times the same top five, probabilities off by {result.top1_difference:.3f}; "
                "the bundle is not written"
            )
    return {
        **{engine: result.figures() for engine, result in found.items()},
        "openvino, precision of this processor": measure("openvino", "").figures(),
    }


def _to_int8(original: Bundle, calibration: Calibration) -> tuple[Bundle, Quality]:
    """The same bundle in int8, which must still say what the float one does on pictures it was not made with."""
    pictures = quantize.halves(calibration.folder, original.input, original.labels)

    def fill(scratch: Path) -> None:
        quantize.quantize(original.path / "model.xml", pictures.calibration, scratch / "model.xml")

    path = original.path.with_name(f"{original.path.name}-quantised")
    quantized = bundle.write(replace(original, path=path, precision="int8"), fill)
    quality = quantize.judge(quantized, original, pictures)
    say(f"  int8 agrees with float on {quality.summary}")
    if quality.top1_agreement < quantize.LEAST_AGREEMENT and not calibration.accept_agreement:
        raise SourceError(
            f"{original.name} in int8 agrees with the float model on {quality.summary}; that is less than "
            f"{quantize.LEAST_AGREEMENT:.0%}: calibrate with more or other pictures, or use --accept-agreement"
        )
    return quantized, quality


def _publish(draft: Bundle, folder: Path, engines: Sequence[str], figures: dict[str, Any]) -> Bundle:
    """Puts what was asked for in its final place."""

    def fill(scratch: Path) -> None:
        for name in (name for engine in engines for name in ENGINES[engine].files):
            shutil.copy(draft.path / name, scratch / name)

    return bundle.write(replace(draft, path=folder, agreement=figures), fill)

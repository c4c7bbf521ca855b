"""From a loaded model to a bundle: convert it, check that its answers stay the same, write the files."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .. import __version__
from ..bundles import bundle
from ..bundles.bundle import HEAD, Bundle
from ..bundles.head import write_head
from ..engines.base import ENGINES, EXPORTED, load_engine
from ..errors import SetupError, SourceError, first_line
from ..progress import say
from ..resources import cores
from . import agreement, convert, features, features_agreement, quantize
from .agreement import Agreement
from .destination import check_space
from .features import Features
from .loaded_model import LoadedModel
from .options import Calibration
from .progress import megabytes, step
from .quantize import Quality


def make_bundle(
    model: LoadedModel, folder: Path, engines: Sequence[str], calibration: Calibration | None = None
) -> Bundle:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        for place in (Path(scratch), folder.parent):
            check_space(place, 2 * model.weight_bytes)
        draft = convert_model(model, Path(scratch) / folder.name)
        with step("comparing with the original model"):
            report = {**draft.agreement, **_check(draft, model)}
        if calibration:
            with step("quantising to int8"):
                draft, quality = _to_int8(draft, calibration)
            report["int8"] = quality.report()
            if draft.features:
                exact = features_agreement.measure(draft, "openvino", agreement.sample_images())
                report["features"] = {"openvino, int8": exact}
        return _publish(draft, folder, engines, report)


def convert_model(model: LoadedModel, folder: Path) -> Bundle:
    """Files for every engine, in a folder to be checked. With features, if the network has them and they are exact."""
    agreement.check_preparation(model)
    samples = agreement.sample_images()
    found = _attempt(model, "traced", lambda: features.find(model.module, convert.prepared(model, samples)))
    with_features = _with_features(model, folder, found, samples) if found else None
    return with_features or _convert(model, folder, None)


def _with_features(model: LoadedModel, folder: Path, found: Features, samples: Sequence[bytes]) -> Bundle | None:
    """None unless features and head give the logits of each engine."""
    try:
        draft = _convert(model, folder, found)
        report = {engine: features_agreement.measure(draft, engine, samples) for engine in EXPORTED}
    except Exception:  # converted without features, the model may work, or an error says why it does not
        report = {}
    if report and all(difference <= features_agreement.MOST_DIFFERENCE for difference in report.values()):
        return replace(draft, agreement={"features": report})
    say("  left out the features: they do not lead to the logits exactly")
    return None


def _convert(model: LoadedModel, folder: Path, found: Features | None) -> Bundle:
    draft = Bundle(
        path=folder,
        name=model.name,
        source=model.origin,
        labels=model.labels,
        input=model.input,
        precision="f16 weights",
        license=model.license,
        features=found.spec if found else None,
        created={"at": datetime.now(UTC).isoformat(timespec="seconds"), "by": f"my_inference_app {__version__}"},
    )
    with found.rounded() if found else nullcontext():
        return bundle.write(draft, lambda scratch: _write_files(model, found, scratch))


def _write_files(model: LoadedModel, found: Features | None, scratch: Path) -> None:
    if graph := model.graph:
        with step("converting for OpenVINO") as done:
            _attempt(model, "converted for OpenVINO", lambda: convert.save_graph(graph, scratch))
            done.result = megabytes(scratch.iterdir())
        return
    with step("tracing"):
        traced = _attempt(model, "traced", lambda: convert.trace(model, found))
    if found:
        write_head(found.head(), scratch)
    with step("converting for OpenVINO") as done:
        _attempt(model, "converted for OpenVINO", lambda: convert.save_openvino(traced, model, scratch))
        done.result = megabytes(scratch.iterdir())
    with step("converting for torch") as done:
        convert.save_torch(traced, scratch)
        done.result = megabytes(scratch.glob("*.pt"))


def _attempt(model: LoadedModel, what: str, function: Callable[[], Any]) -> Any:
    try:
        return function()
    except Exception as error:  # a model's code can raise anything, and so can a conversion that lacks an operation
        raise SourceError(f"{model.name} cannot be {what}: {first_line(error)}") from error


def _check(draft: Bundle, model: LoadedModel) -> dict[str, Any]:
    """Compares each engine, computing in float32, with the original model.

    The report has the processor's fastest precision too.
    """
    samples = agreement.sample_images()
    expected = agreement.original_scores(model, samples)

    def measure(engine: str, precision: str) -> Agreement:
        try:
            loaded = load_engine(draft, engine, threads=cores(), precision=precision)
            return agreement.measure(loaded, model, samples, expected)
        except Exception as error:  # such as a graph that only takes the batch size that it was traced with
            raise SourceError(f"{model.name} does not work for {engine}: {first_line(error)}") from error

    found = {engine: measure(engine, "f32") for engine in model.engines}
    for engine, result in found.items():
        if not result.holds:
            raise SourceError(
                f"{model.name} answers differently after the conversion for {engine}: {result.top5_same} of "
                f"{result.images} images have the same top five, probabilities differ by up to "
                f"{result.top1_difference:.3f}; the bundle is not written"
            )
    return {
        **{engine: result.report() for engine, result in found.items()},
        "openvino, precision of this processor": measure("openvino", "").report(),
    }


def _to_int8(original: Bundle, calibration: Calibration) -> tuple[Bundle, Quality]:
    """The same bundle in int8. It must agree with the float model on images that it was not calibrated with."""
    images = quantize.halves(calibration.folder, original.input, original.labels)

    def fill(scratch: Path) -> None:
        quantize.quantize(original.path / "model.xml", images.calibration, scratch / "model.xml")
        if original.features:
            shutil.copy(original.path / HEAD, scratch / HEAD)

    path = original.path.with_name(f"{original.path.name}-quantised")
    quantized = bundle.write(replace(original, path=path, precision="int8"), fill)
    quality = quantize.judge(quantized, original, images)
    say(f"  int8 agrees with float on {quality.summary}")
    if quality.top1_agreement < quantize.LEAST_AGREEMENT and not calibration.accept_agreement:
        raise SourceError(
            f"{original.name} in int8 agrees with the float model on {quality.summary}; that is less than "
            f"{quantize.LEAST_AGREEMENT:.0%}: calibrate with more or other images, or use --accept-agreement"
        )
    return quantized, quality


def _publish(draft: Bundle, folder: Path, engines: Sequence[str], report: dict[str, Any]) -> Bundle:
    """Puts the files of the engines that were asked for into their final place."""

    def fill(scratch: Path) -> None:
        wanted = [name for engine in engines for name in ENGINES[engine].files]
        for name in [*wanted, HEAD] if draft.features else wanted:
            shutil.copy(draft.path / name, scratch / name)

    try:
        return bundle.write(replace(draft, path=folder, agreement=report), fill)
    except OSError as error:
        raise SetupError(f"the bundle cannot be written to {folder}: {error.strerror}") from None

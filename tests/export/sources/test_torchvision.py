"""torchvision's models: with random weights, with weights of a file, and with its own weights from its cache."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from my_inference_app.bundles import bundle
from my_inference_app.bundles.bundle import Bundle, sha256
from my_inference_app.engines.base import EXPORTED, load_engine
from my_inference_app.errors import SourceError
from my_inference_app.export.imagenet import LABELS
from my_inference_app.export.input_options import CLASSIC, InputOptions
from my_inference_app.export.loaded_model import LoadedModel
from my_inference_app.export.options import Options
from my_inference_app.export.plan import Plan, run
from my_inference_app.export.sources import find
from my_inference_app.export.torchvision_cpu import torchvision
from tests.export.command_line import NOWHERE, CommandLine
from tests.export.malicious import Malicious
from tests.images import SAMPLES

# The smallest of them.
NAME = "shufflenet_v2_x0_5"
MODEL = f"torchvision:{NAME}"
COLOURS = ("red", "green", "blue")

Export = Callable[[Options], Bundle]


@pytest.fixture
def export(tmp_path: Path) -> Export:
    return lambda options: bundle.read(run(Plan(options, tmp_path / "models", ("openvino", "torch"))))


@pytest.fixture(scope="module")
def module() -> Any:
    torch.manual_seed(2)
    return torchvision.models.get_model(NAME, num_classes=len(COLOURS)).eval()


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    file = tmp_path / "labels.txt"
    file.write_text("\n".join(COLOURS) + "\n")
    return file


def load(options: Options) -> LoadedModel:
    return find(options.model).load(options)


def test_random_weights_give_the_same_answers_in_both_engines(export: Export) -> None:
    made = export(Options(MODEL, random_weights=True))
    assert made.source == {"kind": "torchvision", "weights": "random", "torchvision": torchvision.__version__}
    assert (made.name, made.labels, made.input) == (f"{MODEL}:random", LABELS, CLASSIC.spec("a test"))
    for engine in EXPORTED:
        assert made.agreement[engine]["top5_same"] == len(SAMPLES)
        assert made.agreement[engine]["top1_difference"] < 0.001


def test_weights_of_a_file_are_exported(export: Export, module: Any, labels: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.pth"
    torch.save(module.state_dict(), file)

    made = export(Options(MODEL, weights=file, labels=labels))

    assert made.source == {"kind": "torchvision", "weights": file.name, "sha256": sha256(file)}
    assert made.labels == COLOURS
    images = np.random.default_rng(0).integers(0, 255, (2, *made.input.size, 3), np.uint8)
    pixels = (torch.from_numpy(images).permute(0, 3, 1, 2) - torch.tensor(made.input.mean).view(1, 3, 1, 1)) / (
        torch.tensor(made.input.std).view(1, 3, 1, 1)
    )
    with torch.inference_mode():
        want = module(pixels).numpy()
    for engine in EXPORTED:
        got = load_engine(made, engine, threads=1, precision="f32")(images)
        np.testing.assert_allclose(got, want, atol=0.02)


def test_weights_in_safetensors_are_loaded(module: Any, labels: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.safetensors"
    save_file(module.state_dict(), file)
    loaded = load(Options(MODEL, weights=file, labels=labels)).module.state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in module.state_dict().items())


def test_default_weights_come_from_the_cache_with_their_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache has a stand-in for the weights: tests do not use the network."""
    torch.manual_seed(3)
    weights = torchvision.models.get_model_weights(NAME).DEFAULT
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cached = tmp_path / "hub" / "checkpoints" / Path(weights.url).name
    cached.parent.mkdir(parents=True)
    torch.save(torchvision.models.get_model(NAME).state_dict(), cached)

    loaded = load(Options(MODEL))
    assert loaded.origin["weights"] == str(weights)
    assert (loaded.name, loaded.labels, loaded.input) == (MODEL, LABELS, CLASSIC.spec("a test"))

    cached.write_bytes(cached.read_bytes()[:1000])
    with pytest.raises(SourceError, match=f"the weights of {MODEL} are damaged, delete {cached} and try again"):
        load(Options(MODEL))


def test_unreachable_server_of_default_weights_is_an_error(
    export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", NOWHERE)
    urllib.request.install_opener(urllib.request.build_opener())  # an older one does not know the proxy
    message = rf"the weights of {MODEL} cannot be downloaded: \[Errno 111\] Connection refused"
    try:
        with pytest.raises(SourceError, match=message):
            export(Options(MODEL))
    finally:
        urllib.request.install_opener(None)


def test_unknown_architecture_is_refused(export: Export) -> None:
    message = f"torchvision has no classification model '{NAME}x': try torchvision:resnet50"
    with pytest.raises(SourceError, match=message):
        export(Options(f"{MODEL}x"))


@pytest.mark.parametrize("wrap", [lambda code: code, lambda code: {"fc.bias": code}], ids=["alone", "among weights"])
def test_code_in_a_file_of_weights_is_refused_and_not_run(
    wrap: Callable[[Malicious], Any], export: Export, tmp_path: Path
) -> None:
    file, proof = tmp_path / "mine.pth", tmp_path / "executed"
    torch.save(wrap(Malicious(proof)), file)
    with pytest.raises(SourceError, match="is not a file of weights, or contains code, which is never run"):
        export(Options(MODEL, weights=file))
    assert not proof.exists()


WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "nothing": (lambda _file: None, r"mine\.pth: No such file"),
    "a folder": (Path.mkdir, r"mine\.pth: Is a directory"),
    "no weights": (lambda file: file.write_text("hello"), r"mine\.pth (is not a file of weights|cannot be read)"),
    "an empty file": (Path.touch, r"mine\.pth (is not a file of weights|cannot be read)"),
    "another architecture's": (
        lambda file: torch.save({"fc.bias": torch.zeros(3)}, file),
        rf"mine\.pth does not hold the weights of a torchvision {NAME}: ",
    ),
    "a list": (
        lambda file: torch.save([1, 2], file),
        rf"mine\.pth does not hold the weights of a torchvision {NAME}: ",
    ),
    "no state": (lambda file: torch.save({}, file), rf"mine\.pth does not hold the weights of a torchvision {NAME}: "),
}


@pytest.mark.parametrize(("write", "message"), WRONG.values(), ids=WRONG)
def test_file_without_the_weights_is_refused(
    write: Callable[[Path], object], message: str, export: Export, labels: Path, tmp_path: Path
) -> None:
    file = tmp_path / "mine.pth"
    write(file)
    with pytest.raises(SourceError, match=message) as caught:
        export(Options(MODEL, weights=file, labels=labels))
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("models/*"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "the model has 3 classes: name them with --labels FILE"),
        ("red\ngreen", "names 2 classes, the model has 3"),
        ('["red", ', "is not valid JSON: "),
    ],
)
def test_labels_that_do_not_fit_are_refused(
    text: str | None, message: str, export: Export, module: Any, tmp_path: Path
) -> None:
    weights, labels = tmp_path / "mine.pth", tmp_path / "labels"
    torch.save(module.state_dict(), weights)
    if text:
        labels.write_text(text)
    with pytest.raises(SourceError, match=message):
        export(Options(MODEL, weights=weights, labels=labels if text else None))


def test_random_weights_are_reproducible() -> None:
    first, second = (load(Options(MODEL, random_weights=True)).module.state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


IMPORT = """
from my_inference_app.export.sources import find
from my_inference_app.export.torchvision_cpu import torchvision
import torch
print(torchvision.models.get_model("shufflenet_v2_x0_5").eval()(torch.zeros(1, 3, 64, 64)).shape[1])
"""


def test_torchvision_is_imported_beside_a_torch_for_the_cpu(command_line: CommandLine) -> None:
    """In its own process, where nothing has imported it before. All other tests import transformers too."""
    done = command_line.python(IMPORT)
    assert (done.stdout, done.stderr) == ("1000\n", "")


PREPARATIONS = {
    "inception_v3": ((299, 299), 342, "bilinear"),
    "efficientnet_b3": ((300, 300), 320, "bicubic"),
    "resnet50": ((224, 224), 232, "bilinear"),
    NAME: ((224, 224), 256, "bilinear"),
}


@pytest.mark.parametrize("name", PREPARATIONS)
def test_images_are_prepared_as_torchvision_does_for_the_architecture(name: str) -> None:
    spec = load(Options(f"torchvision:{name}", random_weights=True)).input
    assert (spec.size, spec.shortest_edge, spec.interpolation) == PREPARATIONS[name]
    assert spec.mean == CLASSIC.spec("a test").mean


def test_preparation_of_own_weights_is_reported_and_changed_by_flags(
    module: Any, labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.pth"
    torch.save(module.state_dict(), file)
    loaded = load(Options(MODEL, weights=file, labels=labels, input=InputOptions(size=(160, 160), resize=180)))
    assert (loaded.input.size, loaded.input.shortest_edge) == ((160, 160), 180)
    assert "images: 160x160 cut from images resized to 180, bilinear, mean 0.485," in capsys.readouterr().err
    assert re.search(":mine-[0-9a-f]{8}-input-[0-9a-f]{8}$", loaded.name)


def test_size_that_an_architecture_does_not_take_is_refused() -> None:
    given = InputOptions(size=(20, 20), resize=20)
    with pytest.raises(SourceError, match="cannot be run on an image of 20x20: "):
        load(Options("torchvision:alexnet", random_weights=True, input=given))

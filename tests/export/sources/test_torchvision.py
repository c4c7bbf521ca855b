"""torchvision's models: with random weights, with a file's, and with its own as its cache has them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from my_inference_app.bundles import bundle
from my_inference_app.bundles.bundle import ENGINE_FILES, Bundle, sha256
from my_inference_app.engines.base import load_engine
from my_inference_app.errors import SourceError
from my_inference_app.export.imagenet import LABELS
from my_inference_app.export.options import Options
from my_inference_app.export.pipeline import find_source
from my_inference_app.export.plan import Plan, run
from my_inference_app.export.preprocessing import standard_spec
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
    return lambda request: bundle.read(run(Plan(request, tmp_path / "models", ("openvino", "torch"))))


@pytest.fixture(scope="module")
def module() -> Any:
    torch.manual_seed(2)
    return torchvision.models.get_model(NAME, num_classes=len(COLOURS)).eval()


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    file = tmp_path / "labels.txt"
    file.write_text("\n".join(COLOURS) + "\n")
    return file


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_random_weights_give_the_same_in_both_engines(name: str, export: Export) -> None:
    made = export(Options(f"torchvision:{name}", random_weights=True))
    assert made.source == {"kind": "torchvision", "weights": "random", "torchvision": torchvision.__version__}
    assert (made.name, made.labels, made.input) == (f"torchvision:{name}", LABELS, standard_spec())
    for engine in ENGINE_FILES:
        assert made.agreement[engine]["top5_same"] == len(SAMPLES)
        assert made.agreement[engine]["top1_difference"] < 0.001


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_weights_of_a_file(suffix: str, export: Export, module: Any, labels: Path, tmp_path: Path) -> None:
    file = tmp_path / f"mine{suffix}"
    write: Callable[[Any, Path], object] = torch.save if suffix == ".pth" else save_file
    write(module.state_dict(), file)

    made = export(Options(MODEL, weights=file, labels=labels))

    assert made.source == {"kind": "torchvision", "weights": file.name, "sha256": sha256(file)}
    assert made.labels == COLOURS
    pictures = np.random.default_rng(0).integers(0, 255, (2, *made.input.size, 3), np.uint8)
    pixels = (torch.from_numpy(pictures).permute(0, 3, 1, 2) - torch.tensor(made.input.mean).view(1, 3, 1, 1)) / (
        torch.tensor(made.input.std).view(1, 3, 1, 1)
    )
    with torch.inference_mode():
        want = module(pixels).numpy()
    for engine in ENGINE_FILES:
        got = load_engine(made, engine, threads=1, precision="f32")(pictures)
        np.testing.assert_allclose(got, want, atol=0.02)


def test_its_own_weights_and_how_they_want_pictures(
    export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From torchvision's cache, where a stand-in lies: the network is not for tests."""
    torch.manual_seed(3)
    weights = torchvision.models.get_model_weights(NAME).DEFAULT
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cached = tmp_path / "hub" / "checkpoints" / Path(weights.url).name
    cached.parent.mkdir(parents=True)
    torch.save(torchvision.models.get_model(NAME).state_dict(), cached)

    made = export(Options(MODEL))
    assert made.source["weights"] == str(weights)
    assert (made.labels, made.input) == (LABELS, standard_spec())

    cached.write_bytes(cached.read_bytes()[:1000])
    with pytest.raises(SourceError, match=f"the weights of {MODEL} are damaged, delete {cached} and try again"):
        export(Options(MODEL))


def test_a_server_of_weights_out_of_reach(command_line: CommandLine) -> None:
    done = command_line.with_(https_proxy=NOWHERE)(MODEL)
    assert done.error == f"the weights of {MODEL} cannot be downloaded: [Errno 111] Connection refused"


def test_no_such_model(export: Export) -> None:
    message = f"torchvision has no classification model '{NAME}x': try torchvision:resnet50"
    with pytest.raises(SourceError, match=message):
        export(Options(f"{MODEL}x"))


@pytest.mark.parametrize("wrap", [lambda code: code, lambda code: {"fc.bias": code}], ids=["alone", "among weights"])
def test_code_in_a_file_of_weights_is_refused_and_not_run(
    wrap: Callable[[Malicious], Any], export: Export, tmp_path: Path
) -> None:
    file, proof = tmp_path / "mine.pth", tmp_path / "executed"
    torch.save(wrap(Malicious(proof)), file)
    with pytest.raises(SourceError, match="is no file of weights, or has code in it, which is never run"):
        export(Options(MODEL, weights=file))
    assert not proof.exists()


WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "nothing": (lambda _file: None, r"mine\.pth: No such file"),
    "a folder": (Path.mkdir, r"mine\.pth: Is a directory"),
    "no weights": (lambda file: file.write_text("hello"), r"mine\.pth (is no file of weights|cannot be read)"),
    "an empty file": (Path.touch, r"mine\.pth (is no file of weights|cannot be read)"),
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
def test_another_file_is_refused(
    write: Callable[[Path], object], message: str, export: Export, labels: Path, tmp_path: Path
) -> None:
    file = tmp_path / "mine.pth"
    write(file)
    with pytest.raises(SourceError, match=message) as caught:
        export(Options(MODEL, weights=file, labels=labels))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "the model has 3 classes: name them with --labels FILE"),
        ("red\ngreen", "names 2 classes, the model has 3"),
        ('["red", ', "cannot be read: "),
    ],
)
def test_labels_must_fit(text: str | None, message: str, export: Export, module: Any, tmp_path: Path) -> None:
    weights, labels = tmp_path / "mine.pth", tmp_path / "labels"
    torch.save(module.state_dict(), weights)
    if text:
        labels.write_text(text)
    with pytest.raises(SourceError, match=message):
        export(Options(MODEL, weights=weights, labels=labels if text else None))


def test_random_weights_are_the_same_every_time() -> None:
    first, second = (find_source(Options(MODEL, random_weights=True)).module.state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_labels_as_json(module: Any, tmp_path: Path) -> None:
    weights, labels = tmp_path / "mine.pth", tmp_path / "labels.json"
    torch.save(module.state_dict(), weights)
    labels.write_text(json.dumps(COLOURS))
    assert find_source(Options(MODEL, weights=weights, labels=labels)).labels == COLOURS


IMPORT = """
from my_inference_app.export.torchvision_cpu import torchvision
import torch
print(torchvision.models.get_model("resnet18")(torch.zeros(1, 3, 64, 64)).shape[1])
"""


def test_torchvision_is_imported_beside_a_torch_for_the_cpu(command_line: CommandLine) -> None:
    """In a process of its own, where nothing has imported it before. transformers is in all the other tests."""
    done = command_line.python(IMPORT)
    assert (done.stdout, done.stderr) == ("1000\n", "")

"""Files of a user's own, served at once with SERVER_MODELS: two archives, one with a ResNet-152, and an ONNX file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import torch

from my_inference_app.export.agreement import original_scores
from my_inference_app.export.loaded_model import LoadedModel
from my_inference_app.export.options import Options
from my_inference_app.export.plan import Plan, run
from my_inference_app.export.preprocessing import standard_transform
from my_inference_app.export.torchvision_cpu import torchvision
from tests.export.own_files import LABELS, SMALL, Network, archive, save_labels, save_onnx, save_traced
from tests.images import SAMPLES
from tests.live.service import running


def resnet152() -> torch.nn.Module:
    """Random weights, with blocks that add little: otherwise the values grow without bounds from block to block."""
    torch.manual_seed(1)
    network: Any = torchvision.models.resnet152(num_classes=len(LABELS), zero_init_residual=True)
    for name, parameter in network.named_parameters():
        if name.endswith("bn3.weight"):
            torch.nn.init.constant_(parameter, 0.1)
    with torch.no_grad():
        network.fc.weight *= 30  # the answers differ between images
    ready: torch.nn.Module = network.eval()
    return ready


@pytest.fixture(scope="module")
def modules() -> dict[str, torch.nn.Module]:
    return {"resnet152": resnet152(), "flowers": Network(), "onnx": Network()}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, modules: dict[str, torch.nn.Module]) -> dict[str, Options]:
    folder = tmp_path_factory.mktemp("files")
    labels = {str(index): ["n00000000", label] for index, label in enumerate(LABELS)}

    def archived(name: str, **options: str) -> Options:
        file = archive(folder, name, save_traced(modules[name], folder / f"{name}.pt"), labels, **options)
        return Options(str(file), input=SMALL)

    onnx = save_onnx(modules["onnx"], folder / "flowers.onnx")
    return {
        "resnet152": archived(
            "resnet152", archive_format="zip-store"
        ),  # random weights hardly shrink, and it takes long
        "flowers": archived("flowers"),
        "onnx": Options(str(onnx), labels=save_labels(folder / "names.txt"), input=SMALL),
    }


def test_archives_and_onnx_file_are_served_at_once_with_the_answers_of_torch(
    modules: dict[str, torch.nn.Module], files: dict[str, Options], tmp_path: Path
) -> None:
    models = tmp_path / "models"
    for options in files.values():
        run(Plan(options, models, ("openvino",)))
    entries = [{"model": options.stored_as, "name": name} for name, options in files.items()]
    settings = {"SERVER_MODELS": json.dumps(entries), "MODELS_DIR": models, "PRECISION": "f32", "WORKERS": 1}
    spec = SMALL.spec("a test")
    with running(tmp_path / "log", **settings) as service:
        for name, module in modules.items():
            own = LoadedModel(name, module, LABELS, spec, standard_transform(spec), origin={})
            wanted = original_scores(own, [path.read_bytes() for path in SAMPLES])
            assert np.ptp(wanted, axis=0).max() > 0.1, "a constant would pass"
            for path, want in zip(SAMPLES, wanted, strict=True):
                answer = requests.post(f"{service.url}/predict/{name}", data=path.read_bytes(), timeout=60).json()
                assert answer["model"] == name
                got = {item["label"]: item["score"] for item in answer["predictions"]}
                assert [got[label] for label in LABELS] == pytest.approx(want.tolist(), abs=0.02)

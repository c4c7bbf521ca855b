"""Prepares a benchmark: one network in every format, one image, and the environment of the peers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from my_inference_app.bundles import bundle
from my_inference_app.bundles.store import bundle_name
from my_inference_app.engines.base import load_engine
from my_inference_app.export.options import Options
from my_inference_app.export.sources import find
from my_inference_app.inference.images.decode import decode
from my_inference_app.resources import cores
from my_inference_app.settings import Settings

from .images import crops, usual_photo
from .peers.registry import HERE as PEERS_FOLDER
from .rows import Started, service

FOLDER = ".benchmarks"
NETWORK = "torchvision:resnet50"
SMALL = "efficientnet-lite0"


@dataclass(frozen=True)
class Ready:
    """The settings that serve a model, the image to send, and the right label for it."""

    settings: dict[str, str]
    image: Path
    label: str

    @contextmanager
    def serve(self, **settings: str) -> Iterator[Started]:
        """The service with this model and further settings, after a first load."""
        variables = {**self.settings, **settings}
        with (
            tempfile.TemporaryDirectory(prefix="benchmark-") as scratch,
            service(variables, self.image, self.label, Path(scratch)) as started,
        ):
            started.load(8, 1)
            yield started


@dataclass(frozen=True)
class Prepared:
    folder: Path
    image: Path

    def settings(self, model: str, precision: str) -> dict[str, str]:
        """Settings to serve a model with. The bundle of random weights is not the one that MODEL leads to."""
        folder = self.folder.resolve() / bundle_name(_options(model).name, precision=precision)
        return {"BUNDLE": str(folder), "PRECISION": precision, "LOG_LEVEL": "info"}

    def ready(self, model: str, precision: str) -> Ready:
        """Exports the model the first time. int8 has a bundle of its own, the other precisions share one."""
        self.export(model)
        if precision == "int8":
            self.export(model, precision)
        return Ready(self.settings(model, precision), self.image, self.label(model))

    def bundle(self, model: str, precision: str) -> bundle.Bundle:
        return bundle.read(Path(self.settings(model, precision)["BUNDLE"]))

    def label(self, model: str) -> str:
        """The right label, from the model itself in float32."""
        made = self.bundle(model, "auto")
        engine = load_engine(made, "openvino", threads=cores(), precision="f32")
        pixels = decode(self.image.read_bytes(), made.input, max_pixels=Settings.max_pixels)
        return made.labels[int(engine(pixels[None]).argmax())]

    def export(self, model: str, precision: str = "auto") -> None:
        arguments = ["--random-weights"] if _options(model).random_weights else []
        variables = {"PRECISION": precision, "MODELS_DIR": str(self.folder)}
        if precision == "int8":
            arguments.append("--accept-agreement")
            variables["CALIBRATION"] = str(self._calibration())
        command = [sys.executable, "-m", "my_inference_app.export", model, "--if-missing", *arguments]
        subprocess.run(command, env={**os.environ, **variables}, check=True, stdout=subprocess.DEVNULL)

    def _calibration(self) -> Path:
        folder = self.folder / "calibration"
        if not folder.exists():
            folder.mkdir()
            for number, pixels in enumerate(crops()):
                Image.fromarray(pixels).save(folder / f"{number}.png")
        return folder

    def peer_variables(self) -> dict[str, str]:
        """The same weights and labels, in the formats of the peers."""
        import torch  # not at the top: it takes seconds, and most runs do without

        weights, labels = self.folder / "resnet50.pth", self.folder / "labels.json"
        if not weights.exists():
            loaded = find(NETWORK).load(_options(NETWORK))
            torch.save(loaded.module.state_dict(), weights)
            labels.write_text(json.dumps(loaded.labels))
        return {"PEER_WEIGHTS": str(weights), "PEER_LABELS": str(labels)}

    def peer_python(self) -> str:
        """The interpreter of the peers' environment, which is made the first time."""
        environment, requirements = self.folder / "peers", PEERS_FOLDER / "requirements.txt"
        python, mark = environment / "bin" / "python", environment / "done"
        if not mark.exists() or mark.read_text() != requirements.read_text():
            print("installing the peers (takes minutes the first time)", file=sys.stderr)
            subprocess.run([sys.executable, "-m", "venv", "--clear", environment], check=True)
            pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, "-r", str(requirements)], check=True)
            mark.write_text(requirements.read_text())
        return str(python)


def _options(model: str) -> Options:
    return Options(model, random_weights=model == NETWORK)


def prepare(folder: Path) -> Prepared:
    folder.mkdir(exist_ok=True)
    image = folder / "image.jpg"
    if not image.exists():
        image.write_bytes(usual_photo())
    return Prepared(folder, image)

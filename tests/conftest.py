"""Shared by many tests: two real bundles, the one fake, and the standard error body."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from my_inference_app.bundles.bundle import Bundle, InputSpec, write
from my_inference_app.engines.base import load_engine
from my_inference_app.errors import ServiceError
from my_inference_app.inference import registry
from my_inference_app.inference.answers import Answer, Detail, Doubts, Prediction, Result, Timings
from my_inference_app.inference.classifier import Classifier, Description
from my_inference_app.inference.jobs import Image
from my_inference_app.server import create_app
from my_inference_app.settings import Settings
from my_inference_app.settings.setting import names_of

pytest_plugins = ["tests.remote_fixtures"]


def pytest_configure(config: pytest.Config) -> None:
    # A run in the background ignores SIGINT, and so would the programs that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # torch announces at every load that TorchScript will go.
    config.addinivalue_line("filterwarnings", r"ignore:`torch\.jit\.:DeprecationWarning")


PREDICTIONS = [Prediction(f"label {rank}", 0.5**rank, 100 + rank) for rank in range(1, 9)]


@dataclass(frozen=True)
class FakeResult(Result):
    predictions: Sequence[Prediction]
    asked: Callable[[int], None]
    told: Doubts | None = None

    def top(self, k: int) -> list[Prediction]:
        self.asked(k)
        return list(self.predictions[:k])

    def doubts(self, coverage: float | None = None) -> Doubts | None:  # noqa: ARG002
        return self.told


DESCRIPTION = Description(
    {"kind": "test"}, "MIT", InputSpec((4, 6), None, "bilinear", (0.0,) * 3, (255.0,) * 3), "openvino", "auto", 1
)


@dataclass
class FakeClassifier:
    """Answers as it is told, and remembers what it was asked."""

    name: str = "fake"
    version: str = "1"
    ready: bool = True
    predictions: Sequence[Prediction] = tuple(PREDICTIONS)
    doubts: Doubts | None = None
    unreadable: dict[bytes, ServiceError] = field(default_factory=dict)
    error: Exception | None = None
    images: list[bytes | Image] = field(default_factory=list)
    description: Description = DESCRIPTION
    waiting: int = 0
    top_k: int = 0
    deadline: float = 0

    def classify(
        self,
        images: Sequence[bytes | Image],
        deadline: float,
        abandoned: Callable[[], bool] = lambda: False,  # noqa: ARG002
        detail: Detail = Detail.LOGITS,  # noqa: ARG002
    ) -> Answer:
        self.images, self.deadline = list(images), deadline
        if self.error:
            raise self.error
        outcomes = [self._error_of(image) or self.result for image in images]
        return Answer(outcomes, Timings(decode=1.5, queue=0, infer=20.123))

    def _note(self, top_k: int) -> None:
        self.top_k = top_k

    def _error_of(self, image: bytes | Image) -> ServiceError | None:
        return self.unreadable.get(image) if isinstance(image, bytes) else None

    @property
    def labels(self) -> list[str]:
        named = {prediction.class_id: prediction.label for prediction in self.predictions}
        return [named.get(class_id, f"class {class_id}") for class_id in range(max(named) + 1)]

    @property
    def result(self) -> FakeResult:
        logits = np.full(len(self.labels), -20.0, np.float32)
        for prediction in self.predictions:
            logits[prediction.class_id] = np.log(max(prediction.score, 1e-9))
        return FakeResult(self.labels, logits, self.predictions, self._note, self.doubts)


def client_of(*classifiers: Classifier, **settings: Any) -> FlaskClient:
    return create_app(Settings(**settings), registry.of(*classifiers)).test_client()


@pytest.fixture
def fake() -> FakeClassifier:
    return FakeClassifier()


@pytest.fixture
def client(fake: FakeClassifier) -> FlaskClient:
    return client_of(fake)


def form(*parts: tuple[str, str | None, bytes]) -> dict[str, Any]:
    """Field, file name if it is a file, data: as browsers and curl send them. Werkzeug's client breaks empty ones."""
    body = b""
    for field_name, file_name, data in parts:
        end = "" if file_name is None else '; filename="{}"'.format(file_name.replace('"', "%22"))
        body += f'--b\r\nContent-Disposition: form-data; name="{field_name}"{end}\r\n\r\n'.encode() + data + b"\r\n"
    return {"data": body + b"--b--\r\n", "content_type": "multipart/form-data; boundary=b"}


def assert_error(response: TestResponse, status: int, code: str) -> str:
    """Every failure has this shape, whatever failed; returns its message."""
    assert (response.status_code, response.mimetype) == (status, "application/json"), response.text
    body = response.get_json()
    message = body["error"]["message"]
    request_id = response.headers["X-Request-ID"]
    assert body == {"success": False, "error": {"code": code, "message": message}, "request_id": request_id}
    assert isinstance(message, str) and message and "\n" not in message
    assert ("Retry-After" in response.headers) == (status in (429, 503))
    assert ("Allow" in response.headers) == (status == 405)
    return message


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Neither from the environment nor from a `.env` in the checkout; processes that tests start do read that file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("my_inference_app.settings.environment.FILE", tmp_path_factory.mktemp("settings") / "none")
        for item in fields(Settings):
            for name in names_of(item):
                patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A real bundle, with a model that tells red, green and blue pictures apart by their mean colour."""
    import torch  # not at the top: it takes seconds, and most tests do without

    from my_inference_app.export import convert
    from my_inference_app.export.loaded_model import LoadedModel

    class MeanColour(torch.nn.Module):
        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            return 4 * pixels.mean((2, 3))

    spec = InputSpec((32, 32), 36, "bilinear", (127.0,) * 3, (128.0,) * 3)
    labels = ("red", "green", "blue")
    origin = {"kind": "test"}
    source = LoadedModel("tiny", MeanColour(), labels, spec, preprocess=torch.as_tensor, origin=origin)
    traced = convert.trace(source)

    def fill(folder: Path) -> None:
        convert.save_openvino(traced, source, folder)
        convert.save_torch(traced, folder)

    path = tmp_path_factory.mktemp("bundles") / "tiny"
    return write(Bundle(path, "tiny", origin, labels, spec, "f16 weights"), fill)


@pytest.fixture(scope="session")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A real bundle with features: a map of 8x8 places, and three classes with a bias each."""
    import torch

    from my_inference_app.export.loaded_model import LoadedModel
    from my_inference_app.export.pipeline import convert_model
    from my_inference_app.export.preprocessing import standard_transform

    class Colours(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = torch.nn.Linear(3, 3)
            self.head.weight.data = 4 * torch.eye(3)
            self.head.bias.data = torch.arange(3.0)

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            places = torch.nn.functional.avg_pool2d(pixels, 4).relu()
            logits: torch.Tensor = self.head(places.mean((2, 3)))
            return logits

    spec = InputSpec((32, 32), 36, "bilinear", (127.0,) * 3, (128.0,) * 3)
    model = LoadedModel(
        "colours", Colours(), ("red", "green", "blue"), spec, standard_transform(spec), origin={"kind": "test"}
    )
    made = convert_model(model, tmp_path_factory.mktemp("bundles") / "colours")
    assert made.features
    return made


@pytest.fixture(scope="session")
def calibrated(colours: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The same, calibrated with 60 photos."""
    from my_inference_app.calibrate.fit import fit
    from my_inference_app.calibrate.photos import compute
    from my_inference_app.calibrate.publish import publish
    from tests.calibrate.labelled import copied, tinted_photos

    folder = tmp_path_factory.mktemp("calibrated")
    made = copied(colours, folder / "colours")
    computed = compute(made, load_engine(made, "openvino", threads=1), tinted_photos(folder / "photos", 60), 20)
    return publish(made, fit(computed.logits, computed.classes, computed.statistics))


@pytest.fixture(scope="session")
def efficientnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of the real model that needs no hub, as the command line makes it."""
    from my_inference_app.export.options import Options
    from my_inference_app.export.plan import Plan, run

    return run(Plan(Options("efficientnet-lite0"), tmp_path_factory.mktemp("models"), ("openvino", "torch")))

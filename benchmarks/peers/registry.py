"""The table of peers. Imports only the standard library.

The harness makes an environment of `requirements`, sets PEER_PORT, PEER_PRECISION and, as absolute paths, PEER_WEIGHTS,
PEER_LABELS and PEER_BUNDLE, starts `argv`, requests `path` until the answer is right, and ends it with SIGTERM.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def _label(answer: Any) -> str:
    return str(answer["label"])


def _first_item(answer: Any) -> str:
    return str(answer[0])


def _first_key(answer: Any) -> str:
    return str(next(iter(answer)))


@dataclass(frozen=True)
class Peer:
    name: str
    title: str
    script: str
    notes: str
    path: str = "/predict"
    field: str = "image"  # of the multipart form
    top_label: Callable[[Any], str] = _label  # finds the best label in the parsed answer
    packages: tuple[str, ...] = ()  # packages whose versions are shown with the result
    programs: tuple[str, ...] = ()  # programs that must be on the PATH and are not Python packages
    start_timeout: float = 120.0
    stop_timeout: float = 60.0
    requirements: Path = HERE / "requirements.txt"

    def argv(self, python: str) -> list[str]:
        return [python, str(HERE / self.script)]


PEERS: tuple[Peer, ...] = (
    Peer(
        name="original",
        title="Flask + gunicorn, model loaded in every request",
        script="original.py",
        packages=("flask", "gunicorn", "torch"),
        notes="gunicorn's defaults: one synchronous worker",
    ),
    Peer(
        name="fastapi",
        title="FastAPI + uvicorn, torch",
        script="fastapi_app.py",
        packages=("fastapi", "uvicorn", "torch"),
        notes="one process, the endpoint in FastAPI's thread pool",
    ),
    Peer(
        name="litserve-torch",
        title="LitServe, torch",
        script="litserve_torch.py",
        packages=("litserve", "torch"),
        notes="batches of up to 8, one worker",
    ),
    Peer(
        name="litserve-openvino",
        title="LitServe, OpenVINO",
        script="litserve_openvino.py",
        packages=("litserve", "openvino"),
        notes="batches of up to 8, one worker, the model file and precision of this project's service",
    ),
    Peer(
        name="torchserve",
        title="TorchServe, TorchScript",
        script="torchserve.py",
        path="/predictions/resnet50",
        field="data",
        top_label=_first_key,
        packages=("torchserve", "torch"),
        programs=("java",),
        notes="its own image classifier, batches of up to 8, one worker for every two cores",
    ),
    Peer(
        name="bentoml",
        title="BentoML, torch",
        script="bentoml_serve.py",
        top_label=_first_item,
        packages=("bentoml", "torch"),
        notes="adaptive batches of up to 8, one worker",
    ),
    Peer(
        name="ray-serve",
        title="Ray Serve, torch",
        script="ray_serve.py",
        packages=("ray", "torch"),
        notes="batches of up to 8, one replica with every core",
    ),
)

"""LitServe around OpenVINO: the same model file and precision as this project's service."""

import signal
from typing import IO, Any, cast

import inputs
import litserve
import numpy as np
import openvino
from fastapi import Request, UploadFile
from numpy.typing import NDArray
from PIL import Image

RESIZE, CROP = 256, 224


def read_pixels(file: IO[bytes]) -> NDArray[np.uint8]:
    image = Image.open(file).convert("RGB")
    short = min(image.size)
    image = image.resize((image.width * RESIZE // short, image.height * RESIZE // short), Image.Resampling.BILINEAR)
    left, top = round((image.width - CROP) / 2), round((image.height - CROP) / 2)
    return np.asarray(image.crop((left, top, left + CROP, top + CROP)))


def compile_model() -> openvino.CompiledModel:
    precision = inputs.precision()
    options: dict[str, Any] = {"INFERENCE_PRECISION_HINT": precision} if precision else {}
    return openvino.Core().compile_model(inputs.bundle() / "model.xml", "CPU", options)


class Classifier(litserve.LitAPI):
    def setup(self, device: str) -> None:  # noqa: ARG002
        self.model = compile_model()
        self.labels = inputs.labels()

    # LitServe chooses a parser by the annotation, and passes the parsed form.
    def decode_request(self, request: Request) -> NDArray[np.uint8]:
        return read_pixels(cast(UploadFile, request["image"]).file)

    def predict(self, x: NDArray[np.uint8]) -> list[int]:
        best: list[int] = self.model(x)[0].argmax(axis=1).tolist()
        return best

    def encode_response(self, output: int) -> dict[str, str]:
        return {"label": self.labels[output]}


if __name__ == "__main__":
    # LitServe ends its workers on Ctrl+C only; SIGTERM would leave them running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    server = litserve.LitServer(Classifier(max_batch_size=8, batch_timeout=0.01), accelerator="cpu")
    server.run(host=inputs.HOST, port=inputs.port(), generate_client_file=False)

"""LitServe with a torch model, batching on."""

import signal
from typing import cast

import inputs
import litserve
import torch
from fastapi import Request, UploadFile
from model import classify, load_model, read_image


class Classifier(litserve.LitAPI):
    def setup(self, device: str) -> None:
        self.model = load_model().to(device)
        self.labels = inputs.labels()

    # LitServe chooses a parser by the annotation, and passes the parsed form.
    def decode_request(self, request: Request) -> torch.Tensor:
        return read_image(cast(UploadFile, request["image"]).file)

    def predict(self, x: torch.Tensor) -> list[int]:
        return classify(self.model, x)

    def encode_response(self, output: int) -> dict[str, str]:
        return {"label": self.labels[output]}


if __name__ == "__main__":
    # LitServe ends its workers on Ctrl+C only; SIGTERM would leave them running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    server = litserve.LitServer(Classifier(max_batch_size=8, batch_timeout=0.01), accelerator="cpu")
    server.run(host=inputs.HOST, port=inputs.port(), generate_client_file=False)

"""Ray Serve with request batching; ray_serve.py starts it."""

import importlib
import os
import signal
import sys
from typing import cast

import foreground
import inputs
import ray
import torch
from model import classify, load_model, read_image
from ray import serve
from starlette.datastructures import UploadFile
from starlette.requests import Request


def keep_to_loopback() -> None:
    """A replica opens one port on all addresses, and no setting changes that."""
    replica = importlib.import_module("ray.serve._private.replica")
    add_port = replica.add_port_to_grpc_server
    replica.add_port_to_grpc_server = lambda server, address: add_port(server, address.replace("[::]", inputs.HOST))


# Ray gives torch as many threads as the replica has CPUs: one by default.
@serve.deployment(ray_actor_options={"num_cpus": os.cpu_count()}, max_ongoing_requests=16)
class Classifier:
    def __init__(self) -> None:
        keep_to_loopback()
        self.model = load_model()
        self.labels = inputs.labels()

    @serve.batch(max_batch_size=8, batch_wait_timeout_s=0.01)
    async def predict(self, images: list[torch.Tensor]) -> list[str]:
        return [self.labels[best] for best in classify(self.model, torch.stack(images))]

    async def __call__(self, request: Request) -> dict[str, str]:
        form = await request.form()
        image = read_image(cast(UploadFile, form["image"]).file)
        return {"label": await self.predict(image)}


def run(folder: str) -> None:
    ray.init(_temp_dir=folder, include_dashboard=False)
    # Replaces Ray's handler, set by init, which aborts.
    foreground.exit_on_signals()
    serve.start(http_options=serve.HTTPOptions(host=inputs.HOST, port=inputs.port()))
    serve.run(Classifier.bind(), route_prefix="/predict")
    signal.pause()


if __name__ == "__main__":
    try:
        run(sys.argv[1])
    finally:
        foreground.ignore_signals()
        # Without a running Ray, shutdown() would start one.
        if ray.is_initialized():
            serve.shutdown()
            ray.shutdown()

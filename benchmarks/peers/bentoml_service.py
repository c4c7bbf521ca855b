"""BentoML with adaptive batching; bentoml_serve.py starts it."""

import bentoml
import inputs
import torch
from model import classify, load_model, prepare
from PIL.Image import Image


@bentoml.service
class Classifier:
    def __init__(self) -> None:
        self.model = load_model()
        self.labels = inputs.labels()

    # The parameter has the name of the form field. BentoML collects the images of many requests in the list.
    @bentoml.api(batchable=True, max_batch_size=8)
    def predict(self, image: list[Image]) -> list[str]:
        batch = torch.stack([prepare(one) for one in image])
        return [self.labels[best] for best in classify(self.model, batch)]

"""TorchServe's own image classifier, unchanged; only torchvision is made importable before TorchServe asks for it."""

import torchvision_cpu  # noqa: F401
from ts.torch_handler.image_classifier import ImageClassifier


class Classifier(ImageClassifier):
    pass

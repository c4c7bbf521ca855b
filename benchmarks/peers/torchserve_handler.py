"""TorchServe's own image classifier, unchanged, except that torchvision is made importable first."""

import torchvision_cpu  # noqa: F401
from ts.torch_handler.image_classifier import ImageClassifier


class Classifier(ImageClassifier):
    pass

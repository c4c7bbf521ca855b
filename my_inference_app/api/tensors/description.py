"""What a client of the Open Inference Protocol is told about a model, in the words of Triton."""

from __future__ import annotations

from collections.abc import Sequence

from ...inference.classifier import Classifier
from .images import DATATYPES
from .request import INPUT
from .response import DEFAULT, OUTPUTS
from .types import ModelConfig, ModelMetadata

# Clients of Triton read the one input and the one output that are declared. Files as BYTES, FP32 pixels and the other
# outputs are not declared there: a model with two inputs would not pass for an image classifier.
_DATATYPE = DATATYPES[0]


def metadata(versions: Sequence[Classifier]) -> ModelMetadata:
    """Of one version, or of all that are served."""
    classifier = versions[0]
    height, width = classifier.description.input.size
    return {
        "name": classifier.name,
        "versions": [version.version for version in versions],
        "platform": classifier.description.engine,
        "inputs": [{"name": INPUT, "datatype": _DATATYPE, "shape": [-1, height, width, 3]}],
        "outputs": [{"name": DEFAULT, "datatype": "FP32", "shape": [-1, len(classifier.labels)]}],
    }


def config(versions: Sequence[Classifier], max_images: int) -> ModelConfig:
    classifier = versions[0]
    about = classifier.description
    height, width = about.input.size
    parameters = {
        "input_datatypes": ",".join(DATATYPES),
        "outputs": ",".join(OUTPUTS),
        "mean": ",".join(map(str, about.input.mean)),
        "std": ",".join(map(str, about.input.std)),
    }
    return {
        "name": classifier.name,
        "platform": about.engine,
        "backend": about.engine,
        "version_policy": {"specific": {"versions": [version.version for version in versions]}},
        "max_batch_size": max_images,
        "input": [
            {
                "name": INPUT,
                "data_type": f"TYPE_{_DATATYPE}",
                "format": "FORMAT_NHWC",
                "dims": [height, width, 3],
            }
        ],
        "output": [{"name": DEFAULT, "data_type": "TYPE_FP32", "dims": [len(classifier.labels)]}],
        "instance_group": [{"name": classifier.name, "kind": "KIND_AUTO", "count": about.replicas}],
        "parameters": {key: {"string_value": value} for key, value in parameters.items()},
    }

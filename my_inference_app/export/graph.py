"""Networks that come as a graph for OpenVINO, and not as a torch module."""

from __future__ import annotations

import numpy as np
import openvino as ov
import torch
from numpy.typing import NDArray
from openvino import opset13 as operators
from openvino.preprocess import PrePostProcessor

from ..bundles.bundle import InputSpec
from .outputs import LEAST_PROBABILITY


class Reference(torch.nn.Module):
    """The network as it comes, image by image and in float32, as a torch module."""

    def __init__(self, network: ov.Model, layout: str) -> None:
        super().__init__()
        self._request = (
            ov.Core().compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}).create_infer_request()
        )
        self._layout = layout

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        arranged = pixels if self._layout == "NCHW" else pixels.permute(0, 2, 3, 1)
        return torch.cat([self._run(image[None].numpy()) for image in arranged])

    def _run(self, image: NDArray[np.float32]) -> torch.Tensor:
        self._request.infer([np.ascontiguousarray(image)])
        return torch.from_numpy(np.array(self._request.get_output_tensor().data, dtype=np.float32))


def from_pixels(network: ov.Model, layout: str, spec: InputSpec, *, gives_probabilities: bool) -> ov.Model:
    """Maps N x height x width x 3 bytes to logits: normalisation is part of the graph."""
    steps = PrePostProcessor(network)
    steps.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    steps.input().model().set_layout(ov.Layout(layout))
    steps.input().preprocess().convert_element_type(ov.Type.f32).mean(list(spec.mean)).scale(list(spec.std))
    built = steps.build()
    return _with_logarithm(built) if gives_probabilities else built


def _with_logarithm(network: ov.Model) -> ov.Model:
    probabilities = network.output(0).get_node().input_value(0)
    bounded = operators.clamp(operators.convert(probabilities, "f32"), LEAST_PROBABILITY, 1.0)
    return ov.Model([operators.log(bounded)], network.get_parameters(), network.get_friendly_name())

"""Replaces the last layer in the files of the openvino engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as operators

from ..bundles.head import Floats, Head
from ..errors import BundleError


def replace_last_layer(source: Path, folder: Path, old: Head, new: Head) -> None:
    """Writes model.xml and model.bin into the folder. Values decide which layer is the last one, not names."""
    model = ov.Core().read_model(source)
    result = model.get_results()[0]
    names = result.input_value(0).get_names()
    layer = next((node for node in _above(result) if node.get_type_name() == "MatMul"), None)
    weight = _values(layer.input_value(1)) if layer else None
    if layer is None or weight is None:
        raise BundleError(f"{source} does not end in a linear layer: make the parent's bundle again with `make export`")
    transposed = not layer.get_attributes()["transpose_b"]
    if not np.array_equal(weight.T if transposed else weight, old.weight):
        raise BundleError(f"the last layer in {source} is not that of its head: make the parent's bundle again")
    values = np.ascontiguousarray(new.weight.T if transposed else new.weight)
    # All are named here: names that OpenVINO invents differ from run to run, and the same photos give the same files.
    fresh = operators.matmul(
        layer.input_value(0),
        _constant(values, "head.weight"),
        layer.get_attributes()["transpose_a"],
        not transposed,
        name="head.product",
    )
    added = operators.add(fresh, _constant(new.bias[None], "head.bias"), name="head")
    added.output(0).get_tensor().set_names(names)
    result.input(0).replace_source_output(added.output(0))
    model.validate_nodes_and_infer_types()
    ov.save_model(model, folder / "model.xml", compress_to_fp16=True)


def _above(result: ov.Node) -> list[ov.Node]:
    """The nodes from the logits upwards, as long as they only add a bias or change the shape."""
    found = [result.input_value(0).get_node()]
    while found[-1].get_type_name() in ("Add", "Reshape", "Squeeze", "Convert"):
        found.append(found[-1].input_value(0).get_node())
    return found


def _values(value: ov.Output) -> NDArray[np.float32] | None:
    """Of a constant, which may be stored as float16 and converted."""
    node = value.get_node()
    if node.get_type_name() == "Convert":
        node = node.input_value(0).get_node()
    if node.get_type_name() != "Constant":
        return None
    return np.array(node.get_data(), dtype=np.float32)


def _constant(values: Floats, name: str) -> ov.Node:
    return operators.constant(values, dtype=np.float32, name=name)

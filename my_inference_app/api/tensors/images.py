"""From the input tensor of a request to images: files, or pixels in the size that the model takes."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bundles.bundle import InputSpec
from ...errors import BadRequest
from ...inference.jobs import Image
from ..input.json_body import base64_bytes
from ..input.upload import Upload
from .request import INPUT, Tensor

_KINDS = {"UINT8": "u1", "FP32": "<f4"}
DATATYPES = (*_KINDS, "BYTES")

# Resizing pixels as floats overshoots. Values far outside were normalised in another way, or not at all.
_OVERSHOOT = 64


def images(tensor: Tensor, spec: InputSpec, most: int) -> list[Upload | Image]:
    if tensor.datatype not in DATATYPES:
        raise BadRequest(f"the datatype {tensor.datatype[:50]!r} is not supported: send {', '.join(DATATYPES)}")
    if not 1 <= tensor.shape[0] <= most:
        raise BadRequest(f"the first number of `shape` is the number of images: send 1 to {most}")
    if tensor.datatype == "BYTES":
        return [Upload(None, data) for data in _files(tensor)]
    return list(_pixels(tensor, spec))


def _files(tensor: Tensor) -> list[bytes]:
    count, *rest = tensor.shape
    if rest not in ([], [1]):
        raise BadRequest(
            f"the shape of `{INPUT}` is {list(tensor.shape)}: BYTES have the shape [N], one file an element"
        )
    return _elements(tensor.data, count) if isinstance(tensor.data, memoryview) else _texts(tensor.data, count)


def _elements(raw: memoryview, count: int) -> list[bytes]:
    """Each element is its length, in four bytes, and the file."""
    found: list[bytes] = []
    for _ in range(count):
        end = 4 + int.from_bytes(raw[:4], "little")
        if len(raw) < max(end, 4):
            break
        found.append(bytes(raw[4:end]))
        raw = raw[end:]
    if raw or len(found) < count:
        raise BadRequest(
            f"the bytes of `{INPUT}` are not {count} elements: each is its length, in 4 bytes, and then itself"
        )
    return found


def _texts(data: object, count: int) -> list[bytes]:
    if not isinstance(data, list):
        raise BadRequest(f"`data` of `{INPUT}` must be a list of base64 strings")
    if len(data) != count:
        raise BadRequest(f"`{INPUT}` has {len(data)} elements, and its shape says {count}")
    return [_file(item, number) for number, item in enumerate(data, start=1)]


def _file(item: object, number: int) -> bytes:
    if isinstance(item, list) and len(item) == 1:  # shape [N, 1]
        (item,) = item
    if not isinstance(item, str):
        raise BadRequest(f"element {number} of `data` is not a string: encode the bytes of the image file as base64")
    return base64_bytes(item, f"element {number} of `data`")


def _pixels(tensor: Tensor, spec: InputSpec) -> Image:
    """N x height x width x 3. Raw bytes are not copied."""
    height, width = spec.size
    layouts = (((height, width, 3), (0, 1, 2, 3)), ((3, height, width), (0, 2, 3, 1)))
    axes = next((axes for layout, axes in layouts if layout == tensor.shape[1:]), None)
    if axes is None:
        raise BadRequest(
            f"the shape of `{INPUT}` is {list(tensor.shape)}: this model takes [N, {height}, {width}, 3] "
            f"or [N, 3, {height}, {width}]; send image files as BYTES to leave the resizing to the service"
        )
    values = _values(tensor).reshape(tensor.shape).transpose(axes)
    if tensor.datatype == "FP32":
        return _denormalised(values, spec)
    return values if values.dtype == np.uint8 else _whole(values)


def _values(tensor: Tensor) -> NDArray[Any]:
    """The numbers in a row. In JSON they may be nested as the shape is."""
    count = prod(tensor.shape)
    kind = np.dtype(_KINDS[tensor.datatype])
    if isinstance(tensor.data, memoryview):
        size = count * kind.itemsize
        if len(tensor.data) != size:
            raise BadRequest(f"`{INPUT}` has {len(tensor.data)} bytes; {tensor.datatype} of its shape have {size}")
        return np.frombuffer(tensor.data, kind)
    try:
        values = np.array(tensor.data, np.float64)
    except (TypeError, ValueError, OverflowError):
        raise BadRequest(f"`data` of `{INPUT}` must be a list of numbers") from None
    if values.size != count:
        raise BadRequest(f"`data` of `{INPUT}` has {values.size} numbers, and its shape says {count}")
    return values


def _whole(values: NDArray[np.float64]) -> Image:
    if not ((values >= 0) & (values <= 255) & (values == np.floor(values))).all():
        raise BadRequest("UINT8 data must be whole numbers from 0 to 255")
    return values.astype(np.uint8)


def _denormalised(values: NDArray[np.floating[Any]], spec: InputSpec) -> Image:
    """The pixels that FP32 values were made from: (pixel - mean) / std, as the model's own preprocessing does it."""
    with np.errstate(all="ignore"):
        pixels = values * np.array(spec.std, values.dtype) + np.array(spec.mean, values.dtype)
        if not (pixels.min() >= -_OVERSHOOT and pixels.max() <= 255 + _OVERSHOOT):  # NaN is not either
            raise BadRequest(
                f"FP32 values must be (pixel - mean) / std, with pixels from 0 to 255, mean {list(spec.mean)} "
                f"and std {list(spec.std)}: some of these are far outside"
            )
        rounded: Image = np.rint(pixels).clip(0, 255).astype(np.uint8)
    return rounded

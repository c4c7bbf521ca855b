"""`{"instances": [{"b64": "<base64>"}], "parameters": {"top_k": 3}}`, as Vertex AI and KServe send images."""

from __future__ import annotations

from ...errors import BadRequest, NoImage
from .json_body import base64_bytes, parse
from .upload import Upload, Uploads, read_top_k

_EXAMPLE = '{"instances": [{"b64": "<base64>"}]}'


def read(data: bytes, max_images: int) -> Uploads:
    body = parse(data)
    if not isinstance(body, dict):
        raise BadRequest(f"the JSON must be an object: {_EXAMPLE}")
    return Uploads(_images(body.get("instances"), max_images), _top_k(body.get("parameters")))


def _images(instances: object, most: int) -> list[Upload]:
    if not isinstance(instances, list) or not instances:
        raise NoImage(f"there are no `instances` in the JSON: send {_EXAMPLE}")
    if len(instances) > most:
        raise BadRequest(f"{len(instances)} instances in one request: send {most} at most")
    return [Upload(None, _data(instance, number)) for number, instance in enumerate(instances, start=1)]


def _data(instance: object, number: int) -> bytes:
    if isinstance(instance, dict) and "b64" not in instance and len(instance) == 1:
        # TensorFlow Serving's form, with the name of the input: {"image_bytes": {"b64": "..."}}
        (instance,) = instance.values()
    text = instance.get("b64") if isinstance(instance, dict) else None
    if not isinstance(text, str):
        raise BadRequest(f'instance number {number} has no `b64`: send {{"b64": "<base64>"}}')
    return base64_bytes(text, f"`b64` of instance number {number}")


def _top_k(parameters: object) -> int:
    if parameters is not None and not isinstance(parameters, dict):
        raise BadRequest('`parameters` must be an object: {"top_k": 3}')
    return read_top_k((parameters or {}).get("top_k"))

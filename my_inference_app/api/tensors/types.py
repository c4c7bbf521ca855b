"""The JSON of the Open Inference Protocol."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class ServerMetadata(TypedDict):
    name: str
    version: str
    extensions: list[str]


class Live(TypedDict):
    live: bool


class Ready(TypedDict):
    ready: bool


class ModelNames(TypedDict):
    models: list[str]


class TensorMetadata(TypedDict):
    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(TypedDict):
    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class TensorConfig(TypedDict):
    name: str
    data_type: str
    format: NotRequired[str]
    dims: list[int]


class ConfigParameter(TypedDict):
    string_value: str


class ModelConfig(TypedDict):
    name: str
    platform: str
    backend: str
    version_policy: dict[str, Any]
    max_batch_size: int
    input: list[TensorConfig]
    output: list[TensorConfig]
    instance_group: list[dict[str, Any]]
    parameters: dict[str, ConfigParameter]


class IndexRequest(TypedDict):
    ready: NotRequired[bool]


class IndexEntry(TypedDict):
    name: str
    version: str
    state: str
    reason: str


class Duration(TypedDict):
    count: int
    ns: int


class ModelStatistics(TypedDict):
    name: str
    version: str
    last_inference: int
    inference_count: int
    execution_count: int
    inference_stats: dict[str, Duration]
    batch_stats: list[Any]


class Statistics(TypedDict):
    model_stats: list[ModelStatistics]


class RequestInput(TypedDict):
    name: Literal["image"]
    datatype: Literal["UINT8", "FP32", "BYTES"]
    shape: list[int]
    data: NotRequired[list[Any]]
    parameters: NotRequired[dict[str, Any]]


class RequestOutput(TypedDict):
    name: Literal["probabilities", "logits", "features"]
    parameters: NotRequired[dict[str, Any]]


class InferenceRequest(TypedDict):
    id: NotRequired[str]
    inputs: list[RequestInput]
    outputs: NotRequired[list[RequestOutput]]
    parameters: NotRequired[dict[str, Any]]


class ResponseOutput(TypedDict):
    name: str
    datatype: str
    shape: list[int]
    data: NotRequired[list[float] | list[str]]
    parameters: NotRequired[dict[str, int]]


class InferenceResponse(TypedDict):
    model_name: str
    model_version: str
    id: NotRequired[str]
    outputs: list[ResponseOutput]

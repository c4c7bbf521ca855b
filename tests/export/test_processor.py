"""Image processors of many families: the specification read from one must prepare images as it does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from my_inference_app.bundles.bundle import InputSpec
from my_inference_app.errors import SourceError
from my_inference_app.export.agreement import check_preparation
from my_inference_app.export.input_options import CLASSIC
from my_inference_app.export.loaded_model import LoadedModel
from my_inference_app.export.preprocessing import standard_transform
from my_inference_app.export.processor import read_processor
from my_inference_app.export.torchvision_cpu import torchvision  # noqa: F401  (transformers imports it)

import transformers as hf  # isort: skip

HALF = ((127.5,) * 3, (127.5,) * 3)
IMAGENET = ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
CLIP = ((122.771, 116.746, 104.094), (68.501, 66.632, 70.323))
PLAIN = ((0.0,) * 3, (255.0,) * 3)
SQUARE = {"height": 224, "width": 224}
BICUBIC, BILINEAR = 3, 2

# Settings are named as in the models' own files. Most are a family's defaults, or those of its best-known model.
PROCESSORS: dict[str, tuple[str, dict[str, Any], InputSpec]] = {
    "resnet-50": (
        "ConvNext",
        {"size": {"shortest_edge": 224}, "crop_pct": 0.875, "resample": BICUBIC},
        InputSpec((224, 224), 256, "bicubic", *HALF),
    ),
    "convnext-base-384": ("ConvNext", {}, InputSpec((384, 384), None, "bicubic", *HALF)),
    "vit": ("ViT", {}, InputSpec((224, 224), None, "bilinear", *HALF)),
    "vit of an old version": ("ViT", {"size": 224}, InputSpec((224, 224), None, "bilinear", *HALF)),
    "deit": ("DeiT", {}, InputSpec((256, 256), None, "bicubic", *HALF)),
    "beit": ("Beit", {"do_center_crop": True}, InputSpec((224, 224), None, "bicubic", *HALF)),
    "dinov2": (
        "Bit",
        {"size": {"shortest_edge": 256}, "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]},
        InputSpec((224, 224), 256, "bicubic", *IMAGENET),
    ),
    "clip": ("CLIP", {}, InputSpec((224, 224), 224, "bicubic", *CLIP)),
    "siglip": ("Siglip", {}, InputSpec((224, 224), None, "bicubic", *HALF)),
    "mobilenet_v2": ("MobileNetV2", {}, InputSpec((224, 224), 256, "bilinear", *HALF)),
    "mobilevit": (
        "MobileViT",
        {"size": {"shortest_edge": 288}, "crop_size": {"height": 256, "width": 256}},
        InputSpec((256, 256), 288, "bicubic", *PLAIN),
    ),
    "levit": ("Levit", {}, InputSpec((224, 224), 256, "bicubic", *IMAGENET)),
    "poolformer": ("PoolFormer", {}, InputSpec((224, 224), 248, "bicubic", *IMAGENET)),
    "efficientnet-b0": (
        "EfficientNet",
        {
            "size": SQUARE,
            "resample": 0,
            "image_mean": [0.485, 0.456, 0.406],
            # Applied twice.
            "image_std": [0.47853944, 0.4732864, 0.47434163],
        },
        InputSpec((224, 224), None, "nearest", *IMAGENET),
    ),
    "efficientnet with an offset": (
        "EfficientNet",
        {"size": SQUARE, "rescale_factor": 1 / 127.5, "rescale_offset": True, "do_normalize": False}
        | {"include_top": False},
        InputSpec((224, 224), None, "bicubic", *HALF),
    ),
    "segformer": ("Segformer", {"size": SQUARE}, InputSpec((224, 224), None, "bilinear", *IMAGENET)),
    "swin at lanczos": ("ViT", {"resample": 1}, InputSpec((224, 224), None, "lanczos", *HALF)),
    "not normalised": ("ViT", {"do_normalize": False}, InputSpec((224, 224), None, "bilinear", *PLAIN)),
    "not rescaled": (
        "ViT",
        {"do_rescale": False, "image_mean": [100.0, 110.0, 120.0], "image_std": [50.0, 60.0, 70.0]},
        InputSpec((224, 224), None, "bilinear", (100.0, 110.0, 120.0), (50.0, 60.0, 70.0)),
    ),
    "not square": (
        "ViT",
        {"size": {"height": 160, "width": 240}},
        InputSpec((160, 240), None, "bilinear", *HALF),
    ),
}

# A specification cannot express these, so they must be refused.
OTHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "no resize": ("ViT", {"do_resize": False}),
    "shorter side only": ("CLIP", {"do_center_crop": False}),
    "multiples of 32": ("TextNet", {}),
    "a crop larger than the image": ("MobileViT", {}),
    "a crop before the resize": ("Perceiver", {}),
    "patches": ("Siglip2", {}),
    "colours of a palette": ("ImageGPT", {"clusters": [[-1.0] * 3, [1.0] * 3]}),
    "a margin": ("Donut", {"size": SQUARE}),
}


def processor_of(kind: str, options: dict[str, Any]) -> Any:
    return getattr(hf, f"{kind}ImageProcessorPil")(**options)


def model_of(processor: Any) -> LoadedModel:
    read = read_processor(processor)
    return LoadedModel("model", torch.nn.Identity(), (), read.spec, read.own, origin={}, arrange=read.arrange)


@pytest.mark.parametrize(("kind", "options", "spec"), PROCESSORS.values(), ids=PROCESSORS)
def test_processor_is_read_and_prepares_alike(kind: str, options: dict[str, Any], spec: InputSpec) -> None:
    model = model_of(processor_of(kind, options))
    assert replace(model.input, mean=(), std=()) == replace(spec, mean=(), std=())
    np.testing.assert_allclose(model.input.mean, spec.mean, atol=0.01)
    np.testing.assert_allclose(model.input.std, spec.std, atol=0.01)
    check_preparation(model)


def test_bgr_processor_is_recognised() -> None:
    processor = processor_of(*PROCESSORS["mobilevit"][:2])
    blue = processor(Image.new("RGB", (300, 300), "blue"), return_tensors="pt")["pixel_values"]
    ours = torch.tensor([0.0, 0.0, 1.0]).view(1, 3, 1, 1).expand(1, 3, 256, 256)
    assert torch.equal(read_processor(processor).arrange(ours), blue)


@pytest.mark.parametrize(("kind", "options"), OTHERS.values(), ids=OTHERS)
def test_unsupported_processor_is_refused(kind: str, options: dict[str, Any]) -> None:
    with pytest.raises(SourceError):
        check_preparation(model_of(processor_of(kind, options)))


WRONG = {
    "less of the image": {"shortest_edge": 232},
    "all of the image": {"shortest_edge": None},
    "another mean": {"mean": (110.0,) * 3},
    "another deviation": {"std": (64.0,) * 3},
    "colours reversed": {"mean": IMAGENET[0][::-1], "std": IMAGENET[1][::-1]},
    "smaller": {"size": (192, 192)},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_wrong_specification_is_detected(wrong: dict[str, Any]) -> None:
    spec = CLASSIC.spec("a test")
    right = LoadedModel("model", torch.nn.Identity(), (), spec, standard_transform(spec), origin={})
    check_preparation(right)
    with pytest.raises(SourceError, match="model cannot be served: the way its own code prepares"):
        check_preparation(replace(right, input=replace(spec, **wrong)))

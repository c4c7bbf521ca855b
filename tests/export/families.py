"""Families of image classifiers: a small configuration of each, and an image processor with that family's settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from my_inference_app.export.torchvision_cpu import torchvision  # noqa: F401  (transformers imports it)

import transformers as hf  # isort: skip

LABELS = {index: f"class {index}" for index in range(7)}
_ATTENTION: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "image_size": 128,
    "patch_size": 16,
}
_STAGES: dict[str, Any] = {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1]}
_TEXT = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 50, "eos_token_id": 49}
_IMAGENET: dict[str, Any] = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}


@dataclass(frozen=True)
class Family:
    config: Callable[..., Any]
    model: Callable[[Any], Any]
    processor: Callable[[], Any]
    seed: int
    """The first that tiny_models tries. The right one saves the time of the others."""


def _family(name: str, options: dict[str, Any], processor: Callable[[], Any], seed: int = 0) -> Family:
    def config() -> Any:
        return getattr(hf, f"{name}Config")(**options, id2label=LABELS)

    return Family(config, getattr(hf, f"{name}ForImageClassification"), processor, seed)


def _square(side: int) -> dict[str, int]:
    return {"height": side, "width": side}


def _squeezed(**options: Any) -> Any:
    return hf.ViTImageProcessor(size=_square(128), **options)


def _cropped(side: int = 128) -> Any:
    return hf.BitImageProcessor(size={"shortest_edge": 144}, crop_size=_square(side))


def _convnext() -> Any:
    return hf.ConvNextImageProcessor(size={"shortest_edge": 128}, crop_pct=0.888)


FAMILIES = {
    "resnet": _family(
        "ResNet", {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"}, _convnext
    ),
    "regnet": _family(
        "RegNet", {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "groups_width": 4}, _convnext
    ),
    "convnext": _family("ConvNext", {**_STAGES, "layer_scale_init_value": 1.0}, _convnext),
    "vit": _family("ViT", _ATTENTION, lambda: _squeezed(resample=2)),
    "deit": _family("DeiT", _ATTENTION, lambda: hf.DeiTImageProcessor(size=_square(144), crop_size=_square(128))),
    "beit": _family(
        "Beit",
        {**_ATTENTION, "use_relative_position_bias": True},
        lambda: hf.BeitImageProcessor(size=_square(128), crop_size=_square(128)),
    ),
    "dinov2": _family("Dinov2", {**_ATTENTION, "image_size": 112, "patch_size": 14}, lambda: _cropped(112)),
    "siglip": _family(
        "Siglip",
        {"vision_config": _ATTENTION, "text_config": _TEXT},
        lambda: hf.SiglipImageProcessor(size=_square(128)),
    ),
    "swin": _family(
        "Swin",
        {"image_size": 128, "embed_dim": 12, "depths": [2, 2], "num_heads": [2, 2], "window_size": 4},
        lambda: _squeezed(resample=3),
    ),
    "focalnet": _family(
        "FocalNet",
        {"image_size": 128, "embed_dim": 12, "hidden_sizes": [12, 24], "depths": [1, 1], "focal_windows": [3, 3]},
        _cropped,
    ),
    "poolformer": _family(
        "PoolFormer",
        _STAGES,
        lambda: hf.PoolFormerImageProcessor(size={"shortest_edge": 128}, crop_size=_square(128), crop_pct=0.888),
    ),
    "mobilenet_v1": _family(
        "MobileNetV1",
        {"image_size": 128, "depth_multiplier": 0.25},
        lambda: hf.MobileNetV1ImageProcessor(size={"shortest_edge": 144}, crop_size=_square(128)),
        seed=9,
    ),
    "mobilenet_v2": _family(
        "MobileNetV2",
        {"image_size": 128, "depth_multiplier": 0.25},
        lambda: hf.MobileNetV2ImageProcessor(size={"shortest_edge": 144}, crop_size=_square(128)),
        seed=2,
    ),
    # Channels are BGR, and nothing is normalised.
    "mobilevit": _family(
        "MobileViT",
        {"image_size": 128, "hidden_sizes": [12, 16, 20], "neck_hidden_sizes": [8, 8, 12, 12, 16, 16, 32]},
        lambda: hf.MobileViTImageProcessor(size={"shortest_edge": 144}, crop_size=_square(128)),
        seed=10,
    ),
    # Normalises twice, and ends in a pool larger than any image.
    "efficientnet": _family(
        "EfficientNet",
        {
            "image_size": 128,
            "width_coefficient": 0.2,
            "depth_coefficient": 0.3,
            "hidden_dim": 256,
            "in_channels": [32, 16, 24],
            "out_channels": [16, 24, 40],
            "kernel_sizes": [3, 3, 5],
            "strides": [1, 2, 2],
            "num_block_repeats": [1, 1, 1],
            "expand_ratios": [1, 6, 6],
        },
        lambda: hf.EfficientNetImageProcessor(size=_square(128), resample=3, **_IMAGENET),
        seed=2,
    ),
    # Resizes to 256/224 of its `size`.
    "levit": _family(
        "Levit",
        {
            "image_size": 112,
            "hidden_sizes": [16, 24, 32],
            "num_attention_heads": [2, 2, 2],
            "depths": [1, 1, 1],
            "key_dim": [4, 4, 4],
            "down_ops": [["Subsample", 4, 4, 4, 2, 2], ["Subsample", 4, 6, 4, 2, 2]],
        },
        lambda: hf.LevitImageProcessor(size={"shortest_edge": 112}, crop_size=_square(112)),
    ),
}

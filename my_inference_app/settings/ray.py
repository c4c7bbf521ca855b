"""A Ray cluster that computes, for ENGINE=ray."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .parsing import Number, Whole
from .setting import setting

_ADDRESS = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}")
_FOLDER_URL = re.compile(r"(https?|s3|gs)://[!->@-~]+")


def cluster_address(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise ValueError(
            "give host and port of the cluster's head, like 10.0.0.5:6379; Ray must run on this machine too"
        )
    return text


def _folder_url(text: str) -> str:
    if not _FOLDER_URL.fullmatch(text):
        raise ValueError("give the URL of a folder, like s3://bucket/models or https://example.com/models")
    return text.rstrip("/")


@dataclass(frozen=True)
class Ray:
    ray_address: str = setting(
        "",
        "cluster that computes with `ENGINE=ray`: host and port of its head, such as `10.0.0.5:6379`; this machine "
        "must be one of its nodes. `make run-ray` starts a Ray of its own if it is empty; see docs/ray.md",
        cluster_address,
    )
    ray_replicas: int = setting(1, "replicas of each model on the cluster", Whole(1, 10_000))
    ray_max_replicas: int = setting(
        0, "replicas at most: Ray adds and removes them with the load; 0 means always `RAY_REPLICAS`", Whole(0, 10_000)
    )
    ray_cpus: float = setting(1.0, "CPUs of a replica, which are also its threads", Number(0.1, 1024))
    ray_gpus: float = setting(0.0, "GPUs of a replica, or a share of one; with a GPU it uses torch", Number(0, 64))
    ray_bundles: str = setting(
        "",
        "folder in which the cluster finds the bundles as NAME.tar: a URL with `https`, `s3` or `gs`; empty means that "
        "its nodes have them at the same paths as this machine",
        _folder_url,
    )

    @property
    def most_replicas(self) -> int:
        return max(self.ray_replicas, self.ray_max_replicas)

    @property
    def ray_engine(self) -> str:
        """The engine inside the replicas."""
        return "torch" if self.ray_gpus else "openvino"

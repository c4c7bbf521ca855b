"""A store with efficientnet-lite0 in it, and a model that was taught once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from my_inference_app.settings import Settings
from my_inference_app.teach.job import Job, run
from tests.teach import photos

Teach = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def settings(efficientnet: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    store = tmp_path_factory.mktemp("teach")
    (store / "efficientnet-lite0").symlink_to(efficientnet)
    return Settings(models_dir=store, model="efficientnet-lite0")


@pytest.fixture(scope="session")
def lessons(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five photos of each class."""
    return photos.write(tmp_path_factory.mktemp("lessons"), 5)


@pytest.fixture(scope="session")
def report(settings: Settings, lessons: Path) -> dict[str, Any]:
    return run(Job(lessons, "things"), settings)

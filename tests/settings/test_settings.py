"""All settings: their defaults, their names and what follows from them."""

# ruff: noqa: S104

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from my_inference_app.bundles.store import bundle_dir, bundle_name
from my_inference_app.errors import SettingError
from my_inference_app.resources import cores
from my_inference_app.settings import PROJECT, Settings
from my_inference_app.settings.parsing import Number, OneOf, Whole

NUMBERS = [item for item in fields(Settings) if isinstance(item.metadata["parse"], Whole | Number)]
CHOICES = [item for item in fields(Settings) if isinstance(item.metadata["parse"], OneOf)]


def test_empty_environment_gives_defaults() -> None:
    assert Settings.from_env({}) == Settings()
    assert Settings().models_dir == PROJECT / "models"
    assert (Settings().listen, Settings().management_host, Settings().management_port) == (
        "127.0.0.1",
        "127.0.0.1",
        8001,
    )
    assert (Settings().client_rate, Settings().client_connections) == (0, 0)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("MODEL", "google/vit-base-patch16-224", "google/vit-base-patch16-224"),
        ("MODEL", "  efficientnet-lite0\n", "efficientnet-lite0"),
        ("MODEL", "", "microsoft/resnet-50"),
        ("MODELS_DIR", "/srv/models", Path("/srv/models")),
        ("ENGINE", "torch", "torch"),
        ("DEVICE", "cpu, cpu", ("cpu", "cpu")),
        ("APP_PORT", "8002", 8002),
        ("PORT", " 8080 ", 8080),
        ("PORT", " ", 80),
        ("TLS_CERT", "", None),
        ("LISTEN", "*", "0.0.0.0"),
        ("MANAGEMENT_HOST", "[::1]", "::1"),
        ("REQUEST_TIMEOUT", "2.5", 2.5),
        ("REQUEST_TIMEOUT", "50", 50.0),
        ("LOG_LEVEL", "debug", "debug"),
        ("PREDICT_URLS", "yes", True),
        ("API_KEYS", "one, two", (b"one", b"two")),
        ("API_KEYS", " ", ()),
        ("URL_PORTS", "8080", frozenset({8080})),
        ("URL_ALLOW", "images.internal", ("images.internal",)),
        ("CORS_ORIGINS", "*", ("*",)),
        ("TRUSTED_PROXIES", "::1", (ip_network("::1"),)),
    ],
)
def test_variable_sets_setting_of_same_name(name: str, text: str, value: object) -> None:
    found = getattr(Settings.from_env({name: text}), name.lower())
    assert found == value
    assert type(found) is type(value)


def test_port_of_vertex_ai_is_used_unless_port_is_set() -> None:
    assert Settings.from_env({"AIP_HTTP_PORT": "8080"}).port == 8080
    assert Settings.from_env({"AIP_HTTP_PORT": "8080", "PORT": "81"}).port == 81


def test_web_concurrency_sets_workers_unless_workers_is_set() -> None:
    assert Settings.from_env({"WEB_CONCURRENCY": "3"}).workers == 3
    assert Settings.from_env({"WEB_CONCURRENCY": "3", "WORKERS": "2"}).workers == 2
    assert Settings.from_env({"WEB_CONCURRENCY": "3", "WORKERS": " "}).workers == 3
    with pytest.raises(SettingError, match=r"^WEB_CONCURRENCY='many' "):
        Settings.from_env({"WEB_CONCURRENCY": "many"})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PORT", "http"),
        ("APP_PORT", "8000,8001"),
        ("MANAGEMENT_PORT", "0"),
        ("LISTEN", "example.com"),
        ("APP_HOST", "127.0.0.1:8000"),
        ("MANAGEMENT_HOST", "eth0"),
        ("WORKERS", "-1"),
        ("WORKERS", "auto"),
        ("THREADS", "0"),
        ("MAX_BATCH", "-1"),
        ("QUEUE_SIZE", "1e3"),
        ("REQUEST_TIMEOUT", "0"),
        ("MAX_UPLOAD_MB", "10MB"),
        ("MAX_PIXELS", "100000000"),
        ("MAX_IMAGES", "many"),
        ("CLIENT_RATE", "-1"),
        ("ENGINE", "onnx"),
        ("ENGINE", "OpenVINO "),
        ("DEVICE", "tpu"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
        ("PREDICT_URLS", "2"),
        ("URL_TIMEOUT", "0"),
        ("URL_PORTS", "80,http"),
        ("URL_ALLOW", "10.0.0.0/33"),
        ("CORS_ORIGINS", "example.com"),
        ("TRUSTED_PROXIES", "10.0.0.1,"),
    ],
)
def test_bad_value_is_refused_in_one_line_with_name_and_value(name: str, text: str) -> None:
    with pytest.raises(SettingError) as caught:
        Settings.from_env({name: text})
    message = str(caught.value)
    assert message.startswith(f"{name}={text.strip()!r} cannot be used: ") and "\n" not in message


@pytest.mark.parametrize("item", NUMBERS, ids=lambda item: item.name)
def test_ends_of_range_are_in_range(item: Any) -> None:
    bounds = item.metadata["parse"]
    assert bounds.low <= item.default <= bounds.high
    assert bounds(str(bounds.low)) == bounds.low
    assert bounds(str(bounds.high)) == bounds.high


@pytest.mark.parametrize("item", CHOICES, ids=lambda item: item.name)
def test_help_names_every_choice(item: Any) -> None:
    choices = item.metadata["parse"].choices
    assert item.default in choices
    assert [choice for choice in choices if f"`{choice}`" not in item.metadata["help"]] == []


def test_every_setting_has_one_line_of_help() -> None:
    texts = [item.metadata["help"] for item in fields(Settings)]
    assert all(len(text) > 10 and "\n" not in text for text in texts)
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("API_KEYS", ",", "there is nothing before, between or after a comma"),
        ("API_KEYS", " , ,", "there is nothing before, between or after a comma"),
        ("API_KEYS", "good,se cret", "key 2 contains a space or a character that is not visible ASCII"),
        ("API_KEYS_FILE", "/no/such/file", "/no/such/file cannot be read: No such file or directory"),
        ("API_KEYS_FILE", "/dev/null", "/dev/null has no keys"),
    ],
)
def test_keys_that_would_open_the_service_or_never_match_are_refused(name: str, text: str, reason: str) -> None:
    with pytest.raises(SettingError) as caught:
        Settings.from_env({name: text})
    assert str(caught.value) == f"{name} cannot be used: {reason}"


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]


def test_keys_are_not_in_the_text_of_settings(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("from-file")
    settings = Settings.from_env({"API_KEYS": "from-variable", "API_KEYS_FILE": str(file)})
    assert settings.keys == (b"from-variable", b"from-file")
    assert "from-" not in repr(settings)


def test_worker_and_thread_counts_follow_cores_unless_set() -> None:
    assert 1 <= Settings().worker_count <= 4
    assert Settings(workers=7).worker_count == 7
    assert Settings(workers=1).compute_thread_count == cores()
    assert Settings(workers=256).compute_thread_count >= 1
    assert Settings(workers=256, compute_threads=3).compute_thread_count == 3


def test_batch_limit_follows_device_unless_set() -> None:
    assert Settings().batch_limit == 8
    assert Settings(engine="torch", device=("cuda:0", "cuda:1")).batch_limit == 64
    assert Settings(max_batch=3).batch_limit == 3


def test_megabyte_is_that_of_nginx() -> None:
    assert Settings(max_upload_mb=2).max_upload_bytes == 2 * 1024 * 1024


@pytest.mark.parametrize(
    ("model", "revision", "name"),
    [
        ("efficientnet-lite0", "", "efficientnet-lite0"),
        ("microsoft/resnet-50", "", "microsoft--resnet-50"),
        ("microsoft/resnet-50", "main", "microsoft--resnet-50@main"),
        ("microsoft/resnet-50", "refs/pr/3", "microsoft--resnet-50@refs--pr--3"),
        ("torchvision:resnet18", "", "torchvision--resnet18"),
        ("../../etc/none", "", "..--..--etc--none"),
    ],
)
def test_bundle_has_name_of_its_model(model: str, revision: str, name: str) -> None:
    assert bundle_name(model, revision) == name
    assert bundle_dir(Settings(model=model, model_revision=revision)) == PROJECT / "models" / name


@pytest.mark.parametrize("ending", ["", "/", "/.", "/inner/.."])
def test_bundle_of_folder_has_name_of_folder(tmp_path: Path, ending: str) -> None:
    folder = tmp_path / "my-model"
    (folder / "inner").mkdir(parents=True)
    assert bundle_name(f"{folder}{ending}") == "my-model"


def test_bundle_setting_wins_over_model() -> None:
    assert bundle_dir(Settings(model="x/y", bundle="/srv/mine")) == Path("/srv/mine")

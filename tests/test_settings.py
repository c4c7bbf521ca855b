from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import Any

import pytest

from my_inference_app.bundles.store import bundle_dir, bundle_name
from my_inference_app.errors import SettingError
from my_inference_app.resources import cores
from my_inference_app.settings import PROJECT, Settings

NUMBERS = [item for item in fields(Settings) if item.metadata["low"] is not None]
WORDS = [item for item in fields(Settings) if item.metadata["choices"]]


def test_without_variables_all_are_at_their_defaults() -> None:
    assert Settings.from_env({}) == Settings()
    assert Settings().models_dir == PROJECT / "models"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("MODEL", "google/vit-base-patch16-224", "google/vit-base-patch16-224"),
        ("MODEL", "  efficientnet-lite0\n", "efficientnet-lite0"),
        ("MODEL", "", "microsoft/resnet-50"),
        ("MODELS_DIR", "/srv/models", Path("/srv/models")),
        ("ENGINE", "torch", "torch"),
        ("APP_PORT", "8001", 8001),
        ("PORT", " 8080 ", 8080),
        ("PORT", " ", 80),
        ("REQUEST_TIMEOUT", "2.5", 2.5),
        ("REQUEST_TIMEOUT", "60", 60.0),
        ("LOG_LEVEL", "debug", "debug"),
        *[("PREDICT_URLS", text, True) for text in ("1", "true", "True", " yes ", "YES")],
        *[("PREDICT_URLS", text, False) for text in ("0", "false", "FALSE", "no", "", " ")],
        ("CORS_ORIGINS", "*", "*"),
        ("CORS_ORIGINS", "https://example.com", "https://example.com"),
        ("CORS_ORIGINS", " http://localhost:3000 , https://a.b ", "http://localhost:3000 , https://a.b"),
        ("CORS_ORIGINS", "http://[::1]:8080,capacitor://localhost", "http://[::1]:8080,capacitor://localhost"),
        ("TRUSTED_PROXIES", "10.1.2.3/8, ::1 ,192.0.2.7", "10.0.0.0/8,::1/128,192.0.2.7/32"),
    ],
)
def test_a_variable_sets_the_setting_of_its_name(name: str, text: str, value: object) -> None:
    found = getattr(Settings.from_env({name: text}), name.lower())
    assert found == value
    assert type(found) is type(value)


def test_workers_has_a_second_name_and_the_first_wins() -> None:
    assert Settings.from_env({"WEB_CONCURRENCY": "3"}).workers == 3
    assert Settings.from_env({"WEB_CONCURRENCY": "3", "WORKERS": "2"}).workers == 2
    assert Settings.from_env({"WEB_CONCURRENCY": "3", "WORKERS": " "}).workers == 3


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PORT", "http"),
        ("PORT", "80.5"),
        ("PORT", "0x50"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "-80"),
        ("APP_PORT", "8000,8001"),
        ("WORKERS", "-1"),
        ("WORKERS", "auto"),
        ("THREADS", "0"),
        ("MAX_BATCH", "-1"),
        ("QUEUE_SIZE", "1e3"),
        ("REQUEST_TIMEOUT", "0"),
        ("REQUEST_TIMEOUT", "30s"),
        ("REQUEST_TIMEOUT", "nan"),
        ("REQUEST_TIMEOUT", "inf"),
        ("MAX_UPLOAD_MB", "10MB"),
        ("MAX_UPLOAD_MB", "0"),
        ("MAX_PIXELS", "100000000"),
        ("MAX_IMAGES", "many"),
        ("CLIENT_RATE", "-1"),
        ("TRUSTED_PROXIES", "proxy"),
        ("TRUSTED_PROXIES", "10.0.0.0/8 ::1"),
        ("TRUSTED_PROXIES", "10.0.0.0/33"),
        ("TRUSTED_PROXIES", "10.0.0.1,"),
        ("TRUSTED_PROXIES", "10.0.0.1;"),
        ("ENGINE", "onnx"),
        ("ENGINE", "OpenVINO "),
        ("LOG_LEVEL", "loud"),
        ("PREDICT_URLS", "2"),
        ("PREDICT_URLS", "on"),
        ("PREDICT_URLS", "y"),
        ("URL_TIMEOUT", "0"),
        ("CORS_ORIGINS", "example.com"),
        ("CORS_ORIGINS", "https://example.com/"),
        ("CORS_ORIGINS", "https://example.com/path"),
        ("CORS_ORIGINS", "https://Example.com"),
        ("CORS_ORIGINS", "https://*.example.com"),
        ("CORS_ORIGINS", "*, https://example.com"),
        ("CORS_ORIGINS", "https://a.b,"),
        ("CORS_ORIGINS", "https://a.b https://c.d"),
        ("CORS_ORIGINS", "https://user@a.b"),
        ("CORS_ORIGINS", "https://a.b:port"),
        ("CORS_ORIGINS", "null"),
        ("CORS_ORIGINS", 'https://a";'),
        ("CORS_ORIGINS", "https://a;}"),
        ("CORS_ORIGINS", "https://a$host"),
        ("CORS_ORIGINS", "https://a|b"),
    ],
)
def test_a_bad_value_is_named_with_its_key(name: str, text: str) -> None:
    with pytest.raises(SettingError) as caught:
        Settings.from_env({name: text})
    message = str(caught.value)
    assert message.startswith(f"{name}=") and text.strip() in message and "\n" not in message


def test_a_line_break_hides_nothing_in_an_origin() -> None:
    with pytest.raises(SettingError, match="CORS_ORIGINS="):
        Settings.from_env({"CORS_ORIGINS": "https://a.b\nhttps://c.d"})


def test_origins_are_counted_once() -> None:
    assert Settings(cors_origins="https://a.b , http://c:1,https://a.b").origins == ("https://a.b", "http://c:1")
    assert Settings().origins == ()


@pytest.mark.parametrize("item", NUMBERS, ids=lambda item: item.name)
def test_the_ends_of_a_range_belong_to_it(item: Any) -> None:
    low, high = item.metadata["low"], item.metadata["high"]
    assert low <= item.default <= high
    for value in (low, high):
        assert getattr(Settings.from_env({item.name.upper(): str(value)}), item.name) == value


@pytest.mark.parametrize("item", WORDS, ids=lambda item: item.name)
def test_every_choice_is_told_and_can_be_made(item: Any) -> None:
    assert item.default in item.metadata["choices"]
    for choice in item.metadata["choices"]:
        assert f"`{choice}`" in item.metadata["help"]
        assert getattr(Settings.from_env({item.name.upper(): choice}), item.name) == choice


def test_every_setting_has_a_help_text_of_one_line() -> None:
    texts = [item.metadata["help"] for item in fields(Settings)]
    assert all(len(text) > 10 and "\n" not in text for text in texts)
    assert len(set(texts)) == len(texts)


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]


def test_workers_and_their_threads_follow_the_machine_unless_told() -> None:
    assert 1 <= Settings().worker_count <= 4
    assert Settings(workers=7).worker_count == 7
    assert Settings(workers=1).compute_thread_count == cores()
    assert Settings(workers=256).compute_thread_count >= 1
    assert Settings(workers=256, compute_threads=3).compute_thread_count == 3


def test_megabytes_are_those_of_nginx() -> None:
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
def test_a_bundle_is_kept_under_the_name_of_its_model(model: str, revision: str, name: str) -> None:
    assert bundle_name(model, revision) == name
    assert bundle_dir(Settings(model=model, model_revision=revision)) == PROJECT / "models" / name


@pytest.mark.parametrize("ending", ["", "/", "/.", "/inner/.."])
def test_a_folder_gives_its_own_name(tmp_path: Path, ending: str) -> None:
    folder = tmp_path / "my-model"
    (folder / "inner").mkdir(parents=True)
    assert bundle_name(f"{folder}{ending}") == "my-model"


def test_a_bundle_named_wins_over_the_model() -> None:
    assert bundle_dir(Settings(model="x/y", bundle="/srv/mine")) == Path("/srv/mine")

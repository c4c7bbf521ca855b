"""SERVER_MODELS: what it may say, and the one line that each mistake gets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from my_inference_app.errors import SettingError
from my_inference_app.settings import Settings
from my_inference_app.settings.server_models import Entry

TWO = '[{"model": "resnet-50", "replicas": 2}, {"model": "efficientnet-lite0", "name": "small"}]'


def test_models_are_read_in_their_order() -> None:
    assert Settings.from_env({"SERVER_MODELS": TWO}).entries == (
        Entry("resnet-50", replicas=2),
        Entry("efficientnet-lite0", "small"),
    )


def test_file_is_read_like_the_variable(tmp_path: Path) -> None:
    file = tmp_path / "models.json"
    file.write_text(TWO)
    assert (
        Settings.from_env({"SERVER_MODELS_FILE": str(file)}).entries
        == Settings.from_env({"SERVER_MODELS": TWO}).entries
    )


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ('{"1": 95, "2": 5}', (("1", 95.0), ("2", 5.0))),
        ('"2"', (("2", 1.0),)),
        ("3", (("3", 1.0),)),
        ("{}", ()),
    ],
)
def test_versions_are_pinned_or_weighted(given: str, read: tuple[tuple[str, float], ...]) -> None:
    settings = Settings.from_env({"SERVER_MODELS": f'[{{"model": "a", "versions": {given}}}]'})
    assert settings.entries[0].versions == read


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("resnet-50", "it is not JSON"),
        ('[{"model": "a"},]', "it is not JSON"),
        ("{}", "give a list of models like"),
        ("[]", "give a list of models like"),
        ("[" * 100_000, "it is not JSON"),
        ('["a"]', "entry 1 is not an object"),
        ('[{"model": "a"}, {"name": "b"}]', 'entry 2 has no "model"'),
        ('[{"model": ""}]', 'entry 1 has no "model"'),
        ('[{"model": 5}]', 'entry 1 has no "model"'),
        ('[{"modell": "a"}]', "'modell', which is none of model, name, replicas, versions"),
        ('[{"model": "a", "name": " "}]', '"name" of entry 1 is not a name'),
        ('[{"model": "a"}, {"model": "a"}]', "a is named twice"),
        ('[{"model": "a"}, {"model": "b", "name": "a"}]', "a is named twice"),
        ('[{"model": "a", "replicas": 0}]', '"replicas" of entry 1 must be a whole number from 1 to 64'),
        ('[{"model": "a", "replicas": true}]', '"replicas" of entry 1'),
        ('[{"model": "a", "replicas": 1.5}]', '"replicas" of entry 1'),
        ('[{"model": "a", "versions": [1]}]', '"versions" of entry 1'),
        ('[{"model": "a", "versions": {"1": -1}}]', '"versions" of entry 1'),
        ('[{"model": "a", "versions": {"1": 0}}]', '"versions" of entry 1'),
        ('[{"model": "a", "versions": {"1": "x"}}]', '"versions" of entry 1'),
    ],
)
def test_mistake_is_one_line_that_names_it(given: str, reason: str) -> None:
    with pytest.raises(SettingError) as caught:
        Settings.from_env({"SERVER_MODELS": given})
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("content", "reason"), [(b"\xff", "is not UTF-8 text"), (None, "cannot be read")])
def test_unreadable_file_is_named(tmp_path: Path, content: bytes | None, reason: str) -> None:
    file = tmp_path / "models.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingError, match=reason):
        Settings.from_env({"SERVER_MODELS_FILE": str(file)})


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("BUNDLE", "models/tiny", "BUNDLE is for one model"),
        ("MODEL_REVISION", "main", "MODEL_REVISION is for one model"),
        ("SERVER_MODELS_FILE", "", "SERVER_MODELS and SERVER_MODELS_FILE are both set"),
    ],
)
def test_settings_for_one_model_contradict_several(tmp_path: Path, name: str, value: str, reason: str) -> None:
    file = tmp_path / "models.json"
    file.write_text(json.dumps([{"model": "a"}]))
    with pytest.raises(SettingError, match=reason):
        Settings.from_env({"SERVER_MODELS": TWO, name: value or str(file)})

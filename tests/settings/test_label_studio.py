"""LABEL_STUDIO_URL and LABEL_STUDIO_TOKEN."""

from __future__ import annotations

import pytest

from my_inference_app.errors import SettingError
from my_inference_app.fetching.label_studio import LabelStudio
from my_inference_app.settings import Settings


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://label-studio:8080", "http://label-studio:8080"),
        ("https://labels.example.com/", "https://labels.example.com"),
        ("http://10.0.0.7/studio/", "http://10.0.0.7/studio"),
        ("http://[fd00::7]:8080", "http://[fd00::7]:8080"),
    ],
)
def test_usable_url_is_accepted_and_leads_to_its_images(given: str, url: str) -> None:
    settings = Settings.from_env({"LABEL_STUDIO_URL": given, "LABEL_STUDIO_TOKEN": "abc"})
    assert (settings.label_studio_url, settings.label_studio_token) == (url, "abc")
    assert LabelStudio(settings).address_of("/data/upload/1/a.jpg") == f"{url}/data/upload/1/a.jpg"


@pytest.mark.parametrize(
    "url",
    [
        "label-studio:8080",
        "ftp://x",
        "http://",
        "http://a b",
        "http://user:password@x",
        "http://x/?a=b",
        "http://x/#a",
        "http://x:0",
        "http://x:99999",
        "http://127.1",
        "http://300.0.0.1",
        "http://[::g]",
        "http://x\nHost: y",
    ],
)
def test_unusable_url_stops_the_start_with_one_line(url: str) -> None:
    with pytest.raises(SettingError, match=r"^LABEL_STUDIO_URL=") as caught:
        Settings.from_env({"LABEL_STUDIO_URL": url})
    assert "\n" not in str(caught.value)


def test_unusable_token_is_refused_and_not_shown() -> None:
    with pytest.raises(SettingError, match=r"^LABEL_STUDIO_TOKEN cannot be used") as caught:
        Settings.from_env({"LABEL_STUDIO_URL": "http://x", "LABEL_STUDIO_TOKEN": "se cret"})
    assert "cret" not in str(caught.value)
    assert "secret" not in repr(Settings(label_studio_url="http://x", label_studio_token="secret"))


def test_token_without_url_is_refused() -> None:
    with pytest.raises(SettingError, match="set both"):
        Settings(label_studio_token="abc")

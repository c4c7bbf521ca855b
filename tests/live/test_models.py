"""Several models behind gunicorn and nginx: `make run` makes what is missing, and takes new bundles without a loss."""

from __future__ import annotations

import json
import signal
from collections import Counter
from pathlib import Path

import pytest
import requests

from my_inference_app.bundles.bundle import Bundle
from tests.images import plain_image
from tests.live.breakages import copy
from tests.live.service import Service, Start, until
from tests.live.test_reload import load

SPANISH, FRENCH = ("rojo", "verde", "azul"), ("rouge", "vert", "bleu")
CAT = Path(__file__).parents[2] / "post_request" / "cat.jpg"


def models(*entries: dict[str, object]) -> str:
    return json.dumps(entries)


def ask(service: Service, address: str) -> tuple[str, str, str]:
    response = requests.post(f"{service.url}{address}", data=plain_image("green"), timeout=60)
    assert response.status_code == 200, response.text
    body = response.json()
    return body["model"], body["version"], body["predictions"][0]["label"]


def test_several_models_are_served_and_the_missing_one_is_made(start: Start, tiny: Bundle, tmp_path: Path) -> None:
    store = tmp_path / "store"
    copy(tiny, store / "colours" / "1", name="colours", labels=SPANISH)
    entries = models({"model": "efficientnet-lite0"}, {"model": "colours"})
    service = start(BUNDLE="", MODELS_DIR=store, SERVER_MODELS=entries, WORKERS=1)
    assert "Serving efficientnet-lite0 (" in service.log and "colours version 1 (" in service.log
    with CAT.open("rb") as image:
        answer = requests.post(f"{service.url}/predict", files={"image": image}, timeout=60).json()
    assert (answer["model"], answer["response"]["body"]) == ("efficientnet-lite0", '"tiger cat"')
    assert ask(service, "/predict/colours") == ("colours", "1", "verde")
    listed = requests.get(f"{service.url}/models", timeout=60).json()["models"]
    assert [model["name"] for model in listed] == ["efficientnet-lite0", "colours"]
    response = requests.post(f"{service.url}/predict/nothing", data=plain_image(), timeout=60)
    assert (response.status_code, response.json()["error"]["code"]) == (404, "model_not_found")


@pytest.mark.parametrize("poll", [0, 0.2])
def test_new_version_is_taken_over_without_a_loss(start: Start, tiny: Bundle, tmp_path: Path, poll: float) -> None:
    store = tmp_path / "store"
    copy(tiny, store / "colours" / "1", name="colours", labels=SPANISH)
    service = start(BUNDLE="", MODELS_DIR=store, SERVER_MODELS=models({"model": "colours"}), WORKERS=1, STORE_POLL=poll)
    with load(service) as seen:
        until(lambda: sum(seen.values()) > 20)
        copy(tiny, store / "colours" / "2", name="colours", labels=FRENCH)
        if not poll:
            service.process.send_signal(signal.SIGHUP)
        until(lambda: any(label == "vert" for _, _, label in seen))
        before = Counter(seen)
        until(lambda: sum((seen - before).values()) > 20)
    assert {status for status, _, _ in seen} == {200}
    assert ask(service, "/predict") == ("colours", "2", "vert")


def test_watched_store_leaves_a_broken_bundle_alone(start: Start, tiny: Bundle, tmp_path: Path) -> None:
    store = tmp_path / "store"
    made = copy(tiny, store / "colours" / "1", name="colours", labels=SPANISH)
    service = start(BUNDLE="", MODELS_DIR=store, SERVER_MODELS=models({"model": "colours"}), WORKERS=1, STORE_POLL=0.2)
    broken = store / "colours" / "2"
    copy(tiny, store / "draft", name="colours", labels=FRENCH)
    (store / "draft" / "model.bin").write_bytes(b"")
    (store / "draft").rename(broken)
    service.wait_for("a bundle has changed and is not loaded, the workers go on with what they have")
    assert ask(service, "/predict") == ("colours", "1", "verde")
    assert made.path.is_dir()

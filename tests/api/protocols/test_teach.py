"""Teaching over HTTP: photos, their limits and their errors. tests/live/test_teach.py makes models of them."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from my_inference_app.bundles.bundle import Bundle
from my_inference_app.settings import Settings
from my_inference_app.teaching.album import Album
from tests.conftest import FakeClassifier, assert_error, client_of, form
from tests.images import SAMPLES, plain_image

RED, GREEN, BLUE = (plain_image(colour) for colour in ("red", "green", "blue"))
CAT = next(path for path in SAMPLES if path.name == "cat.jpg").read_bytes()

Teaching = Callable[..., FlaskClient]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def teaching(fake: FakeClassifier, colours: Bundle, tmp_path: Path, store: Path) -> Teaching:
    def make(**settings: Any) -> FlaskClient:
        given = {"models_dir": tmp_path / "models", "bundle": str(colours.path), "teach": True, "teach_store": store}
        return client_of(fake, **{**given, **settings})

    return make


def classes(client: FlaskClient, name: str = "pets") -> Any:
    return client.get(f"/teach/{name}").get_json()["classes"]


def test_photos_are_kept_below_their_class_under_their_hash(teaching: Teaching, store: Path) -> None:
    client = teaching()
    sent = form(("image", "one.png", RED), ("image", "two.png", GREEN))
    body = client.put("/teach/pets/tabby cat", **sent).get_json()
    assert (body["added"], body["classes"]) == (2, {"tabby cat": 2})
    for result, data in zip(body["results"], (RED, GREEN), strict=True):
        file = store / "pets" / "tabby cat" / f"{result['photo']}.png"
        assert file.read_bytes() == data
        assert file.stat().st_mode & 0o077 == 0
    assert client.put("/teach/pets/dog", data=CAT).get_json()["classes"] == {"dog": 1, "tabby cat": 2}
    assert [path.suffix for path in (store / "pets" / "dog").iterdir()] == [".jpg"]
    assert client.get("/teach/pets").get_json()["state"] == "collecting"


def test_same_photo_counts_once_and_belongs_to_one_class(teaching: Teaching) -> None:
    client = teaching()
    assert client.put("/teach/pets/cat", data=RED).get_json()["added"] == 1
    assert client.put("/teach/pets/cat", data=RED).get_json()["added"] == 0
    assert "'cat'" in assert_error(client.put("/teach/pets/dog", data=RED), 409, "conflict")
    assert classes(client) == {"cat": 1}
    assert client.put("/teach/birds/dog", data=RED).status_code == 200, "another model has photos of its own"


@pytest.mark.parametrize(
    "name", ["../etc", "..", ".", "Cats", "a/b", "a..b", "-a", "a-", ".teaching", "a b", "ä", "x" * 65, "a\n", "a%00b"]
)
def test_bad_name_of_a_model_is_refused(teaching: Teaching, store: Path, name: str) -> None:
    response = teaching().put(f"/teach/{quote(name, safe='')}/cat", data=RED)
    assert response.status_code in (400, 404, 405), response.text
    assert not store.exists() or not list(store.rglob("*.png"))


@pytest.mark.parametrize(
    "label",
    ["..", ".hidden", "a/b", "a\\b", "a:b", "a\nb", "a\x00b", " a", "a ", "a.", "x" * 65, "\u202ea", "\ud800"],
)
def test_bad_name_of_a_class_is_refused(teaching: Teaching, store: Path, label: str) -> None:
    response = teaching().put(f"/teach/pets/{quote(label, safe='', errors='surrogatepass')}", data=RED)
    assert response.status_code in (400, 404, 405), response.text
    assert not list(store.parent.rglob("*.png"))


@pytest.mark.parametrize("label", ["Katze", "chat d'Orient", "猫", "कुत्ता", "tabby, tabby cat", "3", "a" * 64])
def test_name_of_a_class_may_be_of_any_language(teaching: Teaching, label: str) -> None:
    client = teaching()
    assert client.put(f"/teach/pets/{quote(label)}", data=RED).status_code == 200
    assert classes(client) == {label: 1}


def test_two_spellings_of_one_class_are_refused(teaching: Teaching) -> None:
    client = teaching()
    client.put("/teach/pets/Cat", data=RED)
    assert "'Cat'" in assert_error(client.put("/teach/pets/cat", data=GREEN), 409, "conflict")
    client.put(f"/teach/pets/{quote('chatö')}", data=GREEN)
    assert client.put(f"/teach/pets/{quote('chatö')}", data=BLUE).get_json()["classes"]["chatö"] == 2


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 400, "no_image"),
        (b"<svg/>", 415, "unsupported_format"),
        (CAT[: len(CAT) // 2], 422, "image_undecodable"),
        (plain_image("red", size=(101, 100)), 422, "image_too_large"),
    ],
)
def test_photo_gets_the_errors_of_predict(teaching: Teaching, data: bytes, status: int, code: str) -> None:
    client = teaching(max_pixels=10_000)
    if code == "image_undecodable":
        client = teaching()
    assert_error(client.put("/teach/pets/cat", data=data), status, code)
    assert_error(client.get("/teach/pets"), 404, "model_not_found")


def test_bad_photo_among_good_ones_has_an_error_of_its_own(teaching: Teaching) -> None:
    body = teaching().put("/teach/pets/cat", **form(("image", "good", RED), ("image", "bad", b"?"))).get_json()
    assert (body["added"], [result["success"] for result in body["results"]]) == (1, [True, False])
    assert body["results"][1]["error"]["code"] == "unsupported_format"


def test_bad_photos_alone_leave_nothing_behind(teaching: Teaching) -> None:
    client = teaching()
    body = client.put("/teach/pets/cat", **form(("image", "a", b"?"), ("image", "b", b"!"))).get_json()
    assert (body["added"], body["classes"]) == (0, {})
    assert client.get("/teach").get_json()["models"] == []


@pytest.mark.parametrize(
    ("settings", "status", "code", "named"),
    [
        ({"teach_photos": 4}, 409, "conflict", "TEACH_PHOTOS"),
        ({"teach_classes": 2}, 409, "conflict", "TEACH_CLASSES"),
        ({"teach_mb": 1}, 507, "storage_full", "TEACH_MB"),
    ],
)
def test_limit_is_named_in_the_refusal(
    teaching: Teaching, settings: dict[str, int], status: int, code: str, named: str
) -> None:
    client = teaching(**settings)
    for label, data in [("a", RED), ("a", GREEN), ("b", BLUE), ("b", CAT)]:
        assert client.put(f"/teach/pets/{label}", data=data).status_code == 200
    refused = client.put("/teach/pets/c", data=plain_image("red", format="BMP") + bytes(1 << 20))
    assert named in assert_error(refused, status, code)
    assert classes(client) == {"a": 2, "b": 2}


def test_name_of_a_model_that_was_not_taught_is_refused(teaching: Teaching, colours: Bundle, tmp_path: Path) -> None:
    client = teaching()
    assert_error(client.put("/teach/colours/cat", data=RED), 409, "conflict")
    shutil.copytree(colours.path, tmp_path / "models" / "mine")
    assert_error(client.put("/teach/mine/cat", data=RED), 409, "conflict")
    assert_error(client.post("/teach/mine"), 409, "conflict")
    assert_error(client.delete("/teach/mine"), 404, "model_not_found")
    assert (tmp_path / "models" / "mine" / "bundle.json").exists()


def test_too_few_photos_are_refused_with_the_reason(teaching: Teaching) -> None:
    client = teaching()
    assert_error(client.post("/teach/pets"), 404, "model_not_found")
    client.put("/teach/pets/cat", **form(("image", "a", RED), ("image", "b", GREEN)))
    assert "'cat'" in assert_error(client.post("/teach/pets"), 409, "conflict")
    client.put("/teach/pets/dog", data=BLUE)
    assert "'dog'" in assert_error(client.post("/teach/pets?estimate=1"), 409, "conflict")


def test_one_order_is_taken_at_a_time(teaching: Teaching, store: Path) -> None:
    client = teaching()
    for name in ("pets", "birds"):
        for label, colours in (("a", (RED, GREEN)), ("b", (BLUE, CAT))):
            client.put(f"/teach/{name}/{label}", **form(*(("image", "x", data) for data in colours)))
    taken = client.post("/teach/pets")
    assert (taken.status_code, taken.get_json()["state"]) == (202, "waiting")
    assert_error(client.post("/teach/pets?estimate=1"), 409, "conflict")
    assert_error(client.post("/teach/birds"), 503, "teaching_busy")
    copied = {path.relative_to(store / ".teaching" / "photos") for path in store.glob(".teaching/photos/*/*")}
    assert copied == {path.relative_to(store / "pets") for path in store.glob("pets/*/*")}


@pytest.mark.parametrize("query", ["estimate=2", "estimate=", "model=nothing"])
def test_bad_parameter_is_refused(teaching: Teaching, query: str) -> None:
    client = teaching()
    assert client.post(f"/teach/pets?{query}").status_code in (400, 404)


def test_photos_and_classes_are_deleted(teaching: Teaching, store: Path) -> None:
    client = teaching()
    (result,) = client.put("/teach/pets/cat", data=RED).get_json()["results"]
    client.put("/teach/pets/cat", data=GREEN)
    client.put("/teach/pets/dog", data=BLUE)
    address = f"/teach/pets/cat/{result['photo']}"
    assert client.delete(address).get_json()["classes"] == {"cat": 1, "dog": 1}
    assert_error(client.delete(address), 404, "model_not_found")
    assert client.delete("/teach/pets/dog").get_json()["classes"] == {"cat": 1}
    assert client.delete("/teach/pets").get_json()["deleted"]
    assert_error(client.get("/teach/pets"), 404, "model_not_found")
    assert [path.name for path in store.iterdir()] == [".teaching"]


def test_list_names_all_that_are_taught(teaching: Teaching) -> None:
    client = teaching()
    client.put("/teach/pets/cat", data=RED)
    client.put("/teach/birds/owl", data=RED)
    assert [model["name"] for model in client.get("/teach").get_json()["models"]] == ["birds", "pets"]


def test_photos_are_forgotten_after_a_time(teaching: Teaching, store: Path) -> None:
    client = teaching()
    client.put("/teach/pets/cat", data=RED)
    album = Album(Settings(teach=True, teach_store=store))
    album.forget_unchanged(60)
    assert classes(client) == {"cat": 1}
    album.forget_unchanged(-1)
    assert_error(client.get("/teach/pets"), 404, "model_not_found")


def test_lock_ends_though_a_process_that_was_forked_meanwhile_lives(tmp_path: Path) -> None:
    album = Album(Settings(teach=True, teach_store=tmp_path))
    with album.locked():
        child = os.fork()
        if not child:
            signal.pause()
    try:
        with (album.own / "lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_nothing_is_there_unless_teaching_is_on(client: FlaskClient) -> None:
    for method, path in (("PUT", "/teach/pets/cat"), ("GET", "/teach"), ("POST", "/label-studio/webhook")):
        assert client.open(path, method=method, data=RED).status_code == 404

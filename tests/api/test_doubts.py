"""`set`, `certain` and `familiar` in answers of calibrated models, and of no others."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from benchmarks.unfamiliar import files, noise
from my_inference_app.bundles.bundle import Bundle
from my_inference_app.server import create_app
from my_inference_app.settings import Settings
from tests.calibrate.labelled import tinted_photos
from tests.conftest import assert_error
from tests.images import SAMPLES, plain_image

ADDED = {"set", "certain", "familiar"}


@pytest.fixture(scope="module")
def doubting(calibrated: Bundle) -> FlaskClient:
    return create_app(Settings(bundle=str(calibrated.path), cache_mb=1)).test_client()


@pytest.fixture(scope="module")
def sure(colours: Bundle) -> FlaskClient:
    return create_app(Settings(bundle=str(colours.path))).test_client()


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Not those that the model was calibrated with."""
    folder: Path = tinted_photos(tmp_path_factory.mktemp("photos"), 30, seed=1)
    return [path.read_bytes() for path in sorted(folder.rglob("*.png"))]


def test_answer_of_calibrated_model_says_what_to_consider(doubting: FlaskClient, photos: list[bytes]) -> None:
    answers = [doubting.post("/predict", data=photo).get_json() for photo in photos]
    for answer in answers:
        ranked = [prediction["label"] for prediction in answer["predictions"]]
        assert answer["set"] == ranked[: len(answer["set"])]
        assert answer["certain"] == (len(answer["set"]) == 1 and answer["familiar"] >= 0.05)
        assert 0 < answer["familiar"] <= 1
    assert {answer["certain"] for answer in answers} == {True, False}
    assert sum(answer["familiar"] < 0.05 for answer in answers) <= 4


def test_answer_to_noise_is_unfamiliar_and_never_certain(doubting: FlaskClient) -> None:
    for image in files(noise, 5, [SAMPLES[0].read_bytes()]):
        answer = doubting.post("/predict", data=image).get_json()
        assert answer["familiar"] < 0.05 and not answer["certain"]


def test_answer_of_other_models_is_as_ever(sure: FlaskClient, photos: list[bytes]) -> None:
    assert not ADDED & sure.post("/predict", data=photos[0]).get_json().keys()


def test_calibration_changes_scores_and_not_their_order(
    doubting: FlaskClient, sure: FlaskClient, photos: list[bytes]
) -> None:
    for photo in photos[:10]:
        before, after = (client.post("/predict", data=photo).get_json() for client in (sure, doubting))
        assert after["response"] == before["response"]
        assert [item["label"] for item in after["predictions"]] == [item["label"] for item in before["predictions"]]
        assert after["predictions"][0]["score"] != before["predictions"][0]["score"]


def test_higher_coverage_considers_more(doubting: FlaskClient, photos: list[bytes]) -> None:
    few, many = (
        [doubting.post(f"/predict?coverage={coverage}", data=photo).get_json()["set"] for photo in photos]
        for coverage in (0.5, 0.98)
    )
    assert all(set(less) <= set(more) for less, more in zip(few, many, strict=True))
    assert sum(map(len, few)) < sum(map(len, many))


def test_answer_from_the_cache_is_the_same(doubting: FlaskClient) -> None:
    image = plain_image("red", (50, 40))
    first, second, other = (doubting.post(f"/predict{query}", data=image) for query in ("", "", "?coverage=0.98"))
    assert (first.headers["Cache"], second.headers["Cache"], other.headers["Cache"]) == ("miss", "hit", "hit")
    assert {key: first.get_json()[key] for key in ADDED} == {key: second.get_json()[key] for key in ADDED}


def test_each_of_several_images_has_its_own(doubting: FlaskClient, photos: list[bytes]) -> None:
    sent = {"image": [(BytesIO(data), name) for data, name in ((photos[0], "a"), (b"text", "b"))]}
    good, bad = doubting.post("/predict", data=sent).get_json()["results"]
    assert good.keys() >= ADDED and not ADDED & bad.keys()


@pytest.mark.parametrize("text", ["0", "1", "-0.1", "90", "nan", "inf", "high", "0.9,0.8"])
def test_coverage_that_is_no_share_returns_400(doubting: FlaskClient, text: str) -> None:
    refused = doubting.post(f"/predict?coverage={text}", data=plain_image())
    assert assert_error(refused, 400, "bad_request").startswith("coverage must be a number above 0 and below 1")


def test_coverage_beyond_the_photos_returns_400_with_the_number_needed(doubting: FlaskClient) -> None:
    refused = doubting.post("/predict?coverage=0.999", data=plain_image())
    assert "60 photos, and 999 are needed" in assert_error(refused, 400, "bad_request")


def test_coverage_without_calibration_returns_501(sure: FlaskClient) -> None:
    refused = sure.post("/predict?coverage=0.95", data=plain_image())
    assert "colours is not calibrated" in assert_error(refused, 501, "not_calibrated")


def test_list_of_models_says_which_are_calibrated(doubting: FlaskClient) -> None:
    version = doubting.get("/models").get_json()["models"][0]["versions"][0]
    assert version["calibration"]["photos"] == 60 and version["calibration"]["coverage"] == 0.9


def test_other_protocols_keep_their_shapes(doubting: FlaskClient, sure: FlaskClient) -> None:
    sent = {"instances": [{"b64": b64encode(plain_image()).decode()}]}
    (new,), (old,) = (
        client.post("/v1/models/colours:predict", json=sent).get_json()["predictions"] for client in (doubting, sure)
    )
    assert (
        new.keys() == old.keys()
        if isinstance(old, dict)
        else [item.keys() for item in new] == [item.keys() for item in old]
    )

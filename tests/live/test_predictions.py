"""Labels of real pictures, through nginx, gunicorn and Flask."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

from my_inference_app.export.imagenet import WORDNET_IDS
from tests.live.service import REPOSITORY, Service, until

SAMPLES = REPOSITORY / "post_request"
PHOTOS = sorted((REPOSITORY.parent / "shared" / "data" / "photos").glob("*.jpg"))
LABELS = {"cat.jpg": {281, 282, 285}, "coffee.jpg": {504, 967, 968}}


def predict(url: str, picture: Path, **options: Any) -> dict[str, Any]:
    response = requests.post(f"{url}/predict", files={"image": picture.read_bytes()}, timeout=60, **options)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


@pytest.mark.parametrize("name", LABELS)
def test_image_gets_its_label(service: Service, name: str) -> None:
    answer = predict(service.url, SAMPLES / name)
    best = answer["predictions"][0]
    assert best["class_id"] in LABELS[name]
    assert answer["response"] == {"statusCode": 200, "body": json.dumps(best["label"])}
    assert answer["model"] == "efficientnet-lite0"


def test_all_forms_of_request_get_the_same_predictions(service: Service) -> None:
    data = (SAMPLES / "cat.jpg").read_bytes()
    url = f"{service.url}/predict?top_k=3"
    sent: list[dict[str, Any]] = [
        {"files": {"image": data}},
        {"files": {"file": data}},
        {"data": data},
        {"data": data, "headers": {"Content-Type": "image/jpeg"}},
        {"json": {"image": base64.b64encode(data).decode()}},
    ]
    answers = [requests.post(url, timeout=60, **form).json() for form in sent]
    assert [len(answer["predictions"]) for answer in answers] == [3] * len(sent)
    labels = [[item["label"] for item in answer["predictions"]] for answer in answers]
    assert labels == [labels[0]] * len(sent)


@pytest.mark.parametrize(
    "form", [["-F", "image=@cat.jpg"], ["--data-binary", "@cat.jpg"], ["-T", "cat.jpg", "-X", "POST"]]
)
def test_curl(service: Service, form: list[str]) -> None:
    command = ["curl", "-s", "-S", *form, f"{service.url}/predict"]
    answer = json.loads(subprocess.check_output(command, cwd=SAMPLES, timeout=60))
    assert answer["predictions"][0]["class_id"] in LABELS["cat.jpg"]


def post_request(service: Service, *arguments: str | Path) -> list[str]:
    command = [sys.executable, "post_request/post_request.py", "--url", f"{service.url}/predict", *map(str, arguments)]
    return subprocess.check_output(command, cwd=REPOSITORY, text=True, timeout=60).splitlines()


def test_post_request_prints_the_two_lines(service: Service) -> None:
    lines = post_request(service, "post_request/cat.jpg")
    assert lines[0] == "Checking results for ./post_request/cat.jpg"
    assert "'response': {'body': '\"" in lines[1]
    assert lines[1].endswith("'statusCode': 200}, 'success': True, 'version': '1'}")


def test_post_request_prints_bars_and_writes_maps(service: Service, tmp_path: Path) -> None:
    lines = post_request(service, "post_request/cat.jpg", "--pretty", "--top-k", "3", "--explain", tmp_path)
    assert lines[0] == "./post_request/cat.jpg  (efficientnet-lite0)"
    assert [label in lines[rank] for rank, label in enumerate(("%", "%", "%", "map"), 1)] == [True] * 4
    (written,) = tmp_path.glob("cat.jpg.*.png")
    assert lines[4] == f"     map  {written}"
    with Image.open(written) as overlay:
        assert overlay.format == "PNG"
        assert len(set(overlay.convert("RGBA").getchannel("A").tobytes())) > 1  # hot in places
    assert written.name in (tmp_path / "explanations.html").read_text("utf-8")


def test_several_images_get_their_results_in_order(service: Service) -> None:
    names = ["cat.jpg", "coffee.jpg"]
    files = [("image", (name, (SAMPLES / name).read_bytes())) for name in names] + [
        ("image", ("x.txt", b"no picture" * 9))
    ]
    answer = requests.post(f"{service.url}/predict", files=files, timeout=60).json()
    results = answer["results"]
    assert [result["filename"] for result in results] == [*names, "x.txt"]
    assert [result["success"] for result in results] == [True, True, False]
    assert all(
        result["predictions"][0]["class_id"] in LABELS[name] for result, name in zip(results, names, strict=False)
    )
    assert results[2]["error"]["code"] == "unsupported_format"


def test_concurrent_requests_each_get_their_own_answer(service: Service) -> None:
    names = ["cat.jpg", "coffee.jpg"] * 32
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda name: predict(service.url, SAMPLES / name), names))
    assert all(
        answer["predictions"][0]["class_id"] in LABELS[name] for answer, name in zip(answers, names, strict=True)
    )
    assert len({answer["request_id"] for answer in answers}) == len(names)


@pytest.mark.skipif(not PHOTOS, reason="the labelled photos are development data, not part of the project")
def test_accuracy_on_labelled_photos(service: Service) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda photo: predict(service.url, photo), PHOTOS))
    right = sum(
        WORDNET_IDS[answer["predictions"][0]["class_id"]] == photo.stem.partition("_")[2]
        for answer, photo in zip(answers, PHOTOS, strict=True)
    )
    assert right / len(PHOTOS) >= 0.88


def test_timings_and_request_id_in_the_headers(service: Service) -> None:
    data = (SAMPLES / "cat.jpg").read_bytes()
    response = requests.post(f"{service.url}/predict", data=data, headers={"X-Request-ID": "my-own.id_1"}, timeout=60)
    assert [part.split(";")[0] for part in response.headers["Server-Timing"].split(", ")] == [
        "decode",
        "queue",
        "infer",
    ]
    assert response.headers["X-Request-ID"] == response.json()["request_id"] == "my-own.id_1"
    until(lambda: len(service.lines_of("my-own.id_1")) == 2)
    assert {line["logger"] for line in service.lines_of("my-own.id_1")} == {"access", "nginx"}

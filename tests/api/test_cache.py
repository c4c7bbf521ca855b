"""The cache of results as clients see it."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.conftest import FakeClassifier, client_of, form
from tests.images import plain_image
from tests.remote import Remote, allowing, http

KEYS = {"api_keys": (b"one", b"two")}


@pytest.fixture
def cached(fake: FakeClassifier) -> FlaskClient:
    return client_of(fake, cache_mb=1)


def test_second_answer_is_a_hit_with_its_age(cached: FlaskClient) -> None:
    first, second = (cached.post("/predict", data=b"a") for _ in range(2))
    assert (first.headers["Cache"], "Age" in first.headers) == ("miss", False)
    assert (second.headers["Cache"], second.headers["Age"]) == ("hit", "0")
    assert second.get_json()["predictions"] == first.get_json()["predictions"]


def test_top_k_is_applied_to_what_is_cached(cached: FlaskClient) -> None:
    cached.post("/predict?top_k=1", data=b"a")
    answer = cached.post("/predict?top_k=3", data=b"a")
    assert (answer.headers["Cache"], len(answer.get_json()["predictions"])) == ("hit", 3)


def test_several_images_are_a_hit_only_if_all_are_cached(cached: FlaskClient, fake: FakeClassifier) -> None:
    cached.post("/predict", data=b"a")
    both = form(("image", "a.jpg", b"a"), ("image", "b.jpg", b"b"))
    assert cached.post("/predict", **both).headers["Cache"] == "miss"
    assert fake.images == [b"b"]
    assert cached.post("/predict", **both).headers["Cache"] == "hit"


def test_page_and_protocols_share_the_cache(cached: FlaskClient, fake: FakeClassifier) -> None:
    cached.post("/predict", data=b"a")
    fake.images = []
    page = cached.post("/", headers={"Accept": "text/html"}, **form(("image", "a.jpg", b"a")))
    assert page.status_code == 200 and "label 1" in page.text
    vertex = cached.post("/vertex/predict", json={"instances": [{"b64": "YQ=="}]})
    assert vertex.get_json()["predictions"][0]["predictions"][0]["label"] == "label 1"
    assert fake.images == []


def test_image_of_a_url_is_cached_by_its_bytes(fake: FakeClassifier, remote: Remote) -> None:
    client = client_of(fake, **allowing(remote, cache_mb=1))
    client.post("/predict", data=plain_image())
    found = [client.post("/predict", json={"url": f"{remote.url}/cat"}).headers["Cache"]]
    remote.answers["/cat"] = http(plain_image("blue"))
    found.append(client.post("/predict", json={"url": f"{remote.url}/cat"}).headers["Cache"])
    assert found == ["hit", "miss"]


def test_cache_is_off_by_default(client: FlaskClient, fake: FakeClassifier) -> None:
    for _ in range(2):
        fake.images = []
        answer = client.post("/predict", data=b"a")
        assert "Cache" not in answer.headers and fake.images == [b"a"]


def test_api_keys_do_not_share_results(fake: FakeClassifier) -> None:
    client = client_of(fake, cache_mb=1, **KEYS)
    found = [
        client.post("/predict", data=b"a", headers=headers).headers["Cache"]
        for headers in (
            {"X-API-Key": "one"},
            {"X-API-Key": "two"},
            {"Authorization": "Bearer one"},
            {"Authorization": "Bearer two"},
        )
    ]
    assert found == ["miss", "miss", "hit", "hit"]


def test_refused_key_gets_nothing_from_the_cache(fake: FakeClassifier) -> None:
    client = client_of(fake, cache_mb=1, **KEYS)
    client.post("/predict", data=b"a", headers={"X-API-Key": "one"})
    assert client.post("/predict", data=b"a", headers={"X-API-Key": "none"}).status_code == 401
    assert client.post("/predict", data=b"a").status_code == 401

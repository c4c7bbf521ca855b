"""The page to teach on: from photos to a model that is served, with a mouse, a keyboard or a screen reader."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from my_inference_app.bundles.bundle import Bundle
from tests.browser.conftest import Visiting
from tests.browser.test_access import press, violations
from tests.browser.visit import Visit
from tests.conftest import FakeClassifier
from tests.live.service import REPOSITORY, Service, running, until

SAMPLES = {"cat": "cat.jpg", "coffee": "coffee.jpg"}
SIDE = 260


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """Parts of the sample images, each one another photo."""
    folder, found = tmp_path_factory.mktemp("photos"), dict[str, list[Path]]()
    for label, file in SAMPLES.items():
        with Image.open(REPOSITORY / "post_request" / file) as image:
            for number in range(4):
                left, top = number * (image.width - SIDE) // 4, number * (image.height - SIDE) // 8
                path = folder / f"{label}-{number}.jpg"
                image.convert("RGB").crop((left, top, left + SIDE, top + SIDE)).save(path)
                found.setdefault(label, []).append(path)
    return found


@pytest.fixture(scope="module")
def teaching(tmp_path_factory: pytest.TempPathFactory, efficientnet: Path) -> Iterator[Service]:
    log, models = tmp_path_factory.mktemp("teach") / "service.log", tmp_path_factory.mktemp("models")
    with running(log, BUNDLE=efficientnet, MODELS_DIR=models, TEACH=1, WORKERS=1) as started:
        yield started


@pytest.fixture
def visit(scripted: webdriver.Chrome, teaching: Service) -> Visit:
    return Visit(scripted, f"{teaching.url}/teach")


def groups(visit: Visit) -> list[WebElement]:
    return visit.all(".class")


def fill(visit: Visit, photos: dict[str, list[Path]]) -> None:
    for group, (label, files) in zip(groups(visit), photos.items(), strict=True):
        group.find_element(By.CSS_SELECTOR, ".label").send_keys(label, Keys.TAB)
        group.find_element(By.CSS_SELECTOR, "input[type=file]").send_keys("\n".join(map(str, files)))


def test_photos_become_a_model_that_is_served_and_tried(visit: Visit, photos: dict[str, list[Path]]) -> None:
    visit.one("#name").send_keys("drinks", Keys.TAB)
    fill(visit, photos)
    until(lambda: "It would be right" in visit.text("#verdict"), 120)
    assert [group.find_element(By.CSS_SELECTOR, ".count").text for group in groups(visit)] == ["4 photos"] * 2
    assert "between" in visit.text("#interval")
    assert [element.text for element in visit.all("#by-class .guess")] == list(photos)
    visit.prefer(motion="reduce")
    assert violations(visit) == []
    visit.one("#teach").click()
    until(lambda: "drinks is served now, as version 1" in visit.text("#progress-text"), 120)
    visit.one("#image").send_keys(str(REPOSITORY / "post_request" / "coffee.jpg"))
    until(lambda: visit.text("#wait").startswith("coffee, "))
    assert "/predict/drinks" in visit.text("#snippet")
    assert violations(visit) == []
    visit.width(320)
    assert visit.browser.execute_script("return document.documentElement.scrollWidth") <= 320
    visit.prefer(colour="dark")
    assert violations(visit) == []
    assert visit.messages() == []


def test_photos_are_dropped_into_a_class_and_taken_out(visit: Visit, photos: dict[str, list[Path]]) -> None:
    visit.one("#name").send_keys("dropped", Keys.TAB)
    groups(visit)[0].find_element(By.CSS_SELECTOR, ".label").send_keys("cat", Keys.TAB)
    visit.width(900, 900)
    place = groups(visit)[0].rect
    items: Any = {"items": [], "files": list(map(str, photos["cat"][:2])), "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        visit.command("Input.dispatchDragEvent", type=kind, x=place["x"] + 40, y=place["y"] + 80, data=items)
    until(lambda: len(visit.all(".photo[data-state=sent]")) == 2)
    visit.one(".photo button").click()
    until(lambda: visit.text(".count") == "1 photo")
    assert visit.browser.switch_to.active_element.tag_name == "input"


def test_keyboard_reaches_everything(visit: Visit, photos: dict[str, list[Path]]) -> None:
    visit.one("#name").send_keys("keys")
    fill(visit, photos)
    visit.one("#name").click()
    seen = []
    while (element := press(visit, Keys.TAB)).tag_name not in ("body", "html"):
        seen.append(element.get_dom_attribute("aria-label") or element.get_dom_attribute("id") or "")
        target = element if element.size["width"] > 1 else visit.one(f"label[for={element.get_dom_attribute('id')}]")
        assert target.value_of_css_property("outline-style") == "solid", element.get_property("outerHTML")
    assert {"Remove cat", "Photos of cat", "Remove cat-0.jpg", "more"} <= set(seen)


def test_page_says_what_is_wrong(visiting: Visiting, fake: FakeClassifier, colours: Bundle, tmp_path: Path) -> None:
    """Without the right key, and with a file that is not a photo."""
    settings = {"teach": True, "teach_keys": (b"teaches",), "teach_store": tmp_path / "s", "models_dir": tmp_path}
    visit = visiting(fake, **settings, bundle=str(colours.path))
    visit.browser.get(f"{visit.url}/teach")
    visit.one("#api_key").send_keys("wrong", Keys.TAB)
    visit.one("#name").send_keys("pets", Keys.TAB)
    until(lambda: "TEACH_KEYS" in visit.text("#message"))
    assert violations(visit) == []
    visit.one("#api_key").clear()
    visit.one("#api_key").send_keys("teaches", Keys.TAB)
    group, text = groups(visit)[0], tmp_path / "notes.txt"
    text.write_text("not a photo")
    image = io.BytesIO()
    Image.new("RGB", (60, 44), "red").save(image, "PNG")
    (tmp_path / "red.png").write_bytes(image.getvalue())
    group.find_element(By.CSS_SELECTOR, ".label").send_keys("cat", Keys.TAB)
    group.find_element(By.CSS_SELECTOR, "input[type=file]").send_keys(f"{text}\n{tmp_path / 'red.png'}")
    until(lambda: visit.text("#message").startswith("notes.txt: This is not an image"))
    until(lambda: len(visit.all(".photo[data-state=sent]")) == 1)
    assert visit.text(".count") == "1 photo"

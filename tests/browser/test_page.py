"""The page, as a person uses it: in a real Chromium, with and without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.browser.chromium import chromium
from tests.live.service import REPOSITORY, Service, running

PICTURES = REPOSITORY / "post_request"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, efficientnet: Path) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("browser") / "service.log", BUNDLE=efficientnet) as started:
        yield started


@pytest.fixture(params=["with JavaScript", "without JavaScript"])
def browser(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[webdriver.Chrome]:
    with chromium(tmp_path, javascript=request.param == "with JavaScript") as driver:
        yield driver


def upload(browser: webdriver.Chrome, url: str, picture: Path) -> None:
    browser.get(url)
    browser.find_element(By.NAME, "image").send_keys(str(picture))
    browser.find_element(By.TAG_NAME, "button").click()


def text(element: webdriver.Chrome | WebElement, selector: str) -> str:
    found: str = element.find_element(By.CSS_SELECTOR, selector).text
    return found


def test_a_picture_is_uploaded_and_its_top_five_shown(browser: webdriver.Chrome, service: Service) -> None:
    upload(browser, service.url, PICTURES / "cat.jpg")
    assert "cat" in text(browser, "h2")
    rows = browser.find_elements(By.CSS_SELECTOR, "ol li")
    assert len(rows) == 5
    assert text(rows[0], ".label") == text(browser, "h2")
    scores = [float(text(row, ".score").removesuffix(" %")) for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) <= 100.5
    assert text(browser, ".file") == "cat.jpg"
    assert "efficientnet-lite0" in text(browser, "footer")


def test_the_page_is_styled_and_silent(browser: webdriver.Chrome, service: Service) -> None:
    browser.get(service.url)
    button = browser.find_element(By.TAG_NAME, "button")
    assert button.value_of_css_property("background-color") == "rgba(11, 107, 203, 1)"
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]


def test_what_is_no_picture_is_explained_on_the_page(
    browser: webdriver.Chrome, service: Service, tmp_path: Path
) -> None:
    file = tmp_path / "<b>notes.txt"
    file.write_text("these are some notes, not a picture")
    upload(browser, service.url, file)
    assert text(browser, ".error") == "this is not an image in a supported format: send JPEG, PNG, WebP, GIF or BMP"
    assert browser.find_elements(By.NAME, "image"), "the form is there for another try"

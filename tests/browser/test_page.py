"""The page in a real Chromium, with and without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.wait import WebDriverWait

from tests.browser.chromium import chromium
from tests.live.service import REPOSITORY, Service, running

SAMPLES = REPOSITORY / "post_request"
NARROWEST = 320


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, efficientnet: Path) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("browser") / "service.log", BUNDLE=efficientnet) as started:
        yield started


@pytest.fixture(scope="module", params=["with JavaScript", "without JavaScript"])
def browser(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with chromium(tmp_path_factory.mktemp("profile"), javascript=request.param == "with JavaScript") as driver:
        yield driver


def upload(browser: webdriver.Chrome, url: str, file: Path, key: str = "") -> None:
    browser.get(url)
    if key:
        browser.find_element(By.NAME, "api_key").send_keys(key)
    browser.find_element(By.NAME, "image").send_keys(str(file))
    button = browser.find_element(By.TAG_NAME, "button")
    button.click()
    # A click returns before the next page is there. While one replaces the other, Chromium may know neither.
    WebDriverWait(browser, 30, ignored_exceptions=[WebDriverException]).until(staleness_of(button))


def text(element: webdriver.Chrome | WebElement, selector: str) -> str:
    found: str = element.find_element(By.CSS_SELECTOR, selector).text
    return found


def test_upload_shows_the_image_and_its_top_five(browser: webdriver.Chrome, service: Service) -> None:
    upload(browser, service.url, SAMPLES / "cat.jpg")
    assert "cat" in text(browser, "h2")
    rows = browser.find_elements(By.CSS_SELECTOR, "ol li")
    assert len(rows) == 5
    assert text(rows[0], ".label") == text(browser, "h2")
    scores = [float(text(row, ".score").removesuffix(" %")) for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) <= 100.5
    assert text(browser, ".file") == "cat.jpg"
    assert "efficientnet-lite0" in text(browser, "footer")
    assert browser.find_element(By.CSS_SELECTOR, ".preview").get_property("naturalWidth") == 320


def test_page_is_styled_and_logs_nothing(browser: webdriver.Chrome, service: Service) -> None:
    upload(browser, service.url, SAMPLES / "cat.jpg")
    button = browser.find_element(By.TAG_NAME, "button")
    assert button.value_of_css_property("background-color") == "rgba(11, 107, 203, 1)"
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]


def test_upload_of_a_text_file_shows_the_error(browser: webdriver.Chrome, service: Service, tmp_path: Path) -> None:
    file = tmp_path / "<b>notes.txt"
    file.write_text("these are some notes, not an image")
    upload(browser, service.url, file)
    assert text(browser, ".error") == "this is not an image in a supported format: send JPEG, PNG, WebP, GIF or BMP"
    assert browser.find_elements(By.NAME, "image"), "the form is there for another try"


def test_upload_over_the_limit_shows_the_error(browser: webdriver.Chrome, service: Service, tmp_path: Path) -> None:
    file = tmp_path / "large.png"
    file.write_bytes(bytes(11 * 1024 * 1024))
    upload(browser, service.url, file)
    assert "10 MB" in text(browser, ".error")


def test_page_fits_into_320_pixels(browser: webdriver.Chrome, service: Service) -> None:
    size = {"width": NARROWEST, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        upload(browser, service.url, SAMPLES / "cat.jpg")
        assert text(browser, "footer")
        for element in browser.find_elements(By.CSS_SELECTOR, "main *"):
            assert element.rect["x"] + element.rect["width"] <= NARROWEST, element.tag_name
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_service_with_keys_takes_the_key_from_the_form(tmp_path: Path, efficientnet: Path) -> None:
    cat = SAMPLES / "cat.jpg"
    with (
        running(tmp_path / "log", BUNDLE=efficientnet, API_KEYS="secret") as service,
        chromium(tmp_path / "profile", javascript=False) as browser,
    ):
        upload(browser, service.url, cat, "wrong")
        assert "key is missing or wrong" in text(browser, ".error")
        assert "efficientnet" not in browser.page_source
        upload(browser, service.url, cat, "secret")
        assert "cat" in text(browser, "h2")
        assert browser.find_element(By.NAME, "api_key").get_property("value") == ""

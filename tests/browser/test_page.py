"""The page in a real Chromium, with and without JavaScript: an image gets its answer, or an error."""

from __future__ import annotations

from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.wait import WebDriverWait

from tests.browser.visit import Visit
from tests.live.service import REPOSITORY, Service, running, until

IMAGES = REPOSITORY / "post_request"
NARROWEST = 320


@pytest.fixture(params=["with JavaScript", "without JavaScript"])
def visit(request: pytest.FixtureRequest, service: Service) -> Visit:
    browser = request.getfixturevalue("scripted" if request.param == "with JavaScript" else "plain")
    return Visit(browser, service.url)


def upload(visit: Visit, file: Path, key: str = "") -> None:
    """With JavaScript, choosing a file is enough."""
    enhanced = bool(visit.all("html.js"))
    if key:
        visit.one("#api_key").send_keys(key)
    visit.choose(file)
    if enhanced:
        until(lambda: visit.text("#answer") or visit.text("#failed"))
    else:
        submit(visit, "button.plain")


def submit(visit: Visit, selector: str) -> None:
    button = visit.one(selector)
    button.click()
    # A click returns before the next page is there. While one replaces the other, Chromium may know neither.
    WebDriverWait(visit.browser, 30, ignored_exceptions=[WebDriverException]).until(staleness_of(button))
    visit.browser.implicitly_wait(30)
    visit.one("main")
    visit.browser.implicitly_wait(0)


def test_upload_shows_the_image_and_its_top_five(visit: Visit) -> None:
    upload(visit, IMAGES / "cat.jpg")
    labels = visit.labels()
    assert labels == ["tiger cat", "Egyptian cat", "tabby, tabby cat", "lynx, catamount", "window screen"]
    assert visit.text("h2") == labels[0]
    scores = [float(element.text.removesuffix(" %")) for element in visit.all("#rows .score")]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) <= 100.5
    bars = [float(str(bar.get_dom_attribute("width")).removesuffix("%")) for bar in visit.all("#rows rect")]
    assert bars == pytest.approx(scores, abs=0.06)
    assert visit.text("#file") == "cat.jpg"
    assert visit.text("#model-name").startswith("efficientnet-lite0")
    assert "compute" in visit.text("#timing")
    assert visit.text("#rest").startswith("All other labels together:")
    until(lambda: visit.one("#preview").get_property("naturalWidth"))


def test_unsure_answer_looks_unsure(visit: Visit) -> None:
    upload(visit, IMAGES / "cat.jpg")
    assert visit.text("#hedge") == "Perhaps"
    assert "only" in visit.text("#note")
    unsure = visit.one("#rows rect").value_of_css_property("fill")
    Visit(visit.browser, visit.url)
    upload(visit, IMAGES / "coffee.jpg")
    assert (visit.text("h2"), visit.text("#hedge"), visit.text("#note")) == ("espresso", "", "")
    assert visit.one("#rows rect").value_of_css_property("fill") != unsure


def test_page_is_styled_and_logs_nothing(visit: Visit) -> None:
    upload(visit, IMAGES / "cat.jpg")
    assert visit.one("#rows rect").value_of_css_property("fill") != "rgb(0, 0, 0)"
    assert visit.messages() == []


def test_upload_of_a_text_file_shows_the_error(visit: Visit, tmp_path: Path) -> None:
    file = tmp_path / "<b>notes.png"
    file.write_text("these are some notes, not an image")
    upload(visit, file)
    error = visit.text("#failed").lower().rstrip(".")
    assert error == "this is not an image in a supported format: send jpeg, png, webp, gif or bmp"
    assert visit.all("#image"), "the form is there for another try"


def test_upload_over_the_limit_shows_the_error(visit: Visit, tmp_path: Path) -> None:
    file = tmp_path / "large.png"
    file.write_bytes(bytes(11 * 1024 * 1024))
    upload(visit, file)
    assert "10 MB" in visit.text(".error")


def test_page_fits_into_320_pixels(visit: Visit, tmp_path: Path) -> None:
    file = tmp_path / f"{'a-long-name-' * 12}.jpg"
    file.write_bytes((IMAGES / "cat.jpg").read_bytes())
    visit.width(NARROWEST)
    upload(visit, file)
    assert visit.text("footer")
    seen = [element for element in visit.browser.find_elements(By.CSS_SELECTOR, "body *") if element.is_displayed()]
    wide = [element.tag_name for element in seen if element.rect["x"] + element.rect["width"] > NARROWEST]
    assert wide == []
    assert visit.browser.execute_script("return document.documentElement.scrollWidth") <= NARROWEST


def test_sample_works_without_javascript(plain: webdriver.Chrome, service: Service) -> None:
    visit = Visit(plain, service.url)
    submit(visit, "button[value='coffee.webp']")
    assert (visit.text("h2"), visit.text("#file")) == ("espresso", "coffee.webp")


def test_service_with_keys_takes_the_key_from_the_form(
    tmp_path: Path, efficientnet: Path, plain: webdriver.Chrome, scripted: webdriver.Chrome
) -> None:
    cat = IMAGES / "cat.jpg"
    with running(tmp_path / "log", BUNDLE=efficientnet, API_KEYS="secret", WORKERS=1) as service:
        for browser in (plain, scripted):
            visit = Visit(browser, service.url)
            assert visit.messages() == []
            upload(visit, cat, "wrong")
            assert "key is missing or wrong" in visit.text(".error")
            assert "efficientnet" not in browser.page_source
            visit = Visit(browser, service.url)
            upload(visit, cat, "secret")
            assert visit.text("h2") == "tiger cat"
            assert "secret" not in browser.page_source

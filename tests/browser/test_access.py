"""For everybody: axe-core finds nothing, the keyboard is enough, a screen reader is told, and small screens do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from my_inference_app import errors
from tests.browser.conftest import Visiting
from tests.browser.visit import Visit
from tests.conftest import FakeClassifier
from tests.live.service import REPOSITORY, until

AXE = Path(__file__).with_name("node_modules") / "axe-core" / "axe.min.js"
CAT = REPOSITORY / "post_request" / "cat.jpg"
COFFEE = REPOSITORY / "post_request" / "coffee.jpg"


RUN_AXE = "const [done] = arguments; axe.run().then(({violations}) => done(violations))"


def violations(visit: Visit) -> list[Any]:
    """Colours are judged as they are once everything has faded in."""
    assert AXE.exists(), "install axe-core: make test does, or npm ci --prefix tests/browser"
    visit.browser.execute_script(AXE.read_text("utf-8"))
    found: list[dict[str, Any]] = visit.browser.execute_async_script(RUN_AXE)
    return [(item["id"], [node["html"] for node in item["nodes"]]) for item in found]


@pytest.mark.parametrize("colour", ["light", "dark"])
def test_axe_finds_nothing(visit: Visit, colour: str) -> None:
    visit.prefer(colour=colour, motion="reduce")
    assert violations(visit) == []
    visit.choose(CAT, COFFEE)
    visit.wait(count=2)
    visit.one("summary").click()
    assert violations(visit) == []
    visit.width(320)
    assert violations(visit) == []


@pytest.mark.parametrize("colour", ["light", "dark"])
def test_axe_finds_nothing_beside_an_error(visiting: Visiting, fake: FakeClassifier, colour: str) -> None:
    visit = visiting(fake, api_keys=(b"secret",), predict_urls=True)
    visit.prefer(colour=colour, motion="reduce")
    visit.choose(CAT)
    visit.wait("failed")
    assert violations(visit) == []
    fake.error = errors.Overloaded("busy")
    visit.one("#api_key").send_keys("secret\t")
    until(lambda: "busy" in visit.text("#step"))
    assert violations(visit) == []
    visit.one("#cancel").click()


def press(visit: Visit, *keys: str) -> WebElement:
    for key in keys:
        ActionChains(visit.browser).send_keys(key).perform()
    return visit.browser.switch_to.active_element


def test_keyboard_alone_reaches_everything(visit: Visit) -> None:
    focused = press(visit, Keys.TAB)
    assert focused.get_dom_attribute("id") == "image", "its label is the button"
    label = visit.one("#image + label")
    assert label.value_of_css_property("outline-style") == "solid"
    while press(visit, Keys.TAB).get_dom_attribute("value") != "coffee.webp":
        assert visit.browser.switch_to.active_element.tag_name != "body"
    press(visit, Keys.ENTER)
    visit.wait()
    seen = []
    while (element := press(visit, Keys.TAB)).tag_name not in ("body", "html"):
        assert element.value_of_css_property("outline-style") == "solid", element.get_property("outerHTML")
        seen.append(element.get_dom_attribute("id") or element.text)
        if element.tag_name == "summary" and not visit.all("details[open]"):
            press(visit, Keys.ENTER)
    assert {"JSON", "curl", "Python", "copy", "snippet"} <= set(seen)
    assert sum("%" in text for text in seen) == 5, "each label can be clicked"


def test_screen_reader_is_told_what_happens(visit: Visit) -> None:
    status = visit.one("#status")
    assert status.get_dom_attribute("role") == "status"
    visit.choose(COFFEE)
    until(lambda: "coffee.jpg: espresso, " in str(status.get_property("textContent")))
    tree = visit.command("Accessibility.getFullAXTree")["nodes"]
    names = {(node.get("role", {}).get("value"), node.get("name", {}).get("value")) for node in tree}
    assert ("image", "coffee.jpg") in names
    assert ("button", "A cup of coffee") in names
    assert ("heading", "espresso") in names


def test_reduced_motion_moves_nothing(visit: Visit) -> None:
    visit.prefer(motion="reduce")
    visit.choose(COFFEE)
    visit.wait()
    assert visit.one("#rows rect").value_of_css_property("animation-name") == "none"


@pytest.mark.parametrize("colour", ["light", "dark"])
def test_page_follows_the_colours_of_the_system(visit: Visit, colour: str) -> None:
    visit.prefer(colour=colour)
    background = visit.one("body").value_of_css_property("background-color")
    red = int(background.partition("(")[2].partition(",")[0])
    assert (red < 64) == (colour == "dark")


@pytest.mark.parametrize("width", [320, 390, 1600])
def test_nothing_sticks_out_at_any_width(visit: Visit, width: int) -> None:
    visit.width(width)
    visit.choose(COFFEE, CAT)
    visit.wait(count=2)
    visit.one("summary").click()
    assert visit.browser.execute_script("return document.documentElement.scrollWidth") <= width
    image, answer = visit.one("#frame").rect, visit.one("#answer").rect
    assert (answer["y"] >= image["y"] + image["height"]) == (width < 700), "beside the image where there is room"

"""A click on a label shows where the model sees it, over the right part of the image, and says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from my_inference_app import errors
from tests.browser.conftest import Visiting
from tests.browser.visit import Visit
from tests.conftest import FakeClassifier
from tests.live.service import REPOSITORY, until

COFFEE = REPOSITORY / "post_request" / "coffee.jpg"
SIDEWAYS = 6


def explain(visit: Visit, rank: int = 0) -> None:
    visit.all("#rows button")[rank].click()
    until(lambda: visit.one("#heat").get_property("naturalWidth") and visit.one("#map").is_displayed())


def test_click_on_a_label_shows_its_map_and_another_click_hides_it(visit: Visit) -> None:
    visit.choose(COFFEE)
    visit.wait()
    explain(visit)
    assert visit.text("#map-label") == "espresso"
    assert [button.get_dom_attribute("aria-pressed") for button in visit.all("#rows button")][:2] == ["true", "false"]
    told = "The map of espresso is shown. It is strongest at the middle"
    until(lambda: told in str(visit.one("#status").get_property("textContent")))
    explain(visit, 1)
    assert visit.text("#map-label") == visit.labels()[1]
    visit.all("#rows button")[1].click()
    assert not visit.one("#heat").is_displayed()


def test_slider_changes_the_strength_of_the_map(visit: Visit) -> None:
    visit.prefer(motion="reduce")
    visit.choose(COFFEE)
    visit.wait()
    explain(visit)
    before = float(visit.one("#heat").value_of_css_property("opacity"))
    visit.one("#strength").send_keys("\ue012" * 20)
    assert float(visit.one("#heat").value_of_css_property("opacity")) < before


@pytest.mark.parametrize("large", [False, True])
def test_map_lies_over_the_part_that_the_model_saw(visit: Visit, tmp_path: Path, large: bool) -> None:
    """Of an image twice as wide as high that is the middle, also of a photo on its side that was shrunk."""
    file, size = tmp_path / "wide.jpg", (4000, 2000) if large else (400, 200)
    exif = Image.Exif()
    exif[0x0112] = SIDEWAYS
    upright = Image.open(COFFEE).resize(size)
    upright.transpose(Image.Transpose.ROTATE_90).save(file, quality=98, exif=exif)
    visit.choose(file)
    visit.wait()
    assert bool(visit.text("#shrunk")) == large
    explain(visit)
    frame, heat = visit.one("#frame").rect, visit.one("#heat").rect
    assert heat["width"] == pytest.approx(heat["height"], rel=0.03), "the model sees a square"
    assert heat["height"] == pytest.approx(frame["height"] * 224 / 256, rel=0.15)
    assert heat["x"] - frame["x"] == pytest.approx(frame["x"] + frame["width"] - heat["x"] - heat["width"], abs=3)


def test_model_without_maps_says_so_once(visiting: Visiting, fake: FakeClassifier) -> None:
    visit = visiting(fake)
    visit.choose(COFFEE)
    visit.wait()
    fake.error = errors.ServiceError("there are no maps")
    fake.error.code, fake.error.status = "explanation_unavailable", 501
    visit.one("#rows button").click()
    until(lambda: visit.text("#why") == "There are no maps.")
    assert not any(button.is_enabled() for button in visit.all("#rows button"))
    assert not visit.one("#hint").is_displayed()
    assert visit.labels(), "the answer stays"

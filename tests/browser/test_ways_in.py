"""All the ways an image gets onto the page, and that the answer is the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.conftest import Visiting
from tests.browser.visit import Visit
from tests.conftest import FakeClassifier
from tests.images import plain_image
from tests.live.service import REPOSITORY, until

CAT = REPOSITORY / "post_request" / "cat.jpg"
COFFEE = REPOSITORY / "post_request" / "coffee.jpg"


def test_dropped_image_is_classified(visit: Visit) -> None:
    visit.drop(COFFEE)
    visit.wait()
    assert (visit.text("h2"), visit.text("#file")) == ("espresso", "coffee.jpg")
    assert not visit.all("html.dragging")


def test_page_shows_where_to_drop(visit: Visit) -> None:
    place = {"x": 200, "y": 200, "data": {"items": [], "files": [str(CAT)], "dragOperationsMask": 1}}
    for kind in ("dragEnter", "dragOver"):
        visit.command("Input.dispatchDragEvent", type=kind, **place)
    until(lambda: visit.all("html.dragging"))
    until(lambda: not visit.all("html.dragging"))


def test_pasted_image_is_classified(visit: Visit) -> None:
    visit.paste(str(visit.one("button[value='coffee.webp'] img").get_property("src")))
    visit.wait()
    assert (visit.text("h2"), visit.text("#file")) == ("espresso", "image.png")


@pytest.mark.parametrize(("name", "label"), [("cat", "cat"), ("coffee", "espresso"), ("camera", "tripod")])
def test_sample_is_one_click_away(visit: Visit, name: str, label: str) -> None:
    visit.sample(name)
    visit.wait()
    assert label in visit.text("h2")


def test_several_images_are_answered_one_by_one_and_kept_as_thumbnails(visit: Visit, tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("not an image")
    visit.choose(COFFEE, notes, CAT)
    visit.wait(count=2)
    visit.wait("failed")
    assert visit.text("#file") == "coffee.jpg", "the first stays on show"
    names = [element.text for element in visit.all("#thumbnails .name")]
    assert names == ["coffee.jpg", "notes.txt", "cat.jpg"]
    visit.all("#thumbnails button")[2].click()
    assert (visit.text("#file"), visit.text("h2")) == ("cat.jpg", "tiger cat")
    visit.all("#thumbnails button")[1].click()
    assert "not an image" in visit.text("#failed")
    assert not visit.one("#answer").is_displayed()


def test_preview_is_shown_before_the_answer(visiting: Visiting, fake: FakeClassifier) -> None:
    visit = visiting(fake)
    visit.network(upload=1)
    visit.choose(CAT)
    until(lambda: visit.one("#preview").get_property("naturalWidth") == 451)
    assert not visit.one("#answer").is_displayed()
    visit.one("#cancel").click()


def test_url_field_is_there_only_where_urls_are_fetched(visiting: Visiting, fake: FakeClassifier) -> None:
    assert not visiting(fake).all("#url")
    visit = visiting(fake, predict_urls=True)
    visit.one("#url").send_keys("http://10.0.0.1/cat.jpg")
    visit.one(".url button").click()
    visit.wait("failed")
    assert "fetch" in visit.text("#failed"), "the service has tried, and refused an address inside"


def test_file_name_from_right_to_left_stays_whole(visiting: Visiting, fake: FakeClassifier, tmp_path: Path) -> None:
    file = tmp_path / "\u202eتصویر 12.png"
    file.write_bytes(plain_image())
    visit = visiting(fake)
    visit.choose(file)
    visit.wait()
    assert visit.one("#file").tag_name == "bdi"
    assert visit.one("#file").get_property("textContent") == file.name
    assert visit.one("#facts").rect["x"] > visit.one("#file").rect["x"], "what follows the name is not reversed"


def test_camera_of_a_phone_is_offered(visit: Visit) -> None:
    camera = visit.one("#camera")
    assert camera.get_dom_attribute("capture") == "environment"
    camera.send_keys(str(CAT))
    visit.wait()
    assert visit.text("h2") == "tiger cat"

"""What can go wrong, in plain words beside the image; what passes by itself is waited for."""

from __future__ import annotations

from pathlib import Path

from my_inference_app import errors
from tests.browser.conftest import Visiting
from tests.browser.visit import Visit
from tests.conftest import PREDICTIONS, FakeClassifier
from tests.images import plain_image
from tests.live.service import REPOSITORY, until

CAT = REPOSITORY / "post_request" / "cat.jpg"


def test_busy_service_is_asked_again_after_retry_after(visiting: Visiting, fake: FakeClassifier) -> None:
    visit = visiting(fake)
    fake.error = errors.Overloaded("busy")
    visit.choose(CAT)
    until(lambda: "The service is busy. It tries again by itself in 1 s" in visit.text("#step"))
    assert "busy" in str(visit.one("#status").get_property("textContent"))
    fake.error = None
    visit.wait()
    assert visit.text("h2") == PREDICTIONS[0].label


def test_waiting_can_be_cancelled_and_taken_up_again(visiting: Visiting, fake: FakeClassifier) -> None:
    visit = visiting(fake)
    fake.error = errors.NotReady("starting")
    visit.choose(CAT)
    until(lambda: "busy" in visit.text("#step"))
    visit.one("#cancel").click()
    visit.wait("cancelled")
    fake.error = None
    visit.one("#again").click()
    visit.wait()


def test_upload_shows_its_progress_and_can_be_cancelled(
    visiting: Visiting, fake: FakeClassifier, tmp_path: Path
) -> None:
    visit = visiting(fake)
    file = tmp_path / "large.png"
    file.write_bytes(bytes(3_000_000))
    visit.network(upload=300_000)
    visit.choose(file)
    until(lambda: "Sending, " in visit.text("#step"))
    until(lambda: 0 < float(str(visit.one("#progress").get_property("value"))) < 1)
    visit.one("#cancel").click()
    visit.wait("cancelled")
    assert visit.text("#step") == "Cancelled"
    assert fake.images == []


def test_image_is_sent_when_the_browser_is_online_again(visiting: Visiting, fake: FakeClassifier) -> None:
    visit = visiting(fake)
    visit.network(offline=True)
    visit.choose(CAT)
    visit.wait("failed")
    assert visit.text("#failed") == "You are offline. The image is sent as soon as you are online again."
    visit.network()
    visit.wait()


def test_error_of_the_service_is_shown_in_its_words(visiting: Visiting, fake: FakeClassifier) -> None:
    visit = visiting(fake)
    fake.error = errors.ImageTooLarge("the image has 9x9 pixels: <b>make it smaller</b>")
    visit.choose(CAT)
    visit.wait("failed")
    assert visit.text("#failed") == "The image has 9x9 pixels: <b>make it smaller</b>."
    assert visit.one("#failed").get_dom_attribute("role") == "alert"
    assert visit.one("#preview").is_displayed()
    fake.error = None
    visit.one("#again").click()
    visit.wait()
    assert not visit.one("#failed").is_displayed()


def test_unforeseen_error_shows_the_request_id(visiting: Visiting, fake: FakeClassifier) -> None:
    visit = visiting(fake)
    fake.error = RuntimeError("secret")
    visit.choose(CAT)
    visit.wait("failed")
    assert len(visit.text("#request-id")) == 32
    assert "secret" not in visit.text("#failed")


def test_file_over_the_limit_is_not_sent(visiting: Visiting, fake: FakeClassifier, tmp_path: Path) -> None:
    visit = visiting(fake, max_upload_mb=1)
    file = tmp_path / "large.png"
    file.write_bytes(bytes(1024 * 1024 + 1))
    visit.choose(file)
    visit.wait("failed")
    expected = "This file has 1.0 MB. The service takes 1 MB at most: make the image smaller."
    assert visit.text("#failed") == expected
    assert not [sent for sent in visit.traffic("Network.requestWillBeSent") if sent["request"]["method"] == "POST"]


def test_dropped_folder_is_refused_in_plain_words(visit: Visit, tmp_path: Path) -> None:
    visit.drop(tmp_path)
    visit.wait("failed")
    assert visit.text("#failed") == "This cannot be read: it is a folder, or a file that was moved."


def test_wrong_key_is_named_and_the_right_one_sends_the_image_again(visiting: Visiting, fake: FakeClassifier) -> None:
    visit = visiting(fake, api_keys=(b"secret",))
    visit.choose(CAT)
    visit.wait("failed")
    assert visit.text("#failed") == "The API key is missing or wrong: enter a key of this service."
    visit.one("#api_key").send_keys("secret\t")
    visit.wait()
    stored = "return [localStorage.length, sessionStorage.length, document.cookie]"
    assert visit.browser.execute_script(stored) == [0, 0, ""]


def test_image_that_this_browser_cannot_show_still_gets_its_answer(
    visiting: Visiting, fake: FakeClassifier, tmp_path: Path
) -> None:
    file = tmp_path / "odd.png"
    file.write_bytes(plain_image()[:-40])
    visit = visiting(fake)
    visit.choose(file)
    visit.wait()
    assert visit.text("h2") == PREDICTIONS[0].label

"""What can be done with an answer: explained, copied, asked of another model, looked at again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from PIL import Image

from my_inference_app.inference.answers import Prediction
from tests.browser.conftest import Visiting
from tests.browser.visit import Visit
from tests.conftest import FakeClassifier
from tests.doubtful import WORDED
from tests.images import PHOTOS, SAMPLES
from tests.live.service import REPOSITORY, until

CAT = REPOSITORY / "post_request" / "cat.jpg"
SIDEWAYS = 6


def snippet(visit: Visit, kind: str) -> str:
    if not visit.all("details[open]"):
        visit.one("summary").click()
    visit.one(f"[data-kind={kind}]").click()
    return str(visit.one("#snippet").get_property("textContent"))


def test_answer_is_copied_as_json(visit: Visit) -> None:
    visit.choose(CAT)
    visit.wait()
    answer = json.loads(snippet(visit, "json"))
    assert [prediction["label"] for prediction in answer["predictions"]] == visit.labels()
    for name in ("clipboard-read", "clipboard-write"):
        visit.command("Browser.setPermission", permission={"name": name}, setting="granted", origin=visit.url)
    visit.one("#copy").click()
    until(lambda: visit.text("#copied") == "Copied")
    read = "const [done] = arguments; navigator.clipboard.readText().then(done)"
    assert json.loads(visit.browser.execute_async_script(read)) == answer


@pytest.mark.parametrize("name", ["cat.jpg", 'it\'s a "cat" & $(more); é.jpg'])
def test_copied_commands_give_the_same_answer(visit: Visit, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(CAT.read_bytes())
    visit.choose(tmp_path / name)
    visit.wait()
    curl = ["sh", "-c", f"{snippet(visit, 'curl')} --silent"]
    labels = visit.labels()
    answer = json.loads(subprocess.check_output(curl, cwd=tmp_path, timeout=60))
    assert [prediction["label"] for prediction in answer["predictions"]] == labels
    output = subprocess.check_output(
        [sys.executable, "-c", snippet(visit, "python")], cwd=tmp_path, text=True, timeout=60
    )
    assert [line.partition("%  ")[2] for line in output.splitlines()] == labels


def test_copied_commands_contain_no_key(visiting: Visiting, fake: FakeClassifier) -> None:
    visit = visiting(fake, api_keys=(b"secret",))
    visit.one("#api_key").send_keys("secret\t")
    visit.choose(CAT)
    visit.wait()
    for kind in ("curl", "python"):
        assert "YOUR_KEY" in snippet(visit, kind)
        assert "secret" not in snippet(visit, kind)


def test_hostile_labels_are_shown_as_text(visiting: Visiting, fake: FakeClassifier) -> None:
    fake.predictions = [Prediction("<img src=x onerror=alert(1)>", 0.9, 0), Prediction("שלום", 0.1, 1)]
    visit = visiting(fake)
    visit.choose(CAT)
    visit.wait()
    assert visit.labels() == ["<img src=x onerror=alert(1)>", "שלום"]
    assert visit.messages() == []


@pytest.mark.parametrize(
    ("score", "hedge"), [(0.5, ""), (0.49, "Perhaps"), (0.25, "Perhaps"), (0.24, "Not sure. Perhaps")]
)
def test_words_become_careful_as_the_score_falls(
    visiting: Visiting, fake: FakeClassifier, score: float, hedge: str
) -> None:
    fake.predictions = [Prediction("something", score, 0)]
    visit = visiting(fake)
    visit.choose(CAT)
    visit.wait()
    assert visit.text("#hedge") == hedge


def test_doubts_of_a_calibrated_model_are_worded(visiting: Visiting, fake: FakeClassifier) -> None:
    visit = visiting(fake)
    for number, (score, fake.doubts, hedge, note) in enumerate(WORDED, 1):
        fake.predictions = [Prediction("a cat", score, 0)]
        visit.choose(CAT)
        visit.wait(count=number)
        assert (visit.text("#hedge"), visit.text("#note")) == (hedge, note)


def test_another_model_answers_the_same_image(visiting: Visiting) -> None:
    one = FakeClassifier("one")
    other = FakeClassifier("the/other", predictions=[Prediction("else", 0.9, 0)])
    visit = visiting(one, other)
    visit.choose(CAT)
    visit.wait()
    assert visit.text("#model-name") == "one, version 1"
    visit.one("select option:nth-child(2)").click()
    until(lambda: visit.text("h2") == "else")
    assert visit.text("#model-name") == "the/other, version 1"
    assert "model=the%2Fother" in snippet(visit, "curl")


def test_models_are_named_once_the_key_is_right(visiting: Visiting) -> None:
    visit = visiting(FakeClassifier("one"), FakeClassifier("other"), api_keys=(b"secret",))
    assert not visit.one("select").is_displayed()
    visit.one("#api_key").send_keys("secret\t")
    until(lambda: visit.one("select").is_displayed())
    assert [option.text for option in visit.all("option")] == ["one", "other"]


def test_large_photo_is_shrunk_and_its_answer_stays(visit: Visit, tmp_path: Path) -> None:
    """A photo as a phone takes it: twelve megapixels, stored on its side."""
    for number, path in enumerate([CAT, *SAMPLES, *PHOTOS[:3]]):
        large, upright = tmp_path / f"large{number}.jpg", Image.open(path).convert("RGB")
        exif = Image.Exif()
        exif[0x0112] = SIDEWAYS
        stored = upright.transpose(Image.Transpose.ROTATE_90).resize((3000, 4000), Image.Resampling.BICUBIC)
        stored.save(large, quality=97, exif=exif)
        visit = Visit(visit.browser, visit.url)
        visit.choose(large)
        visit.wait()
        assert "hardly matters" in visit.text("#shrunk")
        shrunk = dict(zip(visit.labels(), scores(visit), strict=True))
        whole = answer_of(visit.url, large)
        assert next(iter(shrunk)) == next(iter(whole))
        for label in shrunk.keys() & whole.keys():
            assert shrunk[label] == pytest.approx(100 * whole[label], abs=8)


def scores(visit: Visit) -> list[float]:
    return [float(element.text.removesuffix(" %")) for element in visit.all("#rows .score")]


def answer_of(url: str, file: Path) -> dict[str, float]:
    answer = requests.post(f"{url}/predict", data=file.read_bytes(), timeout=60).json()
    return {prediction["label"]: prediction["score"] for prediction in answer["predictions"]}

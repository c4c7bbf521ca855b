"""`--explain FOLDER`: the maps of an answer as files."""

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.images import plain_image
from tests.post_request.scripted_service import Reply, Service, error
from tests.post_request.test_forms import PREDICTED, answer

PNG = plain_image()
MAP = {
    "class_id": 281,
    "grid": [[1.5]],
    "image": f"data:image/png;base64,{base64.b64encode(PNG).decode()}",
    "box": [10, 0, 50, 39.5],
}
DAMAGED = "the image of an explanation is damaged"
INCOMPLETE = "an explanation without class_id, box, and an image in PNG"


def test_maps_are_written_as_files_and_named_in_the_answer(service: Service, folder: Path) -> None:
    service.replies["*"] = [answer(explanations=[MAP, {**MAP, "class_id": 7}])]
    done = service.run(folder, "a.jpg", "--explain", "new/maps", "--json")
    files = ["new/maps/a.jpg.281.png", "new/maps/a.jpg.7.png"]
    explained = [{**MAP, "image": files[0]}, {**MAP, "class_id": 7, "image": files[1]}]
    assert json.loads(done.stdout) == {"image": "./a.jpg", **PREDICTED, "explanations": explained}
    assert [(folder / file).read_bytes() for file in files] == [PNG] * 2
    assert [seen.path for seen in service.seen] == ["/predict?explain=1"]
    assert (done.stderr, done.returncode) == ("", 0)


def test_pretty_names_the_map(service: Service, folder: Path) -> None:
    service.replies["*"] = [answer(explanations=[MAP])]
    done = service.run(folder, "a.jpg", "--explain", "maps", "--pretty")
    assert done.stdout.splitlines()[-1] == "     map  maps/a.jpg.281.png"


def test_page_shows_each_map_over_its_image(service: Service, folder: Path) -> None:
    (folder / "<b> 1%.jpg").touch()
    service.replies["*"] = [answer(explanations=[MAP]), answer(explanations=[{**MAP, "class_id": 900}])]
    assert service.run(folder, "a.jpg", "<b> 1%.jpg", "--explain", "maps").returncode == 0
    page = (folder / "maps" / "explanations.html").read_text("utf-8")
    first, second = (figure.partition("</figure>")[0] for figure in page.split("<figure>")[1:])
    photo = f'<img src="{folder.as_uri()}/a.jpg" alt="" onload="place(this, 10, 0, 50, 39.5)">'
    assert first == (
        f'<div>{photo}<img src="a.jpg.281.png" alt=""></div>\n<figcaption>a.jpg: tabby, tabby cat</figcaption>'
    )
    assert 'src="%3Cb%3E%201%25.jpg.900.png"' in second
    assert second.endswith("<figcaption>&lt;b&gt; 1%.jpg: class 900</figcaption>")


def test_images_of_one_name_get_maps_of_their_own(service: Service, folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "a.jpg").touch()
    service.replies["*"] = [answer(explanations=[MAP])] * 2
    assert service.run(folder, "a.jpg", "deep/a.jpg", "--explain", "maps").returncode == 0
    files = {file.name for file in (folder / "maps").iterdir()}
    assert files == {"a.jpg.281.png", "a.jpg.281-2.png", "explanations.html"}


@pytest.mark.parametrize("name", ["a" * 250 + ".jpg", os.fsdecode(b"\xff.jpg")])
def test_map_of_an_image_with_an_unusual_name_is_written(service: Service, folder: Path, name: str) -> None:
    (folder / name).touch()
    service.replies["*"] = [answer(explanations=[MAP])]
    assert service.run(folder, name, "--explain", "maps").returncode == 0
    assert len(list((folder / "maps").glob("*.png"))) == 1


@pytest.mark.parametrize(
    ("explanations", "problem"),
    [
        (None, "the answer has no explanations"),
        ([{**MAP, "class_id": "../../x"}], INCOMPLETE),
        ([{**MAP, "box": [1, 2, 3]}], INCOMPLETE),
        ([{**MAP, "box": [1, 2, 3, "4)"]}], INCOMPLETE),
        ([{**MAP, "image": "data:text/html;base64,"}], INCOMPLETE),
        ([{**MAP, "image": "data:image/png;base64,*"}], DAMAGED),
        ([{**MAP, "image": "data:image/png;base64,\xe9"}], DAMAGED),
    ],
)
def test_answer_without_usable_maps_is_an_error(
    service: Service, folder: Path, explanations: Any, problem: str
) -> None:
    service.replies["*"] = [answer(explanations=explanations)]
    done = service.run(folder, "a.jpg", "--explain", "maps")
    assert (done.stdout, done.stderr) == ("", f"./a.jpg: 200 bad_answer: {problem}\n")
    assert done.returncode == 1
    assert [file.name for file in (folder / "maps").iterdir()] == ["explanations.html"]


def test_model_that_cannot_explain_gets_one_line(service: Service, folder: Path) -> None:
    service.replies["*"] = [Reply(501, error("explanation_unavailable", "this model has no feature map"))]
    done = service.run(folder, "a.jpg", "--explain", "maps")
    expected = "./a.jpg: 501 explanation_unavailable: this model has no feature map\n"
    assert (done.stdout, done.stderr, done.returncode) == ("", expected, 1)


def test_url_that_says_what_to_explain_is_left_alone(service: Service, folder: Path) -> None:
    service.url += "?explain=occlusion&explain=281"
    service.replies["*"] = [answer(explanations=[MAP])]
    assert service.run(folder, "a.jpg", "--explain", "maps").returncode == 0
    assert [seen.path for seen in service.seen] == ["/predict?explain=occlusion&explain=281"]


def test_folder_that_cannot_be_written_is_named_and_nothing_is_sent(service: Service, folder: Path) -> None:
    done = service.run(folder, "a.jpg", "--explain", "b.jpg/maps")
    assert (done.stdout, done.stderr) == ("", "cannot write b.jpg/maps: Not a directory\n")
    assert (done.returncode, service.seen) == (1, [])

"""The forms in which the client prints answers: bars and CSV."""

import csv
import json
from pathlib import Path

import pytest

from tests.post_request.scripted_service import ANSWER, Reply, Service, checked, error

PREDICTIONS = [
    {"class_id": 281, "label": "tabby, tabby cat", "score": 0.75},
    {"class_id": 7, "label": 'a "cock"', "score": 0.1875},
    {"class_id": 0, "label": "tench", "score": 0.0},
]
PREDICTED = {**ANSWER, "model": "resnet-50", "version": "1", "predictions": PREDICTIONS}


def answer(**changed: object) -> Reply:
    return Reply(body=json.dumps({**PREDICTED, **changed}).encode())


def test_pretty_prints_labels_with_bars(service: Service, folder: Path) -> None:
    service.replies["*"] = [answer()]
    done = service.run(folder, "a.jpg", "--pretty")
    assert (done.stdout.splitlines(), done.stderr, done.returncode) == (
        [
            "./a.jpg  (resnet-50)",
            "   75.0%  ██████████████████████▌         tabby, tabby cat",
            '   18.8%  █████▋                          a "cock"',
            "    0.0%                                  tench",
        ],
        "",
        0,
    )


@pytest.mark.parametrize(
    ("doubts", "lines"),
    [
        ({"set": ["tabby, tabby cat"], "certain": True, "familiar": 0.5}, []),
        (
            {"set": ["tabby, tabby cat", 'a "cock"'], "certain": False, "familiar": 0.5},
            ['  unsure  could also be a "cock"'],
        ),
        (
            {"set": list("abcdef"), "certain": False, "familiar": 0.01},
            [
                "  unsure  could also be b | c | d | one of 2 more",
                "  unsure  the image is unlike those that the model was calibrated with",
            ],
        ),
    ],
)
def test_pretty_says_when_an_answer_is_uncertain(
    service: Service, folder: Path, doubts: dict[str, object], lines: list[str]
) -> None:
    service.replies["*"] = [answer(**doubts)]
    assert service.run(folder, "a.jpg", "--pretty").stdout.splitlines()[4:] == lines


@pytest.mark.parametrize("doubts", [{"set": []}, {"set": [1]}, {"familiar": "x"}, {"certain": 1}])
def test_doubts_that_make_no_sense_are_an_error(service: Service, folder: Path, doubts: dict[str, object]) -> None:
    service.replies["*"] = [answer(**{"set": ["a"], "certain": False, "familiar": 0.5, **doubts})]
    assert "bad_answer" in service.run(folder, "a.jpg", "--pretty").stderr


def test_pretty_on_an_ascii_terminal_uses_ascii(service: Service, folder: Path) -> None:
    service.replies["*"] = [answer()]
    done = service.run(folder, "a.jpg", "--pretty", PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert done.stdout.splitlines()[1] == f"   75.0%  {'#' * 22}          tabby, tabby cat"


def test_csv_has_one_row_for_each_prediction_and_each_error(service: Service, folder: Path) -> None:
    service.replies = {"a.jpg": [answer()], "b.jpg": [Reply(415, error("unsupported_format", "a text, no image"))]}
    (folder / "c,d.jpg").touch()
    service.replies["c,d.jpg"] = [answer(predictions=PREDICTIONS[:1])]
    done = service.run(folder, "a.jpg", "b.jpg", "c,d.jpg", "--csv")
    model = {"model": "resnet-50", "version": "1", "error": ""}
    best = {"rank": "1", "class_id": "281", "label": "tabby, tabby cat", "score": "0.750000", **model}
    assert list(csv.DictReader(done.stdout.splitlines())) == [
        {"image": "./a.jpg", **best},
        {"image": "./a.jpg", "rank": "2", "class_id": "7", "label": 'a "cock"', "score": "0.187500", **model},
        {"image": "./a.jpg", "rank": "3", "class_id": "0", "label": "tench", "score": "0.000000", **model},
        {
            "image": "./b.jpg",
            **dict.fromkeys(("rank", "class_id", "label", "score", "model", "version"), ""),
            "error": "415 unsupported_format: a text, no image",
        },
        {"image": "./c,d.jpg", **best},
    ]
    assert (done.stderr, done.returncode) == ("./b.jpg: 415 unsupported_format: a text, no image\n", 1)


@pytest.mark.parametrize("form", ["--pretty", "--csv"])
@pytest.mark.parametrize(
    ("predictions", "problem"),
    [
        (None, "the answer has no predictions"),
        ([], "the answer has no predictions"),
        ("text", "the answer has no predictions"),
        *(
            ([{**PREDICTIONS[0], **changed}], "a prediction without label, class_id, and a score from 0 to 1")
            for changed in ({"label": 1}, {"score": "0.5"}, {"score": 1.5}, {"score": float("nan")}, {"class_id": "x"})
        ),
    ],
)
def test_answer_without_predictions_is_an_error(
    service: Service, folder: Path, form: str, predictions: object, problem: str
) -> None:
    service.replies["*"] = [answer(predictions=predictions)]
    done = service.run(folder, "a.jpg", form)
    assert (done.stderr, done.returncode) == (f"./a.jpg: 200 bad_answer: {problem}\n", 1)
    assert "tabby" not in done.stdout


def test_two_forms_at_once_are_refused(service: Service, folder: Path) -> None:
    done = service.run(folder, "a.jpg", "--csv", "--pretty")
    assert done.stderr.endswith("error: argument --pretty: not allowed with argument --csv\n")
    assert (done.returncode, service.seen) == (2, [])


def test_client_without_tqdm_prints_the_same(service: Service, folder: Path) -> None:
    (folder / "tqdm.py").write_text("raise ModuleNotFoundError(name='tqdm')")
    done = service.run(folder, "a.jpg", "b.jpg", PYTHONPATH=str(folder))
    assert (done.stdout, done.stderr, done.returncode) == (checked("./a.jpg", "./b.jpg"), "", 0)

"""Files of labels: a JSON list, or one name a line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from my_inference_app.errors import SourceError
from my_inference_app.export.imagenet import LABELS
from my_inference_app.export.labels import read_labels

GOOD = {
    "lines": b"red\ngreen\nlight blue\n",
    "no newline at the end": b"red\ngreen\nlight blue",
    "blank lines at the end": b"red\ngreen\nlight blue\n\n \n",
    "CRLF": b"red\r\ngreen\r\nlight blue\r\n",
    "a byte order mark": b"\xef\xbb\xbfred\ngreen\nlight blue\n",
    "spaces around names": b" red\ngreen \n\tlight blue\n",
    "JSON": b'["red", "green",\n "light blue"]',
    "JSON with a byte order mark": b'\xef\xbb\xbf["red", "green", "light blue"]\r\n',
}
BAD = {
    "empty file": (b"", "line 1 is empty: give a name for each class"),
    "blank line in the middle": (b"red\n\ngreen\n", "line 2 is empty: give a name for each class"),
    "blank line at the start": (b"\r\nred\r\n", "line 1 is empty: give a name for each class"),
    "doubled line": (b"red\ngreen\nred\n", "line 3: 'red' is the name of line 1 too: give each class its own"),
    "doubled after stripping": (b"red\n red\n", "line 2: 'red' is the name of line 1 too: give each class its own"),
    "null": (b'["red", null]', "entry 2: null is not a name: give a text for each class"),
    "number": (b"[1, 2]", "entry 1: 1 is not a name: give a text for each class"),
    "object": (b'["red", {"name": "green"}]', 'entry 2: {"name": "green"} is not a name: give a text for each class'),
    "empty text": (b'["red", " "]', "entry 2 is empty: give a name for each class"),
    "doubled text": (b'["red", "red "]', "entry 2: 'red' is the name of entry 1 too: give each class its own"),
    "JSON object": (b'{"0": "red"}', "holds a JSON object: give a list of names, in the order of the classes"),
    "broken JSON": (b'["red",', "is not valid JSON: Expecting value"),
    "UTF-16": ("red\ngreen".encode("utf-16"), "is not UTF-8 text"),
}


@pytest.mark.parametrize("data", GOOD.values(), ids=GOOD)
def test_file_of_labels_is_read(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "labels"
    file.write_bytes(data)
    assert read_labels(file) == ("red", "green", "light blue")


@pytest.mark.parametrize(("data", "message"), BAD.values(), ids=BAD)
def test_bad_file_of_labels_is_refused_in_one_line(data: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "labels"
    file.write_bytes(data)
    with pytest.raises(SourceError, match=f"^{re.escape(str(file))},? {re.escape(message)}") as caught:
        read_labels(file)
    assert "\n" not in str(caught.value)


def test_missing_file_of_labels_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none: No such file or directory$"):
        read_labels(tmp_path / "none")


def test_labels_of_imagenet_are_accepted_though_two_are_alike(tmp_path: Path) -> None:
    file = tmp_path / "labels.json"
    file.write_text(json.dumps(LABELS))
    assert read_labels(file) == LABELS

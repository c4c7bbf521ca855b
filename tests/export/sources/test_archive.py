"""TorchServe's archives, made with torch-model-archiver. The code in them is never run."""

from __future__ import annotations

import json
import re
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from my_inference_app.bundles import bundle
from my_inference_app.bundles.bundle import Bundle, sha256
from my_inference_app.errors import SourceError
from my_inference_app.export.input_options import CLASSIC, InputOptions
from my_inference_app.export.options import Options
from my_inference_app.export.plan import Plan, run
from my_inference_app.export.sources import find
from tests.export.malicious import Malicious
from tests.export.own_files import LABELS, SMALL, Network, archive, assert_answers_as, save_labels, save_traced

NAMES = {str(index): label for index, label in enumerate(LABELS)}
WITH_IDS = {index: [f"n0000000{index}", label] for index, label in NAMES.items()}


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_traced(Network(), tmp_path_factory.mktemp("traced") / "flowers.pt")


@pytest.fixture
def flowers(traced: Path, tmp_path: Path) -> Path:
    return archive(tmp_path, "flowers", traced, NAMES)


def plan_of(file: Path, **options: Any) -> Plan:
    return Plan(Options(str(file), **options), file.parent / "models", ("openvino", "torch"), if_missing=True)


def export(file: Path, **options: Any) -> Bundle:
    return bundle.read(run(plan_of(file, **options)))


def refusal(file: Path, **options: Any) -> str:
    with pytest.raises(SourceError) as caught:
        find(str(file)).load(Options(str(file), **options))
    message = str(caught.value)
    assert "\n" not in message and str(file) in message
    return message


def test_archive_is_served_with_its_labels_and_as_its_handler_prepares_images(flowers: Path) -> None:
    made = export(flowers)
    assert (made.name, made.path.name, made.labels) == ("flowers", "flowers.mar", LABELS)
    assert made.input == CLASSIC.spec("a test")
    assert made.source == {"kind": "file", "name": "flowers.mar", "files": {"flowers.mar": sha256(flowers)}}
    assert_answers_as(Network(), made, "openvino", "torch")


def test_labels_with_ids_are_read(traced: Path, tmp_path: Path) -> None:
    file = archive(tmp_path, "flowers", traced, WITH_IDS)
    assert find(str(file)).load(Options(str(file))).labels == LABELS


def test_labels_of_the_user_replace_those_in_the_archive(flowers: Path) -> None:
    labels = save_labels(flowers.with_name("mine.txt"), ("a", "b", "c", "d"))
    made = find(str(flowers)).load(Options(str(flowers), labels=labels))
    assert (made.labels, made.name) == (("a", "b", "c", "d"), f"flowers:mine-{sha256(labels)[:8]}")


def test_preparation_by_flags_replaces_that_of_the_handler(flowers: Path) -> None:
    given = InputOptions(size=(64, 64), resize=72)
    spec = find(str(flowers)).load(Options(str(flowers), input=given)).input
    assert (spec.size, spec.shortest_edge, spec.mean) == ((64, 64), 72, CLASSIC.spec("a test").mean)


def test_if_missing_exports_a_changed_archive_again(flowers: Path, traced: Path) -> None:
    first = export(flowers)
    assert export(flowers).created == first.created
    archive(flowers.parent, "flowers", traced, {**NAMES, "0": "poppy"})
    assert export(flowers).labels[0] == "poppy"


def test_other_flags_make_another_bundle(flowers: Path) -> None:
    assert plan_of(flowers).folder != plan_of(flowers, input=SMALL).folder


BAD_LABELS = {
    "absent": (None, r"the model has 4 classes: name them with --labels FILE"),
    "too few": ({"0": "rose"}, r"the model has 4 classes: name them with --labels FILE"),
    "not from 0": ({"1": "rose"}, "does not number its classes from 0: name them with --labels FILE"),
    "a list": (["rose"], "does not number its classes from 0"),
    "no text": ({**NAMES, "2": 5}, "has no name for class 2"),
    "empty": ({**NAMES, "3": ["n01", " "]}, "has no name for class 3"),
    "an empty list": ({**NAMES, "1": []}, "has no name for class 1"),
}


@pytest.mark.parametrize(("labels", "message"), BAD_LABELS.values(), ids=BAD_LABELS)
def test_labels_that_do_not_fit_are_refused(labels: object, message: str, traced: Path, tmp_path: Path) -> None:
    file = archive(tmp_path, "flowers", traced, labels)
    with pytest.raises(SourceError, match=message):
        find(str(file)).load(Options(str(file)))


CODE = "from pathlib import Path\nPath({!r}).touch()\nclass Model: pass\n"


@pytest.mark.parametrize("part", ["model_file", "handler"])
def test_archive_with_code_is_refused_and_the_code_not_run(part: str, traced: Path, tmp_path: Path) -> None:
    proof, code = tmp_path / "executed", tmp_path / "code.py"
    code.write_text(CODE.format(str(proof)))
    message = refusal(archive(tmp_path, "flowers", traced, NAMES, **{part: str(code)}))
    assert "never run" in message
    assert not proof.exists()


def test_pickled_weights_in_an_archive_are_refused_and_not_loaded(tmp_path: Path) -> None:
    weights, proof = tmp_path / "weights.pth", tmp_path / "executed"
    torch.save({"fc.bias": Malicious(proof)}, weights)
    assert "is not TorchScript: it holds pickled objects" in refusal(archive(tmp_path, "flowers", weights, NAMES))
    assert not proof.exists()


def rewritten(file: Path, name: str, data: bytes | None) -> None:
    """The archive with another content of one file in it, or without it."""
    with zipfile.ZipFile(file) as source:
        members = {item: source.read(item) for item in source.namelist() if item != name}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for item, content in {**members, **({} if data is None else {name: data})}.items():
            target.writestr(item, content)


MANIFEST = "MAR-INF/MANIFEST.json"
SERIALIZED = {"handler": "image_classifier", "serializedFile": "../flowers.pt"}
CHANGED: dict[str, tuple[str, bytes | None, str]] = {
    "no manifest": (MANIFEST, None, f"is not a TorchServe archive: it has no {MANIFEST}"),
    "a broken manifest": (MANIFEST, b"{", "is not valid JSON"),
    "a deep manifest": (MANIFEST, b"[" * 99_999, "is not valid JSON"),
    "a list as manifest": (MANIFEST, b"[]", "does not describe a model"),
    "a manifest without a model": (MANIFEST, b"{}", "does not describe a model"),
    "a manifest without a handler": (MANIFEST, b'{"model": {}}', "has the handler 'None', whose code is never run"),
    "a file outside": (MANIFEST, json.dumps({"model": SERIALIZED}).encode(), "does not hold the serialized file"),
    "no weights": ("flowers.pt", None, "does not hold the serialized file that its manifest names"),
    "damaged weights": ("flowers.pt", b"PK", "is damaged, or not a TorchScript file"),
    "broken labels": ("index_to_name.json", b"{", "is not valid JSON"),
    "a path upwards": ("../../evil.py", b"", "'../../evil.py' in it has a path outside the archive"),
    "a path upwards inside": ("a/../../evil.py", b"", "has a path outside the archive"),
    "a path of Windows": ("a\\..\\evil.py", b"", "has a path outside the archive"),
    "an absolute path": ("/tmp/evil.py", b"", "has a path outside the archive"),  # noqa: S108
    "a bomb": ("zeros", bytes(200_000_000), "it would unpack to 20"),
    "a large file of labels": ("index_to_name.json", bytes(10_000_001), "would unpack to|is too large"),
}


@pytest.mark.parametrize(("name", "data", "message"), CHANGED.values(), ids=CHANGED)
def test_changed_archive_is_refused_in_one_line(name: str, data: bytes | None, message: str, flowers: Path) -> None:
    rewritten(flowers, name, data)
    assert re.search(message, refusal(flowers))


def test_link_in_an_archive_is_refused(flowers: Path) -> None:
    link = zipfile.ZipInfo("labels.json")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(flowers, "a") as target:
        target.writestr(link, "/etc/passwd")
    assert "'labels.json' in it is a link" in refusal(flowers)


@pytest.mark.parametrize("data", [None, b"", b"PK\x05\x06", b"hello" * 99])
def test_file_that_is_not_an_archive_is_refused(data: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "flowers.mar"
    if data is not None:
        file.write_bytes(data)
    message = refusal(file)
    assert message.endswith("No such file or directory" if data is None else "is damaged, or not a TorchServe archive")


def test_truncated_archive_is_refused(flowers: Path) -> None:
    flowers.write_bytes(flowers.read_bytes()[:-60])
    assert "is damaged, or not a TorchServe archive" in refusal(flowers)

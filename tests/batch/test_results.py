"""The columns and the metadata of the results, and every refusal in one line."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path
from threading import Event

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from my_inference_app.batch.cli import main
from my_inference_app.batch.job import Job, run
from my_inference_app.bundles.bundle import Bundle
from my_inference_app.errors import BundleError, SetupError
from my_inference_app.settings import Settings
from tests.batch.running import folder_of_images, labels, results, rows_of
from tests.batch.test_sources import in_parquet, in_tar
from tests.images import SAMPLES, plain_image
from tests.pipelines import MEAN_COLOUR, pipeline


def test_rows_have_the_scores_of_the_classifier(tiny: Bundle, tmp_path: Path) -> None:
    source = folder_of_images(tmp_path / "images", 8)
    found = results(tiny, source, tmp_path / "results.parquet", top_k=2)
    row = found["0/0.png"]
    assert (row["label"], row["error"], len(row["top_k"])) == ("red", None, 2)
    best, second = row["top_k"]
    assert best == {"label": "red", "score": row["score"], "class_id": 0}
    assert 0.5 < best["score"] < 1 and second["score"] <= 1 - best["score"]
    bad = found["3/7.png"]
    assert (bad["label"], bad["score"], bad["top_k"]) == (None, None, None)
    assert bad["error"]["code"] == "unsupported_format" and "send JPEG" in bad["error"]["message"]


def test_metadata_names_model_and_version(tiny: Bundle, tmp_path: Path) -> None:
    results(tiny, folder_of_images(tmp_path / "images", 3), tmp_path / "results.parquet")
    metadata = pq.read_schema(tmp_path / "results.parquet").metadata
    assert (metadata[b"model"], metadata[b"version"]) == (b"tiny", b"1")
    assert metadata[b"source"] == bytes(tmp_path / "images")


def test_embeddings_are_those_that_the_logits_come_from(colours: Bundle, tmp_path: Path) -> None:
    source = folder_of_images(tmp_path / "images", 8)
    found = results(colours, source, tmp_path / "results.parquet", embeddings=True, top_k=3)
    row = found["0/0.png"]
    logits = 4 * np.array(row["embedding"]) + np.arange(3)
    scores = np.exp(logits) / np.exp(logits).sum()
    assert {item["class_id"]: item["score"] for item in row["top_k"]} == pytest.approx(
        dict(enumerate(scores)), abs=0.02
    )
    assert found["3/7.png"]["embedding"] is None


def test_embeddings_of_a_model_without_features_are_refused(tiny: Bundle, tmp_path: Path) -> None:
    source = folder_of_images(tmp_path / "images", 3)
    with pytest.raises(SetupError, match="has no features for --embeddings"):
        results(tiny, source, tmp_path / "results.parquet", embeddings=True)


def test_real_model_recognises_the_sample_images(efficientnet: Path, tmp_path: Path) -> None:
    source, out = str(SAMPLES[0].parent), str(tmp_path / "results.parquet")
    command = [sys.executable, "-m", "my_inference_app.batch", source, "--out", out]
    done = subprocess.run(
        command, env={**os.environ, "BUNDLE": str(efficientnet)}, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout) == (0, f"{tmp_path}/results.parquet\n"), done.stderr
    assert done.stderr.startswith(f"{len(SAMPLES)} of {len(SAMPLES)}, ")
    rows = pq.read_table(tmp_path / "results.parquet").to_pylist()
    assert {row["path"]: row["label"] for row in rows}["cat.jpg"] == "tiger cat"


@pytest.mark.parametrize(
    ("source", "options", "reason"),
    [
        ("none", [], "does not exist: SOURCE is a folder of images, a .txt"),
        ("empty", [], "there are no images in "),
        ("empty.txt", [], "there are no images in "),
        ("list.csv", ["--column", "photo"], "has no column 'photo'; its first line is ['a', 'b']"),
        ("image.png", [], "cannot be read as a source: SOURCE is"),
        ("broken.tar", [], "is not a complete, uncompressed tar: "),
        ("packed.tar", [], "unpack a compressed one first"),
        ("short.tar", [], "is not a complete, uncompressed tar: "),
        ("broken.parquet", [], "cannot be read as Parquet: "),
        ("numbers.parquet", [], "has no column of bytes; its columns are number"),
        ("two.parquet", [], "has the columns of bytes mask, photo: pick one with --column NAME"),
        ("good", ["--out", "none/results.parquet"], "there is no folder none for the results: make it first"),
        ("good", ["--out", "image.png/results.parquet"], "there is no folder image.png for the results"),
        ("good", ["--out", "image.png"], "image.png exists, and was not made by this command: remove it, or give"),
        ("good", ["--out", "good"], "good exists, and was not made by this command: remove it, or give another --out"),
        ("good", ["--out", "/proc/results.parquet"], "error: /proc/results.parquet.unfinished: No such file"),
    ],
)
def test_unusable_source_or_result_is_refused_in_one_line(
    tiny: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, options: list[str], reason: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BUNDLE", str(tiny.path))
    make_sources(tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(SystemExit) as stopped:
        main([source, "--out", "results.parquet", *options])
    said = str(stopped.value.code)
    assert said.startswith("error: ") and reason in said and "\n" not in said
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def make_sources(folder: Path) -> None:
    (folder / "empty").mkdir()
    (folder / "empty.txt").write_text("\n \n")
    (folder / "list.csv").write_text("a,b\n1,2\n")
    (folder / "image.png").write_bytes(plain_image())
    folder_of_images(folder / "good", 2)
    tar = in_tar(folder / "short.tar", {"1.png": plain_image(), "2.png": bytes(20_000)})
    (folder / "packed.tar").write_bytes(gzip.compress(tar.read_bytes()))
    os.truncate(tar, 3000)
    (folder / "broken.tar").write_bytes(b"x" * 2000)
    (folder / "broken.parquet").write_bytes(b"PAR1 and no more")
    in_parquet(folder / "numbers.parquet", {"number": [1, 2]})
    in_parquet(folder / "two.parquet", {"mask": [b"1"], "photo": [b"2"]})


def test_model_that_fails_on_some_images_gives_errors_in_their_rows(tmp_path: Path) -> None:
    body = f"assert not (images[..., 2] > 200).any(), 'too blue'\n{MEAN_COLOUR}"
    model = pipeline(tmp_path / "own", body)
    source = folder_of_images(tmp_path / "images", 6)
    run(Job(source, tmp_path / "results.parquet"), Settings(bundle=str(model)))
    found = labels(rows_of(tmp_path / "results.parquet"))
    assert (found["0/0.png"], found["1/1.png"], found["2/2.png"]) == ("red", "green", "model_failed")


def test_model_that_fails_on_all_images_stops_the_run(tmp_path: Path) -> None:
    model = pipeline(tmp_path / "own", f"assert not images.any(), 'lost'\n{MEAN_COLOUR}")
    source = folder_of_images(tmp_path / "images", 6)
    with pytest.raises(SetupError, match=r"lost.*all images close behind.*goes on from there"):
        run(Job(source, tmp_path / "results.parquet"), Settings(bundle=str(model)))


def test_model_that_hangs_while_it_is_loaded_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = Event()
    monkeypatch.setattr("builtins.GO", go, raising=False)
    model = pipeline(tmp_path / "own", before="GO.wait()")
    source = folder_of_images(tmp_path / "images", 6)
    try:
        with pytest.raises(BundleError, match=r"^the pipeline in .*own was not ready after 0.2 s: "):
            run(Job(source, tmp_path / "results.parquet"), Settings(bundle=str(model), load_timeout=0.2))
    finally:
        go.set()


@pytest.mark.parametrize("option", [["--top-k", "0"], ["--top-k", "x"], ["--save-every", "nan"], ["--out", ""]])
def test_bad_option_is_refused(tmp_path: Path, option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([str(tmp_path), "--out", "x.parquet", *option])
    assert stopped.value.code == 2
    assert f"argument {option[0]}: " in capsys.readouterr().err


def test_missing_bundle_is_refused_with_the_command_that_makes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUNDLE", str(tmp_path / "none"))
    with pytest.raises(SystemExit, match=r"there is no bundle in .*none: make it with `make export`"):
        main([str(folder_of_images(tmp_path / "images", 1)), "--out", str(tmp_path / "results.parquet")])


WITHOUT_PYARROW = """
import runpy, sys
sys.modules["pyarrow"] = None
runpy.run_module("my_inference_app.batch", run_name="__main__")
"""


def test_missing_pyarrow_is_named_with_the_command_that_installs_it() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_PYARROW], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "error: pyarrow is missing: install it with `pip install -r requirements/batch.txt`, or use `make batch`\n"
    )


def test_result_is_readable_as_a_table_with_the_documented_types(colours: Bundle, tmp_path: Path) -> None:
    results(colours, folder_of_images(tmp_path / "images", 3), tmp_path / "results.parquet", embeddings=True)
    schema = pq.read_schema(tmp_path / "results.parquet")
    assert schema.names == ["path", "label", "score", "top_k", "error", "embedding"]
    assert schema.field("score").type == pa.float32()

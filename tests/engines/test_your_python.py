"""Pipelines of the operator's own: what they get, what they return, and how they fail."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from my_inference_app.bundles import bundle
from my_inference_app.engines.base import Engine, engine_of, load_engine
from my_inference_app.errors import BundleError
from tests.pipelines import pipeline

IMAGES = np.stack([np.full((32, 32, 3), (32, 64, 96), np.uint8), np.zeros((32, 32, 3), np.uint8)])


def load(folder: Path, **options: Any) -> Engine:
    found = bundle.read(folder)
    return load_engine(found, engine_of(found, "openvino"), threads=3, **options)


def test_pipeline_computes_a_batch(tmp_path: Path) -> None:
    logits = load(pipeline(tmp_path))(IMAGES)
    assert logits.dtype == np.float32
    assert logits.tolist() == [[1, 2, 3], [0, 0, 0]]


def test_pipeline_is_told_where_it_is_and_how_to_compute(tmp_path: Path) -> None:
    body = "s = self.settings; assert (str(s.folder), s.threads, s.device, s.precision) == (WHERE, 3, 'cuda:1', 'f16')"
    folder = pipeline(tmp_path, f"{body}\nreturn images[:, 0, 0]", before=f"WHERE = {str(tmp_path)!r}")
    assert load(folder, device="cuda:1", precision="f16")(IMAGES).shape == (2, 3)


def test_compile_is_called_once_with_the_pipeline(tmp_path: Path) -> None:
    before = "def compile(pipe):\n    pipe.compiled = getattr(pipe, 'compiled', 0) + 1\n"
    engine = load(pipeline(tmp_path, "return [[self.compiled] * 3] * len(images)", before=before))
    assert engine(IMAGES).tolist() == engine(IMAGES).tolist() == [[1] * 3] * 2


def test_files_beside_the_pipeline_are_imported_relatively(tmp_path: Path) -> None:
    for name, number in (("a", 1), ("b", 2)):
        folder = pipeline(tmp_path / name, "return [[helper.NUMBER] * 3] * 2", before="from . import helper")
        (folder / "helper.py").write_text(f"NUMBER = {number}")
    assert [load(tmp_path / name)(IMAGES)[0, 0] for name in "ab"] == [1, 2]


def test_replicas_share_nothing(tmp_path: Path) -> None:
    before = "class Count:\n    calls = 0\n"
    folder = pipeline(tmp_path, "Count.calls += 1\nreturn [[Count.calls] * 3] * 2", before=before)
    first, second = load(folder), load(folder)
    assert [engine(IMAGES)[0, 0] for engine in (first, first, second)] == [1, 2, 1]


@pytest.mark.parametrize("kind", ["float16", "float64", "int64"])
def test_numbers_of_other_types_are_converted(tmp_path: Path, kind: str) -> None:
    logits = load(pipeline(tmp_path, f"return images[:, 0, 0].astype('{kind}')"))(IMAGES)
    assert logits.dtype == np.float32
    assert logits.tolist() == [[32, 64, 96], [0, 0, 0]]


def test_tensors_of_other_libraries_are_converted(tmp_path: Path) -> None:
    tensor = """
        class Tensor:
            def __init__(self, array):
                self._array = array

            def __array__(self, dtype=None):
                return self._array
        """
    engine = load(pipeline(tmp_path, "return Tensor(images[:, 0, 0])", before=tensor))
    assert engine(IMAGES).tolist() == [[32, 64, 96], [0, 0, 0]]


def test_memory_that_a_pipeline_uses_again_changes_no_earlier_result(tmp_path: Path) -> None:
    body = "BUFFER[:] = images[:, 0, 0]\nreturn BUFFER"
    engine = load(pipeline(tmp_path, body, before="import numpy as np\nBUFFER = np.zeros((2, 3), 'float32')"))
    first = engine(IMAGES)
    engine(np.zeros_like(IMAGES))
    assert first.tolist() == [[32, 64, 96], [0, 0, 0]]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("x = 1", "has no class Pipeline$"),
        ("Pipeline = 1", "has no class Pipeline$"),
        ("class Pipeline:\n def __init__(self, settings): 0", r"has no method __call__\(self, images\)$"),
        ("class Pipeline:", r"its import failed: IndentationError: .*line 1\)$"),
        ("\nimport nothing_of_this_name", r"its import failed: ModuleNotFoundError: .* \(line 2\)$"),
        (
            "class Pipeline:\n def __call__(self, images): 0",
            "Pipeline.__init__ failed: TypeError: .*takes no arguments",
        ),
        ("class Pipeline:\n def __init__(self, s):\n  1 / 0", r"__init__ failed: ZeroDivisionError: .* \(line 3\)$"),
        ("import sys\nsys.exit('bye')", r"its import failed: SystemExit: bye \(line 2\)$"),
    ],
)
def test_pipeline_that_cannot_be_loaded_is_one_line(tmp_path: Path, code: str, reason: str) -> None:
    (pipeline(tmp_path) / "pipeline.py").write_text(code)
    with pytest.raises(BundleError, match=rf"^{tmp_path / 'pipeline.py'}:? .*{reason}") as caught:
        load(tmp_path)
    assert "\n" not in str(caught.value)


def test_compile_that_fails_is_one_line(tmp_path: Path) -> None:
    folder = pipeline(tmp_path, before="def compile(pipe):\n    raise ValueError('many\\nlines')")
    with pytest.raises(BundleError, match=r"pipeline.py: compile failed: ValueError: many \(line 2\)$"):
        load(folder)


def test_log_names_each_step_of_loading(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = pipeline(tmp_path, before="def compile(pipe):\n    pass")
    with caplog.at_level(logging.INFO):
        load(folder)
    steps = ["its import", "Pipeline.__init__", "compile"]
    assert [record.getMessage() for record in caplog.records] == [f"{folder / 'pipeline.py'}: {step}" for step in steps]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("return images[:, 0, 0, 0]", r"an array of shape \(2,\) instead of \(2, classes\)"),
        ("return images[0, 0, :1]", r"an array of shape \(1, 3\) instead of \(2, classes\)"),
        ("return images", r"an array of shape \(2, 32, 32, 3\) instead of"),
        ("return 1", r"an array of shape \(\) instead of"),
        ("return None", "a NoneType, which is not an array of numbers"),
        ("return {}", "returned a dict, which is not an array of numbers"),
        ("return ['a', 'b']", "returned a list, which is not an array of numbers"),
        ("return [[1, 2, 3], [1, 2]]", "returned a list, which is not an array of numbers"),
        ("return [[1, 2, float('nan')]] * 2", "returned NaN or infinity"),
        ("return [[1e300] * 3] * 2", "returned NaN or infinity"),
        ("return images.nothing", "failed: AttributeError: .*"),
        ("raise SystemExit('bye')", "failed: SystemExit: bye"),
    ],
)
def test_failure_says_which_pipeline_and_what_it_did(tmp_path: Path, body: str, reason: str) -> None:
    engine = load(pipeline(tmp_path, body))
    with pytest.raises(RuntimeError, match=rf"^{tmp_path / 'pipeline.py'} (returned )?({reason})"):
        engine(IMAGES)


def test_number_of_classes_must_not_change(tmp_path: Path) -> None:
    engine = load(pipeline(tmp_path, "return [[0] * (3 if images.any() else 4)] * len(images)"))
    engine(IMAGES)
    with pytest.raises(RuntimeError, match=r"an array of shape \(1, 4\) instead of \(1, 3\)"):
        engine(IMAGES[1:])

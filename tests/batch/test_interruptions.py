"""A run that is killed or stopped goes on where it was: nothing is lost, nothing is done twice."""

from __future__ import annotations

import random
import signal
import subprocess
from pathlib import Path

import pytest

from my_inference_app.batch.job import Job, run
from my_inference_app.batch.unfinished import Unfinished
from my_inference_app.bundles.bundle import Bundle
from my_inference_app.errors import SetupError
from my_inference_app.settings import Settings
from tests.batch.running import folder_of_images, labels, results, rows_of, start
from tests.live.service import until

KILLS = 10


def parts_in(out: Path) -> dict[str, int]:
    """The parts and their inodes: a part that is written again has another one."""
    folder = out.with_name(f"{out.name}.unfinished")
    return {path.name: path.stat().st_ino for path in folder.glob("*.parquet")} if folder.is_dir() else {}


def end_after(process: subprocess.Popen[str], out: Path, parts: int, how: signal.Signals) -> tuple[str, str]:
    """Sends the signal once so many parts are there."""
    until(lambda: len(parts_in(out)) >= parts or process.poll() is not None, seconds=120)
    assert process.poll() is None, process.communicate()
    process.send_signal(how)
    return process.communicate(timeout=60)


def test_run_killed_at_ten_random_moments_has_the_rows_of_an_undisturbed_one(tiny: Bundle, tmp_path: Path) -> None:
    source = folder_of_images(tmp_path / "images", 600)
    expected = results(tiny, source, tmp_path / "undisturbed.parquet")
    out = tmp_path / "killed.parquet"
    moments = random.Random(12)  # noqa: S311
    before: dict[str, int] = {}
    for _ in range(KILLS):
        process = start(tiny, source, "--out", out, "--save-every", "0")
        end_after(process, out, len(before) + moments.randint(1, 30), signal.SIGKILL)
        assert not out.exists()
        after = parts_in(out)
        assert before.items() <= after.items()  # no part was written again
        before = after
    results(tiny, source, out)
    assert rows_of(out) == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images", "killed.parquet", "undisturbed.parquet"]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_stopped_run_keeps_its_rows_and_says_how_to_go_on(tiny: Bundle, tmp_path: Path, how: signal.Signals) -> None:
    source = folder_of_images(tmp_path / "images", 600)
    out = tmp_path / "results.parquet"
    process = start(tiny, source, "--out", out, "--save-every", "0")
    _, said = end_after(process, out, 20, how)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "stopped: run the same command again to go on"
    assert len(results(tiny, source, out)) == 600


def test_run_killed_before_its_list_was_complete_lists_again(tiny: Bundle, tmp_path: Path) -> None:
    source, out = folder_of_images(tmp_path / "images", 8), tmp_path / "results.parquet"
    left = tmp_path / "results.parquet.unfinished"
    left.mkdir()
    (left / "list.jsonl").write_text('"0/0.png"\n')
    assert len(results(tiny, source, out)) == 8


def test_run_killed_after_its_end_removes_what_is_left(
    tiny: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = folder_of_images(tmp_path / "images", 8), tmp_path / "results.parquet"
    results(tiny, source, out)
    written = out.stat().st_ino
    (tmp_path / "results.parquet.unfinished").mkdir()
    assert len(results(tiny, source, out)) == 8
    assert out.stat().st_ino == written
    assert "has all results already" in capsys.readouterr().err
    assert not (tmp_path / "results.parquet.unfinished").exists()


def test_image_that_is_gone_when_the_run_goes_on_is_an_error_in_its_row(tiny: Bundle, tmp_path: Path) -> None:
    source, out = folder_of_images(tmp_path / "images", 300), tmp_path / "results.parquet"
    process = start(tiny, source, "--out", out, "--save-every", "0")
    end_after(process, out, 3, signal.SIGKILL)
    (source / "3" / "99.png").unlink()
    (source / "3" / "new.png").write_bytes(b"not in the list")
    found = labels(results(tiny, source, out))
    assert found["3/99.png"] == "file_unreadable"
    assert len(found) == 300


@pytest.mark.parametrize(("options", "name"), [({"top_k": 2}, "top_k"), ({}, "source")])
def test_unfinished_result_of_another_command_is_refused(
    tiny: Bundle, tmp_path: Path, options: dict[str, int], name: str
) -> None:
    source, out = folder_of_images(tmp_path / "images", 300), tmp_path / "results.parquet"
    process = start(tiny, source, "--out", out, "--save-every", "0")
    end_after(process, out, 1, signal.SIGKILL)
    other = source if options else folder_of_images(tmp_path / "others", 3)
    with pytest.raises(SetupError, match=f"unfinished result of another command, with {name} .*remove the folder"):
        results(tiny, other, out, **options)


def test_unfinished_result_of_another_model_is_refused(colours: Bundle, tmp_path: Path) -> None:
    source, out = folder_of_images(tmp_path / "images", 3), tmp_path / "results.parquet"
    Unfinished(out).folder.mkdir()
    Unfinished(out).start({"model": "tiny"}, ["0/0.png"], print)
    with pytest.raises(SetupError, match="with model 'tiny' instead of 'colours'"):
        results(colours, source, out)


def test_two_runs_with_one_result_exclude_each_other(tiny: Bundle, tmp_path: Path) -> None:
    source, out = folder_of_images(tmp_path / "images", 3), tmp_path / "results.parquet"
    with Unfinished(out).locked(), pytest.raises(SetupError, match="another run is writing"):
        run(Job(source, out), Settings(bundle=str(tiny.path)))
    assert len(results(tiny, source, out)) == 3


def test_missing_part_is_noticed(tiny: Bundle, tmp_path: Path) -> None:
    source, out = folder_of_images(tmp_path / "images", 300), tmp_path / "results.parquet"
    process = start(tiny, source, "--out", out, "--save-every", "0")
    end_after(process, out, 3, signal.SIGKILL)
    min(Unfinished(out).folder.glob("*.parquet")).unlink()
    with pytest.raises(SetupError, match=r"is damaged: rows 0 to .* are missing; remove it to start again"):
        results(tiny, source, out)

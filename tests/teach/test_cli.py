"""The command: what it prints, and how it fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from my_inference_app.bundles.bundle import Bundle
from my_inference_app.settings import Settings
from my_inference_app.teach.cli import main


@pytest.fixture(autouse=True)
def _store(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELS_DIR", str(settings.models_dir))


def failure(*arguments: str) -> str:
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    message = str(caught.value.code)
    assert message.startswith("error: ") and "\n" not in message
    return message


def test_json_on_stdout_is_the_report(
    report: dict[str, Any], lessons: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(lessons), "--name", "things", "--model", "efficientnet-lite0", "--json"])
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert {**found, "seconds": 0, "comparison": None} == {**report, "seconds": 0, "comparison": None}
    assert "95 % interval" in printed.err


def test_without_json_the_folder_of_the_bundle_is_printed(
    report: dict[str, Any], lessons: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(lessons), "--name", "things", "--model", "efficientnet-lite0"])
    assert capsys.readouterr().out == f"{report['bundle']}\n"


def test_missing_parent_says_how_to_make_it(lessons: Path) -> None:
    assert "make export MODEL=org/no-such" in failure(str(lessons), "--name", "x", "--model", "org/no-such")


def test_teaching_beside_a_service_on_ray_computes_here(
    report: dict[str, Any], lessons: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ENGINE", "ray")
    main([str(lessons), "--name", "things", "--model", "efficientnet-lite0", "--estimate", "--json"])
    assert json.loads(capsys.readouterr().out)["accuracy"] == report["accuracy"]


def test_parent_without_features_is_refused(lessons: Path, tiny: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUNDLE", str(tiny.path))
    assert "tiny cannot be taught" in failure(str(lessons), "--name", "x")


def test_model_that_was_taught_is_taught_again_on_its_parent(
    report: dict[str, Any], lessons: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(lessons), "--name", "things", "--model", "things"])
    assert capsys.readouterr().out == f"{report['bundle']}\n"


def test_report_that_cannot_be_written_is_refused(lessons: Path, tmp_path: Path) -> None:
    place = str(tmp_path / "no" / "report.html")
    assert "for the report: make it first" in failure(
        str(lessons), "--name", "x", "--model", "efficientnet-lite0", "--estimate", "--report", place
    )


def test_bad_version_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["photos", "--name", "x", "--version", "0"])
    assert "'0' is not a whole number from 1" in capsys.readouterr().err

"""A bundle that takes the place of another: readers see the old one or the new one, and nothing else."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from my_inference_app.bundles import bundle
from my_inference_app.bundles import replace as replacing
from my_inference_app.bundles.bundle import MANIFEST, Bundle, InputSpec
from my_inference_app.errors import BundleError

SPEC = InputSpec((224, 192), 256, "bicubic", (127.0,) * 3, (128.0,) * 3)


def write(path: Path, generation: int) -> Bundle:
    """A bundle whose label and files all tell its generation."""

    def fill(folder: Path) -> None:
        for name in ("model.xml", "model.bin"):
            (folder / name).write_text(f"{name} of {generation}")

    return bundle.write(Bundle(path, "one", {}, (str(generation),), SPEC, "f32"), fill)


@pytest.fixture
def made(tmp_path: Path) -> Bundle:
    return write(tmp_path / "models" / "one", 0)


@pytest.fixture(params=["in one step", "in two steps"])
def _ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux exchanges folders; elsewhere, and on some file systems, the second way is left."""
    if request.param == "in two steps":
        monkeypatch.setattr(replacing, "_exchange", lambda *_: False)


def content(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir())


@pytest.mark.usefixtures("_ways")
def test_new_bundle_replaces_the_old_one_and_nothing_else_is_left(made: Bundle) -> None:
    assert content(made.path.parent) == ["one"]
    new = bundle.write(replace(made, name="new"), lambda folder: (folder / "model.pt").touch())
    assert bundle.read(made.path) == new
    assert content(made.path) == [MANIFEST, "model.pt"]
    assert content(made.path.parent) == ["one"]


@pytest.mark.usefixtures("_ways")
def test_file_in_the_way_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("no folder")
    new = write(tmp_path / "one", 1)
    assert bundle.read(tmp_path / "one") == new
    assert content(tmp_path) == ["one"]


@pytest.mark.usefixtures("_ways")
def test_bundle_behind_a_link_is_replaced_and_the_link_stays(made: Bundle, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(made.path)
    write(link, 1)
    assert link.is_symlink()
    assert bundle.read(made.path).labels == ("1",)
    assert content(tmp_path) == ["link", "models"]
    assert content(made.path.parent) == ["one"]


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_failure_while_writing_leaves_the_old_bundle(made: Bundle, error: BaseException) -> None:
    def fail(folder: Path) -> None:
        (folder / "model.xml").write_text("half of")
        raise error

    for path in (made.path, made.path.with_name("two")):
        with pytest.raises(type(error)):
            bundle.write(replace(made, path=path), fail)
    assert bundle.read(made.path) == made
    made.verify("model.xml", "model.bin")
    assert content(made.path.parent) == ["one"]


def test_failure_of_the_second_rename_leaves_the_old_bundle(made: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where folders cannot be exchanged. The new one is gone before it can be renamed: a failure as from a disk."""
    monkeypatch.setattr(replacing, "_exchange", lambda new, _: new.rename(new.with_name("lost")) and False)
    with pytest.raises(FileNotFoundError):
        write(made.path, 1)
    assert bundle.read(made.path) == made
    made.verify("model.xml", "model.bin")
    assert content(made.path.parent) == ["one"]


def test_readers_never_see_nothing_or_two_generations(made: Bundle) -> None:
    """Readers read manifest and files over and over, while 200 generations are written."""
    if not replacing._exchange(made.path, made.path):
        pytest.skip("this file system cannot exchange folders")
    done = threading.Event()

    def use(found: Bundle) -> tuple[str, ...]:
        found.verify("model.xml", "model.bin")
        return (*found.labels, *((found.path / name).read_text() for name in ("model.xml", "model.bin")))

    def read_on() -> int:
        last = 0
        while not done.is_set():
            label, *files = bundle.load(made.path, use)
            assert files == [f"model.xml of {label}", f"model.bin of {label}"]
            assert int(label) >= last, "an older one never comes back"
            last = int(label)
        return last

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read_on) for _ in range(2)]
        try:
            for generation in range(1, 201):
                write(made.path, generation)
        finally:
            done.set()
    assert all(reader.result() > 0 for reader in readers)
    assert bundle.load(made.path, use)[0] == "200"


def test_bundle_replaced_while_it_is_used_is_used_again(made: Bundle) -> None:
    """Whether the first use fails, as with files of two generations, or succeeds."""
    for generation, fails in ((1, True), (3, False)):
        uses: list[str] = []

        def use(found: Bundle, fails: bool = fails, generation: int = generation, uses: list[str] = uses) -> str:
            uses.append(found.labels[0])
            if len(uses) == 1:
                write(made.path, generation)
                if fails:
                    raise RuntimeError("half of each")
            return found.labels[0]

        assert bundle.load(made.path, use) == str(generation)
        assert len(uses) == 2


def test_failure_with_an_unchanged_bundle_is_raised_at_once(made: Bundle) -> None:
    uses: list[Bundle] = []

    def fail(found: Bundle) -> None:
        uses.append(found)
        raise RuntimeError("a defect")

    with pytest.raises(RuntimeError, match="a defect"):
        bundle.load(made.path, fail)
    assert uses == [made]


def test_bundle_that_never_stays_the_same_is_an_error(made: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "_MOST_REPLACEMENTS", 3)
    generations = iter(range(1, 100))
    with pytest.raises(BundleError, match="is replaced again and again"):
        bundle.load(made.path, lambda _: write(made.path, next(generations)))

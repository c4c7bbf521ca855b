"""What can be classified: a folder, a list, a tar, a Parquet file; and what is wrong with single images."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from my_inference_app.batch.job import Job, run
from my_inference_app.bundles.bundle import Bundle
from my_inference_app.settings import Settings
from tests.batch.running import labels, results, rows_of
from tests.images import COLOURS, plain_image
from tests.remote import Remote, allowing

RED, GREEN, BLUE = (plain_image(label) for label in COLOURS)


def in_tar(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def in_parquet(path: Path, columns: dict[str, list[Any]], **options: Any) -> Path:
    pq.write_table(pa.table(columns), path, **options)
    return path


def test_folder_gives_its_images_and_what_is_wrong_with_them(tiny: Bundle, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "red.PNG").write_bytes(RED)
    (folder / "deep" / "er" / "green.jpg").write_bytes(GREEN)
    (folder / "notes.txt").write_bytes(b"not listed")
    (folder / "text.gif").write_bytes(b"text" * 10)
    (folder / "half.png").write_bytes(BLUE[:60])
    (folder / "huge.bmp").touch()
    os.truncate(folder / "huge.bmp", 11 << 20)
    os.mkfifo(folder / "pipe.png")
    (folder / "nowhere.png").symlink_to("none")
    (folder / "circle").symlink_to(folder)
    Path(os.fsdecode(bytes(folder) + b"/\xff.png")).write_bytes(GREEN)
    assert labels(results(tiny, folder, tmp_path / "results.parquet")) == {
        "red.PNG": "red",
        "deep/er/green.jpg": "green",
        "text.gif": "unsupported_format",
        "half.png": "image_undecodable",
        "huge.bmp": "payload_too_large",
        "pipe.png": "file_unreadable",
        "nowhere.png": "file_unreadable",
        "\\xff.png": "green",
    }


@pytest.mark.parametrize(
    ("name", "text", "options"),
    [
        ("list.txt", "a.png\r\n\n{folder}/b c.png\nnone.png\n", {}),
        ("list.csv", 'a.png\n"{folder}/b c.png"\nnone.png\n', {}),
        ("list.csv", "\ufeffid,Path\n1,a.png\n2,{folder}/b c.png\n3,none.png\n", {}),
        ("list.csv", "path,picture\nx,a.png\ny,{folder}/b c.png\nz,none.png\n", {"column": "picture"}),
    ],
)
def test_list_gives_its_paths(tiny: Bundle, tmp_path: Path, name: str, text: str, options: dict[str, str]) -> None:
    (tmp_path / "a.png").write_bytes(RED)
    (tmp_path / "b c.png").write_bytes(BLUE)
    (tmp_path / name).write_text(text.format(folder=tmp_path), "utf-8")
    found = labels(results(tiny, tmp_path / name, tmp_path / "results.parquet", **options))
    assert found == {"a.png": "red", f"{tmp_path}/b c.png": "blue", "none.png": "file_unreadable"}


def test_list_gives_its_urls_within_the_rules_of_the_server(tiny: Bundle, tmp_path: Path, remote: Remote) -> None:
    (tmp_path / "local.png").write_bytes(BLUE)
    lines = [f"{remote.url}/cat", f"{remote.url}/dog", "http://127.0.0.2/private", "local.png"]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    out = tmp_path / "results.parquet"
    run(Job(tmp_path / "list.txt", out), Settings(bundle=str(tiny.path), **allowing(remote)))
    assert list(labels(rows_of(out)).items()) == list(zip(lines, ["green", "red", "fetch_failed", "blue"], strict=True))


def test_tar_gives_its_images_by_name(tiny: Bundle, tmp_path: Path) -> None:
    long = "x" * 200 + ".png"
    files = {
        "1.png": RED,
        "1.json": b"{}",
        "1.cls": b"7",
        "ü/2.png": BLUE,
        long: GREEN,
        "3.jpg": b"",
        "4.png": RED[:50],
    }
    found = labels(results(tiny, in_tar(tmp_path / "shard.tar", files), tmp_path / "results.parquet"))
    expected = {"1.png": "red", "ü/2.png": "blue", long: "green", "3.jpg": "unsupported_format"}
    assert found == {**expected, "4.png": "image_undecodable"}


@pytest.mark.parametrize(
    ("columns", "paths"),
    [
        ({"jpg": [RED, BLUE, None, GREEN]}, ["0", "1", "2", "3"]),
        ({"jpg": [RED, BLUE, b"", GREEN], "url": ["a", "b", "c", "d"]}, ["a", "b", "c", "d"]),
        (
            {"image": [{"bytes": data, "path": name} for data, name in ((RED, "a"), (BLUE, "b"), (None, "c"))] + [
                {"bytes": GREEN, "path": None}
            ]},
            ["a", "b", "c", "3"],
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("rows_in_group", [1, 3, 100])
def test_parquet_gives_its_rows(
    tiny: Bundle, tmp_path: Path, columns: dict[str, list[Any]], paths: list[str], rows_in_group: int
) -> None:
    source = in_parquet(tmp_path / "images.parquet", columns, row_group_size=rows_in_group)
    found = labels(results(tiny, source, tmp_path / "results.parquet"))
    assert list(found.items()) == list(zip(paths, ["red", "blue", "no_image", "green"], strict=True))


@pytest.mark.parametrize("start", [0, 1, 39, 40, 75, 99])
def test_parquet_is_read_from_any_row_on(tmp_path: Path, start: int) -> None:
    from my_inference_app.batch.sources import find

    path = in_parquet(tmp_path / "rows.parquet", {"data": [b"%d" % row for row in range(100)]}, row_group_size=40)
    source = find(path, Settings(), "")
    entries = list(source.entries())[start:]
    items = list(source.items(entries, start))
    assert [(item.path, item.read()) for item in items] == [(str(row), b"%d" % row) for row in range(start, 100)]


def test_parquet_with_two_columns_of_bytes_takes_the_named_one(tiny: Bundle, tmp_path: Path) -> None:
    source = in_parquet(tmp_path / "images.parquet", {"mask": [RED], "photo": [BLUE]})
    assert labels(results(tiny, source, tmp_path / "results.parquet", column="photo")) == {"0": "blue"}

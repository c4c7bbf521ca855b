"""A bundle's way to a node: by path or URL, and never another than the one meant."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from my_inference_app.bundles.bundle import Bundle
from my_inference_app.cluster.delivery import delivered
from my_inference_app.errors import BundleError


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def refused(place: str, identity: str = "0" * 64) -> None:
    with delivered(place, identity):
        pass


def test_path_is_used_as_it_is(tiny: Bundle) -> None:
    with delivered(str(tiny.path), tiny.identity) as found:
        assert found == tiny


def test_tar_at_a_url_is_unpacked_verified_and_removed(
    tiny: Bundle, server: str, tmp_path: Path, scratch: Path
) -> None:
    """With the command of docs/ray.md."""
    subprocess.run(["tar", "-cf", tmp_path / "tiny.tar", "-C", tiny.path, "."], check=True)
    with delivered(f"{server}/tiny.tar", tiny.identity) as found:
        assert (found.labels, found.files) == (tiny.labels, tiny.files)
        found.verify(*found.files)
    assert list(scratch.iterdir()) == []


def test_other_bundle_is_refused(tiny: Bundle, colours: Bundle) -> None:
    with pytest.raises(BundleError, match="is another bundle than the one that was deployed"):
        refused(str(colours.path), tiny.identity)


@pytest.mark.parametrize("content", [b"not a tar", None], ids=["not a tar", "missing"])
def test_url_without_a_tar_is_one_line(server: str, tmp_path: Path, content: bytes | None) -> None:
    if content:
        (tmp_path / "tiny.tar").write_bytes(content)
    with pytest.raises(BundleError, match=r"/tiny\.tar cannot be loaded: .*; it must be a tar file of a bundle$"):
        refused(f"{server}/tiny.tar")


def test_tar_that_leads_out_of_its_folder_is_refused(server: str, tmp_path: Path, scratch: Path) -> None:
    (tmp_path / "outside").write_text("x")
    subprocess.run(["tar", "-P", "-cf", tmp_path / "bad.tar", "../outside"], cwd=scratch, check=True)
    with pytest.raises(BundleError, match="cannot be loaded"):
        refused(f"{server}/bad.tar")

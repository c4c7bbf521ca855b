"""Good images with bytes changed, through the real app: an answer, never an internal error, and never much memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from my_inference_app.bundles.bundle import Bundle
from my_inference_app.server import create_app
from my_inference_app.settings import Settings
from tests.images import encode, pattern

# Only in tests are Pillow's warnings errors.
pytestmark = pytest.mark.filterwarnings("ignore")

IMAGE = pattern(48, 36)
OTHER = pattern(20, 60)
CLEAR = Image.new("RGBA", (48, 36), (200, 10, 10, 90))
FILES = {
    "JPEG": encode(IMAGE, "JPEG"),
    "JPEG, progressive": encode(IMAGE, "JPEG", progressive=True),
    "JPEG, CMYK": encode(IMAGE.convert("CMYK"), "JPEG"),
    "JPEG, grey": encode(IMAGE.convert("L"), "JPEG"),
    "JPEG, turned": encode(IMAGE, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"),
    "MPO": encode(IMAGE, "MPO", save_all=True, append_images=[OTHER]),
    "PNG": encode(IMAGE),
    "PNG, palette": encode(IMAGE.quantize(8), transparency=1),
    "PNG, 16 bits": encode(Image.new("I;16", (48, 36), 0x1234)),
    "PNG, clear": encode(CLEAR),
    "PNG, animated": encode(IMAGE, save_all=True, append_images=[OTHER]),
    "WebP": encode(IMAGE, "WEBP"),
    "WebP, lossless": encode(CLEAR, "WEBP", lossless=True),
    "WebP, animated": encode(IMAGE, "WEBP", save_all=True, append_images=[CLEAR.resize((48, 36))]),
    "GIF": encode(IMAGE, "GIF"),
    "GIF, animated": encode(IMAGE, "GIF", save_all=True, append_images=[OTHER]),
    "BMP": encode(IMAGE, "BMP"),
    "BMP, palette": encode(IMAGE.quantize(8), "BMP"),
}
MOST_MEMORY = 500_000

_place = st.floats(0, 1, allow_nan=False)
_near_the_start = st.integers(0, 64)
_odd_numbers = st.sampled_from(
    [0, 1, 2, 0x7F, 0x80, 0xFF, 0x1000, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 7000, 20_000]
)
EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("flip"), _place, st.integers(0, 7)),
        st.tuples(st.just("byte"), _place, st.integers(0, 255)),
        st.tuples(st.just("cut"), _place, _place),
        st.tuples(st.just("repeat"), _place, st.integers(1, 40)),
        st.tuples(st.just("splice"), _place, st.sampled_from(sorted(FILES))),
        st.tuples(st.just("big"), _near_the_start, _odd_numbers),
        st.tuples(st.just("little"), _near_the_start, _odd_numbers),
        st.tuples(st.just("short"), _near_the_start, _odd_numbers),
    ),
    min_size=1,
    max_size=5,
)


def edit(data: bytes, kind: str, where: float, what: int | float | str) -> bytes:
    at = int(where * max(0, len(data) - 1)) if kind not in ("big", "little", "short") else int(where)
    head, tail = data[:at], data[at:]
    if isinstance(what, str):
        return head + FILES[what][len(head) :]
    match kind:
        case "flip":
            return head + bytes([tail[0] ^ 1 << int(what)]) + tail[1:] if tail else data
        case "byte":
            return head + bytes([int(what)]) + tail[1:]
        case "cut":
            return head + tail[int(what * len(tail)) :]
        case "repeat":
            return head + tail[:200] * int(what) + tail
        case "short":
            return head + (int(what) & 0xFFFF).to_bytes(2, "big") + tail[2:]
        case _:
            return head + int(what).to_bytes(4, "big" if kind == "big" else "little") + tail[4:]


@pytest.fixture(scope="module")
def client(tiny: Bundle) -> FlaskClient:
    return create_app(Settings(bundle=str(tiny.path), compute_threads=1)).test_client()


@pytest.fixture(scope="module", autouse=True)
def _memory(client: FlaskClient) -> Iterator[None]:
    """If the system reports the peak of a process's memory, and can reset it."""
    forget = Path("/proc/self/clear_refs")
    if sys.platform != "linux" or not forget.exists():
        yield
        return
    assert client.post("/predict", data=FILES["PNG"]).status_code == 200
    forget.write_text("5")
    before = _peak_memory()
    yield
    assert _peak_memory() - before < MOST_MEMORY


def _peak_memory() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


@pytest.mark.parametrize("name", FILES)
def test_unchanged_images_are_answered(client: FlaskClient, name: str) -> None:
    assert client.post("/predict", data=FILES[name]).status_code == 200


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(edits=EDITS)
def test_changed_images_give_no_500(
    client: FlaskClient, name: str, edits: list[tuple[str, float, int | float | str]]
) -> None:
    data = FILES[name]
    for kind, where, what in edits:
        data = edit(data, kind, where, what)
    response = client.post("/predict", data=data, content_type="image/png")
    # A body without a byte has no image in it.
    assert response.status_code in ({200, 413, 415, 422} if data else {400}), (edits, response.text)

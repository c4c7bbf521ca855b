"""The memory of large images is given back when they are answered."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psutil
import requests
from PIL import Image

from benchmarks.soak.state import memory_mb
from tests.images import encode
from tests.live.service import REPOSITORY, Start

CAT = (REPOSITORY / "post_request" / "cat.jpg").read_bytes()


def test_large_images_leave_little_memory_behind(start: Start) -> None:
    service = start(WORKERS=1, THREADS=32)  # half of them may wait to decode a large image
    large = encode(Image.new("RGB", (4000, 3000), "teal"))  # 48 MB each while it is decoded

    def send(picture: bytes, count: int) -> set[int]:
        with ThreadPoolExecutor(16) as pool:
            url = f"{service.url}/predict"
            return set(pool.map(lambda _: requests.post(url, data=picture, timeout=120).status_code, range(count)))

    assert send(CAT, 64) == {200}
    before = memory_mb(psutil.Process(service.process.pid))
    assert send(large, 48) == {200}
    after = memory_mb(psutil.Process(service.process.pid))
    assert after - before < 60, (before, after)

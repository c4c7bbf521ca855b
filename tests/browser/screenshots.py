"""`make screenshots`: the pictures of the page in docs/pictures, from the real service and a real Chromium."""

from __future__ import annotations

import base64
import io
import tempfile
from pathlib import Path

from PIL import Image

from my_inference_app.export.options import Options
from my_inference_app.export.plan import Plan, run
from tests.browser.chromium import chromium
from tests.browser.visit import Visit
from tests.live.service import REPOSITORY, running, until

FOLDER = REPOSITORY / "docs" / "pictures"
IMAGES = REPOSITORY / "post_request"
QUALITY = 82


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bundle = run(Plan(Options("efficientnet-lite0"), folder / "models", ("openvino",)))
        with running(folder / "log", BUNDLE=bundle, WORKERS=1) as service, chromium(folder / "profile") as browser:
            for colour in ("light", "dark"):
                save(answered(Visit(browser, service.url), 1100, 860, colour), f"page-{colour}")
            save(answered(Visit(browser, service.url), 390, 1270, "light"), "page-phone")


def answered(visit: Visit, width: int, height: int, colour: str) -> Visit:
    """Two images, of which the second is on show with the map of its best label."""
    visit.width(width, height, scale=2)
    visit.command("Emulation.setScrollbarsHidden", hidden=True)
    visit.prefer(colour=colour, motion="reduce")
    visit.choose(IMAGES / "cat.jpg", IMAGES / "coffee.jpg")
    visit.wait(count=2)
    visit.all("#thumbnails button")[1].click()
    visit.one("#rows button").click()
    until(lambda: visit.one("#map").is_displayed() and visit.one("#heat").get_property("naturalWidth"))
    visit.browser.execute_script("scrollTo(0, 0)")
    return visit


def save(visit: Visit, name: str) -> None:
    shot = base64.b64decode(visit.command("Page.captureScreenshot")["data"])
    picture = Image.open(io.BytesIO(shot)).convert("RGB")
    path = FOLDER / f"{name}.webp"
    picture.save(path, quality=QUALITY, method=6)
    print(f"{path.relative_to(REPOSITORY)}: {picture.width}x{picture.height}, {path.stat().st_size // 1000} KB")


if __name__ == "__main__":
    main()

"""`--explain FOLDER`: maps as PNG files, and a page that shows them over the images."""

import os
from html import escape
from pathlib import Path
from urllib.parse import quote

from answers import Explanation

PAGE = """<!doctype html>
<meta charset="utf-8">
<title>What the model looked at</title>
<style>
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem; color-scheme: light dark }
figure { display: inline-block; margin: 0 1.5rem 1.5rem 0; vertical-align: top }
div { position: relative; width: fit-content }
div img:first-child { display: block; max-width: 480px; max-height: 480px }
div img + img { position: absolute }
figure:hover img + img { opacity: 0 }
</style>
<script>
// The box is in the image's own pixels, and the page may show the image smaller.
function place(photo, left, top, right, bottom) {
  const percent = (part, whole) => `${100 * part / whole}%`;
  Object.assign(photo.nextElementSibling.style, {
    left: percent(left, photo.naturalWidth), width: percent(right - left, photo.naturalWidth),
    top: percent(top, photo.naturalHeight), height: percent(bottom - top, photo.naturalHeight),
  });
}
</script>
<p>Hot places speak for the class. Point at an image to see it without the map.</p>
"""
FIGURE = """<figure><div><img src="{photo}" alt="" onload="place(this, {box})"><img src="{overlay}" alt=""></div>
<figcaption>{caption}</figcaption></figure>
"""


class Overlays:
    """A folder of maps. Its page grows with each image, so that an interrupted run leaves one, too."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: set[str] = {"explanations.html"}
        folder.mkdir(parents=True, exist_ok=True)
        self._page = folder / "explanations.html"
        self._page.write_text(PAGE, "utf-8")

    def save(self, image: Path, explanation: Explanation, label: str) -> Path:
        """Returns the file of the map."""
        file = self._folder / self._free_name(image, explanation.class_id)
        file.write_bytes(explanation.png)
        figure = FIGURE.format(
            photo=escape(image.resolve().as_uri()),
            overlay=quote(os.fsencode(file.name)),
            box=", ".join(map(str, explanation.box)),
            caption=escape(f"{image.name}: {label}"),
        )
        with self._page.open("a", encoding="utf-8", errors="replace") as page:
            page.write(figure)
        return file

    def _free_name(self, image: Path, class_id: int) -> str:
        """Images in several folders may have one name, and a long name leaves no room for the number."""
        stem = os.fsdecode(os.fsencode(image.name)[:200])
        name, number = f"{stem}.{class_id}.png", 1
        while name in self._names:
            number += 1
            name = f"{stem}.{class_id}-{number}.png"
        self._names.add(name)
        return name

"""A visit to the page, with the eyes and hands of a user."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from tests.live.service import until

COPY_TO_CLIPBOARD = """
const [source, done] = arguments;
(async () => {
    const image = new Image();
    image.src = source;
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), {width: image.width, height: image.height});
    canvas.getContext("2d").drawImage(image, 0, 0);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    await navigator.clipboard.write([new ClipboardItem({"image/png": blob})]);
})().then(() => done(null), (error) => done(String(error)));
"""


class Visit:
    def __init__(self, browser: webdriver.Chrome, url: str) -> None:
        self.browser = browser
        self.url = url
        browser.implicitly_wait(0)
        self.forget()
        self.command("Emulation.clearDeviceMetricsOverride")
        self.command("Emulation.setEmulatedMedia", features=[])
        self.network()
        browser.get(url)

    def command(self, name: str, **arguments: object) -> Any:
        return self.browser.execute_cdp_cmd(name, arguments)

    def network(self, *, offline: bool = False, upload: int = -1) -> None:
        """`upload` is in bytes a second."""
        conditions = {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": upload}
        self.command("Network.emulateNetworkConditions", **conditions)

    def width(self, width: int, height: int = 800, scale: int = 1) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
        self.command("Emulation.setDeviceMetricsOverride", **size)

    def prefer(self, **features: str) -> None:
        """For example colour="dark", the name of the media feature without `prefers-`."""
        names = {"colour": "prefers-color-scheme", "motion": "prefers-reduced-motion"}
        values = [{"name": names[name], "value": value} for name, value in features.items()]
        self.command("Emulation.setEmulatedMedia", features=values)

    def one(self, selector: str) -> WebElement:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """What can be seen of it."""
        return self.one(selector).text

    def choose(self, *files: Path) -> None:
        self.one("#image").send_keys("\n".join(map(str, files)))

    def drop(self, *files: Path) -> None:
        place = {"x": 200, "y": 200, "data": {"items": [], "files": list(map(str, files)), "dragOperationsMask": 1}}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.command("Input.dispatchDragEvent", type=kind, **place)

    def paste(self, source: str) -> None:
        """Copies the image at an address of the service, and presses Ctrl-V."""
        for name in ("clipboard-read", "clipboard-write"):
            setting = {"permission": {"name": name}, "setting": "granted", "origin": self.url}
            self.command("Browser.setPermission", **setting)
        self.command("Emulation.setFocusEmulationEnabled", enabled=True)  # only a page in focus may use the clipboard
        failure = self.browser.execute_async_script(COPY_TO_CLIPBOARD, source)
        assert failure is None, failure
        self.one("body").send_keys(Keys.CONTROL, "v")

    def sample(self, name: str = "cat") -> None:
        self.one(f"button[value='{name}.webp']").click()

    def wait(self, state: str = "done", count: int = 1) -> None:
        """Until so many images are in this state."""
        until(lambda: len(self.all(f"#thumbnails button[data-state={state}]")) >= count)

    def labels(self) -> list[str]:
        return [element.text for element in self.all("#rows .guess")]

    def messages(self) -> list[str]:
        """What the console has got since the visit began or this was asked."""
        return [entry["message"] for entry in self.browser.get_log("browser")]  # type: ignore[no-untyped-call]

    def traffic(self, event: str) -> list[dict[str, Any]]:
        """Events of Chromium's network log, since the visit began or this was asked."""
        entries = self.browser.get_log("performance")  # type: ignore[no-untyped-call]
        messages = [json.loads(entry["message"])["message"] for entry in entries]
        return [message["params"] for message in messages if message["method"] == event]

    def forget(self) -> None:
        for kind in ("browser", "performance"):
            self.browser.get_log(kind)  # type: ignore[no-untyped-call]

"""How much the page loads, from where, and how long browsers may keep it: in bytes and counts, not in time."""

from __future__ import annotations

import re

import requests
from selenium import webdriver

from my_inference_app.api import static_files
from tests.browser.visit import Visit
from tests.live.service import REPOSITORY, Service

MOST_BYTES = 60_000
LOADED = "return performance.getEntriesByType('resource').map((entry) => entry.toJSON())"
MOST_REQUESTS = 18
STATIC = REPOSITORY / "my_inference_app" / "static"
FILES = [path for path in STATIC.iterdir() if not path.name.startswith(static_files.OTHER_PAGES)]
TEMPLATE = REPOSITORY / "my_inference_app" / "templates" / "index.html"


def test_first_visit_loads_little(visit: Visit) -> None:
    visit.command("Network.clearBrowserCache")
    visit = Visit(visit.browser, visit.url)
    finished = visit.traffic("Network.loadingFinished")
    assert sum(event["encodedDataLength"] for event in finished) < MOST_BYTES
    assert len(finished) <= MOST_REQUESTS


def test_second_visit_loads_the_page_alone(visit: Visit) -> None:
    visit = Visit(visit.browser, visit.url)
    loaded = visit.browser.execute_script(LOADED)
    assert any("/static/" in entry["name"] for entry in loaded)
    assert [entry["name"] for entry in loaded if "/static/" in entry["name"] and entry["transferSize"]] == []


def test_all_files_of_the_page_are_small() -> None:
    files = [*FILES, TEMPLATE]
    text = sum(path.stat().st_size for path in files if path.suffix != ".webp")
    images = sum(path.stat().st_size for path in files if path.suffix == ".webp")
    assert text < 45_000
    assert images < 25_000


def test_no_request_leaves_the_origin(visit: Visit) -> None:
    visit.sample("coffee")
    visit.wait()
    visit.one("#rows button").click()
    visit.one("summary").click()
    asked = [event["request"]["url"] for event in visit.traffic("Network.requestWillBeSent")]
    assert any(url.startswith(f"{visit.url}/predict") for url in asked)
    assert [url for url in asked if not url.startswith((f"{visit.url}/", "data:", f"blob:{visit.url}/"))] == []


def test_policy_forbids_everything_from_elsewhere_and_inline(scripted: webdriver.Chrome, service: Service) -> None:
    visit = Visit(scripted, service.url)
    html = requests.get(service.url, headers={"Accept": "text/html"}, timeout=30)
    policy = html.headers["Content-Security-Policy"]
    assert "unsafe" not in policy and "http" not in policy and "*" not in policy
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", html.text)
    inject = "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.hacked = 1'}))"
    visit.browser.execute_script(f"try {{ {inject} }} catch {{}}")
    assert visit.browser.execute_script("return window.hacked") is None


def test_files_may_be_kept_until_their_content_changes(service: Service) -> None:
    html = requests.get(service.url, headers={"Accept": "text/html"}, timeout=30).text
    addresses = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', html))
    assert {address.rpartition("/")[2] for address in addresses} == {path.name for path in FILES}
    for address in addresses:
        response = requests.get(service.url + address, timeout=30)
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert response.content == (STATIC / address.rpartition("/")[2]).read_bytes()
        packed = response.headers.get("Content-Encoding") == "gzip"
        assert packed == (not address.endswith(".webp"))
    assert "GET /static/" not in "".join(line for line in service.log.splitlines() if " INFO access " in line)


def test_file_of_another_version_is_not_found(service: Service) -> None:
    response = requests.get(f"{service.url}/static/{'0' * 12}/page.js", timeout=30)
    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")
    assert "immutable" not in response.headers.get("Cache-Control", "")


def test_scripts_are_all_announced(service: Service) -> None:
    html = requests.get(service.url, headers={"Accept": "text/html"}, timeout=30).text
    announced = re.findall(r'rel="modulepreload" href="[^"]*/([\w.]+)"', html)
    assert announced == static_files.names(".js")

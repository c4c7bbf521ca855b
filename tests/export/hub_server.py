"""A stand-in for the Hugging Face hub: small files come from one server, large files from another."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

Files = Mapping[str, bytes]

_API = re.compile(r"/api/models/(?P<model>[^/]+/[^/]+)(?:/(?P<what>revision|tree)/(?P<revision>[^/]+))?/?")
_FILE = re.compile(r"/(?P<model>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)")
_LARGE = (".safetensors", ".bin")


@dataclass
class Repository:
    branches: dict[str, str]
    commits: dict[str, Files]
    gated: bool = False


@dataclass
class Hub:
    """Its repositories, the requests it received, and how it fails."""

    endpoint: str = ""
    storage: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    spoil: Mapping[str, bytes] = field(default_factory=dict)
    """Large files that arrive with other bytes than announced."""
    status: int = 200
    """If not 200, the status of every response."""

    def add(self, model: str, files: Files, branch: str = "main", gated: bool = False) -> str:
        """Commits files to a branch; returns the commit."""
        names = sorted(files.items())
        commit = hashlib.sha1(repr((model, names)).encode(), usedforsecurity=False).hexdigest()
        repository = self.repositories.setdefault(model, Repository({}, {}, gated))
        repository.branches[branch] = commit
        repository.commits[commit] = files
        return commit


def read_folder(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@contextmanager
def running() -> Iterator[Hub]:
    hub = Hub()
    with _serving(_HubHandler, hub) as hub.endpoint, _serving(_StorageHandler, hub) as hub.storage:
        yield hub


@contextmanager
def _serving(handler: type[_Handler], hub: Hub) -> Iterator[str]:
    # The client opens a connection for each file.
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (handler,), {"hub": hub})) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.hub.requests.append(f"{self.command} {unquote(url.path)}")
        if self.hub.status != 200:
            return self.reply(self.hub.status, b"out of order")
        return self.answer(url.path)

    do_HEAD = do_GET  # noqa: N815

    def answer(self, path: str) -> None:
        raise NotImplementedError

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Tests look at `requests` instead."""


class _HubHandler(_Handler):
    def answer(self, path: str) -> None:
        match = _API.fullmatch(path) or _FILE.fullmatch(path)
        found = match.groupdict() if match else {}
        repository = self.hub.repositories.get(found.get("model", ""))
        if not repository:  # 401, not 404: without a login the hub does not tell whether it exists
            return self.reply(401, X_Error_Code="RepoNotFound", X_Error_Message="Invalid username or password.")
        revision = unquote(found["revision"] or "main")
        commit = repository.branches.get(revision, revision)
        if commit not in repository.commits:
            return self.reply(404, X_Error_Code="RevisionNotFound", X_Error_Message=f"Invalid rev id: {revision}")
        files = repository.commits[commit]
        if "path" in found:
            return self.file(repository, commit, files, unquote(found["path"]))
        if found["what"] == "tree":
            return self.json([_entry(name, data) for name, data in files.items()])
        siblings = [{"rfilename": name} for name in files]
        return self.json({"id": found["model"], "sha": commit, "gated": repository.gated, "siblings": siblings})

    def json(self, content: object) -> None:
        self.reply(200, json.dumps(content).encode(), Content_Type="application/json")

    def file(self, repository: Repository, commit: str, files: Files, name: str) -> None:
        if name not in files:
            return self.reply(404, X_Repo_Commit=commit, X_Error_Code="EntryNotFound")
        if repository.gated:
            return self.reply(401, X_Error_Code="GatedRepo", X_Error_Message="Access to this model is restricted.")
        if not name.endswith(_LARGE):
            return self.reply(200, files[name], X_Repo_Commit=commit, ETag=f'"{_blob_id(files[name])}"')
        checksum = hashlib.sha256(files[name]).hexdigest()
        return self.reply(
            302,
            X_Repo_Commit=commit,
            X_Linked_Size=str(len(files[name])),
            X_Linked_ETag=f'"{checksum}"',
            Location=f"{self.hub.storage}/{checksum}/{name}",
        )


class _StorageHandler(_Handler):
    def answer(self, path: str) -> None:
        checksum, name = path.lstrip("/").split("/")
        every = (
            data for one in self.hub.repositories.values() for files in one.commits.values() for data in files.values()
        )
        data = next(data for data in every if hashlib.sha256(data).hexdigest() == checksum)
        self.reply(200, self.hub.spoil.get(name, data), ETag=f'"{checksum}"')


def _entry(name: str, data: bytes) -> dict[str, object]:
    entry: dict[str, object] = {"type": "file", "path": name, "size": len(data), "oid": _blob_id(data)}
    if name.endswith(_LARGE):
        entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
    return entry


def _blob_id(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0%b" % (len(data), data), usedforsecurity=False).hexdigest()

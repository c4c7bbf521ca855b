"""A server with prepared replies, and the client as a process that talks to it."""

import json
import os
import re
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

CLIENT = Path(__file__).parents[2] / "post_request"
SCRIPT = CLIENT / "post_request.py"
COMMAND = [sys.executable, "-W", "error", str(SCRIPT)]
ANSWER = {"success": True, "response": {"statusCode": 200, "body": '"tabby, tabby cat"'}}
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if not name.lower().endswith("_proxy") and not name.startswith("TQDM_") and name != "API_KEY"
} | {"PYTHONUTF8": "1"}


def error(code: str, message: str = "no") -> bytes:
    body = {"success": False, "error": {"code": code, "message": message}, "request_id": "r1"}
    return json.dumps(body).encode()


@dataclass
class Reply:
    """`how` is "whole", or the way in which the connection breaks: "reset", "closed", "cut"."""

    status: int = 200
    body: bytes = json.dumps(ANSWER).encode()
    headers: dict[str, str] = field(default_factory=dict)
    how: str = "whole"
    hold: threading.Event | None = None


@dataclass
class Upload:
    path: str
    name: str
    data: bytes
    connection: Any
    key: str | None = None
    time: float = field(default_factory=time.time)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Service"

    def do_POST(self) -> None:
        upload = self.read_upload()
        self.server.seen.append(upload)
        if len(self.server.seen) >= self.server.expected:
            self.server.all_seen.set()
        replies = self.server.replies.get(upload.name) or self.server.replies.get("*")
        reply = replies.pop(0) if replies else Reply()
        if reply.hold:
            reply.hold.wait(20)
        if reply.how in {"reset", "closed"}:
            self.break_off(reset=reply.how == "reset")
        else:
            self.send(reply)

    def read_upload(self) -> Upload:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        boundary = self.headers.get_boundary() or ""
        head, _, rest = body.partition(b"\r\n\r\n")
        data, end, after = rest.partition(f"\r\n--{boundary}--\r\n".encode())
        found = re.search(r'; name="image"; filename="(.*)"', head.decode())
        assert found
        assert (end != b"", after) == (True, b"")  # one part, and the end of the form
        return Upload(self.path, unquote(found[1]), data, self.client_address, self.headers["X-API-Key"])

    def break_off(self, *, reset: bool) -> None:
        self.close_connection = True
        if reset:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            os.close(self.connection.detach())

    def send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if reply.how == "cut":
            self.close_connection = True
            self.wfile.write(reply.body[:10])
        else:
            self.wfile.write(reply.body)

    def log_message(self, *args: object) -> None:
        pass


class Service(ThreadingHTTPServer):
    """Refuses connections until `start`, but occupies its port from the beginning."""

    daemon_threads = False  # closing the server then waits for them

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler, bind_and_activate=False)
        self.server_bind()
        self.url = f"http://127.0.0.1:{self.server_port}/predict"
        self.seen: list[Upload] = []
        self.replies: dict[str, list[Reply]] = {}
        self.expected = 1
        self.all_seen = threading.Event()
        self.release = threading.Event()
        self.thread = threading.Thread(target=self.serve_forever, args=(0.01,))

    def start(self) -> None:
        self.server_activate()
        self.thread.start()

    def stop(self) -> None:
        self.release.set()
        if self.thread.is_alive():
            self.shutdown()
            self.thread.join()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # in some tests the client closes its connection
            super().handle_error(request, client_address)

    def run(self, folder: Path, *args: str, **variables: str) -> subprocess.CompletedProcess[str]:
        command = [*COMMAND, "--url", self.url, *args]
        return subprocess.run(
            command,
            cwd=folder,
            env={**ENVIRONMENT, **variables},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    @contextmanager
    def running(self, folder: Path, *args: str, **pipes: Any) -> Iterator[subprocess.Popen[str]]:
        command = [*COMMAND, "--url", self.url, *args]
        with subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, text=True, **pipes) as process:
            try:
                yield process
            finally:
                process.kill()


def checked(*names: str) -> str:
    return "".join(f"Checking results for {name}\n{ANSWER}\n" for name in names)

"""An answer as one piece."""

from __future__ import annotations

from gunicorn import util
from gunicorn.http import wsgi


class WholeResponse(wsgi.Response):  # type: ignore[misc]
    """Sends an answer's head together with its body.

    gunicorn sends them one after the other. A worker that dies in between leaves nginx with half an answer, which it
    has passed on already, too late to ask another worker.
    """

    headers_sent: bool
    _head = b""

    def send_headers(self) -> None:
        if self.headers_sent:
            return
        lines = [*self.default_headers(), *(f"{name}: {value}\r\n" for name, value in self.headers), "\r\n"]
        self._head = "".join(lines).encode("latin-1")
        self.headers_sent = True

    def _emit_body(self, data: bytes) -> None:
        if self.chunked:
            self._flush()
            super()._emit_body(data)
        else:
            self._head, whole = b"", self._head + data
            util.write(self.sock, whole)

    def _flush(self) -> None:
        if self._head:
            self._head, head = b"", self._head
            util.write(self.sock, head)

    def close(self) -> None:
        self.send_headers()
        self._flush()
        super().close()

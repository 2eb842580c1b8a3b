"""A tiny chat server on loopback: answers by a function, counts and keeps what it was sent."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, dict[str, str], str]
"""Status, headers and body of one response."""


def said(text: str | None) -> Answer:
    """A chat completion with this text."""
    body = {"choices": [{"message": {"role": "assistant", "content": text}}]}
    return 200, {}, json.dumps(body)


@dataclass
class ChatServer:
    """What it was sent, and how it answers."""

    answer: Callable[[dict[str, Any]], Answer]
    url: str = ""
    models: str = '{"object": "list", "data": []}'
    """What GET /v1/models says."""
    delay_s: float = 0.0
    bodies: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    busiest: int = 0
    """Most requests that were in flight at once."""
    _busy: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        body = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        with self._lock:
            self._busy += 1
            self.busiest = max(self.busiest, self._busy)
            self.bodies.append(body)
            self.paths.append(request.path)
            self.keys.append(request.headers.get("Authorization"))
            status, headers, text = self.answer(body)
        time.sleep(self.delay_s)
        with self._lock:
            self._busy -= 1
        respond(request, status, headers, text)

    def list_models(self, request: BaseHTTPRequestHandler) -> None:
        """Answer GET /v1/models."""
        respond(request, 200, {}, self.models)


def respond(
    request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], text: str
) -> None:
    """Send one response."""
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(text.encode())))
    request.end_headers()
    request.wfile.write(text.encode())


@contextmanager
def serve(answer: Callable[[dict[str, Any]], Answer]) -> Iterator[ChatServer]:
    """Run a server for the length of a `with`."""
    chat = ChatServer(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            chat.handle(self)

        def do_GET(self) -> None:
            chat.list_models(self)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    chat.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield chat
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

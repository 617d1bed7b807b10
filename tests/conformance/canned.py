"""A plugin that answers with given bytes: for answers that our plugin must never give."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any


@dataclass
class Canned:
    url: str
    response: bytes = b""

    def answer(self, parameters: list[dict[str, Any]]) -> None:
        self.succeed(json.dumps({"output": {"parameters": parameters}}).encode())

    def succeed(self, body: bytes) -> None:
        self.response = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body


@contextmanager
def canned_plugin() -> Iterator[Canned]:
    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            length = 0
            while (line := self.rfile.readline().strip()) != b"":
                name, _, value = line.partition(b": ")
                length = int(value) if name.lower() == b"content-length" else length
            self.rfile.read(length)
            self.wfile.write(canned.response)

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        canned = Canned(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield canned
        finally:
            server.shutdown()
            thread.join()

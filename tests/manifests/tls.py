"""A certificate, and TLS in front of a server without it."""

import asyncio
import re
import ssl
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tools.rendering import ROOT


@dataclass(frozen=True)
class Certificate:
    crt: Path  # self-signed
    key: Path


def certificate(folder: Path, host: str = "preview-plugin-redis") -> Certificate:
    """Make a certificate with the command of docs/operations.md for Redis."""
    (command,) = re.findall(r"^openssl req .*$", (ROOT / "docs/operations.md").read_text("utf-8"), re.MULTILINE)
    command = command.replace("preview-plugin-redis", host)
    subprocess.run(["sh", "-c", command], env={"tls": str(folder)}, capture_output=True, check=True)
    return Certificate(folder / "crt", folder / "key")


@contextmanager
def tls_in_front_of(port: int, shown: Certificate) -> Iterator[int]:
    """Listen on another port of 127.0.0.1 and forward to the server after TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown.crt, shown.key)

    async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError):
                while data := await source.read(65536):
                    target.write(data)
                    await target.drain()
        finally:
            target.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(copy(reader, behind_writer), copy(behind_reader, writer))

    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = Future()

    async def listen() -> None:
        stopped = asyncio.Event()
        server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
        started.set_result((asyncio.get_running_loop(), stopped, server.sockets[0].getsockname()[1]))
        await stopped.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(listen()))
    thread.start()
    loop, stopped, listens = started.result(timeout=10)
    try:
        yield listens
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join()

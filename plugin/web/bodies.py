"""Request bodies: a slow or broken one must not keep a thread from answering Argo CD.

gunicorn reads a body in the thread that answers the request, without a deadline, and waits for what was not read. So
this module reads strangers' bodies within a deadline and only a few at once, and never waits for the rest of a body
once the request has been answered.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus

from flask import Flask, Response, abort, request
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]
from werkzeug.exceptions import ClientDisconnected, RequestTimeout, ServiceUnavailable

AT_ONCE = 4  # of the server's 16 threads
SECONDS = 5.0  # GitHub itself gives up after 10
RETRY_AFTER = 10  # seconds
DISCARDED = 1024 * 1024  # bytes that are thrown away to keep a connection


class BodyReader:
    """Reads the bodies of strangers: at most `at_once` of them, each within a size and a time."""

    def __init__(self, max_bytes: int, seconds: float = SECONDS, at_once: int = AT_ONCE) -> None:
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._free = threading.BoundedSemaphore(at_once)

    def read(self) -> bytes:
        """Return the body of the current request, or abort."""
        if (request.content_length or 0) > self._max_bytes:
            abort(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if not self._free.acquire(blocking=False):
            raise ServiceUnavailable("too many request bodies are being read; try again", retry_after=RETRY_AFTER)
        try:
            return self._read()
        finally:
            self._free.release()

    def _read(self) -> bytes:
        # One byte more, because a chunked body is cut at the limit instead of being refused.
        request.max_content_length = self._max_bytes + 1
        with _end_after(self._seconds) as ended:
            try:
                body = request.get_data()
            except (ClientDisconnected, ParseException):
                if not ended.is_set():
                    raise
        if ended.is_set():
            raise RequestTimeout(f"the request body did not arrive within {self._seconds:g} seconds")
        if len(body) > self._max_bytes:
            abort(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return body


def register_bodies(app: Flask) -> None:
    """Never wait for the rest of a body once the request has been answered."""

    @app.after_request
    def discard(response: Response) -> Response:
        connection = _connection()
        if connection and not _is_read():
            _discard(connection)
        return response


def _is_read() -> bool:
    """Tell whether gunicorn's reader of a body with a known length has nothing left, as after most requests."""
    return getattr(getattr(request.environ["wsgi.input"], "reader", None), "length", None) == 0


def _discard(connection: socket.socket) -> None:
    """Throw away what has arrived of the body. If that is not all of it, read nothing more from this connection."""
    connection.settimeout(0)
    try:
        left = DISCARDED
        while left > 0 and (data := request.environ["wsgi.input"].read(min(left, 65536))):
            left -= len(data)
        if left <= 0:
            _stop_reading(connection)
    except (OSError, ParseException):  # BlockingIOError: there is more to come
        _stop_reading(connection)
    finally:
        connection.settimeout(None)


@contextmanager
def _end_after(seconds: float) -> Iterator[threading.Event]:
    """End every read from the current connection after some seconds; the event says whether that happened."""
    ended, connection = threading.Event(), _connection()
    if connection is None:
        yield ended
        return

    def end(connection: socket.socket = connection) -> None:
        ended.set()
        _stop_reading(connection)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield ended
    finally:
        timer.cancel()


def _stop_reading(connection: socket.socket) -> None:
    # A thread that waits for data gets the end of the stream. The response can still be sent.
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RD)


def _connection() -> socket.socket | None:
    connection: socket.socket | None = request.environ.get("gunicorn.socket")
    return connection

"""Reading bodies without a server: a socket pair stands in for what gunicorn passes on."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import pytest
from flask import Flask, Response, jsonify
from flask.testing import FlaskClient
from gunicorn.http.errors import InvalidChunkSize  # type: ignore[import-untyped]
from werkzeug.test import TestResponse

from plugin.web.bodies import BodyReader, register_bodies
from plugin.web.errors import register_errors


class Broken(BytesIO):
    def read(self, *_: object) -> bytes:
        raise InvalidChunkSize(b"zz")

    readinto = read  # type: ignore[assignment]


@dataclass
class Wire:
    """A body that comes from a socket, as gunicorn reads it."""

    connection: socket.socket

    def read(self, size: int) -> bytes:
        return self.connection.recv(size)


@pytest.fixture(name="pair")
def _pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
        with ours, theirs:
            yield ours, theirs


def client_of(reader: BodyReader) -> FlaskClient:
    app = Flask("plugin", static_folder=None)
    register_errors(app)
    register_bodies(app)

    @app.post("/")
    def read() -> Response:
        return jsonify({"message": reader.read().decode()})

    @app.post("/unread")
    def unread() -> Response:
        return jsonify({"message": "not read"})

    return app.test_client()


def post(reader: BodyReader, stream: object, connection: socket.socket, path: str = "/") -> TestResponse:
    environ = {
        "wsgi.input_terminated": True,
        "gunicorn.socket": connection,
        "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.input": stream,
    }
    return client_of(reader).post(path, environ_overrides=environ)


def test_a_body_within_size_and_time_is_read(pair: tuple[socket.socket, socket.socket]) -> None:
    response = post(BodyReader(10), BytesIO(b"0123456789"), pair[0])

    assert (response.status_code, response.json) == (200, {"message": "0123456789"})


def test_a_larger_body_is_a_413(pair: tuple[socket.socket, socket.socket]) -> None:
    assert post(BodyReader(9), BytesIO(b"0123456789"), pair[0]).status_code == 413
    assert client_of(BodyReader(9)).post("/", data=b"0123456789").status_code == 413


def test_a_slow_body_is_a_408(pair: tuple[socket.socket, socket.socket]) -> None:
    response = post(BodyReader(10, seconds=0.05), Wire(pair[0]), pair[0])

    assert response.status_code == 408
    assert response.json == {"message": "the request body did not arrive within 0.05 seconds"}


def test_more_bodies_at_once_than_allowed_are_a_503(pair: tuple[socket.socket, socket.socket]) -> None:
    reader = BodyReader(10, at_once=1)
    first = threading.Thread(target=post, args=(reader, Wire(pair[0]), pair[0]))
    first.start()
    while (response := client_of(reader).post("/", data=b"1")).status_code == 200:
        pass
    pair[1].shutdown(socket.SHUT_WR)
    first.join()

    assert (response.status_code, response.headers["Retry-After"]) == (503, "10")
    assert response.json == {"message": "too many request bodies are being read; try again"}
    assert client_of(reader).post("/", data=b"1").status_code == 200


def test_a_broken_body_is_a_400(pair: tuple[socket.socket, socket.socket]) -> None:
    response = post(BodyReader(10), Broken(), pair[0])

    assert response.status_code == 400
    assert response.json == {"message": "the request body is not valid chunked encoding"}


def test_an_unread_body_that_has_not_arrived_ends_the_connection(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    theirs.sendall(b"the beginning")
    assert post(BodyReader(10), Wire(ours), ours, "/unread").status_code == 200

    ours.settimeout(1)
    assert ours.recv(100) == b""


def test_an_unread_body_that_has_arrived_keeps_the_connection(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    assert post(BodyReader(10), BytesIO(b"everything"), ours, "/unread").status_code == 200

    theirs.sendall(b"the next request")
    ours.settimeout(1)
    assert ours.recv(100) == b"the next request"

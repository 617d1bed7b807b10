"""Reaching Redis: through TLS, with a password that nobody sees, and never for long."""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from plugin.errors import InvalidSettings
from plugin.state import Unreachable
from plugin.state.redis_board import RedisBoard
from plugin.state.redis_client import connect
from tests.redis_server import RedisServer, serve_redis
from tests.server import free_port, in_background


def ask(url: str) -> int:
    with connect(url) as client:
        return RedisBoard(client).newest_asked()


def certificate(folder: Path) -> Path:
    """One that is good for 127.0.0.1, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "redis")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    signed = builder.add_extension(address, critical=False).sign(key, hashes.SHA256())
    path = folder / "redis.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    path.write_bytes(secret + signed.public_bytes(Encoding.PEM))
    return path


@contextmanager
def tls_before(redis: RedisServer, pem: Path) -> Iterator[int]:
    """The packaged Redis knows no TLS, so something before it does; return its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    def copy(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            with (
                suppress(OSError),
                context.wrap_socket(self.request, server_side=True) as outside,
                socket.create_connection(("127.0.0.1", redis.port)) as inside,
            ):
                back = threading.Thread(target=copy, args=(inside, outside))
                back.start()
                copy(outside, inside)
                back.join()

    with in_background(ThreadingTCPServer(("127.0.0.1", 0), Handler)) as server:
        yield server.server_address[1]


def test_tls_is_checked_against_the_given_certificate(redis: RedisServer, tmp_path: Path) -> None:
    pem = certificate(tmp_path)
    with tls_before(redis, pem) as port:
        assert ask(f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={pem}") == 0
        with pytest.raises(Unreachable, match=r"(?i)certificate"):
            ask(f"rediss://127.0.0.1:{port}/0")
        with pytest.raises(Unreachable):
            ask(f"rediss://127.0.0.1:{redis.port}/0")


def test_a_wrong_password_says_so_without_showing_it(tmp_path: Path) -> None:
    with serve_redis(tmp_path, "--user", "ada", "on", ">r1ght", "~*", "+@all") as server:
        assert ask(f"redis://ada:r1ght@127.0.0.1:{server.port}/0") == 0
        with pytest.raises(Unreachable, match="password") as error:
            ask(f"redis://ada:wr0ng@127.0.0.1:{server.port}/0")
    assert "wr0ng" not in str(error.value)


def test_a_password_that_redis_repeats_is_not_shown(tmp_path: Path) -> None:
    with serve_redis(tmp_path, "--rename-command", "AUTH", "") as server, pytest.raises(Unreachable) as error:
        ask(f"redis://:wr0ng@127.0.0.1:{server.port}/0?protocol=2")
    assert "***" in str(error.value)
    assert "wr0ng" not in str(error.value)
    assert error.value.__suppress_context__


@pytest.mark.parametrize("url", ["redis://:s3cret/@host:x", "redis://:s3cret@host:port/0", "redis://host?db=s3cret"])
def test_an_invalid_url_is_an_invalid_setting_and_is_not_shown(url: str) -> None:
    with pytest.raises(InvalidSettings, match=r"^PREVIEW_STATE: ") as error:
        connect(url)
    assert "s3cret" not in str(error.value)
    assert error.value.__suppress_context__


def test_a_request_is_sent_only_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        asked = []

        def hang_up() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    connection.close()
                    asked.append(connection)

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(Unreachable):
            ask(f"redis://127.0.0.1:{listener.getsockname()[1]}/0")
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert len(asked) == 1


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_restarted_redis_is_reached_by_the_next_request(tmp_path: Path, protocol: int) -> None:
    port = free_port()
    with connect(f"redis://127.0.0.1:{port}/0?protocol={protocol}") as client:
        board = RedisBoard(client)
        for _ in range(2):
            with serve_redis(tmp_path, port=port):
                assert board.newest_asked() == 0
            with pytest.raises(Unreachable, match=f"127.0.0.1:{port}"):
                board.newest_asked()

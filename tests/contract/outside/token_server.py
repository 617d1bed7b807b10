"""A token server that a real registry trusts.

https://distribution.github.io/distribution/spec/auth/token/
"""

import json
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.server import in_background

ISSUER, SERVICE = "acme-tokens", "acme-registry"
USER, PASSWORD = "me", "secret-password"


@dataclass
class TokenServer:
    """Everybody may pull `public/...`; only the user may pull and push anything else."""

    folder: Path
    life: int = 300  # seconds
    port: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list)  # user and scope
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    certificate: x509.Certificate = field(init=False)

    def __post_init__(self) -> None:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ISSUER)])
        now = datetime.now(UTC)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(self.key, hashes.SHA256())
        )
        self.bundle.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    @property
    def bundle(self) -> Path:
        return self.folder / "token-server.pem"

    @property
    def auth(self) -> dict[str, Any]:
        """What the registry needs to trust it."""
        realm = f"http://127.0.0.1:{self.port}/token"
        return {
            "token": {"realm": realm, "service": SERVICE, "issuer": ISSUER, "rootcertbundle": str(self.bundle)},
        }

    def token(self, user: str, scope: str) -> str:
        kind, name, actions = scope.split(":")
        granted = actions.split(",") if user == USER else ["pull"] if name.startswith("public/") else []
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "sub": user,
            "aud": SERVICE,
            "iat": now,
            "nbf": now - 10,
            "exp": now + self.life,
            "access": [{"type": kind, "name": name, "actions": granted}],
        }
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        return jwt.encode(claims, self.key, algorithm="ES256", headers={"x5c": [b64encode(der).decode()]})


@contextmanager
def serve_tokens(folder: Path) -> Iterator[TokenServer]:
    """Start a token server."""
    tokens = TokenServer(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            user, password = _login(self.headers.get("Authorization", ""))
            scope = query["scope"][0]
            tokens.asked.append((user, scope))
            if query["service"] != [SERVICE] or (user and (user, password) != (USER, PASSWORD)):
                self.send_error(401)
                return
            body = json.dumps({"token": tokens.token(user, scope), "expires_in": tokens.life}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with in_background(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        tokens.port = server.server_address[1]
        yield tokens


def _login(header: str) -> tuple[str, str]:
    user, _, password = b64decode(header.removeprefix("Basic ")).decode().partition(":")
    return user, password

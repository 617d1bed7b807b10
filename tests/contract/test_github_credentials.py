"""Credentials: a token, a GitHub App with one installation per owner, Enterprise Server; one client per thread."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from plugin.sources.file import Organisation
from plugin.sources.github import queries
from plugin.sources.github.client import App, GitHubClient, Token
from tests.contract.conftest import EditedCatalog, Plugin, make_plugin, operations
from tests.fakes.github import App as FakeApp
from tests.fakes.github import GitHub


@pytest.fixture(name="key", scope="module")
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def pem(key: rsa.RSAPrivateKey) -> str:
    no_password = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password).decode()

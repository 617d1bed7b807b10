"""Single values of the settings: what each may look like, and what to say if it is invalid."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import AfterValidator, BeforeValidator, SecretStr

from plugin.core.config.durations import parse_duration
from plugin.core.config.registries import parse_docker_config

MAX_PORT = 65535
LONGEST_INTERVAL = timedelta(days=1)
SHORTEST_SECRET = 16  # characters of a secret that deliveries are signed with


def _token(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    # Argo CD sends the literal "$name" when the key is missing from its Secret, so that must never be a token.
    if value.startswith("$"):
        raise ValueError('must not start with "$"')
    if not re.fullmatch(r"[!-~]+", value):
        raise ValueError("must consist of visible ASCII characters without blanks, and must not be empty")
    return secret


def _webhook_secret(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if len(value) < SHORTEST_SECRET:
        raise ValueError(f"must have at least {SHORTEST_SECRET} characters")
    if not value.isprintable():
        raise ValueError("must be a single line without control characters")
    return secret


def _state(secret: SecretStr) -> SecretStr:
    # A secret, because the URL of a Redis holds its password.
    if not re.fullmatch(r"memory|sqlite:.+|rediss?://\S+", secret.get_secret_value()):
        raise ValueError('must be "sqlite:PATH", "redis://HOST:PORT/DB", "rediss://..." or "memory"')
    return secret


def _private_key(secret: SecretStr) -> SecretStr:
    try:
        load_pem_private_key(secret.get_secret_value().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("must be a private key in PEM format without a password") from None
    return secret


def _registry_config(path: Path) -> Path:
    try:
        parse_docker_config(path.read_text("utf-8"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8") from None
    except ValueError as error:
        raise ValueError(f"{path} {error}") from None
    return path


def _interval(text: str) -> timedelta:
    interval = parse_duration(text)
    if interval > LONGEST_INTERVAL:
        raise ValueError("must be at most 1d")
    return interval


def _bind(text: str) -> str:
    match = re.fullmatch(r"(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})", text)
    if match is None or int(match[1]) > MAX_PORT:
        raise ValueError("must be HOST:PORT, for example 0.0.0.0:8080")
    return text


def _source(text: str) -> str:
    if text != "github" and not re.fullmatch(r"file:.+", text):
        raise ValueError('must be "github" or "file:PATH"')
    return text


def _url(text: str) -> str:
    if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._/-]*)?", text):
        raise ValueError("must be a URL, for example https://ghe.example.com/api/v3")
    return text


def _mail(text: str) -> str:
    if not re.fullmatch(r"[^\s:@]+@[^\s:@]+", text):
        raise ValueError("must be a mail address, for example previews@acme.example")
    return text


BearerToken = Annotated[SecretStr, AfterValidator(_token)]
PrivateKey = Annotated[SecretStr, AfterValidator(_private_key)]
WebhookSecret = Annotated[SecretStr, AfterValidator(_webhook_secret)]
State = Annotated[SecretStr, AfterValidator(_state)]
Interval = Annotated[timedelta, BeforeValidator(_interval)]
Bind = Annotated[str, AfterValidator(_bind)]
SourceName = Annotated[str, AfterValidator(_source)]
Address = Annotated[str, AfterValidator(_url)]
MailAddress = Annotated[str, AfterValidator(_mail)]
RegistryConfig = Annotated[Path, AfterValidator(_registry_config)]

"""A GitHub App: proves itself with a JSON web token, has one installation per owner, short-lived tokens."""

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import jwt

from .world import database_id

if TYPE_CHECKING:
    from jwt.types import Options

SLUG = "preview"  # of the App: its account is preview[bot]
JWT_SECONDS = 600  # GitHub refuses longer-lived ones


@dataclass(frozen=True)
class App:
    id: int
    public_key: str  # PEM
    owners: frozenset[str] | None = None  # where it is installed; None: everywhere
    token_seconds: int = 3600
    people: frozenset[str] = frozenset()  # owners that are no organisations
    permissions: frozenset[str] = frozenset({"metadata", "contents", "pull_requests"})  # to read, which all grant it
    writes: frozenset[str] = frozenset()  # and to write

    @property
    def granted(self) -> dict[str, str]:
        """What every installation grants, by permission: read or write."""
        read = dict.fromkeys(sorted(self.permissions), "read")
        return read | dict.fromkeys(sorted(self.writes), "write")


@dataclass(frozen=True)
class Installation:
    id: int
    owner: str


@dataclass(frozen=True)
class InstallationToken:
    token: str
    owner: str
    expires_at: datetime
    permissions: frozenset[str]  # to read
    writes: frozenset[str] = frozenset()


class BadJWTError(Exception):
    """GitHub answers 401 with this message."""


class Installations:
    """The App's installations and the tokens that they were given."""

    def __init__(self, app: App | None) -> None:
        self._app = app
        self._tokens: dict[str, InstallationToken] = {}
        self._lock = threading.Lock()

    def check(self, bearer: str, now: datetime) -> App:
        """Return the App whose token this is."""
        if self._app is None:
            raise BadJWTError("A JSON web token could not be decoded")
        try:
            # PyJWT compares with the machine's clock; the fake has its own.
            options: Options = {"require": ["iat", "exp", "iss"], "verify_exp": False, "verify_iat": False}
            claims = jwt.decode(bearer, self._app.public_key, algorithms=["RS256"], options=options)
        except jwt.InvalidTokenError:
            raise BadJWTError("A JSON web token could not be decoded") from None
        issued, expires = float(claims["iat"]), float(claims["exp"])
        if str(claims["iss"]) != str(self._app.id):
            raise BadJWTError("'Issuer' claim ('iss') must be an Integer")
        if issued > now.timestamp():
            raise BadJWTError("'Issued at' claim ('iat') must be an Integer representing a time in the past")
        if expires <= now.timestamp():
            raise BadJWTError("'Expiration time' claim ('exp') must be a numeric value representing the future time")
        if expires > now.timestamp() + JWT_SECONDS:
            raise BadJWTError("'Expiration time' claim ('exp') is too far in the future")
        return self._app

    def of(self, owner: str) -> Installation | None:
        if self._app is None or (self._app.owners is not None and owner not in self._app.owners):
            return None
        return Installation(database_id(f"installation/{owner}"), owner)

    def grant(self, *permissions: str) -> None:
        """Let every owner grant the App more permissions to read."""
        assert self._app is not None
        self._app = replace(self._app, permissions=self._app.permissions | set(permissions))

    def grant_writing(self, *permissions: str) -> None:
        """Let every owner grant the App more permissions to write."""
        assert self._app is not None
        self._app = replace(self._app, writes=self._app.writes | set(permissions))

    def issue(self, installation: Installation, asked: Mapping[str, str], now: datetime) -> InstallationToken | None:
        """Give a token with the permissions that are asked for; None if not all of them are granted."""
        assert self._app is not None
        writes = frozenset(name for name, level in asked.items() if level == "write")
        if not writes <= self._app.writes or not asked.keys() <= self._app.permissions | self._app.writes:
            return None
        expires = (now + timedelta(seconds=self._app.token_seconds)).replace(microsecond=0)
        token = InstallationToken(f"ghs_{secrets.token_hex(18)}", installation.owner, expires, frozenset(asked), writes)
        with self._lock:
            self._tokens[token.token] = token
        return token

    def token(self, token: str, now: datetime) -> InstallationToken | None:
        """Return what a token opens; None for an unknown or expired one."""
        found = self._tokens.get(token)
        return found if found is not None and now < found.expires_at else None

"""Getting access to an image's repository: with a token, with a user's name and password, or without either.

A registry answers 401 and says what it wants: https://distribution.github.io/distribution/spec/auth/token/
A login goes to the registry that it is for, and to the token server that this registry names, and nowhere else.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from itertools import pairwise
from urllib.parse import urlsplit

from cachetools import TLRUCache
from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import WWWAuthenticate

from plugin.core.config.registries import ImageReference, Login, is_loopback
from plugin.errors import PluginError, Unanswered
from plugin.http_client import Request, Response

REPOSITORIES = 1000  # whose access is remembered
TOKEN_LIFE = 60  # seconds, if the token server does not say
SPARE = 10  # seconds before its end at which a token is no longer used
FOR_EVER = float("inf")
SETTING = "PREVIEW_REGISTRY_CONFIG"

_SCHEMES = re.compile(r"(?:^|,)\s*(bearer|basic)(?=\s|,|$)", re.IGNORECASE)
_HOST = re.compile(r"[A-Za-z0-9.:-]+", re.ASCII)  # without the brackets of an IPv6 address

Ask = Callable[[Request], Response]


class NoAccess(PluginError):
    """A registry does not let us read a repository. The text says why, without a secret."""


class _Token(BaseModel):
    token: str = ""
    access_token: str = ""  # the same, by the name that OAuth 2 has for it
    expires_in: float = TOKEN_LIFE

    @property
    def value(self) -> str:
        return self.token or self.access_token


@dataclass(frozen=True, slots=True)
class _Access:
    authorization: str
    until: float  # by the timer


class RegistryAccess:
    """Remembers the access to repositories for as long as it is valid."""

    def __init__(self, timer: Callable[[], float]) -> None:
        self._timer = timer
        self._known: TLRUCache[tuple[str, str], _Access] = TLRUCache(
            REPOSITORIES, ttu=lambda _, access, __: access.until, timer=timer
        )

    def forget(self, image: ImageReference) -> None:
        """Begin anew with an image's repository."""
        self._known.pop((image.registry, image.repository), None)

    def forget_all(self) -> None:
        """Begin anew, with other logins."""
        self._known.clear()

    def authorization(self, image: ImageReference) -> str:
        """Return the header that last gave access to an image's repository, or ""."""
        access = self._known.get((image.registry, image.repository))
        return access.authorization if access else ""

    def renew(self, image: ImageReference, refusal: Response, login: Login | None, ask: Ask) -> str:
        """Return a header that meets what a response with status 401 wants; `ask` asks a token server if need be.

        Raises NoAccess, Unanswered, and what `ask` raises.
        """
        self.forget(image)
        wanted = _challenges(refusal.headers.get("WWW-Authenticate", ""))
        if "bearer" in wanted:
            token = _token(image, wanted["bearer"], login, ask)
            access = _Access(f"Bearer {token.value}", self._timer() + token.expires_in - SPARE)
        elif "basic" not in wanted:
            raise NoAccess("it answered 401 without saying how to log in")
        elif login is None:
            raise NoAccess(f"it wants a login, and {SETTING} has none for it")
        else:
            access = _Access(_basic(login), FOR_EVER)
        self._known[image.registry, image.repository] = access
        return access.authorization


def _token(image: ImageReference, wanted: Mapping[str, str], login: Login | None, ask: Ask) -> _Token:
    query = {"scope": wanted.get("scope") or f"repository:{image.repository}:pull"}
    if service := wanted.get("service"):
        query["service"] = service
    realm = _realm(image, wanted.get("realm", ""))
    authorization = _basic(login) if login else ""
    response = ask(Request(method="GET", url=realm, query=query, authorization=authorization))
    if cannot_answer(response):
        raise Unanswered(f"its token server answered {response.status}")
    if response.status != HTTPStatus.OK:
        hint = "" if login else f"; {SETTING} has no login for it"
        raise NoAccess(f"its token server answered {response.status}{hint}")
    try:
        token = _Token.model_validate_json(response.body)
    except ValidationError:
        token = _Token()
    if not re.fullmatch(r"[!-~]+", token.value):
        raise NoAccess("its token server gave no token")
    return token


def cannot_answer(response: Response) -> bool:
    """Tell whether a server is overloaded or broken, whatever it is asked."""
    return response.status == HTTPStatus.TOO_MANY_REQUESTS or response.status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _challenges(header: str) -> dict[str, dict[str, str]]:
    """Return the parameters of each scheme that a `WWW-Authenticate` header names. A header may name several."""
    starts = [match.start(1) for match in _SCHEMES.finditer(header)]
    parts = [header[start:end].rstrip(", ") for start, end in pairwise([*starts, len(header)])]
    found = filter(None, map(WWWAuthenticate.from_header, parts))
    return {
        challenge.type: {name.lower(): value or "" for name, value in challenge.parameters.items()}
        for challenge in found
    }


def _realm(image: ImageReference, realm: str) -> str:
    """Return the address of a token server. Raises NoAccess if a login or a token must not travel to it."""
    try:
        parts = urlsplit(realm)
    except ValueError:
        parts = urlsplit("")
    host, at = parts.hostname or "", "@" in parts.netloc
    local = is_loopback(host) and image.manifest_url.startswith("http:")
    if at or not _HOST.fullmatch(host) or not (parts.scheme == "https" or (parts.scheme == "http" and local)):
        raise NoAccess("it names no token server that can be reached by https")
    return realm


def _basic(login: Login) -> str:
    return f"Basic {b64encode(f'{login.username}:{login.password}'.encode()).decode()}"

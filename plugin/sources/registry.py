"""Registries: which images exist, by the OCI distribution specification.

https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import requests
from pydantic import BaseModel, ValidationError

from plugin.core.config.registries import ImageReference, Logins, parse_docker_config, parse_image
from plugin.errors import PluginError, Unanswered
from plugin.http_client import Bounds, Request, Response, ask
from plugin.logs import get_logger
from plugin.sources.registry_login import SETTING, NoAccess, RegistryAccess, cannot_answer

BOUNDS = Bounds(largest=4 * 1024 * 1024)  # a manifest has at most so much, says the specification
# After so many seconds or requests no further request begins, so that a refresh ends. The next one continues.
SECONDS_TO_ASK = 30.0
REQUESTS = 300

MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
# NOT_FOUND is Harbor's: https://github.com/goharbor/harbor/blob/v2.14.0/src/lib/errors/const.go
UNKNOWN = frozenset({"MANIFEST_UNKNOWN", "NAME_UNKNOWN", "NOT_FOUND"})


class _Unclear(PluginError):
    """The registry does not say whether this image exists."""


class _Unusable(PluginError):
    """The registry cannot say it of any image, so that it is left alone until the next time."""


class _Spent(PluginError):
    """No further request may begin."""


class _Error(BaseModel):
    code: str = ""


class _Errors(BaseModel):
    """https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes."""

    errors: tuple[_Error, ...] = ()


@dataclass(slots=True)
class _Asker:
    """Sends requests until there were enough of them."""

    session: requests.Session
    timer: Callable[[], float]
    until: float
    left: int = field(default_factory=lambda: REQUESTS)

    def __call__(self, request: Request) -> Response:
        if self.timer() > self.until or not self.left:
            raise _Spent
        self.left -= 1
        return ask(self.session, request, BOUNDS)


@dataclass(slots=True)
class _Result:
    """What came of asking, this time."""

    found: dict[str, bool] = field(default_factory=dict)
    troubles: dict[str, dict[str, str]] = field(default_factory=dict)  # by registry and reason, an image as an example
    clear: set[str] = field(default_factory=set)  # registries that gave an answer
    unusable: set[str] = field(default_factory=set)  # registries


class Registries:
    """Asks any number of registries. Used by one thread at a time."""

    def __init__(self, config: Path | None, timer: Callable[[], float] = time.monotonic) -> None:
        """`config` is a Docker config file with logins. It is read each time, because some are valid for hours only."""
        self._config = config
        self._timer = timer
        self._access = RegistryAccess(timer)
        self._logins = Logins()
        self._left: list[str] = []  # images that no request was left for
        self._logged: dict[str, set[str]] = {}  # by registry, why it could not be asked
        self._unreadable = ""  # why the logins could not be read

    def exist(self, images: Sequence[str]) -> dict[str, bool]:
        """Tell for each image whether it exists. One that its registry is not clear about is left out."""
        if not images or not self._read_logins():
            return {}
        asked = set(images)
        in_turn = list(dict.fromkeys([*(image for image in self._left if image in asked), *images]))
        done, result = 0, _Result()
        with requests.Session() as session, suppress(_Spent):
            asker = _Asker(session, self._timer, self._timer() + SECONDS_TO_ASK)
            for done, image in enumerate(in_turn):  # noqa: B007  the rest is left
                self._look(image, asker, result)
            done = len(in_turn)
        self._left = in_turn[done:]
        self._log(result)
        return result.found

    def _look(self, image: str, asker: _Asker, result: _Result) -> None:
        try:
            reference = parse_image(image)
        except ValueError:
            return  # the catalog has no such image
        if reference.registry in result.unusable:
            return
        try:
            result.found[image] = self._exists(reference, asker)
            result.clear.add(reference.registry)
        except (_Unclear, _Unusable, NoAccess, Unanswered) as error:
            result.troubles.setdefault(reference.registry, {}).setdefault(str(error), image)
            if isinstance(error, _Unusable | Unanswered):
                result.unusable.add(reference.registry)

    def _exists(self, image: ImageReference, asker: _Asker) -> bool:
        response = self._manifest("HEAD", image, asker)
        if response.status == HTTPStatus.NOT_FOUND and not _is_a_registrys(response):
            response = self._manifest("GET", image, asker)
        if response.status == HTTPStatus.NOT_FOUND and _is_a_registrys(response):
            return False
        if response.status == HTTPStatus.OK:
            return True
        if cannot_answer(response):
            raise _Unusable(f"it answered {response.status}")
        if response.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            whose = f"the login in {SETTING} may not" if self._logins.of(image) else "not everybody may"
            raise NoAccess(f"it answered {response.status}: {whose} pull the image")
        problem = f"it answered {response.status}"
        raise _Unclear(f"{problem}, and not as a registry does" if response.status == HTTPStatus.NOT_FOUND else problem)

    def _manifest(self, method: str, image: ImageReference, asker: _Asker) -> Response:
        """Ask for a manifest, and once more if that needs another login."""
        response = asker(_question(method, image, self._access.authorization(image)))
        if response.status != HTTPStatus.UNAUTHORIZED:
            return response
        authorization = self._access.renew(image, response, self._logins.of(image), asker)
        response = asker(_question(method, image, authorization))
        if response.status == HTTPStatus.UNAUTHORIZED:
            self._access.forget(image)
        return response

    def _read_logins(self) -> bool:
        """Read the logins; return False if they cannot be read. Asked without them, a registry may hide what it has."""
        if self._config is None:
            return True
        try:
            logins = parse_docker_config(self._config.read_text("utf-8"))
        except (OSError, ValueError) as error:
            if str(error) != self._unreadable:
                self._unreadable = str(error)
                get_logger().warning(
                    "the logins of registries cannot be read", file=str(self._config), reason=str(error)
                )
            return False
        self._unreadable = ""
        if logins != self._logins:
            self._logins = logins
            self._access.forget_all()
        return True

    def _log(self, result: _Result) -> None:
        """Log each trouble once, until its registry gives nothing but clear answers."""
        for registry, reasons in result.troubles.items():
            logged = self._logged.setdefault(registry, set())
            if new := {reason: image for reason, image in reasons.items() if reason not in logged}:
                get_logger().warning("it is not known which images exist", registry=registry, reasons=new)
            logged.update(new)
        for registry in result.clear - result.troubles.keys():
            self._logged.pop(registry, None)


def _question(method: str, image: ImageReference, authorization: str) -> Request:
    return Request(
        method=method, url=image.manifest_url, headers={"Accept": ", ".join(MANIFESTS)}, authorization=authorization
    )


def _is_a_registrys(response: Response) -> bool:
    """Tell whether a 404 is a registry's, and not that of something on the way to it.

    Most registries still send a header of Docker's older specification. The others say it in the body, which only the
    response to a GET has; not every manifest is asked for by GET, because that may count against a limit of pulls.
    https://docs.docker.com/docker-hub/usage/pulls/
    """
    if response.headers.get("Docker-Distribution-Api-Version", "").startswith("registry/2."):
        return True
    try:
        errors = _Errors.model_validate_json(response.body).errors
    except ValidationError:
        return False
    return any(error.code in UNKNOWN for error in errors)

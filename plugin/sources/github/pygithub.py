"""PyGithub, as everything here uses it: without its own waiting, and with errors of our own.

A client of PyGithub mixes up answers when two threads share it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

import requests
from github import Auth, GithubException, GithubIntegration, UnknownObjectException
from github.Installation import Installation

from plugin.sources.github.answer import Unavailable, meaning

TIMEOUT = 20  # seconds; GitHub itself gives up after 10
USER_AGENT = "preview-plugin"

# PyGithub's own waiting is switched off: its default retry sleeps until a rate limit resets, up to an hour, and its
# default throttle counts a GraphQL query as a write and waits a second after each.
EXPLICIT: dict[str, Any] = {
    "timeout": TIMEOUT,
    "user_agent": USER_AGENT,
    "per_page": 100,
    "retry": None,
    "seconds_between_requests": None,
    "seconds_between_writes": None,
    "lazy": True,
}

# What PyGithub raises beside GithubException when GitHub cannot be reached: RuntimeError is a redirect that it does not
# follow, ValueError a rate limit's header that is not a number, or a body that is not UTF-8 or not whole JSON.
# https://github.com/PyGithub/PyGithub/blob/v2.10.0/github/Requester.py
UNREACHABLE = (requests.RequestException, RuntimeError, ValueError)
# And what its classes raise for JSON of an unexpected shape. Only where PyGithub itself reads an answer.
_MISREAD = (*UNREACHABLE, AssertionError, AttributeError, KeyError, TypeError)

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Token:
    """A personal access token."""

    token: str


@dataclass(frozen=True, slots=True)
class App:
    """A GitHub App; its installation is discovered for each owner."""

    app_id: str
    private_key: str

    @property
    def auth(self) -> Auth.AppAuth:
        """The App itself, which can do nothing but find its installations."""
        return Auth.AppAuth(self.app_id, self.private_key)

    def integration(self, url: str) -> GithubIntegration:
        """Return the client of the App itself."""
        return GithubIntegration(auth=self.auth, base_url=url, **EXPLICIT)


class NotFound(Unavailable):
    """GitHub knows nothing under this name."""


def called(method: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
    """Call PyGithub where it reads the answer itself. Turns its errors into Unavailable, Limited or TooHeavy."""
    try:
        return method(*args, **kwargs)
    except UnknownObjectException as error:
        raise NotFound(str(meaning(error.status, error.headers or {}, error.data))) from None
    except GithubException as error:
        # PyGithub wraps what is not JSON in {"data": ...}.
        page = isinstance(error.data, Mapping) and isinstance(error.data.get("data"), str)
        raise meaning(error.status, error.headers or {}, None if page else error.data) from None
    except _MISREAD as error:
        raise unreachable(error) from None


def installation_of(integration: GithubIntegration, owner: str, asking: Callable[[], None]) -> Installation:
    """Find the installation of an App for an owner; `asking` is called before each request. Raises Unavailable."""
    try:
        asking()
        return called(integration.get_org_installation, owner)
    except NotFound:  # the owner is a person, not an organisation
        asking()
        return called(integration.get_user_installation, owner)


def authenticate(auth: Auth.Auth) -> None:
    """Get an installation's token if there is none, or if it expires soon."""
    auth.authentication({})
    auth.authentication({})  # reads when it expires, as PyGithub does before each request


def unreachable(error: Exception) -> Unavailable:
    """Return the error for a request that got no answer."""
    if isinstance(error, RuntimeError):
        return Unavailable("GitHub sent an invalid response (a redirect); is PREVIEW_GITHUB_URL right?")
    # Its text may contain the address of a proxy, with a password.
    what = f"GitHub could not be reached or sent an invalid response ({type(error).__name__})"
    return Unavailable(f"{what}; check the network and PREVIEW_GITHUB_URL")


def parsed(text: str) -> object:
    """Parse JSON; None if it is something else."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None

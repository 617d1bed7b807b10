"""Routes of the REST side, and a request on its way through one."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from urllib.parse import unquote

from .app import App, Installations
from .wire import Request, Response, error
from .world import Account, Repository, World, database_id
from .written import Written

Json = dict[str, object]


@dataclass(frozen=True)
class Visit:
    """One request on its way through a route."""

    request: Request
    world: World
    now: datetime
    installations: Installations
    owner: str | None = None  # an installation's token sees its owner's repositories only
    app: App | None = None  # the request came with the App's own token
    login: str = ""  # of the account that asks
    writes: frozenset[str] | None = None  # what its token may write; None: everything
    written: Written = field(default_factory=Written)
    roles: Mapping[str, str] = field(default_factory=dict)  # by login
    relabel: "Relabel" = lambda *_: None

    def repository(self, owner: str, name: str) -> Repository | None:
        found = self.world.repository(f"{owner}/{name}", follow_renames=True)
        return found if found and self.owner in {None, found.owner.casefold()} else None

    def refuses_to_write(self, permission: str) -> Response | None:
        """Return what GitHub answers to a token that may not write this; None if it may."""
        if self.writes is None or permission in self.writes:
            return None
        whose = "integration" if self.owner else "personal access token"
        return error(HTTPStatus.FORBIDDEN, f"Resource not accessible by {whose}")


# Sets and removes labels of a pull request, by the repository's name.
Relabel = Callable[[str, int, Sequence[str], Sequence[str], str], None]
Handler = Callable[..., Response]  # takes the Visit and the path's parts


def account_json(account: Account) -> Json:
    return {
        "login": account.login,
        "id": database_id(f"user/{account.login}"),
        "type": "Bot" if account.is_bot else "User",
        "site_admin": False,
    }


@dataclass(frozen=True)
class Route:
    """One path, written as in GitHub's OpenAPI."""

    method: str
    path: str
    handler: Handler
    for_app: bool = False

    def match(self, method: str, path: str) -> Mapping[str, str] | None:
        # Only the path of a file may hold slashes.
        part = re.sub(r"{(\w+)}", lambda m: f"(?P<{m[1]}>{'.+' if m[1] == 'path' else '[^/]+'})", self.path)
        found = re.fullmatch(part, path) if method == self.method else None
        return {name: unquote(value) for name, value in found.groupdict().items()} if found else None

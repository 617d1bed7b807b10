"""GitHub's webhook deliveries, taken as hints: which repositories may have changed, and nothing else.

A delivery can be late, repeated, out of order or about a state that is gone, so nothing in it is ever believed: it only
says where to look. Events, actions and fields: https://docs.github.com/en/webhooks/webhook-events-and-payloads

`push` gives no names: a link to a branch is a link to its pull request, and a push there is a `synchronize` as well.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from plugin.core.commands.parsing import first_line
from plugin.core.config.references import REPOSITORY
from plugin.core.config.values import OUR_STATUS
from plugin.sources import Headers

_HEADER = "X-Hub-Signature-256"
_SIGNATURE = re.compile(r"sha256=[0-9a-f]{64}", re.ASCII)

# The actions that can change an answer, by event.
ACTIONS = {
    "pull_request": frozenset(
        {
            "opened",
            "reopened",
            "closed",
            "synchronize",
            "labeled",
            "unlabeled",
            "edited",
            "converted_to_draft",
            "ready_for_review",
        }
    ),
    "label": frozenset({"edited", "deleted"}),
    "repository": frozenset(
        {"renamed", "transferred", "archived", "unarchived", "deleted", "privatized", "publicized"}
    ),
    "installation": frozenset({"created", "deleted", "suspend", "unsuspend", "new_permissions_accepted"}),
    "installation_repositories": frozenset({"added", "removed"}),
    "check_run": frozenset({"completed"}),
    "check_suite": frozenset({"completed"}),
    "status": frozenset({""}),  # it has no actions
    "issue_comment": frozenset({"created"}),
}
_CHECKS = frozenset({"check_run", "check_suite", "status"})

Waits = Callable[[str, str], bool]  # whether previews of a repository wait for a check; its name can be "", for any
Listens = Callable[[], bool]  # whether comments can be commands


@dataclass(frozen=True, slots=True)
class GitHubDeliveries:
    """Deliveries that are signed with one of these secrets: two while a secret is being changed.

    Of the many checks that an organisation runs, only those that somebody `waits` for are worth a look, and of the many
    comments only commands.
    """

    secrets: Sequence[str]
    waits: Waits
    listens: Listens

    def claims_signature(self, headers: Headers) -> bool:
        """Tell whether there is a header that looks like a signature."""
        return _SIGNATURE.fullmatch(headers.get(_HEADER, "")) is not None

    def is_signed(self, headers: Headers, body: bytes) -> bool:
        """Check `X-Hub-Signature-256` in constant time."""
        # WSGI passes headers as Latin-1, and compare_digest raises for strings that are not ASCII.
        presented = headers.get(_HEADER, "").encode("latin-1", "replace")
        return any(hmac.compare_digest(presented, signature(secret, body).encode()) for secret in self.secrets)

    def hinted(self, headers: Headers, payload: object) -> frozenset[str]:
        """Return the repositories that may have changed."""
        return hinted(headers.get("X-GitHub-Event", ""), payload, self.waits, self.listens)


def signature(secret: str, body: bytes) -> str:
    """Return what `X-Hub-Signature-256` says of a body.

    https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    """
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def hinted(event: str, payload: object, waits: Waits, listens: Listens) -> frozenset[str]:
    """Return the repositories that may have changed, `owner/name` as the delivery spells them.

    `event` is the header `X-GitHub-Event`, `payload` any parsed JSON. What is not a repository's name is left out.
    """
    action = "" if event == "status" else _at(payload, "action")
    if not isinstance(action, str) or action not in ACTIONS.get(event, frozenset()):
        return frozenset()
    if event == "issue_comment" and not (listens() and _is_a_command(payload)):
        return frozenset()
    names = frozenset(name for name in _names(payload) if isinstance(name, str) and REPOSITORY.fullmatch(name))
    if event not in _CHECKS:
        return names
    return frozenset(name for name in names if _is_news(event, payload, name, waits))


def _is_news(event: str, payload: object, repository: str, waits: Waits) -> bool:
    """Tell whether a check has succeeded that previews may wait for. A check suite names none of its checks."""
    match event, payload:
        case "check_run", {"check_run": {"name": str(check), "conclusion": "success"}}:
            pass
        case "check_suite", {"check_suite": {"conclusion": "success"}}:
            check = ""
        case "status", {"context": str(check), "state": "success"}:
            pass
        case _:
            return False
    return not check.startswith(OUR_STATUS) and waits(repository, check)


def _is_a_command(payload: object) -> bool:
    """Tell whether a comment on a pull request begins like a command. None of ours does, so they never wake us."""
    match payload:
        case {"issue": {"pull_request": dict()}, "comment": {"body": str(body)}}:
            return bool(first_line(body))
    return False


def _names(payload: object) -> Iterator[object]:
    owner, name = _at(payload, "repository", "owner", "login"), _at(payload, "repository", "name")
    yield _at(payload, "repository", "full_name")
    # The catalog may still have a repository under the name, or the owner, that it had before.
    yield _full_name(owner, _at(payload, "changes", "repository", "name", "from"))
    for kind in ("user", "organization"):
        yield _full_name(_at(payload, "changes", "owner", "from", kind, "login"), name)
    for listing in ("repositories", "repositories_added", "repositories_removed"):
        repositories = _at(payload, listing)
        for repository in repositories if isinstance(repositories, list) else ():
            yield _at(repository, "full_name")


def _full_name(owner: object, name: object) -> str | None:
    return f"{owner}/{name}" if isinstance(owner, str) and isinstance(name, str) else None


def _at(value: object, *path: str) -> object:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value

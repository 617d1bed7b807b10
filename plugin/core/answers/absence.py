"""Why a pull request has no preview, and what to do about it, in one line for people at a terminal. Pure."""

from collections.abc import Mapping, Sequence
from shlex import quote

from plugin.core.config.catalog import Service
from plugin.core.config.names import folded
from plugin.core.config.references import Locator
from plugin.core.facts.model import LookUp, PullRequestState

_NOT_OPEN: Mapping[PullRequestState, str] = {
    PullRequestState.MISSING: "does not exist. Check the number.",
    PullRequestState.CLOSED: "has no preview: it is not open, because it was closed. Reopen it.",
    PullRequestState.MERGED: "has no preview: it is not open, because it was merged. Open a new one.",
}


def absence(wanted: Locator, services: Sequence[Service], found: LookUp | None, *, archived: bool = False) -> str:
    """Explain why no preview of a pull request is listed.

    `services` are those that are meant of its repository, and `found` is what the source says about it; None if it says
    nothing. Pull requests of repositories that were archived long ago count as closed.
    """
    if not services:
        reason = f"has no preview: no service of the catalog is in the repository {wanted.repository}. Add one to it."
    elif found is None:
        reason = "has no preview that is known of, and it could not be looked up. Ask again in a moment."
    elif found.state is not PullRequestState.OPEN:
        reason = _NOT_OPEN[found.state]
    elif archived:
        reason = "has no preview: its repository is archived. Unarchive it."
    else:
        reason = _without_labels(wanted, services, found)
    return f"{wanted} {reason}"


def _without_labels(wanted: Locator, services: Sequence[Service], found: LookUp) -> str:
    has = {folded(label) for label in found.labels}
    lacking = [[label for label in service.policy.require if folded(label) not in has] for service in services]
    missing = min(lacking, key=len)  # of several services, the one that needs the least
    if not missing:
        return "has no preview yet: its label is new. Ask again in a moment."
    labels = " and ".join(f'"{label}"' for label in missing)
    flags = " ".join(f"--add-label {quote(label)}" for label in missing)
    noun, pronoun = ("label", "it") if len(missing) == 1 else ("labels", "them")
    return (
        f"has no preview: it lacks the {noun} {labels}. "
        f"Add {pronoun}: gh pr edit {wanted.number} --repo {wanted.repository} {flags}"
    )

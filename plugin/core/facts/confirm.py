"""Confirm before delete: whatever a listing shows or lacks, a preview ends only after a look-up by number. Pure.

A listing can come back short or old (an index that lags, a page that was lost, a label that was put back a moment
later), and Argo CD deletes what an answer leaves out.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from plugin.core.config.messages import one_line
from plugin.core.config.names import folded
from plugin.core.facts.model import Elsewhere, Hold, LookUp, PullRequest, PullRequestState

# Pull requests of authors who are flagged as spammers vanish, and come back (seen on GitHub).
TIMES_MISSING = 3
MISSING_FOR = timedelta(hours=1)
# Pull requests of an archived repository can be neither closed nor unlabelled, so they count as closed after this time.
ARCHIVED_FOR = timedelta(hours=24)

NOT_YET_CONFIRMED = Hold("it is no longer listed, and it has not been looked up yet")

_VANISHED = NOT_YET_CONFIRMED.cause
_ELSEWHERE = {PullRequestState.CLOSED: Elsewhere.CLOSED, PullRequestState.MERGED: Elsewhere.MERGED}


@dataclass(frozen=True, slots=True)
class Suspect:
    """A pull request whose last listing does not show it as it is known."""

    known: PullRequest
    before: Hold  # why it has counted as it is known so far
    listed: PullRequest | None = None  # as the listing shows it; None: it is not listed
    asked: frozenset[str] = frozenset()  # the labels that its repository is listed by
    archived_at: datetime | None = None  # when its repository was archived


def confirm(suspect: Suspect, answer: LookUp | None) -> Elsewhere | Hold | PullRequest:
    """Return where a pull request went, or why it counts as it is known, or what it is from now on.

    `answer` is None if it could not be looked up. Its labels, draft flag and base branch are taken as they are: the
    rules judge them later.
    """
    cause, before = suspect.before.cause, suspect.before
    if answer is None:
        return _hold(cause, ", and could not be looked up", before.first_missing_at, before.times_missing)
    if answer.state is PullRequestState.MISSING:
        return _missing(answer.answered_at, before)
    seen = [suspect.known.updated_at, *([suspect.listed.updated_at] if suspect.listed else [])]
    if answer.updated_at is None or answer.updated_at < max(seen):
        return _hold(cause, ", but the look-up is older than what was seen before")
    if answer.updated_at == suspect.known.updated_at and not answer.settled:
        # If it was opened and labelled within a second, an answer from in between looks as if the label was removed.
        return _hold(cause, ", but the look-up may be older than what was seen before")
    return _open(suspect, answer) if answer.state is PullRequestState.OPEN else _ELSEWHERE[answer.state]


def is_labelled(asked: frozenset[str], answer: LookUp) -> bool:
    """Tell whether a listing by these labels should contain it."""
    return not asked or not _folded(asked).isdisjoint(_folded(answer.labels))


def is_archived(archived_at: datetime | None, moment: datetime) -> bool:
    """Tell whether a repository was archived so long before a moment that its pull requests count as closed."""
    return archived_at is not None and moment - archived_at >= ARCHIVED_FOR


def life_differs(known: PullRequest, listed: PullRequest) -> str:
    """Say which facts that decide whether a preview lives are different in a listing, or return ""."""
    differences = []
    if known.labels != listed.labels and _folded(known.labels) != _folded(listed.labels):
        differences.append("other labels")
    if known.draft != listed.draft:
        differences.append("a draft" if listed.draft else "no draft")
    if known.target_branch != listed.target_branch:
        differences.append("another base branch")
    if known.fork != listed.fork:
        differences.append("a fork's pull request" if listed.fork else "no fork's pull request")
    return f"its listing shows {' and '.join(differences)}" if differences else ""


def _open(suspect: Suspect, answer: LookUp) -> Elsewhere | Hold | PullRequest:
    cause, listed = suspect.before.cause, suspect.listed
    if is_archived(suspect.archived_at, answer.answered_at):
        return Elsewhere.ARCHIVED
    if listed and listed.fork and not suspect.known.fork:
        # No pull request becomes a fork's: its head repository is hidden, which says nothing about the pull request.
        return _hold(cause, ", which it cannot have become")
    if not is_labelled(suspect.asked, answer):
        return Elsewhere.UNLABELLED
    if listed:
        return _as_looked_up(listed, answer)
    if cause == _VANISHED:
        return Hold("it is open and has the label, though it was not listed")
    return _hold(cause, "; it is open, and will be listed again")


def _as_looked_up(listed: PullRequest, answer: LookUp) -> PullRequest:
    order = {label: place for place, label in enumerate(listed.labels)}
    labels = tuple(sorted(answer.labels, key=lambda label: (order.get(label, len(order)), label)))
    changed = replace(listed, labels=labels, draft=answer.draft, target_branch=answer.target_branch)
    if answer.updated_at is None or answer.updated_at <= listed.updated_at:
        return changed
    # If it kept the listing's time, the same listing could come again and take back what the look-up has shown. What
    # only a listing shows is older than the look-up, so it has to be read again.
    return replace(changed, updated_at=answer.updated_at, settled=False)


def _missing(answered_at: datetime, before: Hold) -> Elsewhere | Hold:
    first = before.first_missing_at or answered_at
    times = before.times_missing + 1
    if times >= TIMES_MISSING and answered_at - first >= MISSING_FOR:
        return Elsewhere.MISSING
    return _hold(before.cause, ", and there is no such pull request for now", first, times)


def _hold(cause: str, why: str, first_missing_at: datetime | None = None, times_missing: int = 0) -> Hold:
    return Hold(one_line(f"{cause}{why}"), first_missing_at, times_missing, cause)


def _folded(labels: tuple[str, ...] | frozenset[str]) -> frozenset[str]:
    return frozenset(map(folded, labels))

"""Confirm before delete: what vanished from a listing still counts until an answer by number says why. Pure.

A listing can come back short (an index that lags, a page that was lost), and Argo CD deletes what an answer leaves out.
"""

from datetime import datetime, timedelta

from plugin.core.facts.model import SETTLED, Elsewhere, Hold, LookUp, PullRequest, PullRequestState

# Pull requests of authors who are flagged as spammers vanish from GitHub and come back.
TIMES_MISSING = 3
MISSING_FOR = timedelta(hours=1)

NOT_YET_CONFIRMED = Hold("it is not listed any more, and was not looked up yet")

_ELSEWHERE = {PullRequestState.CLOSED: Elsewhere.CLOSED, PullRequestState.MERGED: Elsewhere.MERGED}


def confirm(last_seen: PullRequest, asked: frozenset[str], answer: LookUp | None, before: Hold) -> Elsewhere | Hold:
    """Say where a vanished pull request is, or why it still counts.

    `asked` are the labels that its repository is listed by, `answer` is None if it could not be looked up.
    """
    if answer is None:
        return Hold(
            "it is not listed any more, and could not be looked up", before.first_missing_at, before.times_missing
        )
    if answer.state is PullRequestState.MISSING:
        return _missing(answer.answered_at, before)
    if answer.updated_at is None or answer.updated_at < last_seen.updated_at:
        return Hold("it is not listed any more, but the answer about it is older than one before")
    if answer.updated_at == last_seen.updated_at and answer.answered_at - answer.updated_at < SETTLED:
        # Opened and labelled within one second, and an answer from between the two: as if the label had been removed.
        return Hold("it is not listed any more, but the answer about it may be older than one before")
    return _open(asked, answer) if answer.state is PullRequestState.OPEN else _ELSEWHERE[answer.state]


def is_labelled(asked: frozenset[str], answer: LookUp) -> bool:
    """Tell whether a listing by these labels should have had it."""
    return not asked or not asked.isdisjoint(answer.labels)


def _open(asked: frozenset[str], answer: LookUp) -> Elsewhere | Hold:
    if is_labelled(asked, answer):
        return Hold("it is open and has the label, though it was not listed")
    if not answer.all_labels:
        return Hold("it is not listed any more, and has more labels than could be read")
    return Elsewhere.UNLABELLED


def _missing(answered_at: datetime, before: Hold) -> Elsewhere | Hold:
    first = before.first_missing_at or answered_at
    times = before.times_missing + 1
    if times >= TIMES_MISSING and answered_at - first >= MISSING_FOR:
        return Elsewhere.MISSING
    return Hold("it is not listed any more, and there is no such pull request for now", first, times)

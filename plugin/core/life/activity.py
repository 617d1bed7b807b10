"""Activity: the newest thing that somebody did with a preview. Comments are none, so `updated_at` never counts."""

from collections.abc import Iterable
from datetime import datetime

from plugin.core.config.names import folded
from plugin.core.facts.acts import Act
from plugin.core.facts.lives import Life
from plugin.core.facts.model import PullRequest
from plugin.core.life.case import latest


def asked_at(require: Iterable[str], pull_request: PullRequest, ask: Act | None) -> datetime | None:
    """Return when somebody asked for a preview: by the newest of its labels, or again by an act. None: not known."""
    events = pull_request.events
    if events is None:
        return None
    labelled = latest(*(events.labelled_at.get(folded(label)) for label in require))
    return latest(labelled or events.created_at, ask.at if ask else None)


def activity(pull_request: PullRequest, asked: datetime | None, before: Life | None) -> datetime | None:
    """Return the newest activity without traffic; None: not known."""
    events = pull_request.events
    if events is None or asked is None:
        return None
    return latest(
        asked,
        pull_request.head_seen_at,
        events.reopened_at,
        before.admitted_at if before else None,
    )

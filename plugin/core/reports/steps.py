"""Steps: what has to be done next at one target, so that what stands there becomes what is wanted.

A step that writes is taken only after it was stored that it begins. If its outcome is lost, or the process dies, the
next step is a look at what stands there. So whatever happens, one thing stands there in the end.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from plugin.core.reports.content import Comment, Content, Deployment, Ended, Kind, Link, Status, Target
from plugin.core.reports.said import short

SETTLES = timedelta(minutes=1)  # until GitHub's lists certainly show what was written
BETWEEN_EDITS = timedelta(minutes=1)  # of one comment
CONFIDENTIAL = "confidential"  # the state of a comment that names what not everybody may read, or did once
_ON_THE_WAY = ("", "queued", "in_progress", "pending")  # states of a deployment that has not come to an end


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that stands outside: a deployment, a status, a comment or a link."""

    id: int = 0
    sha: str = ""
    state: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands at one target, the newest last, and what is not certain about it."""

    target: Target
    items: tuple[Item, ...] | None = None  # None: not known
    unsure_since: datetime | None = None  # a step began then, and its outcome is not known
    written_at: datetime | None = None  # when the last step ended that wrote something


@dataclass(frozen=True, slots=True)
class Look:
    """Find out what stands there; for a status, at this commit."""

    sha: str = ""


@dataclass(frozen=True, slots=True)
class Create:
    """Put a new thing there."""

    content: Content


@dataclass(frozen=True, slots=True)
class Say:
    """Change a thing, or what is said about it."""

    item: Item
    content: Content


@dataclass(frozen=True, slots=True)
class Retire:
    """Take a thing away."""

    item: Item
    reason: str


Step = Look | Create | Say | Retire
Wanted = Content | Ended


def next_step(wanted: Wanted, standing: Standing) -> Step | None:
    """Return what to do next, whenever `not_before` allows it; None if what stands there is what is wanted."""
    items = None if standing.unsure_since else standing.items
    match wanted:
        case Deployment():
            return Look() if items is None else _deployment(wanted, items)
        case Status():
            return Look(wanted.sha) if items is None else _status(wanted, items)
        case Comment():
            if items is None:
                return Look() if wanted.create or standing.unsure_since or standing.items else None
            return _comment(wanted, items)
        case Link():  # writing the same link again does no harm, and there is no cheap way to look
            return _status(wanted, standing.items or ())
        case Ended():
            return _end(wanted, standing, items)
        case _:
            assert_never(wanted)


def not_before(step: Step | None, standing: Standing) -> datetime | None:
    """Return the earliest moment for a step, or for forgetting what stands there; None: now.

    Whatever ended is remembered for a while: if its pull request is reopened meanwhile, a look would not show the end
    yet, and nobody would know when the comment may be edited again.
    """
    if standing.unsure_since:
        return standing.unsure_since + SETTLES
    if standing.written_at and step is None:
        return standing.written_at + SETTLES
    if standing.target.kind is Kind.COMMENT and standing.written_at and not isinstance(step, Look):
        return standing.written_at + BETWEEN_EDITS
    return None


def begun(standing: Standing, step: Step, now: datetime) -> Standing:
    """Return what is certain once a step has begun, until its outcome is known."""
    if isinstance(step, Look):
        return standing
    if standing.target.kind in (Kind.STATUS, Kind.LINK) and not isinstance(step, Create):
        # Nobody else will remember of which commit a status may be, and that there may be a link.
        item = _said(step.item, step.content) if isinstance(step, Say) else step.item
        standing = replace(standing, items=(replace(item, digest=""),))
    return replace(standing, unsure_since=now)


def found(standing: Standing, items: tuple[Item, ...]) -> Standing:
    """Return what is certain after a look.

    Of deployments, a look shows only the newest, including inactive ones. What is known of older ones stays: however
    many newer commits have failed, the last one that worked must still be ended.
    """
    if standing.target.kind is Kind.DEPLOYMENT and items:
        oldest = min(item.id for item in items)
        older = tuple(item for item in standing.items or () if item.id < oldest)
        items = (*older, *(item for item in items if item.state != "inactive"))
    return replace(standing, items=items, unsure_since=None)


def done(standing: Standing, step: Step, new_id: int, now: datetime) -> Standing:
    """Return what stands there after a step that wrote something; `new_id` is that of what it created."""
    items = standing.items or ()
    match step:
        case Create(content):
            # What has failed was only kept so that the same commit is not deployed again.
            items = (*(each for each in items if each.state in (*_ON_THE_WAY, "success")), _created(new_id, content))
        case Say(item, content):
            kept = () if isinstance(content, Status | Link) else tuple(each for each in items if each.id != item.id)
            items = (*kept, _said(item, content))
        case Retire(item):
            items = tuple(each for each in items if each.id != item.id)
    return replace(standing, items=items, unsure_since=None, written_at=now)


def refused(standing: Standing, step: Step) -> Standing:
    """Return what is certain after a step that did nothing: after a look, no more than before."""
    return standing if isinstance(step, Look) else replace(standing, unsure_since=None)


def missing(standing: Standing) -> Standing:
    """Return what is certain after a step found that its thing is gone: somebody took it away."""
    return replace(standing, items=None, unsure_since=None)


def _created(new_id: int, content: Content) -> Item:
    if isinstance(content, Deployment):
        return Item(new_id, content.sha)  # nothing is said about it yet
    return _said(Item(new_id), content)


def _said(item: Item, content: Content) -> Item:
    match content:
        case Deployment() | Status():
            return Item(item.id, content.sha, content.state, content.digest)
        case Comment():
            state = CONFIDENTIAL if content.confidential or item.state == CONFIDENTIAL else ""
            return Item(item.id, state=state, digest=content.digest)
        case Link():
            return Item(item.id, digest=content.digest)


def _deployment(wanted: Deployment, items: tuple[Item, ...]) -> Step | None:
    own = next((item for item in reversed(items) if item.sha == wanted.sha), None)
    if own is None:
        return Create(wanted)
    if own.digest != wanted.digest:
        return Say(own, wanted)
    for item in items:
        # A newer commit that does not work must not hide the older one that does.
        outdated = item.state in _ON_THE_WAY or (item.state == "success" and wanted.state == "success")
        if item is not own and outdated:
            return Retire(item, f"{wanted.sha[:7]} replaces it")
    return None


def _status(wanted: Status | Link, items: tuple[Item, ...]) -> Step | None:
    item = items[-1] if items else Item()
    sha = wanted.sha if isinstance(wanted, Status) else ""
    return None if (item.sha, item.digest) == (sha, wanted.digest) else Say(item, wanted)


def _comment(wanted: Comment, items: tuple[Item, ...]) -> Step | None:
    if not items:
        return Create(wanted) if wanted.create else None
    if len(items) > 1:
        return Retire(items[-1], "")
    if items[0].state == CONFIDENTIAL and not wanted.confidential:  # its older versions can still be read
        return Retire(items[0], "")
    return None if items[0].digest == wanted.digest else Say(items[0], wanted)


def _end(ended: Ended, standing: Standing, items: tuple[Item, ...] | None) -> Step | None:
    match standing.target.kind:
        case Kind.STATUS:
            if not standing.items:
                return None
            item = standing.items[-1]
            # Whoever requires this check wants a preview that can be reached, so a status that waited for one does not
            # turn green without it. Nor does it turn red because a label was removed.
            description = short(f"No preview: {ended.reason}")
            return _status(Status(item.sha, f"preview/{standing.target.name}", item.state, description, ""), (item,))
        case Kind.COMMENT:
            if items is not None and ended.comment:
                return _comment(ended.comment, items)
            return _retire(ended, items)
        case Kind.DEPLOYMENT:
            return _retire(ended, items)
        case _:  # a link
            return Retire(standing.items[0], ended.reason) if standing.items else None


def _retire(ended: Ended, items: tuple[Item, ...] | None) -> Step | None:
    if items is None:
        return Look()
    return Retire(items[0], ended.reason) if items else None

"""The history of a preview: what happened to it, when and why. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from plugin.core.config.messages import one_line
from plugin.core.decision.dependencies import Dependency
from plugin.core.decision.preview import Preview

KEPT_FOR = timedelta(days=30)
KEPT = 200  # events of one preview, the newest ones: somebody may push all night


class EventKind(StrEnum):
    """What can happen to a preview."""

    CREATED = "created"
    UPDATED = "updated"
    RELINKED = "relinked"
    FELL_BACK = "fell-back"
    HELD = "held"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, with a sentence that says what and why."""

    at: datetime
    kind: EventKind
    reason: str


@dataclass(frozen=True, slots=True)
class Moment:
    """Every live preview at one moment, and those that only stay because they are held (key: why)."""

    live: Mapping[str, Preview]
    held: Mapping[str, str]


def continued(
    histories: Mapping[str, tuple[Event, ...]],
    before: Moment,
    after: Moment,
    departed: Mapping[str, str],
    now: datetime,
) -> Mapping[str, tuple[Event, ...]]:
    """Return the histories with what happened between two moments; `departed` says why a preview left, by its key."""
    result = {name: events for name, events in histories.items() if _is_young(events[-1], now)}
    for name in sorted({*before.live, *before.held, *after.live, *after.held}):
        new = [Event(now, kind, one_line(reason)) for kind, reason in _happened(name, before, after, departed)]
        if new:
            young = [event for event in result.get(name, ()) if _is_young(event, now)]
            result[name] = (*young, *new)[-KEPT:]
    return result


def _happened(name: str, before: Moment, after: Moment, departed: Mapping[str, str]) -> Iterator[tuple[EventKind, str]]:
    was, is_now = before.live.get(name), after.live.get(name)
    existed = was is not None or name in before.held
    if is_now is not None and not existed:
        yield EventKind.CREATED, is_now.verdict.reason
    if was is not None and is_now is not None and was is not is_now:
        yield from _changes(was, is_now)
    if name in after.held and name not in before.held:
        yield EventKind.HELD, after.held[name]
    if existed and is_now is None and name not in after.held:
        yield EventKind.GONE, departed.get(name, "it lost its preview")


def _changes(before: Preview, after: Preview) -> Iterator[tuple[EventKind, str]]:
    if changed := ", ".join(_updates(before, after)):
        yield EventKind.UPDATED, changed
    old = {dependency.service: dependency for dependency in before.dependencies}
    for dependency in after.dependencies:
        previous = old.get(dependency.service)
        if previous and (previous.url, previous.locator) != (dependency.url, dependency.locator):
            fell_back = dependency.rule in {rejected.rule for rejected in dependency.rejected}
            yield EventKind.FELL_BACK if fell_back else EventKind.RELINKED, _where(dependency)


def _updates(before: Preview, after: Preview) -> Iterable[str]:
    if before.pull_request.head_sha != after.pull_request.head_sha:
        yield f"commit {after.pull_request.head_sha[:8]}"
    if (before.name, before.host) != (after.name, after.host):
        yield f"moved to {after.url}, namespace {after.name}"
    if before.dataset != after.dataset:
        yield f"dataset {after.dataset or 'none'}"
    if before.verdict.state is not after.verdict.state:
        yield f"{after.verdict.state}: {after.verdict.reason}"
    if before.config_error != after.config_error:
        yield after.config_error or "its .preview.yaml is good again"
    if before.service != after.service:
        yield "the catalog's entry"


def _where(dependency: Dependency) -> str:
    target = dependency.locator or (dependency.url if dependency.target == "url" else dependency.target)
    return f"{dependency.service} goes to {target}: {dependency.reason}"


def _is_young(event: Event, now: datetime) -> bool:
    return now - event.at <= KEPT_FOR

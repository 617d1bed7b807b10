"""The history of a preview: what happened to it, when and why."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from plugin.core.config.messages import one_line, timestamp
from plugin.core.decision.decide import changed
from plugin.core.decision.links import Dependency
from plugin.core.decision.preview import Preview
from plugin.core.facts.acts import ActKind, Acts

KEPT_FOR = timedelta(days=30)
KEPT = 200  # the newest events of one preview: somebody may push all night


class EventKind(StrEnum):
    """What can happen to a preview."""

    CREATED = "created"
    UPDATED = "updated"
    RELINKED = "relinked"
    FELL_BACK = "fell-back"
    HELD = "held"
    GONE = "gone"
    ASKED = "asked"
    PAUSED = "paused"
    RESUMED = "resumed"
    EXTENDED = "extended"


_ACTED = {
    ActKind.ASK: (EventKind.ASKED, "{by} asked for it again"),
    ActKind.PAUSE: (EventKind.PAUSED, "{by} paused it"),
    ActKind.RESUME: (EventKind.RESUMED, "{by} resumed it"),
    ActKind.EXTEND: (EventKind.EXTENDED, "{by} extended it to {until}"),
}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, with a sentence that says what and why."""

    at: datetime
    kind: EventKind
    reason: str


@dataclass(frozen=True, slots=True)
class Moment:
    """The previews at one moment. What did not change between two moments is the same object in both."""

    live: Mapping[str, Mapping[str, Preview]]  # by repository: the live previews by their key
    held: Mapping[str, str]  # why some stay although they would leave, by their key


Histories = Mapping[str, tuple[Event, ...]]  # by the preview's key, the oldest event first


def happened(before: Moment, after: Moment, departed: Mapping[str, str], now: datetime) -> Histories:
    """Return what happened between two moments; `departed` says why a preview left, by its key."""
    names = changed(before.live, after.live)
    was = {key: preview for name in names for key, preview in before.live.get(name, {}).items()}
    is_now = {key: preview for name in names for key, preview in after.live.get(name, {}).items()}
    # After an upgrade of the program, a preview can be missing from the previous decision as well.
    lost = (key for key in departed if not any(key in previews for previews in after.live.values()))
    keys = {*was, *is_now, *lost}
    if before.held != after.held:
        keys |= before.held.keys() | after.held.keys()
    steps = (
        _Step(was.get(key), is_now.get(key), before.held.get(key), after.held.get(key), departed.get(key), key)
        for key in sorted(keys)
    )
    found = {step.key: tuple(Event(now, kind, one_line(reason)) for kind, reason in step.events()) for step in steps}
    return {key: events for key, events in found.items() if events}


def acted(histories: Histories, acts: Acts, now: datetime) -> Histories:
    """Return what people said about previews and no history has yet."""
    found: dict[str, tuple[Event, ...]] = {}
    for act in acts.values():
        if act.kind in _ACTED and act.at >= now - KEPT_FOR:
            kind, sentence = _ACTED[act.kind]
            event = Event(act.at, kind, one_line(sentence.format(by=act.by, until=timestamp(act.until))))
            if event not in histories.get(act.subject, ()):
                found[act.subject] = (*found.get(act.subject, ()), event)
    return found


def joined(first: Histories, second: Histories) -> Histories:
    """Return the events of both, those of the first before those of the second."""
    return {key: (*first.get(key, ()), *second.get(key, ())) for key in (*first, *second)}


def recorded(histories: Histories, new: Histories, now: datetime) -> Histories:
    """Add new events to the histories. From those that get one, drop events that are too old or too many."""
    if not new:
        return histories
    oldest = now - KEPT_FOR
    young = {key: [event for event in histories.get(key, ()) if event.at >= oldest] for key in new}
    return {**histories} | {key: (*young[key], *events)[-KEPT:] for key, events in new.items()}


def without_old(histories: Histories, now: datetime) -> Histories:
    """Drop the histories of previews to which nothing has happened for too long. This looks at every history."""
    oldest = now - KEPT_FOR
    return {key: events for key, events in histories.items() if events[-1].at >= oldest}


@dataclass(frozen=True, slots=True)
class _Step:
    """One preview before and after."""

    was: Preview | None
    is_now: Preview | None
    was_held: str | None
    is_held: str | None
    departed: str | None
    key: str

    def events(self) -> Iterator[tuple[EventKind, str]]:
        if self.is_now is not None and self.was is None and self.was_held is None:
            yield EventKind.CREATED, self.is_now.verdict.reason
        if self.was is not None and self.is_now is not None and self.was is not self.is_now:
            yield from _changes(self.was, self.is_now)
        if self.is_held is not None and self.was_held is None:
            yield EventKind.HELD, self.is_held
        if self.departed is not None and self.is_now is None and self.is_held is None:
            yield EventKind.GONE, self.departed


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
    if before.deploy_sha != after.deploy_sha:
        yield f"commit {after.deploy_sha[:8]}"
    if (before.name, before.host) != (after.name, after.host):
        yield f"moved to {after.url}, namespace {after.name}"
    if before.dataset != after.dataset:
        yield f"dataset {after.dataset or 'none'}"
    if before.verdict.state is not after.verdict.state:
        yield f"{after.verdict.state}: {after.verdict.reason}"
    if before.config_error != after.config_error:
        yield after.config_error or "its .preview.yaml is valid again"
    if before.service != after.service:
        yield "its catalog entry changed"


def _where(dependency: Dependency) -> str:
    target = dependency.locator or (dependency.url if dependency.target == "url" else dependency.target)
    return f"{dependency.service} goes to {target}: {dependency.reason}"

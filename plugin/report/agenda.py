"""The agenda: what is wanted everywhere, what stands there, and so what has to be done next. No network, no clock.

What is wanted is worked out again only for repositories for which something has changed.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from plugin.core.answers.history import EventKind, Histories
from plugin.core.commands.answer import Note
from plugin.core.config.report import NO_REPORT, CommentPolicy, Report
from plugin.core.decision.decide import Decision
from plugin.core.decision.part import Part
from plugin.core.facts.deployments import Reported
from plugin.core.reports.budget import Budget
from plugin.core.reports.comment import Caller, farewell
from plugin.core.reports.content import Comment, Content, Ended, Kind, Target
from plugin.core.reports.naming import Naming, naming
from plugin.core.reports.said import Pages, Place
from plugin.core.reports.steps import Standing, Step, Wanted, next_step, not_before
from plugin.core.reports.wanted import Around, Callers, callers_of, wanted
from plugin.mirror.current import Current
from plugin.state.outbox import Sent


@dataclass(frozen=True, slots=True)
class Due:
    """Something that has to be done."""

    target: Target
    standing: Standing
    step: Step | None  # None: nothing stands there any more, so it can be forgotten
    not_before: datetime | None = None  # None: it may be done now
    ending: bool = False  # nothing is to stand there any more


@dataclass(frozen=True, slots=True)
class _Made:
    """Everything that what is said of a repository was made from."""

    part: Part
    callers: tuple[tuple[Caller, ...], ...]
    reported: tuple[tuple[Reported, ...], ...]
    held: tuple[str, ...]


@dataclass(slots=True)
class Agenda:
    """Used by one thread."""

    pages: Pages
    sent: Sent
    told: bool  # whether Argo CD can report anything
    _open: set[Target] = field(default_factory=set)  # where there may be something to do
    _wanted: dict[Target, Wanted] = field(default_factory=dict)
    _current: Current | None = None
    _decision: Decision | None = None
    _visible: Mapping[str, bool | None] = field(default_factory=dict)  # by repository
    _callers: Callers = field(default_factory=dict)
    _made: dict[str, _Made] = field(default_factory=dict)  # by repository
    _said: dict[str, Mapping[Target, Content]] = field(default_factory=dict)  # by repository

    def see(self, current: Current) -> None:
        """Work out what is wanted now. As long as nothing is decided, everything stays as it is."""
        if current is self._current or current.decision is None:
            return
        decision = current.decision
        visible = {name: known.public for name, known in current.known.snapshot.repositories.items()}
        if decision is not self._decision:
            self._callers = callers_of(decision.previews)
        if not self._decision or decision.catalog is not self._decision.catalog or visible != self._visible:
            self._made.clear()  # what may be named has changed, and perhaps where something is said
        self._current, self._decision, self._visible = current, decision, visible
        for name, part in decision.parts.items():
            made = self._made_from(part, current)
            if self._made.get(name) != made:
                self._made[name] = made
                self._say(name, part, current, decision)
        for name in self._said.keys() - decision.parts.keys():
            self._leave(self._said.pop(name))
        self._end(current, decision)

    def due(self, shares: Mapping[str, int], failed_at: Callable[[Target], datetime | None]) -> Iterator[Due]:
        """Find what has to be done, the most urgent first. Where nothing has to be done, nothing is looked at again.

        `shares` is how much each pull request wrote lately: who wrote little comes first. What failed comes last, and
        of that, what failed longest ago comes first, so that no target keeps the others waiting.
        """
        ending = {_place(target) for target in self._open if isinstance(self._wanted[target], Ended)}

        def turn(target: Target) -> tuple[datetime, int, int, str]:
            failed = failed_at(target) or _NEVER
            return failed, shares.get(target.pull_request, 0), _ORDER.index(target.kind), target.key

        for target in sorted(self._open, key=turn):
            wanted, standing = self._wanted[target], self.standing(target)
            step = next_step(wanted, standing)
            if isinstance(wanted, Ended):
                yield Due(target, standing, step, not_before(step, standing), ending=True)
            elif step is None:
                self._open.discard(target)
            elif _place(target) not in ending:  # a repository was renamed, and its old name leads to the same things
                yield Due(target, standing, step, not_before(step, standing))

    @property
    def untold(self) -> bool:
        """Whether something is to be reported, and nobody will ever tell that a preview is ready."""
        return not self.told and self._decision is not None and self._decision.catalog.report != NO_REPORT

    @property
    def waiting(self) -> int:
        """At how many targets there may be something to do."""
        return len(self._open)

    def standing(self, target: Target) -> Standing:
        """Return what stands at a target, as far as it is known."""
        return self.sent.standings.get(target) or Standing(target)

    def know(self, target: Target, standing: Standing | None, budget: Budget) -> None:
        """Take note of what stands at a target now; None: it can be forgotten."""
        self.sent = replace(self.sent.with_standing(target, standing), budget=budget)
        if standing is None:
            self._leave([target])

    def note(self, key: str, note: Note | None, budget: Budget) -> None:
        """Take note of what is left to do for a command; None: it can be forgotten."""
        self.sent = replace(self.sent.with_note(key, note), budget=budget)

    def obey_since(self, since: datetime | None) -> None:
        """Take note of since when comments can be commands; None: none can."""
        self.sent = replace(self.sent, since=since)

    @property
    def around(self) -> Around:
        """What is known about previews beside the newest decision on them."""
        assert self._current  # noqa: S101  something was decided
        return Around(self._current.known.reported, self._current.moment.held, self._callers, self.told)

    def _made_from(self, part: Part, current: Current) -> _Made:
        previews, held, reported = tuple(part.previews), current.moment.held, current.known.reported
        return _Made(
            part,
            tuple(self._callers.get(preview.key, ()) for preview in previews),
            tuple(reported.get(preview.name, ()) for preview in previews),
            tuple(held.get(preview.key, "") for preview in previews),
        )

    def _say(self, name: str, part: Part, current: Current, decision: Decision) -> None:
        place = Place(decision.catalog, _naming(name, current, decision), self.pages)
        now = wanted(part, place, self.around)
        self._leave(self._said.get(name, {}).keys() - now.keys())
        self._said[name] = now
        for target, content in now.items():
            self._want(target, content)

    def _end(self, current: Current, decision: Decision) -> None:
        """Want that nothing stands any more where something was written and nobody says anything."""
        for target in self.sent.standings:
            name = target.repository
            unread = name in decision.catalog.repositories and name not in decision.parts
            if target in self._said.get(name, {}) or unread:
                continue
            if _is_on(target.kind, decision.catalog.report):
                self._want(target, _ended(target, current, decision))
            else:  # nothing is written there, not even that it ended
                self._leave([target])

    def _want(self, target: Target, wanted: Wanted) -> None:
        if self._wanted.get(target) != wanted:
            self._wanted[target] = wanted
            self._open.add(target)

    def _leave(self, targets: Iterable[Target]) -> None:
        for target in targets:
            self._wanted.pop(target, None)
            self._open.discard(target)


_ORDER = tuple(Kind)
_NEVER = datetime.min.replace(tzinfo=UTC)


def _place(target: Target) -> tuple[Kind, int, str]:
    return target.kind, target.number, target.name


def _is_on(kind: Kind, report: Report) -> bool:
    on = {
        Kind.STATUS: report.status,
        Kind.DEPLOYMENT: report.deployments,
        Kind.COMMENT: report.comment is not CommentPolicy.NEVER,
        Kind.LINK: report.jira is not None,
    }
    return on[kind]


def _naming(name: str, current: Current, decision: Decision) -> Naming:
    return naming(decision.catalog, current.known.snapshot.repositories, name)


def _ended(target: Target, current: Current, decision: Decision) -> Ended:
    if target.repository not in decision.catalog.repositories:
        reason, names = "the catalog no longer has it", Naming(target.repository, confidential=False)
    else:
        names = _naming(target.repository, current, decision)
        reason = _why(target, current.known.histories, decision)
    # The repository may be published when nobody remembers this comment any more, so a confidential one is deleted.
    stays = target.kind is Kind.COMMENT and not names.confidential
    comment = Comment(farewell(reason, names), confidential=False, create=False)
    return Ended(names.sentence(reason), comment if stays else None)


def _why(target: Target, histories: Histories, decision: Decision) -> str:
    """Say why nothing is said at a target any more."""
    service = target.name.partition(" ")[0]
    for preview in decision.parts[target.repository].previews:
        if preview.pull_request.number == target.number and service in ("", preview.service.name):
            return preview.verdict.reason
    services = [service] if service else [each.name for each in decision.catalog.repositories[target.repository]]
    events = [event for name in services for event in histories.get(f"{name}/{target.number}", ())[-1:]]
    gone = [event for event in events if event.kind is EventKind.GONE]
    return max(gone, key=lambda event: event.at).reason if gone else "nobody asks for it any more"

"""Living: the lives of all previews at one moment.

Each preview is judged by itself (`own.py`), then with those who call it (`keep_alive.py`, `settled.py`). Then those
that were not live compete for places (`queued.py`). Pure: a function of what is known, of acts and of one `now`.

What follows from one repository is judged again only if something that it depends on has changed, or its time has come.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from plugin.core.config.catalog import Catalog
from plugin.core.config.references import Locator
from plugin.core.facts.lives import Life, Lives, State
from plugin.core.life.case import Circumstances, earliest
from plugin.core.life.cases import Inputs, cases
from plugin.core.life.ends import EndPlan
from plugin.core.life.keep_alive import Alone, Call, Kept, keep_alive
from plugin.core.life.own import Live, Out, out, own
from plugin.core.life.queued import NEVER, Places, Request, ration
from plugin.core.life.settled import Settled, settled


@dataclass(frozen=True, eq=False, slots=True)
class _Own:
    """The previews of one repository, each judged by itself."""

    inputs: Inputs
    outs: Mapping[str, Life]
    staying: Mapping[str, Live]  # the last answer had them
    coming: Mapping[str, Live]  # it did not
    changes_at: datetime | None


@dataclass(frozen=True, eq=False, slots=True)
class _Settled:
    """The previews of one repository that the last answer had, with those who call them."""

    own: _Own
    kept: Mapping[str, Kept]
    lives: Mapping[str, Life]
    changes_at: datetime | None
    authors: Mapping[int, str]  # of the pull requests that keep their places, by number


@dataclass(frozen=True, eq=False, slots=True)
class _Rationed:
    """The lives of one repository."""

    settled: _Settled
    blocked: Mapping[Locator, str]
    lives: Mapping[str, Life]
    changes_at: datetime | None


@dataclass(frozen=True, eq=False, slots=True)
class Living:
    """The lives of all previews, and the next moment at which one of them can change by itself."""

    lives: Lives = field(default_factory=dict)
    next_at: datetime | None = None
    parts: Mapping[str, _Rationed] = field(default_factory=dict)


NOBODY = Living()


def live_on(
    catalog: Catalog,
    repositories: Mapping[str, Inputs],
    calls: Iterable[Call],
    accepted: Mapping[str, EndPlan],
    before: Living,
) -> Living:
    """Return the lives of all previews now.

    `repositories` has those whose previews have a life: the others need no memory. `calls` are those of the last
    answer. `accepted` are the plans for ends, by service, that stay in force beside the catalog's.
    """
    judging = _Judging(catalog, accepted, before)
    owns = {name: judging.own(name, inputs) for name, inputs in repositories.items()}
    kept = _kept(catalog, repositories, owns, calls)
    stayed = {
        name: judging.settled(name, each, kept.get(name, {}), repositories[name].circumstances)
        for name, each in owns.items()
    }
    blocked = _blocked(catalog, stayed)
    parts = {
        name: judging.rationed(name, each, blocked.get(name, {}), repositories[name]) for name, each in stayed.items()
    }
    lives = {name: part.lives for name, part in parts.items() if part.lives}
    return Living(lives, earliest(*(part.changes_at for part in parts.values())), parts)


@dataclass(frozen=True, eq=False, slots=True)
class _Judging:
    """Judges the repositories, and reuses what was judged before where it still holds."""

    catalog: Catalog
    accepted: Mapping[str, EndPlan]
    before: Living

    def own(self, name: str, inputs: Inputs) -> _Own:
        now, known = inputs.circumstances.now, self.before.parts.get(name)
        if known and known.settled.own.inputs.same_as(inputs) and _is_future(known.settled.own.changes_at, now):
            return known.settled.own
        judged = list(cases(self.catalog, inputs))
        found = {
            case.key: own(case, self.catalog.prefix, self.accepted.get(case.service.name), inputs.circumstances)
            for case in judged
        }
        live = {key: each for key, each in found.items() if isinstance(each, Live)}
        outs = {key: each.life for key, each in found.items() if isinstance(each, Out)}
        return _Own(
            inputs,
            {**_still_latched(inputs, found), **outs},
            {key: each for key, each in live.items() if each.case.was_live},
            {key: each for key, each in live.items() if not each.case.was_live},
            earliest(
                *(each.rest.changes_at for each in live.values()),
                *(case.oldest_at for case in judged if not case.was_live and case.oldest_at and case.oldest_at > now),
            ),
        )

    def settled(self, name: str, own: _Own, kept: Mapping[str, Kept], circumstances: Circumstances) -> _Settled:
        now, known = circumstances.now, self.before.parts.get(name)
        before = known.settled if known else None
        if before and before.own is own and before.kept == kept and _is_future(before.changes_at, now):
            return before
        found = {key: settled(live, kept.get(key), circumstances) for key, live in own.staying.items()}
        numbers = {own.staying[key].case.pull_request.number for key, each in found.items() if each.life.state.live}
        return _Settled(
            own,
            kept,
            {key: each.life for key, each in found.items()},
            earliest(own.changes_at, *(each.changes_at for each in found.values())),
            {each.number: each.author for each in own.inputs.repository.pull_requests if each.number in numbers},
        )

    def rationed(self, name: str, stayed: _Settled, blocked: Mapping[Locator, str], inputs: Inputs) -> _Rationed:
        known = self.before.parts.get(name)
        if known and known.settled is stayed and known.blocked == blocked and not stayed.own.coming:
            return known
        coming = {
            key: self._admitted(live, blocked.get(Locator(name, live.case.pull_request.number), ""), inputs)
            for key, live in stayed.own.coming.items()
        }
        lives = {**stayed.own.outs, **stayed.lives, **{key: each.life for key, each in coming.items()}}
        return _Rationed(
            stayed,
            blocked,
            inputs.lives if lives == inputs.lives else lives,
            earliest(stayed.changes_at, *(each.changes_at for each in coming.values())),
        )

    def _admitted(self, live: Live, blocked: str, inputs: Inputs) -> Settled:
        if blocked:
            return Settled(out(State.QUEUED, blocked, live, inputs.circumstances.now), None)
        # It may have been judged long ago and have queued since, and being admitted is an activity.
        accepted = self.accepted.get(live.case.service.name)
        again = own(live.case, self.catalog.prefix, accepted, inputs.circumstances)
        return settled(again, None, inputs.circumstances) if isinstance(again, Live) else Settled(again.life, None)


def _still_latched(inputs: Inputs, judged: Collection[str]) -> Mapping[str, Life]:
    """Return the expired previews that are skipped for now: neither that nor its end brings one back."""
    numbers = inputs.repository.numbers
    return {
        key: life
        for key, life in inputs.lives.items()
        if life.expired and key not in judged and int(key.partition("/")[2]) in numbers
    }


def _is_future(moment: datetime | None, now: datetime) -> bool:
    return moment is None or now < moment


def _kept(
    catalog: Catalog, repositories: Mapping[str, Inputs], owns: Mapping[str, _Own], calls: Iterable[Call]
) -> dict[str, dict[str, Kept]]:
    """Return what callers change, by repository and preview."""
    calls = list(calls)
    previews = dict(_alone(catalog, repositories, owns, {key for call in calls for key in call}))
    kept: dict[str, dict[str, Kept]] = {}
    for key, each in keep_alive(previews, calls).items():
        kept.setdefault(_repository(catalog, key), {})[key] = each
    return kept


def _alone(
    catalog: Catalog, repositories: Mapping[str, Inputs], owns: Mapping[str, _Own], keys: Iterable[str]
) -> Iterator[tuple[str, Alone]]:
    for key in keys:
        judged = owns.get(name := _repository(catalog, key))
        if judged and (live := judged.staying.get(key)):
            yield key, live.alone(repositories[name].circumstances)


def _repository(catalog: Catalog, key: str) -> str:
    service = catalog.services.get(key.partition("/")[0])
    return service.repository if service else ""


def _blocked(catalog: Catalog, stayed: Mapping[str, _Settled]) -> dict[str, dict[Locator, str]]:
    """Return the pull requests that have to queue, by repository."""
    requests = [request for name, each in stayed.items() for request in _requests(name, each)]
    if not requests or not catalog.limits.limit:
        return {}
    taken = Places()
    for name, each in stayed.items():
        for author in each.authors.values():
            taken.take(name, author)
    blocked: dict[str, dict[Locator, str]] = {}
    for locator, reason in ration(catalog.limits, taken, requests).items():
        blocked.setdefault(locator.repository, {})[locator] = reason
    return blocked


def _requests(name: str, stayed: _Settled) -> Iterator[Request]:
    """Find the pull requests that want to become live. One that has a live preview is admitted whole."""
    asked: dict[int, Request] = {}
    for live in stayed.own.coming.values():
        case, number = live.case, live.case.pull_request.number
        if number not in stayed.authors and not stayed.own.inputs.circumstances.first:
            at = case.asked_at or NEVER
            known = asked.get(number)
            if known is None or at < known.asked_at:
                asked[number] = Request(at, Locator(name, number), case.pull_request.author)
    yield from asked.values()

"""The oracle of lives: what time, acts, limits and gates may do to a preview, stated from the truth alone.

It never accuses wrongly: each bound is the earliest moment that any reading of the facts allows.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from plugin.core.facts.acts import Act
from tests.faults.catalogs import Catalog, Service, keeps
from tests.faults.plans import Plan
from tests.faults.sightings import Sighting, Wrong
from tests.faults.truth import LAG, Fact, Truth

COUNTED = timedelta(minutes=10)  # between two readings; what is longer counts as this
AGREED = timedelta(minutes=2)  # that two clocks may differ
SLACK = 2 * AGREED + timedelta(seconds=30)  # what clocks that agree can add up to, and what requests take
LATELY = timedelta(hours=1)  # in which nobody may have noticed that a clock was set
QUANTUM = timedelta(minutes=25)  # a quarter of an hour, and how long an answer of Prometheus is kept, with some slack
SURELY, SHARE = 8, 40  # ends that an edit brings forward: clearly more than the breaker allows, and of all in per cent
KEPT = 300  # refreshes

Key = tuple[str, str, int, int]  # the service, the repository and which one of that name, the number


@dataclass(eq=False, slots=True)
class Deciding:
    """One refresh: what was true when it began."""

    at: datetime
    skew: timedelta
    measured: bool  # whether Prometheus has said something lately
    used: frozenset[str]  # the names that Prometheus has called used all the time lately
    ended: int | None = None

    @property
    def agreed(self) -> bool:
        return abs(self.skew) <= AGREED + timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Ended:
    """A preview that expired."""

    at: datetime  # when that can have been decided, at the earliest
    by_age: bool  # whether that is certain


@dataclass(frozen=True, slots=True)
class Announced:
    """An end that was announced."""

    stamp: str  # when, by a clock of the plugin, as the read routes show it
    since: datetime  # when that was heard


@dataclass(frozen=True, slots=True)
class Said:
    """What a person told a preview."""

    act: Act
    at: datetime  # when that was stored
    edition: int  # of the newest catalog that an answer was made with until then


@dataclass(slots=True)
class Forward:
    """An edit that brings forward many ends, and the plans that stay in force until it is acknowledged."""

    fingerprint: str
    kept: Mapping[str, Plan]


class Lives:
    """What is known of all lives."""

    def __init__(self, truth: Truth) -> None:
        self.tally: Counter[str] = Counter()  # so that nobody thinks that something was tested which never happened
        self.words: list[datetime] = []  # when GitHub said something
        self.written: Sequence[Catalog] = ()  # every edition of the catalog, whether it took effect or not
        self._truth = truth
        self._now = 0  # counts everything that happens here
        self._decidings: list[Deciding] = []
        self.acknowledged: set[str] = set()
        self._unsure = False  # whether people have agreed to a catalog with which no answer was made
        self.lost()

    def lost(self) -> None:
        """Say that the plugin has forgotten everything."""
        self._heard: dict[Key, int] = {}  # when each was last in an answer
        self._states: dict[Key, str] = {}  # in the newest answer with it
        self._deployed: dict[Key, str] = {}
        self._announced: dict[Key, Announced] = {}
        self.ended: dict[Key, Ended] = {}
        self._perhaps_ended: dict[Key, Ended] = {}  # then the catalog lacked them, or required other labels
        self._known_since: dict[str, datetime] = {}  # when each repository was first read
        self._said: dict[tuple[str, Key], Said] = {}  # the newest of each kind
        self._in_force: list[tuple[int, Catalog]] = []  # the catalogs that answers were made with, and since when
        self._forward: dict[str, Forward] = {}  # by the fingerprint of the catalog that brings ends forward
        self._accepted: Catalog | None = None  # the newest catalog to whose plans people have agreed

    # --- What the stage says

    def begins(self, *, skew: timedelta, measured: bool, used: frozenset[str]) -> Deciding:
        """Note that a refresh begins."""
        self._now += 1
        self._decidings = self._decidings[-KEPT:]
        self._decidings.append(Deciding(self._truth.clock.now, skew, measured, used))
        return self._decidings[-1]

    def ends(self, deciding: Deciding) -> None:
        """Note that it is over, however it ended."""
        self._now += 1
        deciding.ended = self._now

    def told(self, previews: Iterable[Mapping[str, Any]], read: Collection[str], deciding: Deciding) -> None:
        """Hear from the read routes what is announced, and which repositories were read.

        An end is announced anew if its stamp has changed and is not older than the refresh. Not every stamp that has
        changed is new, because time that does not count moves it. And not every stamp that is not older is new: a clock
        that was set back since makes an old one look as if it came from the future.
        """
        for name in read:
            self._known_since.setdefault(name, self._truth.clock.now)
        for name in self._known_since.keys() - set(read):
            del self._known_since[name]
        live = {self.key_of(each): each["announced_at"] for each in previews if each["state"] in ("active", "paused")}
        stamps = {key: stamp for key, stamp in live.items() if stamp}
        known = {key: each for key, each in self._announced.items() if key in stamps or key not in live}
        heard = {key: self._announcement(known.get(key), stamp, deciding) for key, stamp in stamps.items()}
        self._announced = known | heard

    def _announcement(self, before: Announced | None, stamp: str, deciding: Deciding) -> Announced:
        if before:
            begun = (deciding.at + deciding.skew).replace(microsecond=0)
            if stamp == before.stamp or datetime.fromisoformat(stamp) < begun:
                return replace(before, stamp=stamp)
        self.tally["ends announced"] += 1
        return Announced(stamp, deciding.at)

    def acted(self, service: str, number: int, act: Act) -> None:
        """Note what a person told a preview, as it was stored. Raises Wrong."""
        if act.at > self._truth.clock.now + LATELY + SLACK:
            raise Wrong(f"{service}/{number} was told to {act.kind.value} at {act.at}, which has not come yet")
        key = self._key(service, self.catalog.services[service].repository, number)
        self._said[act.kind.value, key] = Said(act, self._truth.clock.now, self.catalog.edition)
        self.tally[f"told to {act.kind.value}"] += 1

    def agreed(self, fingerprint: str) -> None:
        """Note that people have agreed to the ends of a catalog."""
        self.acknowledged.add(fingerprint)
        self._unsure = self._unsure or all(catalog.fingerprint != fingerprint for _, catalog in self._in_force)

    @property
    def catalog(self) -> Catalog:
        return self._in_force[-1][1]

    # --- What answers say

    def in_force(
        self, catalog: Catalog, live: Collection[Sighting], seen: Mapping[str, Sighting], called: Collection[str]
    ) -> None:
        """Hear that a catalog is in force. `live` was so until then, and `seen` is what the first answer with it holds.

        `called` are the names that others call. What leaves in this very answer is not among those whose ends the edit
        brings forward, for it ends anyway: while nothing was read, much can have been closed.
        """
        if self._in_force and self._in_force[-1][1] is catalog:
            return
        self._now += 1
        for forward in list(self._forward.values()):
            if forward.fingerprint in self.acknowledged:
                self._accept(forward)
        accepted = self._accepted_plans(catalog)
        had = {self.key(was) for was in live}
        alone = [was for name, was in seen.items() if self.key(was) in had and name not in called]
        unsure, self._unsure = self._unsure, False  # if so, nobody knows here to which plans people have agreed
        if self._in_force and not unsure and self._surely_forward(catalog, accepted, alone, len(live)):
            self._forward[catalog.fingerprint] = Forward(catalog.fingerprint, accepted)
            self.tally["edits that bring many ends forward"] += 1
        else:
            self._accepted = catalog
        if self._in_force:
            before = self.catalog.services
            changed = {
                name
                for name, service in catalog.services.items()
                if name not in before or before[name].require != service.require
            }
            unsure_of = [key for key in self.ended if key[0] not in catalog.services or key[0] in changed]
            self._perhaps_ended |= {key: self.ended.pop(key) for key in unsure_of}
        self._in_force.append((self._now, catalog))

    def _accept(self, forward: Forward) -> None:
        catalog = next((each for _, each in reversed(self._in_force) if each.fingerprint == forward.fingerprint), None)
        self._accepted = catalog or self._accepted
        del self._forward[forward.fingerprint]

    def _accepted_plans(self, catalog: Catalog) -> Mapping[str, Plan]:
        """Return the plans that stay in force beside a catalog, unless the plugin may have forgotten them.

        A plan leaves for ever with its service once a catalog without that takes effect, and the previews with it: what
        returns is new, so no edit has brought its end forward. Until people agree to another catalog, it is judged by
        the plan in force alone, as what was never there before is. A catalog can have been in force although no answer
        with it was heard, so all that were written in between count; those that are newer do not.
        """
        if self._accepted is None:
            return {}
        since, until = self._accepted.edition, catalog.edition
        names = set(self._accepted.services).intersection(
            catalog.services, *(each.services for each in self.written if since <= each.edition <= until)
        )
        return {name: service.plan for name, service in self._accepted.services.items() if name in names}

    def _surely_forward(
        self, catalog: Catalog, accepted: Mapping[str, Plan], alone: Iterable[Sighting], whole: int
    ) -> bool:
        count = 0
        for was in alone:
            service, plan = catalog.services.get(was.service), accepted.get(was.service)
            if service is None or plan is None or service.require != self._required(was.service):
                continue
            old = self._end(was, plan, service, self._truth.clock.now)
            latest = self._latest(was, service)
            count += latest is not None and (old is None or latest < old)
        return count >= SURELY and count * 100 >= SHARE * whole

    def _required(self, service: str) -> tuple[str, ...] | None:
        known = self.catalog.services.get(service)
        return known.require if known else None

    def _latest(self, was: Sighting, service: Service) -> datetime | None:
        """Return the latest end that a plan can mean, whenever something was seen."""
        facts = was.facts
        if any(keeps(service.plan, fact.entry) for fact in (facts[-1], facts[was.fact])):
            return None
        now, plan = self._truth.clock.now, service.plan
        said = self._said.get(("ask", self.key(was)))
        asked = self._asked_by(service, facts[-1], said.act if said else None)
        extended = ("extend", self.key(was)) in self._said
        idle = None if plan.expire_after is None or extended else now + AGREED + plan.expire_after
        age = None if plan.max_age is None else asked + plan.max_age
        return min((end for end in (idle, age) if end is not None), default=None)

    def hear(self, live: Mapping[str, Sighting], entries: Mapping[str, Mapping[str, Any]]) -> None:
        """Note what an answer says of those that it holds. It was judged before."""
        self._now += 1
        for name, was in live.items():
            key = self.key(was)
            self._heard[key] = self._now
            self._states[key] = entries[name]["state"]
            self._deployed[key] = entries[name]["deploy_sha"]
            self.ended.pop(key, None)
            self._perhaps_ended.pop(key, None)

    # --- Judgements

    def expired(self, was: Sighting, editions: Iterable[Catalog], *, left: bool) -> None:
        """Judge that a preview has expired. `left`: something else may have ended it before. Raises Wrong.

        One that is not live and has reached its maximum age is expired at once. The truth alone may allow several
        readings of what has ended it. Then the earliest moment counts, and it has reached its maximum age only if every
        reading says so: otherwise a push may bring it back, too.
        """
        key = self.key(was)
        if key in self.ended:
            return
        decidings = self._since(key)
        readings, reasons = [], []
        if left and decidings and any(self._is_too_old(was, each) for each in editions):
            readings.append(Ended(decidings[0].at, by_age=True))
        for catalog in self._catalogs_since(key):
            for deciding in decidings:
                reason = self._not_rightful(was, catalog, deciding)
                if not reason:  # what is decided later by the same catalog has the same cause
                    by_age = bool(self._idle_reason(was, catalog, deciding))
                    readings.append(Ended(deciding.at, by_age))
                    break
                reasons.append(reason)
        if not readings:
            why_not = "; or ".join(dict.fromkeys(reasons)) or "nothing was decided"
            raise Wrong(f"{_text(key)} has expired, but {why_not}")
        ended = Ended(min(each.at for each in readings), by_age=all(each.by_age for each in readings))
        self.ended[key] = ended
        self.tally["expired by age" if ended.by_age else "expired"] += 1

    def _not_rightful(self, was: Sighting, catalog: Catalog, deciding: Deciding) -> str:
        """Say why a preview must not expire by a decision; "" if it may."""
        if not deciding.agreed:
            return "the clocks did not agree"
        if catalog.traffic and not deciding.measured:
            return "Prometheus said nothing"
        service = catalog.services.get(was.service)
        end = self._earliest(was, catalog, deciding) if service else None
        if service is None or end is None:
            return "it never ends"
        if deciding.at + SLACK < end:
            return f"it ends at {end} at the earliest, and that was decided at {deciding.at}"
        return self._unannounced(was, service.plan.warn, deciding)

    def _unannounced(self, was: Sighting, warn: timedelta, deciding: Deciding) -> str:
        """Say why an end was not announced long enough; "" if it was."""
        announced = self._announced.get(self.key(was))
        if announced is None:
            return "that was never announced"
        counted = self._read_time(was.repository.name, announced.since, deciding.at)
        if counted + SLACK < warn:
            return f"that was announced only for {counted} in which anything was read"
        return ""

    def _idle_reason(self, was: Sighting, catalog: Catalog, deciding: Deciding) -> str:
        """Say why it cannot have ended because nobody used it."""
        idle = self._earliest(was, catalog, deciding, by_age=False)
        return "it was used" if idle is None or deciding.at + SLACK < idle else ""

    def _earliest(self, was: Sighting, catalog: Catalog, deciding: Deciding, *, by_age: bool = True) -> datetime | None:
        """Return the earliest end that is possible by a catalog; None: never."""
        service = catalog.services[was.service]
        plans = [service.plan]
        forward = self._forward.get(catalog.fingerprint)
        if forward and catalog.fingerprint not in self.acknowledged and was.service in forward.kept:
            plans.append(forward.kept[was.service])
        used = catalog.traffic and catalog.name(was.service, was.number) in deciding.used
        counts = used and self._states.get(self.key(was)) == "active"
        traffic = deciding.at - QUANTUM if counts else None
        ends = [self._end(was, plan, service, deciding.at, traffic, by_age=by_age) for plan in plans]
        return None if None in ends else max(end for end in ends if end)

    def _end(
        self,
        was: Sighting,
        plan: Plan,
        service: Service,
        at: datetime,
        traffic: datetime | None = None,
        *,
        by_age: bool = True,
    ) -> datetime | None:
        """Return the earliest end that a plan can mean by what could be seen at a moment."""
        visible = [fact for fact in was.facts if fact.at <= at - LAG] or was.facts[: was.fact + 1]
        entry = visible[-1].entry
        asked = self._asked(was, service, visible[-1])
        age = asked + plan.max_age if plan.max_age and by_age else None
        shortened = [each for fact in was.facts if (each := shortened_to(fact))]
        after = min((each for each in (plan.expire_after, *shortened) if each), default=None)
        if after is None or keeps(plan, entry):
            return age
        active = max(each for each in (self._active(was, visible, asked), traffic) if each)
        idle = active + after
        extension = self._remembered("extend", was)
        if extension and extension.until and extension.asked_at and extension.asked_at >= asked:
            idle = max(idle, extension.until)
        return idle if age is None else min(idle, age)

    def _remembered(self, kind: str, was: Sighting) -> Act | None:
        """Return what a preview was told, unless the plugin may have forgotten it.

        That leaves for ever with the service once a catalog without it takes effect, and with the pull request once it
        is closed or lacks a label that is required; not with one that is skipped or a draft. A catalog can have been in
        force although no answer with it was heard, so all that were written since count.
        """
        said = self._said.get((kind, self.key(was)))
        if said is None:
            return None
        known = [fact for fact in was.facts if fact.at <= said.at - LAG]
        facts = [*known[-1:], *was.facts[len(known) :]]
        editions = [catalog for catalog in self.written if catalog.edition >= said.edition]
        kept = all(_is_listed(catalog.services.get(was.service), fact) for catalog in editions for fact in facts)
        return said.act if kept else None

    def _asked(self, was: Sighting, service: Service, fact: Fact) -> datetime:
        """Return when a preview was asked for, as far as that is certain."""
        return self._asked_by(service, fact, self._remembered("ask", was))

    def _asked_by(self, service: Service, fact: Fact, ask: Act | None) -> datetime:
        entry = fact.entry
        labels = [entry.labelled_at[label] for label in service.require if label in entry.labels]
        return max([*(labels or [entry.created_at]), *([min(ask.at, self._truth.clock.now)] if ask else [])])

    def _active(self, was: Sighting, visible: list[Fact], asked: datetime) -> datetime:
        """Return the newest activity that is certain: whenever a head was seen, it was pushed before."""
        entry, since = visible[-1].entry, self._known_since.get(was.repository.name)
        pushed = min(fact.at for fact in visible if fact.entry.head_sha == entry.head_sha)
        moments = [asked, entry.reopened_at, pushed if since and pushed > since else None]
        return max(each for each in moments if each)

    def returned(self, was: Sighting, editions: Iterable[Catalog]) -> None:
        """Judge that a preview which had expired is there again. Raises Wrong."""
        key = self.key(was)
        ended = self.ended.pop(key, None)
        if ended is None:
            return
        facts = was.facts
        ask = self._said.get(("ask", key))
        if ask and ask.at >= ended.at:
            return
        for before, fact in pairwise(facts):
            if fact.at < ended.at - LAG:
                continue
            new_label = fact.entry.labelled_at != before.entry.labelled_at
            done = fact.entry.head_sha != before.entry.head_sha or fact.entry.reopened_at != before.entry.reopened_at
            left = fact.hidden or not all(
                was.service in each.services and each.services[was.service].wants(fact.entry) for each in editions
            )
            if new_label or left or (done and not ended.by_age):
                return
        raise Wrong(f"{_text(key)} had expired, and has come back although nobody did anything with it")

    def admitted(self, before: Collection[Sighting], live: Collection[Sighting], editions: Collection[Catalog]) -> None:
        """Judge how many pull requests have previews, if there are new ones among them. Raises Wrong."""
        had, has = ({_pull_request(each): each for each in found} for found in (before, live))
        new = has.keys() - had.keys()
        limits: dict[str, int] = {}
        for name in ("total", "per_repository", "per_author", "per_bot"):
            values = [dict(catalog.limits).get(name) for catalog in editions]
            if values and None not in values:
                limits[name] = max(value for value in values if value is not None)
        for place in new:
            was = has[place]
            author = was.facts[0].entry.author
            counts = {
                "total": len(has),
                "per_repository": sum(other[0] == place[0] for other in has),
                _own_limit(author): sum(other.facts[0].entry.author == author for other in has.values()),
            }
            for name, count in counts.items():
                if count > limits.get(name, count):
                    raise Wrong(f"{place} was admitted as number {count}, and {name} is {limits[name]}")
        if new and limits:
            self.tally["admitted within limits"] += len(new)

    def deployed(self, was: Sighting, entry: Mapping[str, Any], editions: Collection[Catalog]) -> None:
        """Judge which commit runs. Raises Wrong."""
        services = [catalog.services.get(was.service) for catalog in editions]
        sha, key = entry["deploy_sha"], self.key(was)
        if all(service and service.plan.gate for service in services) and self._deployed.get(key) != sha:
            if sha not in self._truth.succeeded and (was.service, sha) not in self._truth.images:
                raise Wrong(f"{_text(key)} runs {sha}, which was never ready")
            self.tally["deployed once it was ready"] += 1

    def paused(self, was: Sighting, entry: Mapping[str, Any], editions: Collection[Catalog]) -> None:
        """Judge whether a preview may sleep. Raises Wrong."""
        key = self.key(was)
        asleep = entry["state"] == "paused"
        if asleep is not (entry["replicas"] == "0"):
            raise Wrong(f"{_text(key)} is {entry['state']}, and has {entry['replicas']} replicas")
        if not asleep or self._states.get(key) == "paused":
            return
        self.tally["paused"] += 1
        if ("pause", key) in self._said:
            return
        facts = was.facts[: was.fact + 1]
        for deciding in self._since(key):
            for catalog in editions:
                service = catalog.services.get(was.service)
                if service is None or not deciding.agreed or (catalog.traffic and not deciding.measured):
                    continue
                if keeps(service.plan, was.facts[was.fact].entry):
                    continue
                after = service.plan.pause_after
                active = self._active(was, facts, self._asked(was, service, facts[-1]))
                if service.plan.hours or (after and deciding.at + SLACK >= active + after):
                    return
        raise Wrong(f"{_text(key)} is paused, and nobody knows why: {entry['state_reason']}")

    # --- After the faults

    def is_ready(self, gate: str, service: str, sha: str) -> bool:
        """Tell whether a commit is ready by now."""
        return sha in self._truth.succeeded_now if gate == "check" else (service, sha) in self._truth.images

    def may_be(self, state: str, was: Sighting, editions: Sequence[Catalog], live: Iterable[Sighting]) -> bool:
        """Tell whether a preview that every fact asks for may be in a state in which it is not live.

        The last of the `editions` is in force, and each of them was at some time, perhaps while there was no answer.
        """
        catalog = editions[-1]
        service = catalog.services[was.service]
        if state == "waiting":
            gate = service.plan.gate
            return bool(gate) and not self.is_ready(gate, was.service, was.facts[-1].entry.head_sha)
        if state == "queued":
            return self._is_full(was, catalog, live)
        if state == "expired":
            perhaps = self._perhaps_ended.get(key := self.key(was))
            stays = perhaps is not None and self._asked(was, service, was.facts[-1]) <= perhaps.at + SLACK
            return stays or key in self.ended or any(self._is_too_old(was, each) for each in editions)
        return False

    def _is_too_old(self, was: Sighting, catalog: Catalog) -> bool:
        """Tell whether a preview has reached its maximum age by a catalog, which need not be in force any more."""
        service, now = catalog.services.get(was.service), self._truth.clock.now
        age = self._end(was, replace(service.plan, expire_after=None), service, now) if service else None
        return age is not None and age <= now + SLACK

    def _is_full(self, was: Sighting, catalog: Catalog, live: Iterable[Sighting]) -> bool:
        """Tell whether a limit keeps a pull request from having previews."""
        limits, places = dict(catalog.limits), {_pull_request(each): each for each in live}
        if _pull_request(was) in places:
            return False
        author = was.facts[0].entry.author
        counts = {
            "total": len(places),
            "per_repository": sum(place[:2] == _pull_request(was)[:2] for place in places),
            _own_limit(author): sum(each.facts[0].entry.author == author for each in places.values()),
        }
        return any(count >= limits[name] for name, count in counts.items() if name in limits)

    def must_have_ended(self, was: Sighting, entry: Mapping[str, Any], catalog: Catalog, *, called: bool) -> bool:
        """Tell whether a preview must have ended by now, because nobody has done anything for so long.

        One that others call lives as long as they do.
        """
        now, plan = self._truth.clock.now, catalog.services[was.service].plan
        shown = entry["expires_at"]
        if shown and datetime.fromisoformat(shown) < now - SLACK:
            return True
        never = called or plan.expire_after is None or keeps(plan, was.facts[-1].entry)
        return not shown and (plan.max_age is not None or not never)

    # --- Helpers

    @staticmethod
    def key(was: Sighting) -> Key:
        return was.service, was.repository.name, was.repository.generation, was.number

    def key_of(self, described: Mapping[str, Any]) -> Key:
        """Return the key of a preview that the read routes describe."""
        name, _, number = described["locator"].rpartition("#")
        return self._key(described["service"], name, int(number))

    def _key(self, service: str, repository: str, number: int) -> Key:
        """Return the key of a preview of which the plugin speaks: of the repository as it was heard of last."""
        heard = {key: when for key, when in self._heard.items() if (*key[:2], key[3]) == (service, repository, number)}
        newest = service, repository, self._truth.repository(repository).generation, number
        return max(heard, key=lambda key: heard[key], default=newest)

    def catalogs_since(self, when: int) -> list[Catalog]:
        """Return the catalogs that were in force since a moment, with the one that was then."""
        before = [catalog for since, catalog in self._in_force if since <= when]
        return [*before[-1:], *(catalog for since, catalog in self._in_force if since > when)]

    @property
    def now(self) -> int:
        return self._now

    def _catalogs_since(self, key: Key) -> list[Catalog]:
        return self.catalogs_since(self._heard.get(key, 0))

    def _since(self, key: Key) -> list[Deciding]:
        """Return the refreshes that can have decided on what was last heard of then."""
        heard = self._heard.get(key, 0)
        return [each for each in self._decidings if each.ended is None or each.ended > heard]

    def _read_time(self, repository: str, since: datetime, until: datetime) -> timedelta:
        """Return how much time counts as time in which a repository was read, at most."""
        total, before = timedelta(0), since
        first = bisect_left(self.words, since)
        for word in [*(each for each in self.words[first:] if each < until), until]:
            if word > before and self._truth.was_readable(repository, before, word):
                total += min(word - before, COUNTED)
            before = max(before, word)
        return total


def shortened_to(fact: Fact) -> timedelta | None:
    """Return the end to which the `.preview.yaml` of a pull request shortens its life, if it does."""
    found = re.search(r"expire_after: (\d+)h", fact.entry.config or "")
    return timedelta(hours=int(found[1])) if found else None


def _is_listed(service: Service | None, fact: Fact) -> bool:
    """Tell whether the plugin reads a pull request because of a service, whether or not it becomes a preview there."""
    listed = fact.entry.state == "open" and not fact.hidden
    return service is not None and listed and set(service.require) <= set(fact.entry.labels)


def _pull_request(was: Sighting) -> tuple[str, int, int]:
    return was.repository.name, was.repository.generation, was.number


def _own_limit(author: str) -> str:
    return "per_bot" if author.endswith("[bot]") else "per_author"


def _text(key: Key) -> str:
    return f"{key[0]}/{key[3]}"

"""The oracle of lives, where an episode seldom leads."""

from collections.abc import Collection
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from plugin.core.facts.acts import Act, ActKind
from tests.faults.catalogs import SERVICES, Catalog
from tests.faults.lives import SURELY, Ended, Lives
from tests.faults.plans import DAY, EXPIRES, HOUR, MINUTE, MISTYPED, Plan
from tests.faults.sightings import Sighting, Wrong
from tests.faults.truth import Clock, Truth

USERS = SERVICES["users"]
LABELLED = Catalog({"users": replace(USERS, require=("preview",))})
ENDING = Catalog({"users": replace(USERS, plan=Plan(expire_after=HOUR, warn=20 * MINUTE))})
AGEING = Catalog({"users": replace(USERS, plan=Plan(max_age=HOUR, warn=20 * MINUTE))})
AGED = Catalog({"users": replace(USERS, plan=Plan(max_age=3 * DAY))})


def an_end(lives: Lives, truth: Truth) -> Sighting:
    """Let the preview of a pull request end a day after it was asked for."""
    number = truth.open(USERS.repository, labels=("preview",))
    was = Sighting("users", truth.repository(USERS.repository), number, 0)
    lives.in_force(LABELLED, (), {}, ())
    truth.clock.pass_by(timedelta(days=1).total_seconds())
    lives.ended[lives.key(was)] = Ended(truth.clock.now, by_age=False)
    return was


class Mistyped:
    """An unacknowledged edit of the catalog that makes many previews end sooner."""

    def __init__(self, opened: int = SURELY, left: int = 0, *, others: int = 0) -> None:
        """So many pull requests were live until then, and so many of them are not in the answer with the edit.

        `others` are those of another service, whose ends it brings forward, too.
        """
        services = {name: replace(SERVICES[name], plan=Plan(expire_after=EXPIRES)) for name in ("users", "orders")}
        self.lives = Lives(truth := Truth(Clock(), tuple(each.repository for each in services.values())))
        self.clock = truth.clock
        self.live = [
            Sighting(name, truth.repository(service.repository), truth.open(service.repository, labels=("preview",)), 0)
            for (name, service), count in zip(services.items(), (opened, others), strict=True)
            for _ in range(count)
        ]
        self.lives.written = self.written = [Catalog(services)]
        self.takes_effect()
        self.clock.pass_by(timedelta(hours=1).total_seconds())
        self.written.append(
            self.catalog.with_plans(dict.fromkeys(services, Plan(expire_after=MISTYPED))).with_prefix("pr")
        )
        self.takes_effect(had=self.live, seen=self.live[left:])

    @property
    def catalog(self) -> Catalog:
        return self.written[-1]

    def takes_effect(self, had: Collection[Sighting] = (), seen: Collection[Sighting] | None = None) -> None:
        """Let an answer be the first one with the newest catalog."""
        self.lives.in_force(self.catalog, had, self._named(self.live if seen is None else seen), ())

    def leaves_and_returns(self, name: str, *, heard: bool) -> None:
        """Let a service leave the catalog and return; `heard`: there is an answer in between."""
        service = self.catalog.services[name]
        self.written.append(self.catalog.without(name))
        if heard:
            self.takes_effect(had=self.live, seen=[each for each in self.live if each.service != name])
        self.written.append(self.catalog.with_service(name, service))
        self.takes_effect(had=[each for each in self.live if each.service != name or not heard])

    def may_end(self) -> bool:
        """Tell whether an end may come by the plan in force; that it was never announced is another matter."""
        entry = {"state": "active", "deploy_sha": ""}
        self.lives.hear(seen := self._named(self.live), dict.fromkeys(seen, entry))
        self.clock.pass_by(DAY.total_seconds())
        self.lives.ends(self.lives.begins(skew=timedelta(0), measured=True, used=frozenset()))
        with pytest.raises(Wrong) as wrong:
            self.lives.expired(self.live[0], self.written, left=False)
        unannounced = "never announced" in str(wrong.value)
        assert unannounced or "it ends at 2026-11-28" in str(wrong.value)
        return unannounced

    def _named(self, seen: Collection[Sighting]) -> dict[str, Sighting]:
        return {self.catalog.name(was.service, was.number): was for was in seen}


class Ending:
    """A preview whose end has come and is announced, and the repository is read every nine minutes."""

    def __init__(self, *catalogs: Catalog) -> None:
        """`catalogs` are those of which any can be in force; if there are none, its end comes because it is idle."""
        self.catalogs = catalogs or (ENDING,)
        self.truth = truth = Truth(Clock(), (USERS.repository,))
        self.lives = Lives(truth)
        self.clock = truth.clock
        number = truth.open(USERS.repository, labels=("preview",))
        self.was = Sighting("users", truth.repository(USERS.repository), number, 0)
        self.lives.written = self.catalogs
        for catalog in self.catalogs:
            self.lives.in_force(catalog, (), {}, ())
        self.clock.pass_by(HOUR.total_seconds())
        self.announced_at = self.clock.now
        self.read(self.announced_at)

    def read(self, announced_at: datetime, skew: timedelta = timedelta(0), *, after: timedelta = 9 * MINUTE) -> None:
        """Let a replica read, whose clock is wrong by `skew`, and show since when the end is announced."""
        self.clock.pass_by(after.total_seconds())
        deciding = self.lives.begins(skew=skew, measured=True, used=frozenset())
        self.lives.words.append(self.clock.now)
        self.lives.ends(deciding)
        shown = {"service": "users", "locator": f"{USERS.repository}#{self.was.number}", "state": "active"}
        self.lives.told([{**shown, "announced_at": announced_at.isoformat()}], [USERS.repository], deciding)

    def comes(self, *before: Catalog, left: bool = False) -> None:
        """Let it come. `before` are catalogs that were in force long ago, as far as the answers tell."""
        self.lives.expired(self.was, [*before, *self.catalogs], left=left)

    def has_come(self, *before: Catalog, left: bool = False) -> None:
        """Let it come once it was announced for long enough."""
        self.read(self.announced_at)
        self.read(self.announced_at)
        self.comes(*before, left=left)

    def push(self) -> None:
        self.clock.pass_by(HOUR.total_seconds())
        self.truth.change(USERS.repository, self.was.number, head_sha=self.truth.commit())

    def returns(self) -> None:
        self.lives.returned(self.was, self.catalogs)


def test_an_end_may_come_once_it_was_announced_for_long_enough() -> None:
    ending = Ending()
    ending.read(ending.announced_at)
    ending.read(ending.announced_at)

    ending.comes()


def test_an_end_that_is_announced_anew_must_be_announced_for_as_long_again() -> None:
    ending = Ending()
    ending.read(ending.announced_at)
    ending.read(anew := ending.clock.now + 9 * MINUTE)
    ending.read(anew)

    with pytest.raises(Wrong, match="was announced only for 0:09:00"):
        ending.comes()


def test_clocks_that_are_set_back_announce_nothing_anew() -> None:
    ending = Ending()
    ending.read(ending.announced_at)
    ending.read(ending.announced_at, -DAY)
    ending.read(ending.announced_at)

    ending.comes()


def test_time_that_does_not_count_announces_nothing_anew_even_if_clocks_are_set_back_then() -> None:
    ending = Ending()
    ending.read(moved := ending.announced_at + 9 * DAY, after=9 * DAY + 10 * MINUTE)
    ending.read(moved, -DAY)
    ending.read(moved)

    ending.comes()


def test_a_push_brings_back_what_ended_because_it_was_idle() -> None:
    ending = Ending()
    ending.has_come()
    ending.push()

    ending.returns()


def test_nothing_returns_if_nobody_does_anything() -> None:
    ending = Ending()
    ending.push()
    ending.read(ending.announced_at, after=2 * HOUR)
    ending.has_come()

    with pytest.raises(Wrong, match="has come back although nobody did anything with it"):
        ending.returns()


def test_a_push_does_not_bring_back_what_reached_its_maximum_age() -> None:
    ending = Ending(AGEING)
    ending.has_come()
    ending.push()

    with pytest.raises(Wrong, match="has come back although nobody did anything with it"):
        ending.returns()


def test_a_push_does_not_bring_back_what_reached_its_maximum_age_while_it_was_not_live() -> None:
    ending = Ending(AGEING)
    ending.comes(left=True)
    ending.push()

    with pytest.raises(Wrong, match="has come back although nobody did anything with it"):
        ending.returns()


def test_a_push_may_bring_back_what_was_idle_even_if_it_can_have_reached_its_maximum_age_before() -> None:
    ending = Ending()
    ending.has_come(AGEING, left=True)
    ending.push()

    ending.returns()


def test_a_push_may_bring_back_what_one_catalog_ends_by_age_and_another_one_because_it_is_idle() -> None:
    ending = Ending(AGEING, ENDING)
    ending.has_come()
    ending.push()

    ending.returns()


def test_nothing_returns_by_itself_even_if_nobody_knows_why_it_ended() -> None:
    ending = Ending()
    ending.has_come(AGEING, left=True)

    with pytest.raises(Wrong, match="has come back although nobody did anything with it"):
        ending.returns()


def test_an_edit_that_brings_many_ends_forward_must_wait() -> None:
    mistyped = Mistyped()

    assert mistyped.lives.tally["edits that bring many ends forward"] == 1
    assert not mistyped.may_end()


def test_what_leaves_in_the_answer_with_an_edit_is_not_among_the_ends_that_it_brings_forward() -> None:
    assert not Mistyped(opened=11, left=6).lives.tally["edits that bring many ends forward"]


@pytest.mark.parametrize("heard", [True, False])
def test_the_later_ends_are_forgotten_when_the_service_leaves_the_catalog(*, heard: bool) -> None:
    """As the plugin does, whether or not an answer was heard in between; the ends of other services still must wait."""
    mistyped = Mistyped(others=SURELY)
    mistyped.leaves_and_returns("users", heard=heard)

    assert mistyped.lives.tally["edits that bring many ends forward"] > 1
    assert mistyped.may_end()


@pytest.mark.parametrize("heard", [True, False])
def test_the_later_ends_are_remembered_when_another_service_leaves_the_catalog(*, heard: bool) -> None:
    mistyped = Mistyped(others=SURELY)
    mistyped.leaves_and_returns("orders", heard=heard)

    assert not mistyped.may_end()


def test_the_later_ends_are_remembered_until_a_catalog_without_the_service_can_be_in_force() -> None:
    mistyped = Mistyped()
    mistyped.written.append(mistyped.catalog.with_limits((("total", 20),)))
    newest = mistyped.catalog.without("users")
    mistyped.lives.written = [*mistyped.written, newest]
    mistyped.takes_effect(had=mistyped.live)

    assert not mistyped.may_end()


def test_what_has_ended_may_stay_away_when_its_service_returns_to_the_catalog() -> None:
    lives = Lives(truth := Truth(Clock(), (USERS.repository,)))
    was = an_end(lives, truth)
    lives.in_force(catalog := Catalog({}), (), {}, ())
    lives.in_force(LABELLED, (), {}, ())

    assert lives.may_be("expired", was, [LABELLED, catalog, LABELLED], [])
    lives.returned(was, [LABELLED, catalog, LABELLED])  # what left the catalog long ago is forgotten


def test_what_has_ended_may_stay_away_when_other_labels_are_required() -> None:
    lives = Lives(truth := Truth(Clock(), (USERS.repository,)))
    was = an_end(lives, truth)
    catalog = Catalog({"users": replace(USERS, require=())})
    lives.in_force(catalog, (), {}, ())

    assert lives.may_be("expired", was, [LABELLED, catalog], [])
    lives.returned(was, [LABELLED, catalog])  # which is not wrong either


def test_what_has_ended_is_back_when_a_newer_label_is_required() -> None:
    lives = Lives(truth := Truth(Clock(), (USERS.repository,)))
    was = an_end(lives, truth)
    truth.clock.pass_by(timedelta(days=1).total_seconds())
    truth.change(USERS.repository, was.number, labels=("preview", "go"))
    catalog = Catalog({"users": replace(USERS, require=("go",))})
    lives.in_force(catalog, (), {}, ())

    assert not lives.may_be("expired", was, [LABELLED, catalog], [])


class AskedAgain:
    """A preview that ada asked for again an hour ago, a day after it had reached its maximum age."""

    def __init__(self) -> None:
        self.lives = Lives(truth := Truth(Clock(), (USERS.repository,)))
        self.truth = truth
        number = truth.open(USERS.repository, labels=("preview",))
        self.was = Sighting("users", truth.repository(USERS.repository), number, 0)
        self.lives.written = self.written = [AGED]
        self.lives.in_force(AGED, (), {}, ())
        truth.clock.pass_by(timedelta(days=4).total_seconds())
        asked = truth.clock.now
        self.lives.acted("users", number, Act(ActKind.ASK, f"users/{number}", "ada", asked, asked_at=asked))
        truth.clock.pass_by(HOUR.total_seconds())

    def change(self, **changes: Any) -> None:
        self.truth.change(USERS.repository, self.was.number, **changes)
        self.truth.clock.pass_by(MINUTE.total_seconds())

    def may_have_ended(self) -> bool:
        """Tell it in both ways: the preview is missing after it had left, and after all faults have ended."""
        may_be = self.lives.may_be("expired", self.was, self.written, [])
        try:
            self.lives.ends(self.lives.begins(skew=timedelta(0), measured=True, used=frozenset()))
            self.lives.expired(self.was, self.written, left=True)
        except Wrong:
            assert not may_be
        else:
            assert may_be
        return may_be


def test_what_was_asked_for_again_starts_a_new_age() -> None:
    assert not AskedAgain().may_have_ended()


@pytest.mark.parametrize("heard", [True, False])
def test_that_somebody_asked_again_is_forgotten_when_the_service_leaves_the_catalog(*, heard: bool) -> None:
    """As the plugin does, whether or not an answer was heard between leaving and returning."""
    asked = AskedAgain()
    asked.written += [without := AGED.without("users"), back := without.with_service("users", AGED.services["users"])]
    for catalog in (without, back) if heard else (back,):
        asked.lives.in_force(catalog, (), {}, ())

    assert asked.may_have_ended()


def test_what_somebody_asks_for_after_its_service_has_returned_starts_a_new_age() -> None:
    asked = AskedAgain()
    asked.written += [without := AGED.without("users"), back := without.with_service("users", AGED.services["users"])]
    asked.lives.in_force(back, (), {}, ())
    at = asked.truth.clock.now
    asked.lives.acted("users", asked.was.number, Act(ActKind.ASK, "users/1", "ada", at, asked_at=at))

    assert not asked.may_have_ended()


def test_that_somebody_asked_again_is_forgotten_when_the_pull_request_is_closed() -> None:
    asked = AskedAgain()
    asked.change(state="closed")
    asked.change(state="open")

    assert asked.may_have_ended()


def test_that_somebody_asked_again_is_remembered_while_the_pull_request_is_skipped() -> None:
    asked = AskedAgain()
    asked.change(labels=("preview", "no-preview"))
    asked.change(labels=("preview",))

    assert not asked.may_have_ended()


@pytest.mark.parametrize("closed", [True, False])
def test_an_extension_is_forgotten_when_the_pull_request_is_closed(*, closed: bool) -> None:
    ending = Ending()
    at, number = ending.clock.now, ending.was.number
    extension = Act(ActKind.EXTEND, f"users/{number}", "ada", at, asked_at=at, until=at + 5 * HOUR)
    ending.lives.acted("users", number, extension)
    if closed:
        ending.truth.change(USERS.repository, number, state="closed")
        ending.read(ending.announced_at)
        ending.truth.change(USERS.repository, number, state="open")
    for _ in range(8):
        ending.read(ending.announced_at)

    with nullcontext() if closed else pytest.raises(Wrong, match=r"ends at 2026-11-21 15:09"):
        ending.comes()

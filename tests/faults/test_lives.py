"""The oracle of lives, where an episode seldom leads."""

from dataclasses import replace
from datetime import timedelta

from tests.faults.catalogs import SERVICES, Catalog
from tests.faults.lives import SURELY, Ended, Lives
from tests.faults.plans import EXPIRES, MISTYPED, Plan
from tests.faults.sightings import Sighting
from tests.faults.truth import Clock, Truth

USERS = SERVICES["users"]
LABELLED = Catalog({"users": replace(USERS, require=("preview",))})


def an_end(lives: Lives, truth: Truth) -> Sighting:
    """Let the preview of a pull request end a day after it was asked for."""
    number = truth.open(USERS.repository, labels=("preview",))
    was = Sighting("users", truth.repository(USERS.repository), number, 0)
    lives.in_force(LABELLED, (), {}, ())
    truth.clock.pass_by(timedelta(days=1).total_seconds())
    lives.ended[lives.key(was)] = Ended(truth.clock.now, by_age=False)
    return was


def mistyped(opened: int, left: int) -> Lives:
    """Let an edit bring ends forward; so many of the pull requests that were live then are not in the answer."""
    lives = Lives(truth := Truth(Clock(), (USERS.repository,)))
    numbers = [truth.open(USERS.repository, labels=("preview",)) for _ in range(opened)]
    live = [Sighting("users", truth.repository(USERS.repository), number, 0) for number in numbers]
    before = Catalog({"users": replace(USERS, plan=Plan(expire_after=EXPIRES))})
    lives.in_force(before, (), {before.name("users", was.number): was for was in live}, ())
    truth.clock.pass_by(timedelta(hours=1).total_seconds())
    after = before.with_plans({"users": Plan(expire_after=MISTYPED)}).with_prefix("pr")
    lives.in_force(after, live, {after.name("users", was.number): was for was in live[left:]}, ())
    return lives


def test_an_edit_that_brings_many_ends_forward_must_wait() -> None:
    assert mistyped(opened=SURELY, left=0).tally["edits that bring many ends forward"] == 1


def test_what_leaves_in_the_answer_with_an_edit_is_not_among_the_ends_that_it_brings_forward() -> None:
    assert not mistyped(opened=11, left=6).tally["edits that bring many ends forward"]


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

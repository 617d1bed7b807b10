"""The oracle of lives, where an episode seldom leads."""

from dataclasses import replace
from datetime import timedelta

from tests.faults.catalogs import SERVICES, Catalog
from tests.faults.lives import Ended, Lives
from tests.faults.sightings import Sighting
from tests.faults.truth import Clock, Truth

USERS = SERVICES["users"]
LABELLED = Catalog({"users": replace(USERS, require=("preview",))})


def an_end(lives: Lives, truth: Truth) -> Sighting:
    """Let the preview of a pull request end a day after it was asked for."""
    number = truth.open(USERS.repository, labels=("preview",))
    was = Sighting("users", truth.repository(USERS.repository), number, 0)
    lives.in_force(LABELLED, {}, ())
    truth.clock.pass_by(timedelta(days=1).total_seconds())
    lives.ended[lives.key(was)] = Ended(truth.clock.now, by_age=False)
    return was


def test_what_has_ended_may_stay_away_when_its_service_returns_to_the_catalog() -> None:
    lives = Lives(truth := Truth(Clock(), (USERS.repository,)))
    was = an_end(lives, truth)
    lives.in_force(catalog := Catalog({}), {}, ())
    lives.in_force(LABELLED, {}, ())

    assert lives.may_be("expired", was, [LABELLED, catalog, LABELLED], [])
    lives.returned(was, [LABELLED, catalog, LABELLED])  # what left the catalog long ago is forgotten


def test_what_has_ended_may_stay_away_when_other_labels_are_required() -> None:
    lives = Lives(truth := Truth(Clock(), (USERS.repository,)))
    was = an_end(lives, truth)
    catalog = Catalog({"users": replace(USERS, require=())})
    lives.in_force(catalog, {}, ())

    assert lives.may_be("expired", was, [LABELLED, catalog], [])
    lives.returned(was, [LABELLED, catalog])  # which is not wrong either


def test_what_has_ended_is_back_when_a_newer_label_is_required() -> None:
    lives = Lives(truth := Truth(Clock(), (USERS.repository,)))
    was = an_end(lives, truth)
    truth.clock.pass_by(timedelta(days=1).total_seconds())
    truth.change(USERS.repository, was.number, labels=("preview", "go"))
    catalog = Catalog({"users": replace(USERS, require=("go",))})
    lives.in_force(catalog, {}, ())

    assert not lives.may_be("expired", was, [LABELLED, catalog], [])

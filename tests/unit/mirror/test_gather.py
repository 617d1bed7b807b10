from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from plugin.core.config.catalog import Catalog
from plugin.core.config.messages import MAX_LENGTH
from plugin.core.config.references import Locator
from plugin.core.facts.model import Elsewhere, Hold, LookedUp, LookUp, Repository, Snapshot
from plugin.mirror.current import Current, decided
from plugin.mirror.gather import LISTED_EVERY, Gathered, gather
from plugin.sources import Doubt, Usage, Wanted
from plugin.state import NOTHING, Head, Known
from tests.builders import MONDAY, make_catalog, make_look_up, make_pull_request, make_repository

CATALOG = make_catalog({"orders": {"depends_on": ["payments"]}, "payments": {}})
ORDERS, PAYMENTS = make_repository("acme/orders"), make_repository("acme/payments")
LATER = MONDAY + timedelta(minutes=1)
LINK = "version: 1\ndependencies: {payments: pr:9}"
SECOND = timedelta(seconds=1)


@dataclass
class Source:
    """Answers with what it was given, and remembers how it was asked."""

    readings: Mapping[str, Repository | Doubt]
    look_ups: Mapping[Locator, LookUp] = field(default_factory=dict)
    wanted: dict[str, Wanted] = field(default_factory=dict)
    looked_up: list[list[Locator]] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)

    def read(self, wanted: Sequence[Wanted]) -> dict[str, Repository | Doubt]:
        self.wanted = {each.name: each for each in wanted}
        return {name: self.readings.get(name, Doubt("no answer")) for name in self.wanted}

    def look_up(self, locators: Sequence[Locator], known: Mapping[str, Repository]) -> Mapping[Locator, LookUp]:
        assert {locator.repository for locator in locators} <= known.keys()
        self.looked_up.append(list(locators))
        return {locator: answer for locator, answer in self.look_ups.items() if locator in locators}


def known(*repositories: Repository, catalog: Catalog | None = CATALOG, **snapshot: Any) -> Current:
    """What was known before; it was read and listed on Monday."""
    at = {repository.name: MONDAY for repository in repositories}
    listed = {each.name: replace(each, listed_at=each.listed_at or MONDAY) for each in repositories}
    return decided(Known(Head(1, MONDAY), catalog, Snapshot(listed, **{"read_at": at} | snapshot)))


def clean(before: Current) -> Mapping[str, Repository]:
    """The readings of a source that finds nothing changed."""
    return before.known.snapshot.repositories


def gathered(
    source: Source,
    before: Current,
    newest: Catalog = CATALOG,
    now: datetime = LATER,
    only: Collection[str] | None = None,
) -> Gathered:
    return gather(source, before, newest, now, only)


def test_the_first_reading_lists_everything() -> None:
    source = Source({"acme/orders": ORDERS, "acme/payments": PAYMENTS})
    result = gathered(source, Current(NOTHING, None))

    assert source.wanted == {
        name: Wanted(name, frozenset({"preview"}), None, must_list=True) for name in ("acme/orders", "acme/payments")
    }
    assert result.catalog is CATALOG
    assert result.snapshot.read_at == {"acme/orders": LATER, "acme/payments": LATER}
    assert [each.listed_at for each in result.snapshot.repositories.values()] == [LATER, LATER]


def test_what_is_known_is_handed_to_the_source_and_kept_as_the_same_object_if_nothing_changed() -> None:
    before = known(ORDERS, PAYMENTS)
    source = Source(clean(before))
    result = gathered(source, before)

    orders = before.known.snapshot.repositories["acme/orders"]
    assert source.wanted["acme/orders"] == Wanted("acme/orders", frozenset({"preview"}), orders, must_list=False)
    assert source.wanted["acme/orders"].before is orders
    assert result.snapshot.repositories["acme/orders"] is orders
    assert result.snapshot.read_at["acme/orders"] == LATER
    assert result.fresh


@pytest.mark.parametrize(
    ("age", "due"),
    [(timedelta(0), False), (LISTED_EVERY - SECOND, False), (LISTED_EVERY, True), (-SECOND, True)],
)
def test_every_ten_minutes_a_repository_is_listed_whatever_a_probe_says(age: timedelta, *, due: bool) -> None:
    before = known(ORDERS, PAYMENTS)
    source = Source(clean(before))
    gathered(source, before, now=MONDAY + age)

    assert timedelta(minutes=10) == LISTED_EVERY
    assert source.wanted["acme/orders"].must_list is due


def test_what_was_never_listed_or_by_other_labels_is_listed() -> None:
    before = known(ORDERS, PAYMENTS)
    orders = replace(ORDERS, listed_at=None)
    unlisted = replace(before, known=replace(before.known, snapshot=Snapshot({**clean(before), "acme/orders": orders})))
    source = Source({})
    gathered(source, unlisted)
    assert source.wanted["acme/orders"].must_list

    edited = make_catalog({"orders": {"labels": {"require": ["env"]}}, "payments": {}})
    gathered(source, before, edited)
    assert source.wanted["acme/orders"].must_list
    assert not source.wanted["acme/payments"].must_list


def test_only_the_repositories_that_are_said_to_have_changed_are_listed() -> None:
    before = known(ORDERS, PAYMENTS, doubts={"acme/payments": "an older doubt"})
    source = Source({"acme/orders": make_repository("acme/orders", make_pull_request(1))})
    result = gathered(source, before, only=["acme/orders", "acme/unknown"])

    assert source.wanted.keys() == {"acme/orders"}
    assert source.wanted["acme/orders"].must_list
    assert source.wanted["acme/orders"].urgent
    assert result.snapshot.repositories["acme/orders"].numbers == {1}
    assert result.snapshot.read_at == {"acme/orders": LATER, "acme/payments": MONDAY}
    assert result.snapshot.doubts == {"acme/payments": "an older doubt"}
    assert result.fresh


def test_a_doubt_leaves_everything_as_it_was_and_a_good_reading_ends_it() -> None:
    before = known(ORDERS, PAYMENTS, doubts={"acme/payments": "an older doubt", "acme/removed": "x"})
    source = Source({"acme/orders": Doubt("half of it"), "acme/payments": PAYMENTS})
    result = gathered(source, before)

    assert result.snapshot.doubts == {"acme/orders": "half of it"}
    assert result.snapshot.repositories["acme/orders"] is before.known.snapshot.repositories["acme/orders"]
    assert result.snapshot.read_at == {"acme/orders": MONDAY, "acme/payments": LATER}


def test_why_a_reading_did_not_count_is_one_line_that_everybody_can_carry() -> None:
    source = Source({"acme/orders": Doubt("Bad\u202e\nnews " * 100)})
    doubts = gathered(source, known(ORDERS, PAYMENTS)).snapshot.doubts

    assert doubts["acme/orders"].startswith("Bad news Bad news ")
    assert len(doubts["acme/orders"]) == MAX_LENGTH


def test_one_good_reading_is_news_and_only_doubts_or_no_question_at_all_are_none() -> None:
    before = known(ORDERS, PAYMENTS)

    assert gathered(Source({"acme/orders": ORDERS}), before).fresh
    assert not gathered(Source({}), before).fresh
    assert not gathered(Source(clean(before)), before, only=["acme/unknown"]).fresh


def test_the_same_text_is_the_same_catalog() -> None:
    again = make_catalog({"orders": {"depends_on": ["payments"]}, "payments": {}})
    before = known(ORDERS, PAYMENTS)

    assert again is not CATALOG
    assert gathered(Source(clean(before)), before, again).catalog is CATALOG


def test_a_catalog_waits_until_all_that_it_speaks_of_was_read() -> None:
    bigger = make_catalog({"orders": {}, "payments": {}, "users": {}})
    before = known(ORDERS, PAYMENTS)
    readings = dict(clean(before))

    waiting = gathered(Source(readings), before, bigger)
    assert waiting.catalog is CATALOG
    assert waiting.snapshot.doubts == {"acme/users": "no answer"}
    users = make_repository("acme/users")
    assert gathered(Source(readings | {"acme/users": users}), before, bigger).catalog is bigger
    assert gathered(Source({"acme/users": users}), before, bigger, only=["acme/users"]).catalog is bigger
    assert gathered(Source(readings), Current(NOTHING, None), bigger).catalog is None


def test_a_repository_that_no_catalog_names_is_forgotten_with_all_that_was_said_of_it() -> None:
    users = make_repository("acme/users", make_pull_request(1))
    before = known(ORDERS, PAYMENTS, users, doubts={"acme/users": "no answer"})
    result = gathered(Source(clean(before)), before)

    names = {"acme/orders", "acme/payments"}
    assert result.snapshot.repositories.keys() == result.snapshot.read_at.keys() == names
    assert result.snapshot.doubts == {}


def test_what_vanished_is_looked_up_in_the_same_refresh() -> None:
    before = known(make_repository("acme/orders", make_pull_request(1), make_pull_request(2)), PAYMENTS)
    one, two = Locator("acme/orders", 1), Locator("acme/orders", 2)
    source = Source({"acme/orders": ORDERS, "acme/payments": PAYMENTS}, {one: make_look_up("merged")})
    result = gathered(source, before)

    assert source.looked_up == [[one, two]]
    assert result.gone == {one: Elsewhere.MERGED}
    assert result.snapshot.repositories["acme/orders"].held == {
        2: Hold("it is not listed any more, and could not be looked up")
    }
    nothing = gathered(Source(clean(before)), before)
    assert nothing.gone == {}


def test_nothing_is_looked_up_where_nothing_vanished_and_nobody_links() -> None:
    before = known(make_repository("acme/orders", make_pull_request(1)), PAYMENTS)
    source = Source(clean(before))
    gathered(source, before)

    assert source.looked_up == []


def test_a_link_is_looked_up_unless_the_repository_it_names_is_doubtful() -> None:
    orders = make_repository("acme/orders", make_pull_request(1, config=LINK))
    target = Locator("acme/payments", 9)
    before = known(orders, PAYMENTS)
    answers = {target: make_look_up("closed")}

    found = Source(clean(before), answers)
    looked_up = gathered(found, before).snapshot.repositories["acme/payments"].looked_up
    assert (found.looked_up, looked_up) == ([[target]], {9: LookedUp(Elsewhere.CLOSED)})

    doubtful = Source({"acme/orders": clean(before)["acme/orders"]}, answers)
    assert gathered(doubtful, before).snapshot.repositories["acme/payments"].looked_up == {}
    assert doubtful.looked_up == []


def test_files_of_an_unchanged_repository_are_not_searched_for_links_again() -> None:
    before = known(ORDERS, PAYMENTS)
    assert before.decision
    found = Locator("acme/payments", 9)  # what nobody would find: no file names it
    parts = {name: replace(part, links=frozenset({found})) for name, part in before.decision.parts.items()}
    source = Source(clean(before))
    gathered(source, replace(before, decision=replace(before.decision, parts=parts)))

    assert source.looked_up == [[found]]


def test_files_are_judged_by_the_catalog_that_comes_into_force_with_them() -> None:
    bigger = make_catalog({"orders": {"depends_on": ["payments", "users"]}, "payments": {}, "users": {}})
    text = "version: 1\ndependencies: {users: staging}"
    readings = {
        "acme/orders": make_repository("acme/orders", make_pull_request(1, config=text)),
        "acme/payments": PAYMENTS,
    }

    def last_good(source: Source, before: Current) -> str | None:
        (pull_request,) = gathered(source, before, bigger).snapshot.repositories["acme/orders"].pull_requests
        return pull_request.last_good_config

    before = known(ORDERS, PAYMENTS)
    assert last_good(Source(readings), before) is None  # by the one in force it is wrong
    assert last_good(Source(readings | {"acme/users": make_repository("acme/users")}), before) == text
    assert last_good(Source(readings), Current(NOTHING, None)) == text  # there is no other catalog

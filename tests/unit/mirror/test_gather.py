from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from plugin.core.answers.live import Live
from plugin.core.config.catalog import Catalog
from plugin.core.config.messages import MAX_LENGTH
from plugin.core.config.references import Locator
from plugin.core.decision.preview import LivePreview
from plugin.core.facts.heard import Heard
from plugin.core.facts.model import Elsewhere, Hold, LookedUp, LookUp, Repository, Snapshot
from plugin.mirror.current import Current, decided
from plugin.mirror.gather import LISTED_EVERY, Gathered, gather
from plugin.sources import CheckQuestion, Doubt, Usage, Wanted
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
    ahead: timedelta | None = timedelta(0)

    def read(self, wanted: Sequence[Wanted]) -> dict[str, Repository | Doubt]:
        self.wanted = {each.name: each for each in wanted}
        return {name: self.readings.get(name, Doubt("no answer")) for name in self.wanted}

    def look_up(self, locators: Sequence[Locator], known: Mapping[str, Repository]) -> Mapping[Locator, LookUp]:
        assert {locator.repository for locator in locators} <= known.keys()
        self.looked_up.append(list(locators))
        return {locator: answer for locator, answer in self.look_ups.items() if locator in locators}

    def commits(
        self, locators: Sequence[Locator], known: Mapping[str, Repository]
    ) -> Mapping[Locator, tuple[str, ...]]:
        raise NotImplementedError

    def checks(
        self, questions: Sequence[CheckQuestion], known: Mapping[str, Repository]
    ) -> Mapping[CheckQuestion, bool]:
        raise NotImplementedError


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
    assert (result.newest, result.may_take_effect) == (CATALOG, True)
    assert result.snapshot.read_at == {"acme/orders": LATER, "acme/payments": LATER}
    assert [each.listed_at for each in result.snapshot.repositories.values()] == [LATER, LATER]


def test_what_did_not_change_is_kept_as_the_same_object() -> None:
    before = known(ORDERS, PAYMENTS)
    source = Source(clean(before))
    result = gathered(source, before)

    orders = before.known.snapshot.repositories["acme/orders"]
    assert source.wanted["acme/orders"] == Wanted("acme/orders", frozenset({"preview"}), orders, must_list=False)
    assert source.wanted["acme/orders"].before is orders
    assert result.snapshot.repositories["acme/orders"] is orders
    assert result.snapshot.read_at["acme/orders"] == LATER
    assert result.fresh


def test_what_was_only_heard_is_no_listing() -> None:
    """Its pull requests are those that were known, also those that are held."""
    before = known(replace(ORDERS, held={number: Hold("not listed") for number in ORDERS.numbers}), PAYMENTS)
    orders = before.known.snapshot.repositories["acme/orders"]
    heard = replace(orders, heard=Heard(MONDAY), unheard="no answer")
    result = gathered(Source({**clean(before), "acme/orders": heard}), before)

    assert result.snapshot.repositories["acme/orders"] is heard
    assert result.snapshot.read_at["acme/orders"] == LATER


@pytest.mark.parametrize(
    ("age", "due"),
    [(timedelta(0), False), (LISTED_EVERY - SECOND, False), (LISTED_EVERY, True), (-SECOND, True)],
)
def test_repositories_are_listed_every_ten_minutes_despite_probes(age: timedelta, *, due: bool) -> None:
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


def test_only_repositories_that_are_said_to_have_changed_are_listed() -> None:
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


def test_a_doubt_changes_nothing_and_ends_with_a_good_reading() -> None:
    before = known(ORDERS, PAYMENTS, doubts={"acme/payments": "an older doubt", "acme/removed": "x"})
    source = Source({"acme/orders": Doubt("half of it"), "acme/payments": PAYMENTS})
    result = gathered(source, before)

    assert result.snapshot.doubts == {"acme/orders": "half of it"}
    assert result.snapshot.repositories["acme/orders"] is before.known.snapshot.repositories["acme/orders"]
    assert result.snapshot.read_at == {"acme/orders": MONDAY, "acme/payments": LATER}


def test_why_a_reading_did_not_count_is_one_line() -> None:
    source = Source({"acme/orders": Doubt("Bad\u202e\nnews " * 100)})
    doubts = gathered(source, known(ORDERS, PAYMENTS)).snapshot.doubts

    assert doubts["acme/orders"].startswith("Bad news Bad news ")
    assert len(doubts["acme/orders"]) == MAX_LENGTH


def test_one_good_reading_is_fresh_and_doubts_alone_are_not() -> None:
    before = known(ORDERS, PAYMENTS)

    assert gathered(Source({"acme/orders": ORDERS}), before).fresh
    assert not gathered(Source({}), before).fresh
    assert not gathered(Source(clean(before)), before, only=["acme/unknown"]).fresh


def test_the_same_text_is_the_same_catalog() -> None:
    again = make_catalog({"orders": {"depends_on": ["payments"]}, "payments": {}})
    before = known(ORDERS, PAYMENTS)

    assert again is not CATALOG
    assert gathered(Source(clean(before)), before, again).newest is CATALOG


def live(**services: str) -> Live:
    """One live preview, of pull request 1, for each service; its repository is given."""
    by_repository: dict[str, tuple[LivePreview, ...]] = {}
    for service, repository in services.items():
        preview = LivePreview(service, 1, f"preview-{service}-1", "backend", fork=False)
        by_repository[repository] = (*by_repository.get(repository, ()), preview)
    return Live("fingerprint", by_repository)


def last_answered(before: Current, last_answer: Live | None) -> Current:
    return replace(before, known=replace(before.known, live=last_answer))


BIGGER = make_catalog({"orders": {}, "payments": {}, "users": {}})


@pytest.mark.parametrize(
    ("last_answer", "may"),
    [
        (live(), True),
        (live(orders="acme/orders"), True),
        (live(orders="acme/orders", users="acme/people"), False),  # the service moves to a repository nobody read
        (live(people="Acme/Users"), False),  # the repository had a preview of another service
        (None, False),  # nobody knows what was live
    ],
    ids=["nothing live", "others live", "the service", "the repository", "no last answer"],
)
def test_a_catalog_waits_for_an_unread_repository_with_live_previews(last_answer: Live | None, *, may: bool) -> None:
    before = last_answered(known(ORDERS, PAYMENTS), last_answer)
    waiting = gathered(Source(clean(before)), before, BIGGER)

    assert (waiting.newest, waiting.may_take_effect) == (BIGGER, may)
    assert waiting.snapshot.doubts == {"acme/users": "no answer"}
    readings = dict(clean(before)) | {"acme/users": make_repository("acme/users")}
    assert gathered(Source(readings), before, BIGGER).may_take_effect
    assert gathered(Source(readings), before, BIGGER, only=["acme/users"]).may_take_effect


def test_at_the_first_start_everything_must_have_been_read() -> None:
    assert not gathered(Source({"acme/orders": ORDERS}), Current(NOTHING, None)).may_take_effect
    assert gathered(Source({"acme/orders": ORDERS, "acme/payments": PAYMENTS}), Current(NOTHING, None)).may_take_effect


def test_a_repository_read_by_other_labels_counts_as_read() -> None:
    edited = make_catalog({"orders": {"labels": {"require": ["env"]}}, "payments": {}})
    before = last_answered(known(ORDERS, PAYMENTS), live(orders="acme/orders"))
    result = gathered(Source({}), before, edited)

    assert result.may_take_effect
    assert result.snapshot.repositories["acme/orders"].labels == {"preview"}


def test_a_repository_that_no_catalog_names_is_forgotten() -> None:
    users = make_repository("acme/users", make_pull_request(1))
    before = known(ORDERS, PAYMENTS, users, doubts={"acme/users": "no answer"})
    result = gathered(Source(clean(before)), before)

    names = {"acme/orders", "acme/payments"}
    assert result.snapshot.repositories.keys() == result.snapshot.read_at.keys() == names
    assert result.snapshot.doubts == {}


def heads(result: Gathered) -> list[tuple[datetime | None, bool]]:
    orders = result.snapshot.repositories["acme/orders"]
    return [(each.head_seen_at, each.unstamped) for each in orders.pull_requests]


def test_a_new_head_is_stamped_by_the_clock_of_the_source() -> None:
    before = known(make_repository("acme/orders", make_pull_request(1)), PAYMENTS)
    pushed = make_repository("acme/orders", make_pull_request(1, head_sha="f" * 40), make_pull_request(2))
    source = Source({"acme/orders": pushed}, ahead=timedelta(seconds=90))
    result = gathered(source, before)

    assert heads(result) == [(LATER - timedelta(seconds=90), False)] * 2


@pytest.mark.parametrize("ahead", [None, timedelta(minutes=2, seconds=1), timedelta(minutes=-2, seconds=-1)])
def test_a_head_that_came_while_the_clocks_disagreed_is_stamped_when_they_agree(ahead: timedelta | None) -> None:
    before = known(make_repository("acme/orders", make_pull_request(1, head_seen_at=MONDAY)), PAYMENTS)
    pushed = make_repository("acme/orders", make_pull_request(1, head_sha="f" * 40))
    result = gathered(Source({"acme/orders": pushed}, ahead=ahead), before)

    assert heads(result) == [(MONDAY, True)]
    unchanged = known(*result.snapshot.repositories.values())
    assert heads(gathered(Source(clean(unchanged)), unchanged)) == [(LATER, False)]


def test_heads_of_a_repository_that_is_read_for_the_first_time_have_no_stamp() -> None:
    read = make_repository("acme/orders", make_pull_request(1))
    result = gathered(Source({"acme/orders": read, "acme/payments": PAYMENTS}), Current(NOTHING, None))

    assert heads(result) == [(None, False)]


def test_vanished_pull_requests_are_looked_up_in_the_same_refresh() -> None:
    before = known(make_repository("acme/orders", make_pull_request(1), make_pull_request(2)), PAYMENTS)
    one, two = Locator("acme/orders", 1), Locator("acme/orders", 2)
    source = Source({"acme/orders": ORDERS, "acme/payments": PAYMENTS}, {one: make_look_up("merged")})
    result = gathered(source, before)

    assert source.looked_up == [[one, two]]
    assert result.gone == {one: Elsewhere.MERGED}
    assert result.snapshot.repositories["acme/orders"].held == {
        2: Hold("it is no longer listed, and could not be looked up")
    }
    nothing = gathered(Source(clean(before)), before)
    assert nothing.gone == {}


def test_vanished_and_changed_pull_requests_are_looked_up_in_one_go() -> None:
    before = last_answered(
        known(make_repository("acme/orders", *map(make_pull_request, (1, 2, 3))), PAYMENTS),
        live(orders="acme/orders"),  # number 1
    )
    drafts = [make_pull_request(number, draft=True, updated_at=MONDAY + SECOND) for number in (1, 2)]
    answer = make_look_up(draft=True, labels=frozenset({"preview"}), updated_at=MONDAY + SECOND)
    readings = {"acme/orders": make_repository("acme/orders", *drafts), "acme/payments": PAYMENTS}

    def orders(source: Source) -> Repository:
        return gathered(source, before).snapshot.repositories["acme/orders"]

    source = Source(readings, {Locator("acme/orders", 1): answer})
    assert [each.draft for each in orders(source).pull_requests] == [True, True, False]
    assert source.looked_up == [[Locator("acme/orders", 1), Locator("acme/orders", 3)]]
    unconfirmed = orders(Source(readings))
    assert [each.draft for each in unconfirmed.pull_requests] == [False, True, False]
    assert unconfirmed.held.keys() == {1, 3}


FORTY = tuple(make_pull_request(number) for number in range(1, 41))
FORTY_LIVE = Live(
    "fingerprint",
    {
        "acme/orders": tuple(
            LivePreview("orders", n, f"preview-orders-{n}", "backend", fork=False) for n in range(1, 41)
        )
    },
)


def orders_after(flipped: Mapping[int, Mapping[str, Any]], look_ups: Mapping[int, LookUp]) -> Repository:
    """What is known of forty live pull requests after a listing in which some were changed, and its look-ups."""
    before = last_answered(known(make_repository("acme/orders", *FORTY), PAYMENTS), FORTY_LIVE)
    shown = [replace(each, title="New", updated_at=LATER, **flipped.get(each.number, {})) for each in FORTY]
    readings = {"acme/orders": make_repository("acme/orders", *shown), "acme/payments": PAYMENTS}
    source = Source(readings, {Locator("acme/orders", number): answer for number, answer in look_ups.items()})
    return gathered(source, before).snapshot.repositories["acme/orders"]


def test_two_of_forty_that_a_flipped_listing_would_end_stay() -> None:
    flip = {"labels": ("preview", "no-preview")}
    back = make_look_up(labels=frozenset({"preview"}), updated_at=LATER + SECOND)
    orders = orders_after({7: flip, 9: flip}, {7: back, 9: back})

    assert {each.labels for each in orders.pull_requests} == {("preview",)}
    assert {each.title for each in orders.pull_requests} == {"New"}
    assert orders.held == {}


def test_an_unconfirmed_flip_does_not_stop_the_others() -> None:
    flips = {number: {"labels": ("preview", "no-preview")} for number in range(1, 31)}
    orders = orders_after(flips, {})

    assert orders.held.keys() == flips.keys()
    assert [each.title for each in orders.pull_requests] == ["Faster checkout"] * 30 + ["New"] * 10
    assert {each.labels for each in orders.pull_requests} == {("preview",)}


def test_a_change_that_the_look_up_confirms_counts_at_once() -> None:
    answer = make_look_up(labels=frozenset({"preview"}), draft=True, target_branch="release", updated_at=LATER)
    orders = orders_after({7: {"draft": True, "target_branch": "release"}}, {7: answer})
    changed = next(each for each in orders.pull_requests if each.number == 7)

    assert (changed.draft, changed.target_branch, changed.title) == (True, "release", "New")
    assert orders.held == {}


def test_without_a_last_answer_every_known_pull_request_may_be_live() -> None:
    before = known(make_repository("acme/orders", make_pull_request(1)), PAYMENTS)
    shown = make_repository("acme/orders", make_pull_request(1, draft=True))
    result = gathered(Source({"acme/orders": shown, "acme/payments": PAYMENTS}), before)

    assert result.snapshot.repositories["acme/orders"].held.keys() == {1}


def test_an_unchanged_archived_repository_ends_its_previews() -> None:
    archived = make_repository(
        "acme/orders", make_pull_request(1), archived_at=LATER - timedelta(hours=24), listed_at=LATER
    )
    before, one = known(archived, PAYMENTS), Locator("acme/orders", 1)
    answer = make_look_up(labels=frozenset({"preview"}), answered_at=LATER)

    assert gathered(Source(clean(before), {one: answer}), before).gone == {one: Elsewhere.ARCHIVED}
    unread = Source({"acme/payments": PAYMENTS}, {one: answer})
    assert gathered(unread, before).gone == {}
    assert unread.looked_up == []


def test_nothing_is_looked_up_if_nothing_vanished_or_is_linked() -> None:
    before = known(make_repository("acme/orders", make_pull_request(1)), PAYMENTS)
    source = Source(clean(before))
    gathered(source, before)

    assert source.looked_up == []


def test_a_link_is_looked_up_unless_its_repository_is_in_doubt() -> None:
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


def test_unchanged_files_are_not_searched_for_links_again() -> None:
    before = known(ORDERS, PAYMENTS)
    assert before.decision
    found = Locator("acme/payments", 9)  # what nobody would find: no file names it
    wishes = replace(before.decision.wishes, unlisted={"acme/orders": frozenset({found})})
    source = Source(clean(before))
    gathered(source, replace(before, decision=replace(before.decision, wishes=wishes)))

    assert source.looked_up == [[found]]


def test_files_are_judged_by_the_catalog_that_takes_effect() -> None:
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


def test_if_nothing_is_to_be_read_nothing_is_asked() -> None:
    linked = make_repository("acme/orders", make_pull_request(1, config=LINK), held={1: Hold("it is no longer listed")})
    before = known(linked, PAYMENTS)
    source = Source({})
    gathered = gather(source, before, CATALOG, LATER, only=())

    assert (source.wanted, source.looked_up) == ({}, [])
    assert (gathered.reads, gathered.fresh) == (False, False)
    assert gathered.snapshot == before.known.snapshot
    assert gathered.may_take_effect

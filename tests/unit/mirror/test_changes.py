"""Which previews an answer changes or drops."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from plugin.core.answers.emission import parameters
from plugin.core.answers.live import Hold
from plugin.core.config.catalog import Catalog
from plugin.core.facts.model import PullRequest
from plugin.mirror.changes import changed_previews
from plugin.mirror.current import Current, decided
from plugin.state import NOTHING, Head, Known
from tests.builders import MONDAY, make_catalog, make_pull_request, make_repository, make_snapshot

SERVICES = {"orders": {"depends_on": ["payments"]}, "payments": {}}
CATALOG = make_catalog(SERVICES)
SHA = "5" * 40


def current(
    *orders: PullRequest,
    payments: tuple[PullRequest, ...] = (),
    before: Current | None = None,
    catalog: Catalog = CATALOG,
    hold: Hold | None = None,
) -> Current:
    repositories = make_repository("acme/orders", *orders), make_repository("acme/payments", *payments)
    known = Known(Head(3, MONDAY), catalog, make_snapshot(catalog, *repositories), hold=hold)
    return decided(known, before.decision if before else None)


def answer(of: Current) -> bytes:
    assert of.decision
    return parameters(of.decision)


BEFORE = current(make_pull_request(1), make_pull_request(2), make_pull_request(3))


def test_a_push_changes_only_its_own_preview() -> None:
    after = current(make_pull_request(1), make_pull_request(2, head_sha=SHA), make_pull_request(3), before=BEFORE)

    assert changed_previews(BEFORE, after) == {"preview-orders-2"}


def test_a_closed_pull_request_is_dropped_and_a_new_one_is_not_changed() -> None:
    after = current(make_pull_request(1), make_pull_request(3), make_pull_request(4), before=BEFORE)

    assert changed_previews(BEFORE, after) == {"preview-orders-2"}


def test_a_fork_is_named_as_argocd_names_it() -> None:
    before = replace(BEFORE)  # forks get no preview yet; those that had one in an old answer do
    held = Hold("0123456789ab", {}, b'[{"name":"fork-preview-orders-9"},{"name":"preview-orders-1"}]')

    assert "fork-preview-orders-9" in changed_previews(current(hold=held), before)


def test_who_calls_what_has_changed_changes_too() -> None:
    calls = make_pull_request(1, config="version: 1\ndependencies: {payments: pr:7}\n")
    before = current(calls, make_pull_request(2), payments=(make_pull_request(7),))
    after = current(calls, make_pull_request(2), before=before)

    assert changed_previews(before, after) == {"preview-orders-1", "preview-payments-7"}


def test_an_edit_of_the_catalog_changes_every_preview_that_it_touches() -> None:
    renamed = make_catalog({"orders": {**SERVICES["orders"], "health_path": "/ready"}, "payments": {}})
    before = current(make_pull_request(1), payments=(make_pull_request(7),))
    after = current(make_pull_request(1), payments=(make_pull_request(7),), catalog=renamed)

    assert changed_previews(before, after) == {"preview-orders-1"}


def test_nothing_changes_while_the_breaker_holds() -> None:
    held = Hold("0123456789ab", {"orders/2": "it is a draft"}, answer(BEFORE))

    assert changed_previews(BEFORE, current(make_pull_request(1), hold=held)) == frozenset()


def test_after_a_hold_the_old_answer_is_compared() -> None:
    holding = current(make_pull_request(1), hold=Hold("0123456789ab", {}, answer(BEFORE)))

    assert changed_previews(holding, current(make_pull_request(1), make_pull_request(2, head_sha=SHA))) == {
        "preview-orders-2",
        "preview-orders-3",
    }
    assert changed_previews(holding, BEFORE) == frozenset()
    lost = replace(holding, known=replace(holding.known, hold=Hold("0123456789ab", {}, None)))
    assert changed_previews(lost, current()) == frozenset()


def test_without_an_answer_before_or_after_nothing_is_certain() -> None:
    nothing = Current(NOTHING, None)

    assert changed_previews(nothing, BEFORE) == frozenset()
    assert changed_previews(BEFORE, nothing) == frozenset()


@given(st.sets(st.integers(1, 6)), st.sets(st.integers(1, 6)), st.sets(st.integers(1, 6)))
def test_it_is_what_left_and_what_differs(old: set[int], new: set[int], pushed: set[int]) -> None:
    before = current(*(make_pull_request(number) for number in sorted(old)))
    pulls = (make_pull_request(n, head_sha=SHA) if n in pushed else make_pull_request(n) for n in sorted(new))
    after = current(*pulls, before=before)

    expected = (old - new) | (old & new & pushed)
    assert changed_previews(before, after) == {f"preview-orders-{number}" for number in expected}

"""What the rules look at, put together from everything that is known."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from plugin.core.config.catalog import Catalog
from plugin.core.decision.preview import LivePreview
from plugin.core.decision.wishes import read_wishes
from plugin.core.facts.acts import Act, ActKind
from plugin.core.facts.lives import NO_LIVES, Life, State
from plugin.core.facts.model import Hold, PullRequest
from plugin.core.life.case import Case, Circumstances
from plugin.core.life.cases import Inputs, cases
from tests.builders import MONDAY, make_catalog, make_repository
from tests.lives import DAY, HOUR, NEXT, asked

CATALOG = make_catalog({"orders": {"labels": {"skip": ["skip"]}}}, defaults={"lifecycle": {"max_age": "9d"}})
LIVE = LivePreview("orders", 1, "preview-orders-1", "backend", fork=False)


def inputs(*pull_requests: PullRequest, catalog: Catalog = CATALOG, **given: Any) -> Inputs:
    repository = make_repository("acme/orders", *pull_requests)
    wishes = read_wishes(catalog, {repository.name: repository}, None).by_repository[repository.name]
    facts = {"lives": NO_LIVES, "live": (), "part": None, "acts": {}, "circumstances": Circumstances(MONDAY, MONDAY)}
    return Inputs(repository=repository, wishes=wishes, **facts | given)


def case(*pull_requests: PullRequest, **given: Any) -> Case:
    (found,) = cases(CATALOG, inputs(*pull_requests, **given))
    return found


def said(kind: ActKind, asked_at: datetime | None) -> dict[str, dict[ActKind, Act]]:
    return {"orders/1": {kind: Act(kind, "orders/1", "ada", MONDAY + HOUR, asked_at)}}


def test_what_the_facts_rule_out_is_no_case() -> None:
    out = [asked(1, labels=()), asked(2, labels=("preview", "skip")), asked(3, fork=True), asked(10_000_000)]

    assert [each.key for each in cases(CATALOG, inputs(*out, asked(5)))] == ["orders/5"]


def test_acts_belong_to_the_age_in_which_they_were_said() -> None:
    for kind in (ActKind.PAUSE, ActKind.RESUME, ActKind.EXTEND):
        assert case(asked(), acts=said(kind, MONDAY)).acts.keys() == {kind}
        assert case(asked(), acts=said(kind, MONDAY - HOUR)).acts == {}
        assert case(asked(), acts=said(kind, None)).acts == {}
        assert case(asked(events=None), acts=said(kind, MONDAY)).acts == {}


def test_asking_again_begins_an_age() -> None:
    acts = said(ActKind.ASK, MONDAY + HOUR)
    acts["orders/1"] |= said(ActKind.PAUSE, MONDAY)["orders/1"]
    found = case(asked(), acts=acts)

    assert found.asked_at == MONDAY + HOUR
    assert ActKind.PAUSE not in found.acts
    assert found.oldest_at == MONDAY + HOUR + 9 * DAY


@pytest.mark.parametrize(
    ("given", "deployed"),
    [
        ({}, None),
        ({"live": (LIVE,)}, NEXT),
        ({"live": (LIVE,), "lives": {"orders/1": Life(State.ACTIVE, "", deploy_sha="c" * 40)}}, "c" * 40),
        ({"live": (LIVE,), "answered": {"orders/1": "d" * 40}}, "d" * 40),
        ({"live": (LIVE,), "answered": {"orders/2": "d" * 40}}, NEXT),
    ],
)
def test_what_is_deployed_is_what_the_last_answer_gave_it(given: dict[str, Any], deployed: str | None) -> None:
    found = case(asked(head_sha=NEXT), **given)

    assert found.deployed == deployed
    assert found.was_live == (deployed is not None)


def test_one_pull_request_in_doubt_freezes_no_other() -> None:
    given = inputs(asked(1), asked(2))
    held = replace(given.repository, held={2: Hold("it is no longer listed")})
    frozen = {each.key: each.frozen for each in cases(CATALOG, replace(given, repository=held))}

    assert frozen == {"orders/1": False, "orders/2": True}


def test_a_pull_request_without_known_events_is_frozen() -> None:
    assert case(asked(events=None)).frozen


def test_only_what_can_change_a_life_is_looked_at_to_find_out_whether_something_has_changed() -> None:
    given = inputs(asked())
    later = replace(given, circumstances=Circumstances(MONDAY + HOUR, MONDAY + HOUR))
    doubtful = replace(given, circumstances=Circumstances(MONDAY, MONDAY, in_doubt=True))

    assert later.same_as(given)
    assert not doubtful.same_as(given)
    assert not replace(given, acts=said(ActKind.PAUSE, MONDAY)).same_as(given)
    assert not inputs(asked()).same_as(given)  # another reading


def test_the_label_that_keeps_counts_in_any_case_but_not_on_forks() -> None:
    labelled = case(asked(labels=("preview", "Preview/Keep")))

    assert labelled.has("preview/keep")
    assert not labelled.has("keep")
    assert not labelled.has("")
    assert not replace(labelled, pull_request=replace(labelled.pull_request, fork=True)).has("preview/keep")

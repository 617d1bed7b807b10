"""The gate asks about no preview that has expired, unless somebody brings it back."""

from dataclasses import replace
from datetime import timedelta

from plugin.core.config.references import Locator
from plugin.core.facts.acts import Act, ActKind, Acts
from plugin.core.facts.lives import Latch, Life, State
from plugin.core.facts.model import Events, PullRequest, Snapshot
from plugin.mirror.gate import Before, ask_gate
from tests.builders import MONDAY, SHA, make_catalog, make_pull_request, make_repository
from tests.outside import ScriptedRegistry
from tests.stage import ScriptedSource

WEEK = timedelta(days=7)
GATED = {"image": {"name": "ghcr.io/acme/orders"}, "lifecycle": {"ready_when": {"image": True}}}
PUSHED, BETWEEN = "b" * 40, "c" * 40
ALL = [("orders", PUSHED), ("orders", BETWEEN), ("orders", SHA)]  # one of those before the head may be ready by now
NO_ACTS: Acts = {}
CATALOG = make_catalog({"orders": GATED})
OLD = make_pull_request(1, head_sha=PUSHED, events=Events(MONDAY, {"preview": MONDAY}), head_seen_at=MONDAY)


def asked(pull_request: PullRequest, *, by_age: bool = False, acts: Acts = NO_ACTS) -> list[tuple[str, str]]:
    """Return what the gate asks about a preview that expired after a week: service and commit."""
    latch = Latch(MONDAY + WEEK, activity=MONDAY, asked_at=MONDAY, by_age=by_age)
    life = Life(State.EXPIRED, "", MONDAY + WEEK, asked_at=MONDAY, ready=(SHA,), expired=latch)
    snapshot = Snapshot({"acme/orders": make_repository("acme/orders", pull_request)})
    lives = {"acme/orders": {"orders/1": life}}
    source = ScriptedSource(newest={Locator("acme/orders", 1): (PUSHED, BETWEEN, SHA)})
    return list(ask_gate(source, ScriptedRegistry(), CATALOG, snapshot, Before(lives, acts)).ready)


def test_nobody_asks_about_what_stays_away() -> None:
    assert asked(OLD) == []


def test_a_push_that_brings_a_preview_back_is_asked_about_at_once() -> None:
    """Otherwise the preview would start with an older commit that was ready once."""
    assert asked(replace(OLD, head_seen_at=MONDAY + 2 * WEEK)) == ALL


def test_a_push_after_the_greatest_age_is_not_asked_about_but_a_new_label_is() -> None:
    pushed = replace(OLD, head_seen_at=MONDAY + 2 * WEEK)
    labelled = replace(pushed, events=Events(MONDAY, {"preview": MONDAY + 2 * WEEK}))

    assert asked(pushed, by_age=True) == []
    assert asked(labelled, by_age=True) == ALL


def test_once_somebody_asks_for_it_again_its_newest_commits_are_asked_about() -> None:
    pushed, at = replace(OLD, head_seen_at=MONDAY + 2 * WEEK), MONDAY + 3 * WEEK
    ask = Act(ActKind.ASK, "orders/1", "ada", at, asked_at=at)

    assert asked(pushed, by_age=True, acts={(ask.kind, ask.subject): ask}) == ALL

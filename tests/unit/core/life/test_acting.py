"""What people tell a preview, and what would mean nothing."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.core.answers.wanted import Wanted
from plugin.core.config.references import Locator
from plugin.core.facts.acts import Act, ActKind
from plugin.core.facts.lives import State
from plugin.core.life.acting import Refusal, Said, outcome
from plugin.mirror.acting import acts_on
from tests.builders import MONDAY
from tests.lives import DAY, HOUR, Lived, asked, lived, with_plan

ENDS = {"expire_after": "7d", "max_age": "30d"}


def tell(world: Lived, kind: ActKind, span: timedelta | None = None) -> Act | Refusal:
    """Say something about the first preview of orders, and store it if it means something."""
    said = Said(kind, "ada", world.now, span)
    ((_, found),) = acts_on(world.current, Wanted(Locator("acme/orders", 1), "orders"), said)
    if isinstance(found, Act):
        known = world.current.known
        acts = {**known.acts, (found.kind, found.subject): found}
        world.current = replace(world.current, known=replace(known, acts=acts))
    return found


def act(world: Lived, kind: ActKind, span: timedelta | None = None) -> Act:
    found = tell(world, kind, span)
    assert isinstance(found, Act), found
    return found


def refusal(world: Lived, kind: ActKind, span: timedelta | None = None) -> str:
    before = world.current
    found = tell(world, kind, span)
    assert isinstance(found, Refusal), found
    assert world.current is before
    return found.reason


def begun(world: Lived, **given: Any) -> Lived:
    world.put(asked(**given))
    return world.step(MONDAY - world.now)


# Pausing and resuming


def test_a_pause_counts_although_no_plan_speaks_of_pausing() -> None:
    world = begun(lived())
    said = act(world, ActKind.PAUSE)

    assert (said.by, said.asked_at, said.until) == ("ada", MONDAY, None)
    assert outcome(said) == "it is paused. To wake it, push a commit, or run preview-plugin resume"
    assert world.step().state() is State.PAUSED


def test_what_a_person_paused_cannot_be_paused_again_even_before_the_pause_was_decided_on() -> None:
    world = begun(lived())
    act(world, ActKind.PAUSE)
    reason = (
        "it is paused already, by ada at 2026-11-16T09:00:00Z. To wake it, push a commit, or run preview-plugin resume"
    )

    assert refusal(world, ActKind.PAUSE) == reason
    assert refusal(world.step(HOUR), ActKind.PAUSE) == reason


def test_what_sleeps_by_itself_can_be_paused_so_that_it_does_not_wake_by_itself() -> None:
    world = begun(with_plan({"hours": "Tue-Fri 07:00-20:00 UTC"})).step(3 * HOUR)
    assert world.state() is State.PAUSED

    act(world, ActKind.PAUSE)
    assert world.step(DAY).preview().verdict.reason.startswith("ada paused it at 2026-11-16T12:00:00Z")


def test_a_push_ends_a_pause_so_it_can_be_paused_again() -> None:
    world = begun(lived())
    act(world, ActKind.PAUSE)
    world.step(HOUR).put(asked(head_seen_at=world.now, head_sha="f" * 40))
    assert world.step().state() is State.ACTIVE

    world.now += HOUR
    act(world, ActKind.PAUSE)
    assert world.step().state() is State.PAUSED


def test_a_resume_wakes_what_a_person_paused_even_before_the_pause_was_decided_on() -> None:
    world = begun(lived())
    act(world, ActKind.PAUSE)
    said = act(world, ActKind.RESUME)

    assert outcome(said) == "it is resumed"
    assert world.step().state() is State.ACTIVE
    act(world, ActKind.PAUSE)
    assert world.step().state() is State.PAUSED


def test_a_resume_wakes_what_nobody_has_used_for_as_long_as_the_plan_says() -> None:
    world = begun(with_plan({"pause_after": "12h"})).step(13 * HOUR)
    assert world.state() is State.PAUSED

    act(world, ActKind.RESUME)
    assert world.step(11 * HOUR).state() is State.ACTIVE
    assert world.step(HOUR).state() is State.PAUSED


def test_what_is_awake_cannot_be_resumed() -> None:
    assert refusal(begun(lived()), ActKind.RESUME) == "it is not paused, so there is nothing to resume"


# Extending


def test_an_extension_adds_what_the_plan_says() -> None:
    world = begun(with_plan(ENDS | {"expire_after": "1d", "extend": "3d"}))
    said = act(world, ActKind.EXTEND)

    assert said.until == MONDAY + 3 * DAY
    assert outcome(said) == "it stays until 2026-11-19T09:00:00Z at least"
    assert world.step().preview().verdict.ends_at == MONDAY + 3 * DAY


def test_an_extension_of_an_announced_end_starts_its_announcement_over() -> None:
    world = begun(with_plan(ENDS)).step(7 * DAY - HOUR)
    assert world.life().announced

    act(world, ActKind.EXTEND, 2 * DAY)
    assert world.step().life().announced is None
    assert world.life().ends_at == MONDAY + 9 * DAY - HOUR


def test_no_extension_goes_beyond_the_greatest_age() -> None:
    world = begun(with_plan(ENDS))

    assert act(world, ActKind.EXTEND, 365 * DAY).until == MONDAY + 30 * DAY
    assert refusal(world.step(), ActKind.EXTEND) == (
        "it reaches its maximum age (max_age) at 2026-12-16T09:00:00Z, and no extension goes beyond. "
        "Once it has ended, run preview-plugin ask"
    )


def test_what_ends_by_its_age_alone_cannot_be_extended() -> None:
    assert refusal(begun(with_plan({"max_age": "30d"})), ActKind.EXTEND).startswith("it reaches its maximum age")


def test_an_extension_must_move_the_end() -> None:
    world = begun(with_plan(ENDS))
    reason = "it stays until 2026-11-23T09:00:00Z anyway, which is not before 2026-11-23T09:00:00Z. Name a longer time"

    assert refusal(world, ActKind.EXTEND, 7 * DAY) == reason
    assert act(world, ActKind.EXTEND, 7 * DAY + HOUR).until == MONDAY + 7 * DAY + HOUR


def test_an_extension_counts_although_a_caller_keeps_the_preview_alive_for_longer() -> None:
    """The caller's pull request may be closed tomorrow."""
    world = with_plan(ENDS, {"orders": {}, "shop": {"depends_on": ["orders"]}})
    world.put(asked(2, at=MONDAY + 5 * DAY, config="version: 1\ndependencies: {orders: pr:1}"), "acme/shop")
    begun(world).step(5 * DAY)
    world.step()
    assert world.preview().verdict.ends_at == MONDAY + 12 * DAY

    act(world, ActKind.EXTEND, 5 * DAY)
    world.remove(2, "acme/shop")
    world.step().step()
    assert world.preview().verdict.ends_at == MONDAY + 10 * DAY


@pytest.mark.parametrize("labels", [("preview",), ("preview", "forever")])
def test_what_never_ends_cannot_be_extended(labels: tuple[str, ...]) -> None:
    plan = {"expire_after": "7d", "keep": "forever"} if "forever" in labels else {"pause_after": "1h"}

    assert refusal(begun(with_plan(plan), labels=labels), ActKind.EXTEND) == (
        "it never ends by itself, so there is nothing to extend"
    )


def test_while_an_edit_that_shortens_lives_waits_the_longer_end_is_extended() -> None:
    world = begun(with_plan({"expire_after": "7d"}))
    world.threshold = world.threshold._replace(number=0, percent=0)
    world.catalog = with_plan({"expire_after": "1d"}).catalog
    world.step()
    assert world.current.known.ends
    assert world.preview().verdict.ends_at == MONDAY + 7 * DAY

    assert refusal(world, ActKind.EXTEND, 2 * DAY).startswith("it stays until 2026-11-23T09:00:00Z anyway")
    assert act(world, ActKind.EXTEND, 8 * DAY).until == MONDAY + 8 * DAY


# Asking again


def test_asking_brings_back_what_has_expired_and_starts_a_new_age() -> None:
    world = begun(with_plan(ENDS))
    while world.state() is not State.EXPIRED:
        world.step(DAY)
    assert refusal(world, ActKind.PAUSE).startswith("it is expired, so there is nothing to pause: nobody did anything")
    assert refusal(world, ActKind.RESUME).startswith("it is expired, so there is nothing to resume: nobody did")
    assert refusal(world, ActKind.EXTEND).startswith("it is expired, so there is nothing to extend: nobody did")

    said = act(world, ActKind.ASK)
    assert outcome(said) == "it was asked for again, which starts a new age"
    assert world.step().state() is State.ACTIVE
    assert world.life().asked_at == said.at == world.now


def test_asking_for_what_sleeps_wakes_it_and_starts_a_new_age() -> None:
    world = begun(with_plan(ENDS))
    act(world, ActKind.PAUSE)
    world.step(DAY)

    act(world, ActKind.ASK)
    assert world.step().state() is State.ACTIVE
    assert world.life().ends_at == world.now + 7 * DAY
    assert act(world, ActKind.EXTEND, 365 * DAY).until == world.now + 30 * DAY


def test_asking_for_what_is_there_or_on_its_way_means_nothing() -> None:
    world = lived(limits={"total": 0})
    begun(world)

    assert refusal(world, ActKind.ASK).startswith("it was asked for already, but it is queued: pull requests get")
    assert (
        refusal(begun(lived()), ActKind.ASK) == "it is active already. To keep it for longer, run preview-plugin extend"
    )
    draft = begun(lived({"orders": {"drafts": False}}), draft=True)
    assert refusal(draft, ActKind.ASK) == "it was asked for already, but it is skipped: it is a draft"


# When


def test_without_a_time_at_which_it_was_asked_for_nothing_can_be_said() -> None:
    world = begun(with_plan(ENDS), events=None)

    for kind in (ActKind.ASK, ActKind.PAUSE, ActKind.RESUME, ActKind.EXTEND):
        assert refusal(world, kind).startswith("nobody knows yet when it was asked for")


def test_an_act_comes_after_everything_that_was_known_however_late_its_clock_is() -> None:
    world = begun(with_plan(ENDS))
    world.now -= HOUR

    assert act(world, ActKind.PAUSE).at > MONDAY
    assert act(world, ActKind.RESUME).at > MONDAY
    assert world.step().state() is State.ACTIVE


def test_an_act_replaces_one_of_an_earlier_age_whose_clock_was_ahead() -> None:
    world = begun(lived())
    earlier = Act(ActKind.PAUSE, "orders/1", "bob", MONDAY + DAY, asked_at=MONDAY - DAY)
    known = world.current.known
    world.current = replace(world.current, known=replace(known, acts={(earlier.kind, earlier.subject): earlier}))

    assert act(world, ActKind.PAUSE).replaces(earlier)


SAID = st.tuples(
    st.timedeltas(timedelta(0), 9 * DAY), st.sampled_from([*ActKind][1:]), st.timedeltas(10 * HOUR, 40 * DAY)
)


@given(st.lists(SAID, max_size=6))
def test_what_is_accepted_happens_and_what_is_refused_changes_nothing(history: list[Any]) -> None:
    world = begun(with_plan(ENDS | {"pause_after": "2d"}))
    for pause, kind, span in history:
        world.step(pause)
        before = world.current.known.acts
        found = tell(world, kind, span)
        if isinstance(found, Refusal):
            assert world.current.known.acts is before
            continue
        world.step()
        if kind is ActKind.EXTEND:
            ends_at = world.life().ends_at
            assert found.until is not None
            assert ends_at is not None
            assert found.until <= ends_at
        else:
            assert world.state() is (State.PAUSED if kind is ActKind.PAUSE else State.ACTIVE)

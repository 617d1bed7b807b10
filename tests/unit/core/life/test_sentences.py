"""Every reason is one line that a developer understands who has read no docs, and ends with what would change it."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from plugin.core.config.messages import MAX_LENGTH
from plugin.core.facts.acts import ActKind
from plugin.core.facts.lives import State
from plugin.core.facts.model import Events
from plugin.core.life.sentences import MOST, cut, sentences
from tests.builders import MONDAY
from tests.lives import DAY, HOUR, NEXT, Lived, asked, begun, lived, with_plan

OWNER, LONG = "o" * 39, "n" * 99
CHECK = "build and push the image / " + "c" * 200
WAKE = "To wake it, push a commit, or run preview-plugin resume"
KEEP = "unless somebody pushes a commit, or runs preview-plugin extend"
AGAIN = 'take the label "preview" off and put it on again'
LABEL = 'it has the label "preview"'


def active() -> Lived:
    return begun({"pause_after": "12h"})


def idle() -> Lived:
    return active().step(DAY)


def at_night() -> Lived:
    return begun({"hours": "Mon-Fri 07:00-20:00 UTC"}).step(12 * HOUR)


def outside_many_hours() -> Lived:
    hours = ", ".join(["Mon 07:00-08:00 America/Argentina/ComodRivadavia"] * 50)
    return begun({"hours": hours, "expire_after": "3d", "warn": "3d"}).step(5 * HOUR)


def paused_by_somebody() -> Lived:
    story = begun({"expire_after": "9d"})
    story.now += HOUR
    story.act(ActKind.PAUSE, by="g" * 999)
    return story.step()


def ending() -> Lived:
    return begun({"expire_after": "2d"}).step(44 * HOUR)


def ending_asleep() -> Lived:
    return begun({"expire_after": "2d", "pause_after": "2h"}).step(44 * HOUR)


def ending_by_age() -> Lived:
    return begun({"max_age": "2d"}).step(44 * HOUR)


def called(plan: Mapping[str, Any], caller: str = "acme/shop", **orders: Any) -> Lived:
    """A preview that is older than the one that calls it."""
    services = {"shop": {"repository": caller, "depends_on": ["orders"]}, "orders": orders}
    story = with_plan(plan, services)
    story.now = MONDAY - DAY
    labels = tuple(orders["labels"]["require"]) if orders else ("preview",)
    story.put(asked(at=story.now, labels=labels))
    story.ready = {(name, asked().head_sha): True for name in services}
    story.step()
    story.now = MONDAY
    story.put(asked(7, config="{version: 1, dependencies: {orders: pr:1}}"), caller)
    story.step()
    return story.step()


def awake_for_a_caller() -> Lived:
    return called({"pause_after": "12h", "expire_after": "9d"})


def ending_with_a_caller() -> Lived:
    return called({"expire_after": "2d"}, f"{OWNER}/{LONG}").step(44 * HOUR)


def everything_at_once() -> Lived:
    """Everything that can be said about an active preview, and all names as long as they can be."""
    plan = {"ready_when": {"check": CHECK}, "pause_after": "12h", "expire_after": "2d"}
    story = called(plan, f"{OWNER}/{LONG}", labels={"require": ["l" * 49, "m" * 49]})
    story.step(44 * HOUR)
    story.act(ActKind.RESUME, "shop/7")
    story.put(asked(at=MONDAY - DAY, labels=("l" * 49, "m" * 49), head_sha=NEXT))
    return story.step()


def older_commit_runs(gate: Mapping[str, Any]) -> Lived:
    story = begun({"ready_when": gate})
    story.ready = {("orders", asked().head_sha): True}
    story.step()
    return story.push()


def waiting(gate: Mapping[str, Any]) -> Lived:
    return begun({"ready_when": gate})


def queued(**limits: int) -> Lived:
    story = lived(limits=limits)
    story.now = MONDAY
    for number in (3, 2, 1):
        story.put(asked(number, MONDAY - number * HOUR, author="a" * 39 + "[bot]" * ("per_bot" in limits)))
    story.step()
    story.put(asked(1, author="a" * 39 + "[bot]" * ("per_bot" in limits)))
    return story


def expired(**plan: str) -> Lived:
    return begun(plan).pass_time(4 * DAY)


def expired_without_labels() -> Lived:
    story = lived({"orders": {"labels": {"require": []}}}, defaults={"lifecycle": {"expire_after": "2d"}})
    story.now = MONDAY
    story.put(asked(events=Events(MONDAY)))
    return story.step().pass_time(3 * DAY)


def expired_with_a_long_label() -> Lived:
    label = "l" * 400
    story = lived({"orders": {"labels": {"require": [label]}}}, defaults={"lifecycle": {"expire_after": "2d"}})
    story.now = MONDAY
    story.put(asked(labels=(label,), events=Events(MONDAY, {label: MONDAY})))
    return story.step().pass_time(3 * DAY)


REASONS: list[tuple[Callable[[], Lived], State, str, str]] = [
    (active, State.ACTIVE, LABEL, LABEL),
    (idle, State.PAUSED, "nobody has used it since 2026-11-16T09:00:00Z.", WAKE),
    (at_night, State.PAUSED, "it is outside Mon-Fri 07:00-20:00 UTC, until 2026-11-17T07:0", WAKE),
    (outside_many_hours, State.PAUSED, "it is outside Mon 07:00-08:00 America/Arg", KEEP),
    (paused_by_somebody, State.PAUSED, "gggg", WAKE),
    (ending, State.ACTIVE, f"{LABEL}. It ends at 2026-11-18T09:00:00Z ", KEEP),
    (ending_asleep, State.PAUSED, f"nobody has used it since 2026-11-16T09:00:00Z. {WAKE}. It ends at ", KEEP),
    (
        ending_by_age,
        State.ACTIVE,
        f"{LABEL}. It ends at 2026-11-18T09:00:00Z, because it reaches its maximum age. ",
        AGAIN,
    ),
    (
        awake_for_a_caller,
        State.ACTIVE,
        f"{LABEL}. It is awake because acme/shop#7 calls it. It lives as long as",
        "calls it",
    ),
    (ending_with_a_caller, State.ACTIVE, f"{LABEL}. It ends at 2026-11-18T09:00:00Z together with {OWNER}/", KEEP),
    (everything_at_once, State.ACTIVE, "It ends at 2026-11-18T09:00:00Z together with ", KEEP),
    (
        lambda: older_commit_runs({"check": "ci"}),
        State.ACTIVE,
        f'{LABEL}. Commit 01234567 runs until the check "ci" has succeeded for',
        "the newer commit bbbbbbbb",
    ),
    (
        lambda: older_commit_runs({"image": True}),
        State.ACTIVE,
        f"{LABEL}. Commit 01234567 runs until there is an image of",
        "the newer commit bbbbbbbb",
    ),
    (lambda: waiting({"check": CHECK}), State.WAITING, 'the check "build and push the image / cc', "or push a fix"),
    (lambda: waiting({"image": True}), State.WAITING, "there is no image of commit 01234567 yet.", "or push a fix"),
    (lambda: queued(total=2), State.QUEUED, "only 2 pull requests may have", "once one of them is closed or ends"),
    (lambda: queued(per_repository=1), State.QUEUED, "only 1 pull request of acme/", "that one is closed or ends"),
    (lambda: queued(per_author=1), State.QUEUED, "only 1 pull request of aaa", "once that one is closed or ends"),
    (lambda: queued(per_bot=0), State.QUEUED, "pull requests of aaa", "Ask the platform team to raise it"),
    (lambda: expired(expire_after="2d"), State.EXPIRED, "nobody did anything with it after 2026-11-16T09:", AGAIN),
    (lambda: expired(max_age="2d"), State.EXPIRED, "it was asked for at 2026-11-16T09:00:00Z", AGAIN),
    (expired_without_labels, State.EXPIRED, "nobody did anything with it", "or run preview-plugin ask"),
    (expired_with_a_long_label, State.EXPIRED, "nobody did anything with it", '…" off and put it on again'),
]


@pytest.mark.parametrize(("tell", "state", "begins", "ends"), REASONS)
def test_a_reason_is_one_line_and_ends_with_what_would_change_it(
    tell: Callable[[], Lived], state: State, begins: str, ends: str
) -> None:
    verdict = tell().preview().verdict

    assert verdict.state is state
    assert verdict.reason.startswith(begins)
    assert verdict.reason.endswith(ends)
    assert len(verdict.reason) <= MAX_LENGTH
    assert "\n" not in verdict.reason


def test_sentences_that_are_too_long_together_lose_the_first_ones() -> None:
    one, two, three = ("a" * 120, "b" * 120, "c" * 120)

    assert sentences(one, "", two) == f"{one}. {two}"
    assert sentences(one, two, three) == f"{two}. {three}"
    assert sentences("", "") == ""
    assert sentences(one, "d" * 400) == "d" * 299 + "…"


def test_long_names_are_cut() -> None:
    assert cut("a" * MOST) == "a" * MOST
    assert cut("a" * (MOST + 1)) == "a" * (MOST - 1) + "…"

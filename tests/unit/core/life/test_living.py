"""All lives together, over histories that nobody would think of."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from plugin.core.answers.filters import EVERYTHING
from plugin.core.config.catalog import Catalog
from plugin.core.config.names import folded
from plugin.core.config.references import Locator
from plugin.core.facts.acts import ActKind
from plugin.core.facts.found import Found
from plugin.core.facts.lives import Life, Lives, State
from plugin.core.facts.traffic import Used, quantised
from plugin.core.life.living import NOBODY, live_on
from plugin.mirror.current import Current
from tests.histories import MINUTE, Move, catalogs, come_to_rest, fork, histories, lived_by, lives, openings, played
from tests.lives import HOUR
from tests.strategies import EXAMPLES

SECOND = timedelta(seconds=1)
OFTEN = settings(max_examples=EXAMPLES)
Place = tuple[str, str]  # a repository, folded, and the preview's key


def calls(current: Current) -> list[tuple[str, str]]:
    return [call for part in current.decision.parts.values() for call in part.calls] if current.decision else []


def judged_anew(before: Current, after: Current, now: datetime, order: st.DataObject | None = None) -> Lives:
    """Judge everything again, as it was judged on the way to a version, but at another time or in another order."""
    ends, catalog = after.known.ends, after.known.catalog
    calling = [*calls(before), *(ends.calls if ends else ())]
    inputs = {name: part.settled.own.inputs for name, part in after.living.parts.items()}
    for name, each in inputs.items():
        stamp = each.circumstances.stamp and now
        inputs[name] = replace(each, circumstances=replace(each.circumstances, now=now, stamp=stamp))
    if order:
        calling = order.draw(st.permutations(calling))
        inputs = dict(order.draw(st.permutations(list(inputs.items()))))
        for name, each in inputs.items():
            pull_requests = tuple(order.draw(st.permutations(each.repository.pull_requests)))
            acts = dict(order.draw(st.permutations(list(each.acts.items()))))
            inputs[name] = replace(each, repository=replace(each.repository, pull_requests=pull_requests), acts=acts)
    assert catalog
    return live_on(catalog, inputs, calling, ends.accepted if ends else {}, NOBODY).lives


def live(current: Current) -> set[Place]:
    """What the last answer had."""
    answered = current.known.live.by_repository if current.known.live else {}
    return {(folded(name), preview.key) for name, previews in answered.items() for preview in previews}


def remembered(current: Current) -> dict[Place, Life]:
    return {(folded(name), key): life for name, each in current.known.lives.items() for key, life in each.items()}


@OFTEN
@given(catalogs, histories, st.data())
def test_lives_follow_from_facts_acts_and_the_moment_alone(
    catalog: Catalog, history: list[Move], data: st.DataObject
) -> None:
    """Neither the order of anything matters, nor how it was judged before."""
    story = lived_by(catalog)
    for before, after in played(story, history):
        assert judged_anew(before, after, story.now, data) == after.living.lives


@OFTEN
@given(catalogs, histories, st.lists(st.integers(1, 3 * 24 * 60), max_size=20))
def test_nothing_changes_before_the_next_moment_at_which_something_can(
    catalog: Catalog, history: list[Move], minutes: list[int]
) -> None:
    story = lived_by(catalog)
    for _ in played(story, history):
        before = come_to_rest(story)
        next_at = story.current.living.next_at or story.now + timedelta(days=365)
        assert next_at > story.now
        for moment in (*(story.now + number * MINUTE for number in (1, 8, 15, *minutes)), next_at - SECOND):
            if story.now <= moment < next_at:
                assert judged_anew(before, story.current, moment) == story.current.living.lives


@OFTEN
@given(catalogs, histories)
def test_what_the_last_answer_had_never_waits_and_never_queues(catalog: Catalog, history: list[Move]) -> None:
    story = lived_by(catalog)
    for before, after in played(story, history):
        now = remembered(after)
        stayed = {place: now[place].state for place in live(before) if place in now}
        assert not {State.WAITING, State.QUEUED} & set(stayed.values()), stayed


@OFTEN
@given(catalogs, histories)
def test_nobody_is_admitted_beyond_a_limit(catalog: Catalog, history: list[Move]) -> None:
    """More can be live than a limit allows, if they were live before it was lowered."""
    story = lived_by(catalog)
    for before, after in played(story, history):
        groups = Counter(group for locator in pull_requests(after) for group in groups_of(after, locator))
        for locator in pull_requests(after) - pull_requests(before):
            assert all(groups[group] <= group[2] for group in groups_of(after, locator) if group[2] is not None)


def pull_requests(current: Current) -> set[Locator]:
    """Those with live previews."""
    return {
        Locator(folded(name), preview.pull_request.number)
        for name, previews in (current.decision.live.items() if current.decision else ())
        for preview in previews.values()
    }


def groups_of(current: Current, locator: Locator) -> list[tuple[str, str, int | None]]:
    """The groups that a pull request belongs to, with the limit on each."""
    assert current.known.catalog
    limits = current.known.catalog.limits
    names = {folded(name): each for name, each in current.known.snapshot.repositories.items()}
    author = names[locator.repository].by_number[locator.number].author
    return [
        ("total", "", limits.total),
        ("repository", locator.repository, limits.per_repository),
        ("author", author, limits.per_bot if author.endswith("[bot]") else limits.per_author),
    ]


@OFTEN
@given(catalogs, histories, openings((9,)))
def test_a_pull_request_never_changes_what_was_decided_on_earlier_ones_except_that_its_links_keep_alive(
    catalog: Catalog, history: list[Move], opening: Move
) -> None:
    story = lived_by(catalog)
    for _ in played(story, history):
        pass
    story.doubts = {}
    come_to_rest(story)
    other = fork(story)
    opening.do(other)
    come_to_rest(other)
    one, two = lives(story.current), lives(other.current)
    called = {callee for caller, callee in calls(other.current) if caller.endswith("/9")}
    while more := {callee for caller, callee in calls(other.current) if caller in called} - called:
        called |= more

    assert {key: life for key, life in one.items() if key not in called} == {
        key: two[key] for key in one if key not in called
    }
    for key in called & one.keys():
        assert two[key].state in (one[key].state, State.ACTIVE)
        assert is_later(two[key].ends_at, one[key].ends_at)


def is_later(one: datetime | None, other: datetime | None) -> bool:
    """Tell whether an end is not sooner than another one; None is never."""
    return one is None or (other is not None and one >= other)


@OFTEN
@given(catalogs, histories, st.lists(st.integers(1, 200), min_size=3, max_size=6), st.data())
def test_neither_time_nor_traffic_ever_brings_an_expired_preview_back(
    catalog: Catalog, history: list[Move], hours: list[int], data: st.DataObject
) -> None:
    story = lived_by(catalog)
    for _ in played(story, history):
        pass
    expired = {place for place, life in remembered(story.current).items() if life.state is State.EXPIRED}
    for after in hours:
        if data.draw(st.booleans()):
            names = frozenset(f"{story.catalog.prefix}-{key.replace('/', '-')}" for _, key in expired)
            story.found = Found(used=Used(names, quantised(story.now)))
        story.step(after * HOUR)
        now = remembered(story.current)
        assert {now[place].state for place in expired} <= {State.EXPIRED}


@OFTEN
@given(catalogs, histories, st.data())
def test_pausing_and_resuming_change_nothing_but_whether_it_sleeps(
    catalog: Catalog, history: list[Move], data: st.DataObject
) -> None:
    story = lived_by(catalog)
    for _ in played(story, history):
        pass
    story.found = Found()  # traffic counts only for those that are awake
    come_to_rest(story)
    keys = sorted(key for key, life in lives(story.current).items() if life.state.live)
    assume(keys and story.current.known.hold is None)
    other = fork(story)
    story.now = other.now = story.now + MINUTE
    other.act(data.draw(st.sampled_from([ActKind.PAUSE, ActKind.RESUME])), data.draw(st.sampled_from(keys)))
    come_to_rest(story)
    come_to_rest(other)

    assert but_for_sleep(other.current) == but_for_sleep(story.current)


def but_for_sleep(current: Current) -> list[Mapping[str, Any]]:
    """What templates get, without what a pause changes."""
    parameters = current.parameters(EVERYTHING)
    assert parameters
    return [each | dict.fromkeys(("replicas", "state", "state_reason")) for each in json.loads(parameters)]


@OFTEN
@given(catalogs, histories)
def test_nothing_expires_that_was_not_announced_for_long_enough_and_looked_up(
    catalog: Catalog, history: list[Move]
) -> None:
    story = lived_by(catalog)
    announced: dict[tuple[Place, datetime], datetime] = {}  # when each end was shown first
    for before, after in played(story, history):
        assert after.known.catalog
        ended = {
            place for place, life in remembered(after).items() if life.state is State.EXPIRED and place in live(before)
        }
        for place in ended:
            was = remembered(before)[place]
            warn = after.known.catalog.services[place[1].partition("/")[0]].lifecycle.warn
            assert was.announced
            assert story.now >= announced[place, was.announced.end] + warn
            assert story.now >= was.announced.end
            assert story.agreed
            assert story.confirms
            assert place[0] not in story.doubts
            by_age = remembered(after)[place].expired
            assert by_age
            for caller, callee in calls(before):
                if callee == place[1] and not by_age.by_age:
                    assert caller not in {key for _, key in live(after)}
        for place, life in remembered(after).items():
            if life.announced:
                announced.setdefault((place, life.announced.end), story.now)

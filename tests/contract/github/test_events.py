"""Events: when people did something, by times that an author cannot forge."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from plugin.core.facts.model import Events
from plugin.core.facts.seen import with_seen
from plugin.sources.file import LONG_AGO
from tests.contract.github.reader import LATER, Reader
from tests.fakes.github import Event, Intercept, faults
from tools.github_schema import EXAMPLES

MINUTE = timedelta(minutes=1)
TIMELINE = 100  # how many events GitHub shows at most


def labelled(label: str, at: datetime) -> Event:
    return Event("LabeledEvent", at, label)


def events(reader: Reader, number: int = 12) -> Events:
    found = reader.pull_request(number).events
    assert found
    return found


def absorbed(reader: Reader, number: int = 12) -> Events:
    """Read, and return the events as they are known then."""
    before = reader.pull_request(number)
    assert reader.read() == {}
    after = with_seen(reader.pull_request(number), before, first_reading=False)
    assert after.events
    return after.events


def test_events_come_with_the_description(reader: Reader) -> None:
    reader.change(
        "acme/orders",
        12,
        labels=("preview", "Keep"),
        created_at=LONG_AGO - MINUTE,
        labelled_at={"preview": LONG_AGO + MINUTE, "Keep": LONG_AGO + 2 * MINUTE},
        reopened_at=LONG_AGO + 3 * MINUTE,
        updated_at=LATER,
    )
    assert reader.read() == {}

    assert reader.asked() == ["Probe", "List", "Details"]
    assert events(reader) == Events(
        LONG_AGO - MINUTE,
        {"preview": LONG_AGO + MINUTE, "keep": LONG_AGO + 2 * MINUTE},
        LONG_AGO + 3 * MINUTE,
    )


def test_of_several_events_the_newest_counts(reader: Reader) -> None:
    reader.github.happen(
        "acme/orders",
        12,
        labelled("Preview", LATER),
        labelled("preview", LATER - MINUTE),
        Event("ReopenedEvent", LATER + MINUTE),
        Event("ReadyForReviewEvent", LATER + 2 * MINUTE),
        Event("ConvertToDraftEvent", LATER + 3 * MINUTE),
        Event("HeadRefForcePushedEvent", LATER + 4 * MINUTE),
    )
    reader.change("acme/orders", 12, updated_at=LATER)

    assert absorbed(reader) == Events(LONG_AGO, {"preview": LATER}, LATER + 2 * MINUTE)


def test_events_are_known_though_the_timeline_forgot_them(reader: Reader) -> None:
    reader.change("acme/orders", 12, labelled_at={"preview": LATER}, reopened_at=LATER, updated_at=LATER)
    reader.read()
    reader.github.happen("acme/orders", 12, *(labelled(f"l{i}", LATER + MINUTE) for i in range(TIMELINE)))
    reader.change("acme/orders", 12, updated_at=LATER + MINUTE)

    assert absorbed(reader) == Events(LONG_AGO, {"preview": LATER}, LATER)
    assert events(reader).labelled_at.keys() == {f"l{i}" for i in range(TIMELINE)}  # which is all that GitHub showed


def test_events_are_read_again_only_if_the_pull_request_was_updated(reader: Reader) -> None:
    before = events(reader)
    reader.github.happen("acme/orders", 12, labelled("preview", LATER))
    reader.read("acme/orders")
    assert reader.asked() == ["Probe", "List"]
    assert events(reader) == before

    reader.change("acme/orders", 12, updated_at=LATER)
    reader.read()
    assert events(reader).labelled_at == {"preview": LATER}


def test_a_state_of_an_older_version_gets_its_events_once(reader: Reader) -> None:
    orders = reader.known["acme/orders"]
    old = tuple(replace(pull_request, events=None) for pull_request in orders.pull_requests)
    reader.known["acme/orders"] = replace(orders, pull_requests=old)
    reader.restart()

    assert reader.read() == {}
    assert reader.asked() == ["Probe", "List", "Details"]
    assert reader.known["acme/orders"] == orders
    assert reader.read() == {}
    assert reader.asked() == ["Probe"]


def test_a_label_with_another_name_gets_the_time_of_its_event(reader: Reader) -> None:
    # Which leaves the time of the last change as it was.
    reader.change("acme/orders", 12, labels=("preview", "renamed"), labelled_at={"renamed": LATER})
    reader.read("acme/orders")

    assert events(reader).labelled_at["renamed"] == LATER


def test_an_event_whose_label_was_deleted_disturbs_nobody(reader: Reader) -> None:
    reader.github.happen("acme/orders", 12, labelled("wip", LATER), labelled("preview", LATER))
    reader.change("acme/orders", 12, updated_at=LATER)
    reader.github.delete_label("acme/orders", "wip")

    assert absorbed(reader) == Events(LONG_AGO, {"preview": LATER})
    assert reader.unread() == {}


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(faults.nested_error("nodes", 0, "timelineItems"), id="the timeline"),
        pytest.param(faults.nested_error("nodes", 0, "timelineItems", "nodes"), id="the list of events"),
        pytest.param(faults.nested_error("nodes", 0, "createdAt"), id="when it was created"),
        pytest.param(
            faults.spoiled(lambda answer: answer["data"]["nodes"][0].update(timelineItems=None)), id="null timeline"
        ),
        pytest.param(
            faults.spoiled(lambda answer: answer["data"]["nodes"][0].update(timelineItems={"nodes": [{}]})),
            id="an event without content",
        ),
        pytest.param(
            faults.spoiled(lambda answer: answer["data"]["nodes"][0].update(createdAt="yesterday")), id="no time"
        ),
    ],
)
def test_a_pull_request_whose_events_github_hides_stays_as_it_was(reader: Reader, fault: Intercept) -> None:
    before = len(reader.numbers())
    for number in (12, 15):
        reader.change("acme/orders", number, title="New", updated_at=LATER)
    reader.github.intercept = faults.on("Details", fault)
    assert reader.read() == {}

    assert reader.unread().keys() == {12}
    assert len(reader.numbers()) == before - 1
    assert reader.pull_request(15).title == "New"


@pytest.mark.parametrize("place", [(0,), (0, "label"), (0, "createdAt"), (0, "label", "name")], ids=str)
def test_an_event_that_github_hides_is_left_out_alone(reader: Reader, place: tuple[str | int, ...]) -> None:
    reader.github.happen("acme/orders", 12, Event("ReopenedEvent", LATER))
    reader.change("acme/orders", 12, updated_at=LATER)
    reader.github.intercept = faults.on("Details", faults.nested_error("nodes", 0, "timelineItems", "nodes", *place))

    assert absorbed(reader) == Events(LONG_AGO, {"preview": LONG_AGO}, LATER)
    assert reader.unread() == {}


@pytest.mark.parametrize("forgeable", ["committedDate", "authoredDate", "pushedDate", "startedAt", "completedAt"])
def test_times_that_an_author_can_forge_are_never_asked_for(forgeable: str) -> None:
    assert all(forgeable not in query.text for query in EXAMPLES.values())

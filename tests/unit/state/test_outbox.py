"""Entries of the outbox."""

from dataclasses import replace

import pytest
from hypothesis import given
from structlog.testing import capture_logs

from plugin.core.commands.answer import NOTHING, Note
from plugin.core.reports.budget import Budget
from plugin.core.reports.steps import Standing
from plugin.state.entries import Name
from plugin.state.outbox import (
    BUDGET,
    NOTE,
    SINCE,
    STANDING,
    Sent,
    entry,
    read_sent,
)
from tests.builders import MONDAY
from tests.store_promises import COMMAND, COMMENT, DEPLOYMENT
from tests.unit.state.test_records import anything


@given(anything(Standing))
def test_whatever_stands_is_read_as_it_was_written(standing: Standing) -> None:
    name = Name(STANDING, standing.target.key)

    assert read_sent([(name, entry(STANDING, standing))]) == Sent(Budget(), {standing.target: standing})


@given(anything(Note))
def test_whatever_is_left_to_do_for_a_command_is_read_as_it_was_written(note: Note) -> None:
    assert read_sent([(Name(NOTE, note.key), entry(NOTE, note))]) == Sent(Budget(), {}, {note.key: note})


@given(anything(Budget))
def test_a_budget_is_read_as_it_was_written(budget: Budget) -> None:
    assert read_sent([(Name(BUDGET), entry(BUDGET, budget))]) == Sent(budget)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        (Name(STANDING, "status:acme/orders#1:orders"), b"{"),
        (Name(STANDING, "status:acme/orders#1:orders"), b'{"target": 5}'),
        (Name(STANDING, "status:acme/orders#1:orders"), entry(STANDING, COMMENT)),  # of another target
        (Name(SINCE), b'"yesterday"'),
        (Name("invented", ""), b"{}"),
    ],
)
def test_an_unreadable_entry_is_logged_and_left_out(name: Name, data: bytes) -> None:
    with capture_logs() as logs:
        sent = read_sent([(name, data), (Name(STANDING, DEPLOYMENT.target.key), entry(STANDING, DEPLOYMENT))])

    assert sent == Sent(Budget(), {DEPLOYMENT.target: DEPLOYMENT})
    (line,) = logs
    assert (line["kind"], line["log_level"]) == (name.kind, "error")


@pytest.mark.parametrize(
    "data", [b"{", b'{"comment": 5}', entry(NOTE, COMMAND)], ids=["no JSON", "a shape", "another's"]
)
def test_with_an_unreadable_command_nobody_knows_since_when_comments_count(data: bytes) -> None:
    entries = [(Name(SINCE), entry(SINCE, MONDAY)), (Name(NOTE, COMMAND.key), entry(NOTE, COMMAND))]
    assert read_sent(entries) == Sent(notes={COMMAND.key: COMMAND}, since=MONDAY)
    with capture_logs() as logs:
        sent = read_sent([*entries, (Name(NOTE, "IC_2"), data)])

    assert sent == Sent(notes={COMMAND.key: COMMAND}, since=None, unreadable=("IC_2",))
    assert sent.with_note("IC_2", None).unreadable == ()
    assert [line["kind"] for line in logs] == [NOTE]


def test_a_target_is_replaced_or_forgotten() -> None:
    sent = Sent().with_standing(COMMENT.target, COMMENT).with_standing(DEPLOYMENT.target, DEPLOYMENT)
    unsure = replace(COMMENT, unsure_since=MONDAY)

    assert sent.with_standing(COMMENT.target, unsure).standings == {
        COMMENT.target: unsure,
        DEPLOYMENT.target: DEPLOYMENT,
    }
    assert sent.with_standing(COMMENT.target, None).standings == {DEPLOYMENT.target: DEPLOYMENT}


def test_a_command_is_replaced_or_forgotten() -> None:
    sent = Sent().with_note(COMMAND.key, COMMAND)
    done = replace(COMMAND, left=NOTHING)

    assert sent.with_note(COMMAND.key, done).notes == {COMMAND.key: done}
    assert sent.with_note(COMMAND.key, None) == Sent()

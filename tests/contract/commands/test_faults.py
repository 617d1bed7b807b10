"""Commands while something fails: each is obeyed once, or not at all."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from plugin.core.commands.deciding import DENIALS, OVERRULED
from plugin.core.facts.acts import ActKind
from plugin.state import Outdated
from tests.contract.commands.stage import FORK, LABELLED, UNLABELLED, Stage, staged
from tests.contract.report.stage import Killed, lost
from tests.fakes.github import Request
from tests.fakes.github.wire import Response, error
from tests.fakes.github.written import Comment

PERMISSION = "GET /repos/acme/orders/collaborators/ada/permission"
LABEL = "POST /repos/acme/orders/issues/2/labels"
REPLY = "POST /repos/acme/orders/issues/1/comments"


def is_about(begins: str) -> Callable[[Request], bool]:
    return lambda request: request.operation.startswith(begins)


def fails(begins: str, response: Response) -> Callable[[Request], Response | None]:
    return lambda request: response if request.operation.startswith(begins) else None


def rest_of(stage: Stage, minutes: int) -> None:
    """Let some minutes pass."""
    for _ in range(minutes):
        stage.passes(30)
        stage.settle()


def test_repeated_deliveries_act_once(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        asking, pausing = stage.say("/preview why"), stage.say("/preview pause")
        (act,) = stage.acts()
        asked = len(stage.asked("POST"))
        for _ in range(3):
            stage.plugin.refresher.refresh(["acme/orders"])
            stage.settle()

        assert stage.acts() == [act]
        assert len(stage.asked("POST")) - asked == stage_queries(stage, asked)
        assert (len(stage.replies()), stage.reactions(asking), stage.reactions(pausing)) == (1, [], ["rocket"])


def stage_queries(stage: Stage, since: int) -> int:
    """How many of the requests since are GraphQL queries, which read."""
    return len([each for each in stage.asked("POST")[since:] if each == "POST /graphql"])


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("nth", range(1, 8))
def test_a_process_that_is_killed_while_it_stores_obeys_once(tmp_path: Path, moment: str, nth: int) -> None:
    with staged(tmp_path) as stage:
        comments = [
            stage.github.comment("acme/orders", LABELLED, "/preview pause"),
            stage.github.comment("acme/orders", UNLABELLED, "/preview"),
            stage.github.comment("acme/orders", LABELLED, "/preview why"),
        ]
        stage.refresh()
        times = iter(range(1, 100))
        stage.outbox.dies = lambda when: when == moment and next(times) == nth
        acts = []
        try:
            stage.settle()
        except Killed:
            acts = stage.acts()
            stage.outbox.dies = lambda _: False
            stage.start()
        rest_of(stage, 3)

        assert [stage.reactions(each) for each in comments] == [["rocket"], ["rocket"], []]
        assert len(stage.replies()) == 1
        assert stage.labels(UNLABELLED) == ["preview"]
        assert stage.kinds() == [ActKind.PAUSE]
        assert acts in ([], stage.acts())  # what was said before the process died was not said again


@pytest.mark.parametrize("begins", [PERMISSION, LABEL, "POST /repos/acme/orders/issues/comments", REPLY])
def test_a_lost_answer_doubles_nothing(tmp_path: Path, begins: str) -> None:
    with staged(tmp_path) as stage:
        first = iter([True])
        stage.github.intercept = lost(lambda request: is_about(begins)(request) and next(first, False))
        asking = stage.github.comment("acme/orders", UNLABELLED, "/preview")
        stage.github.comment("acme/orders", LABELLED, "/preview help")
        rest_of(stage, 4)

        assert stage.labels(UNLABELLED) == ["preview"]
        assert stage.reactions(asking) == ["rocket"]
        assert len(stage.replies()) == 1


@pytest.mark.parametrize("others", [28, 29, 30, 31, 58, 59, 60, 75])
def test_after_a_rename_there_is_no_second_reply_however_many_comments_there_are(tmp_path: Path, others: int) -> None:
    """PyGithub follows the redirect without the query, so GitHub lists the oldest comments as each page."""
    with staged(tmp_path) as stage:
        for number in range(others):
            stage.github.comment("acme/orders", LABELLED, f"comment {number}", "bob")
        stage.github.intercept = lost(is_about(REPLY))
        stage.github.comment("acme/orders", LABELLED, "/preview why", "ada")
        stage.refresh()
        while not stage.asked(REPLY):
            stage.work()
        stage.github.intercept = lambda _: None
        stage.github.rename("acme/orders", "acme/sales")
        for _ in range(60):
            stage.passes(60)
            stage.work()

        mine = [each for each in stage.github.written.of("acme/sales", LABELLED) if each.login == stage.github.login]
        assert len(mine) == 1
        assert len(stage.asked(REPLY)) == 1


@pytest.mark.parametrize("status", [403, 429, 500])
def test_a_reply_that_cannot_be_looked_for_is_not_written_again(tmp_path: Path, status: int) -> None:
    with staged(tmp_path) as stage:
        first = iter([True])
        loses = lost(lambda request: request.operation == REPLY and next(first, False))
        fault = error(status, "You have exceeded a secondary rate limit.")
        refuses = fails("GET /repos/acme/orders/issues/1/comments", fault)
        stage.github.intercept = lambda request: loses(request) or refuses(request)
        stage.say("/preview help")
        rest_of(stage, 5)
        assert len(stage.asked(REPLY)) == 1

        stage.github.intercept = None
        rest_of(stage, 10)
        assert (len(stage.replies()), len(stage.asked(REPLY))) == (1, 1)


@pytest.mark.parametrize(
    "response",
    [
        error(HTTPStatus.INTERNAL_SERVER_ERROR, "oops"),
        error(HTTPStatus.BAD_GATEWAY, "oops"),
        error(HTTPStatus.FORBIDDEN, "oops"),
        error(HTTPStatus.UNAUTHORIZED, "Bad credentials"),
        error(HTTPStatus.FORBIDDEN, "You have exceeded a secondary rate limit.", {"Retry-After": "60"}),
        Response(HTTPStatus.OK, b'{"permission": 7}'),
        Response(HTTPStatus.OK, b"<html>"),
    ],
    ids=["500", "502", "403", "401", "a limit", "another shape", "a page"],
)
def test_nobody_is_obeyed_whose_permission_is_in_doubt(tmp_path: Path, response: Response) -> None:
    with staged(tmp_path) as stage:
        stage.github.intercept = fails(PERMISSION, response)
        comment = stage.say("/preview stop")
        assert (stage.labels(), stage.reactions(comment)) == (["preview"], [])

        stage.github.intercept = None
        rest_of(stage, 5)
        assert (stage.labels(), stage.reactions(comment)) == ([], ["rocket"])


def test_a_doubt_that_lasts_for_an_hour_is_a_no(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        stage.github.intercept = fails(PERMISSION, error(HTTPStatus.BAD_GATEWAY, "oops"))
        stage.say("/preview stop")
        stage.passes(3600)
        stage.github.intercept = None
        rest_of(stage, 10)

        assert stage.labels() == ["preview"]


def test_a_right_that_was_lost_meanwhile_is_none(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        stage.say("/preview pause")
        stage.github.roles["ada"] = "read"
        comment = stage.say("/preview stop")

        assert stage.labels() == ["preview"]
        assert stage.reactions(comment) == ["-1"]


def test_a_replica_that_no_longer_polls_does_nothing(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        stage.outbox.polls = lambda: False
        stage.github.comment("acme/orders", UNLABELLED, "/preview")
        stage.refresh()
        with pytest.raises(Outdated):
            stage.settle()
        assert (stage.labels(UNLABELLED), stage.asked("POST /repos")) == ([], [])

        stage.outbox.polls = lambda: True
        stage.start()
        rest_of(stage, 1)
        assert stage.labels(UNLABELLED) == ["preview"]


@pytest.mark.parametrize("ahead", [timedelta(), timedelta(seconds=90), timedelta(seconds=-90)], ids=str)
def test_a_lost_outbox_repeats_no_command(tmp_path: Path, ahead: timedelta) -> None:
    with staged(tmp_path) as stage:
        stage.github.now = lambda: stage.now + ahead
        stage.passes(120)
        stage.say("/preview stop")
        stage.passes(30)
        stage.say("/preview")
        assert stage.labels() == ["preview"]

        stage.lose_the_outbox()
        rest_of(stage, 10)
        assert (stage.labels(), stage.replies()) == (["preview"], [])

        stage.say("/preview stop")
        assert stage.labels() == []


def test_an_unreadable_note_repeats_no_command_and_is_deleted(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        stage.say("/preview stop")
        stage.passes(30)
        stage.say("/preview")
        sent = stage.outbox.load()
        stopping = next(key for key, note in sent.notes.items() if note.comment.line == "/preview stop")
        lost = replace(sent.with_note(stopping, None), since=None, unreadable=(stopping,))
        stage.outbox.inside.load = lambda: lost  # type: ignore[method-assign]
        stage.start()
        stage.work()
        del stage.outbox.inside.load
        rest_of(stage, 2)

        assert stage.labels() == ["preview"]
        assert stage.outbox.load().since
        assert stopping not in stage.outbox.load().notes


def test_two_replicas_in_turn_obey_once(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        comments = [stage.github.comment("acme/orders", LABELLED, f"/preview {each}") for each in ("pause", "help")]
        stage.refresh()
        for _ in range(20):  # after each request another replica polls
            stage.work()
            stage.start()
            stage.refresh()

        assert stage.kinds() == [ActKind.PAUSE]
        assert [stage.reactions(each) for each in comments] == [["rocket"], []]
        assert len(stage.replies()) == 1


def test_a_replica_that_was_stopped_before_it_wrote_does_not_write_late(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        keep, slow = stage.outbox.inside.keep_note, iter([0, 600])

        def kept(*given: Any) -> None:
            keep(*given)
            stage.passes(next(slow, 0))

        stage.outbox.inside.keep_note = kept  # type: ignore[assignment,method-assign]
        stage.github.comment("acme/orders", UNLABELLED, "/preview")
        stage.refresh()
        stage.work()
        stage.work()
        assert stage.asked(LABEL) == []

        rest_of(stage, 1)
        assert stage.labels(UNLABELLED) == ["preview"]


def test_a_label_that_is_changed_while_github_refuses_ours_wins(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        stage.github.intercept = fails(LABEL, error(HTTPStatus.BAD_GATEWAY, "oops"))
        comment = stage.say("/preview", UNLABELLED)
        stage.github.relabel("acme/orders", UNLABELLED, ["preview"], by="grace")
        stage.passes(1)
        stage.github.relabel("acme/orders", UNLABELLED, (), ["preview"], by="grace")
        stage.settle()
        stage.github.intercept = None
        rest_of(stage, 5)

        assert stage.labels(UNLABELLED) == []
        assert stage.reactions(comment) == []
        (reply,) = stage.replies(UNLABELLED)
        assert OVERRULED in reply


UNLABEL = "DELETE /repos/acme/orders/issues/1/labels"


def held_up(stage: Stage) -> None:
    """Let somebody stop a preview while GitHub takes nothing, for longer than the decision is fresh."""
    stage.github.intercept = fails(UNLABEL, error(HTTPStatus.BAD_GATEWAY, "oops"))
    stage.say("/preview stop")
    rest_of(stage, 3)


def test_before_a_label_is_removed_late_it_is_asked_again_who_may(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        held_up(stage)
        stage.github.roles["ada"] = "read"
        stage.github.intercept = None
        rest_of(stage, 10)
        assert stage.labels() == ["preview"]

    with staged(tmp_path) as stage:
        held_up(stage)
        stage.github.intercept = None
        before = len(stage.asked(PERMISSION))
        rest_of(stage, 10)
        assert (stage.labels(), len(stage.asked(PERMISSION))) == ([], before + 1)


@pytest.mark.parametrize("kept", [("GET", "DELETE"), ("GET", "DELETE", "Probe", "List", "Details")])
def test_a_label_is_not_removed_late_while_pull_requests_or_comments_cannot_be_read(
    tmp_path: Path, kept: tuple[str, ...]
) -> None:
    with staged(tmp_path) as stage:
        held_up(stage)
        fault = error(HTTPStatus.BAD_GATEWAY, "oops")
        stage.github.intercept = lambda request: None if request.operation.startswith(kept) else fault
        stage.passes(61)
        stage.github.relabel("acme/orders", LABELLED, (), ["preview"], by="grace")
        stage.passes(1)
        stage.github.relabel("acme/orders", LABELLED, ["preview"], by="grace")
        rest_of(stage, 10)
        assert stage.labels() == ["preview"]

        stage.github.intercept = None
        rest_of(stage, 10)
        assert stage.labels() == ["preview"]


def test_a_listed_bot_removes_a_label_late(tmp_path: Path) -> None:
    with staged(tmp_path, commands={"bots": ["renovate[bot]"]}) as stage:
        stage.github.intercept = fails(UNLABEL, error(HTTPStatus.BAD_GATEWAY, "oops"))
        stage.say("/preview stop", login="renovate[bot]")
        rest_of(stage, 3)
        stage.github.intercept = None
        rest_of(stage, 10)
        assert stage.labels() == []


def delete(stage: Stage, comment: Comment) -> None:
    stage.github.written.comments.remove(comment)
    stage.github.change_entry("acme/orders", comment.number)


def edit(stage: Stage, comment: Comment) -> None:
    stage.github.edit(comment, "Never mind.")


def correct(stage: Stage, comment: Comment) -> None:
    stage.github.edit(comment, "/preview stop please")


@pytest.mark.parametrize("take_back", [delete, edit, correct])
def test_a_command_that_is_taken_back_before_its_label_is_removed_is_not_carried_out(
    tmp_path: Path, take_back: Callable[[Stage, Comment], None]
) -> None:
    with staged(tmp_path) as stage:
        stage.github.intercept = fails(
            "DELETE /repos/acme/orders/issues/1/labels", error(HTTPStatus.BAD_GATEWAY, "oops")
        )
        comment = stage.say("/preview stop")
        take_back(stage, comment)
        stage.settle()
        stage.github.intercept = None
        rest_of(stage, 10)
        assert (stage.labels(), stage.replies()) == (["preview"], [])

        stage.say("/preview stop")  # it does not wait for the one before
        assert stage.labels() == []


@pytest.mark.parametrize("take_back", [delete, edit])
@pytest.mark.parametrize("line", ["/preview pause", "/preview help"])
def test_a_command_that_is_taken_back_after_it_was_decided_on_is_not_carried_out(
    tmp_path: Path, line: str, take_back: Callable[[Stage, Comment], None]
) -> None:
    with staged(tmp_path) as stage:
        comment = stage.github.comment("acme/orders", LABELLED, line)
        stage.refresh()
        while comment_is_new(stage):
            stage.work()
        take_back(stage, comment)
        stage.refresh()
        rest_of(stage, 1)

        assert (stage.acts(), stage.replies()) == ([], [])


def comment_is_new(stage: Stage) -> bool:
    return stage.outbox.load().notes == {}


def test_a_comment_that_is_deleted_before_it_is_read_is_no_command(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        comment = stage.github.comment("acme/orders", LABELLED, "/preview pause")
        stage.refresh()
        stage.github.written.comments.remove(comment)
        stage.settle()

        assert stage.acts() == []


def test_a_comment_that_is_deleted_before_it_is_answered_gets_no_answer(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        comment = stage.github.comment("acme/orders", LABELLED, "/preview pause")
        stage.refresh()
        while not stage.acts():
            stage.work()
        stage.github.written.comments.remove(comment)
        rest_of(stage, 5)

        assert stage.kinds() == [ActKind.PAUSE]
        assert len(stage.asked("POST /repos/acme/orders/issues/comments")) == 1


def test_a_locked_conversation_gets_no_reply_and_disturbs_nothing(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        stage.github.written.locked.add(("acme/orders", LABELLED))
        stage.say("/preview help")
        stage.say("/preview", UNLABELLED)

        assert stage.replies() == []
        assert stage.labels(UNLABELLED) == ["preview"]


def test_comments_that_cannot_be_read_are_read_later(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        stage.github.intercept = fails("Comments", error(HTTPStatus.BAD_GATEWAY, "oops"))
        stage.say("/preview", UNLABELLED)
        current = stage.plugin.newest.synchronised()
        assert (stage.labels(UNLABELLED), current.known.snapshot.doubts) == ([], {})

        stage.github.intercept = None
        rest_of(stage, 1)
        assert stage.labels(UNLABELLED) == ["preview"]


def test_a_command_that_always_fails_keeps_no_other_pull_request_waiting(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        stage.github.intercept = fails(LABEL, error(HTTPStatus.BAD_GATEWAY, "oops"))
        stage.say("/preview", UNLABELLED)
        rest_of(stage, 10)
        comment = stage.github.comment("acme/orders", LABELLED, "/preview pause", "ada")
        stage.refresh()
        for _ in range(10):
            stage.work()

        assert stage.reactions(comment) == ["rocket"]


def test_strangers_cannot_use_up_what_others_may_write(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        comments = []
        for number in range(DENIALS + 5):
            place = (LABELLED, UNLABELLED, FORK)[number % 3]
            comments.append(stage.github.comment("acme/orders", place, "/preview stop", f"eve-{number}"))
            stage.settle()
        denied = [each for each in comments if stage.reactions(each)]

        assert len(denied) == DENIALS
        assert stage.reactions(stage.say("/preview pause")) == ["rocket"]


def test_a_stranger_is_told_once_an_hour(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        comments = [stage.say("/preview stop", number, "eve") for number in (LABELLED, UNLABELLED, LABELLED)]
        stage.start()
        comments.append(stage.say("/preview", UNLABELLED, "eve"))
        assert [stage.reactions(each) for each in comments] == [["-1"], [], [], []]

        stage.passes(3600)
        stage.refresh()
        assert stage.reactions(stage.say("/preview stop", login="eve")) == ["-1"]


def test_who_may_not_write_is_looked_up_once_a_minute(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        for _ in range(10):
            stage.github.comment("acme/orders", LABELLED, "/preview stop", "eve")
        stage.settle()

        assert len(stage.asked("GET /repos/acme/orders/collaborators/eve/permission")) == 1
        stage.github.roles["eve"] = "write"
        stage.passes(60)
        stage.say("/preview stop", login="eve")
        assert stage.labels() == []


def test_a_note_is_forgotten_once_its_comment_has_long_ceased_to_count(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        comment = stage.say("/preview pause")
        assert len(stage.outbox.load().notes) == 1
        stage.passes(4 * 3600)
        stage.settle()

        assert stage.outbox.load().notes == {}
        assert stage.reactions(comment) == ["rocket"]
        assert not stage.work()


def test_an_unexpected_error_about_one_command_harms_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with staged(tmp_path) as stage:
        monkeypatch.setattr("plugin.report.commands.decide", broken)
        stage.say("/preview pause")
        monkeypatch.undo()
        stage.say("/preview", UNLABELLED)

        assert stage.acts() == []
        assert stage.labels(UNLABELLED) == ["preview"]


def test_while_the_clocks_disagree_commands_wait(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        stage.github.now = lambda: stage.now + timedelta(minutes=10)
        stage.refresh()
        stage.say("/preview pause")
        assert stage.acts() == []

        stage.github.now = lambda: stage.now
        rest_of(stage, 1)
        assert stage.kinds() == [ActKind.PAUSE]

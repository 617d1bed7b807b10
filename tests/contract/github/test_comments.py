"""Comments that may be commands, as GitHub tells them, and what becomes of them where it does not."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from plugin.core.facts.heard import Conversation, Heard
from plugin.sources.github.comments import PULL_REQUESTS
from tests.contract.conftest import EVERYTHING
from tests.contract.github.reader import Reader
from tests.fakes.github import GitHub, faults

SECOND = timedelta(seconds=1)


@pytest.fixture(name="listener")
def _listener(github: GitHub) -> Reader:
    reader = Reader(github, comments=True)
    reader.settle()
    return reader


def heard(reader: Reader, repository: str = "acme/orders") -> Heard:
    found = reader.known[repository].heard
    assert found
    return found


def conversation(reader: Reader, number: int = 12) -> Conversation:
    (found,) = (each for each in heard(reader).conversations if each.number == number)
    return found


def say(reader: Reader, body: str, login: str = "ada", number: int = 12) -> None:
    reader.time.passes(30)
    reader.github.comment("acme/orders", number, body, login)
    assert reader.read() == {}


def test_only_what_begins_like_a_command_is_kept(listener: Reader) -> None:
    say(listener, "What do you think?")
    assert heard(listener).conversations == ()

    say(listener, "/preview pause\r\n\r\nIt is late.")
    (comment,) = conversation(listener).comments
    assert (comment.line, comment.author) == ("/preview pause", "ada")
    assert timedelta(0) <= listener.time.now() - comment.at < 2 * SECOND
    assert not comment.edited


def test_it_costs_one_request_for_what_was_listed(listener: Reader) -> None:
    say(listener, "/preview")

    assert [call.cost for call in listener.github.log if call.operation == "Comments"] == [1]
    assert listener.asked() == ["Probe", "List", "Details", "Comments"]


def test_without_commands_it_is_not_asked(listener: Reader) -> None:
    listener.comments = False
    say(listener, "/preview")

    assert listener.asked() == ["Probe", "List", "Details"]
    assert listener.known["acme/orders"].heard is None


def test_an_author_is_named_as_everywhere(listener: Reader) -> None:
    for login in ("renovate[bot]", "ghost", "Ada"):
        say(listener, "/preview", login)

    assert [each.author for each in conversation(listener).comments] == ["renovate[bot]", "", "Ada"]


def test_an_edited_comment_says_so(listener: Reader) -> None:
    say(listener, "/preview")
    listener.github.edit(listener.github.written.comments[-1], "/preview stop")
    listener.time.passes(1)
    listener.read("acme/orders")

    (comment,) = conversation(listener).comments
    assert (comment.line, comment.edited) == ("/preview stop", True)


def test_changes_of_labels_come_with_who_made_them(listener: Reader) -> None:
    listener.github.relabel("acme/orders", 12, ["Preview/Keep"], by="grace")
    listener.time.passes(1)
    listener.github.relabel("acme/orders", 12, (), ["Preview/Keep"], by="preview[bot]")
    say(listener, "/preview")

    first, last = conversation(listener).relabelled[-2:]
    assert (first.label, first.by, last.label, last.by) == ("preview/keep", "grace", "preview/keep", "preview[bot]")
    assert SECOND <= last.at - first.at <= 2 * SECOND


def test_a_label_that_was_deleted_keeps_nothing_from_being_read(listener: Reader) -> None:
    listener.github.relabel("acme/orders", 12, ["old"], by="grace")
    listener.github.delete_label("acme/orders", "old")
    say(listener, "/preview")

    assert [each.line for each in conversation(listener).comments] == ["/preview"]


def test_pull_requests_without_a_preview_and_forks_are_heard_too(listener: Reader) -> None:
    entries = listener.github.organisation.repositories["acme/orders"].pull_requests
    unlabelled = [each.number for each in entries if not each.labels and each.state == "open"]
    fork = [each.number for each in entries if each.fork and each.state == "open"]
    for number in (*unlabelled, *fork):
        say(listener, "/preview", number=number)

    found = {each.number: each for each in heard(listener).conversations}
    assert found.keys() >= {*unlabelled, *fork}
    assert all(found[number].fork for number in fork)
    assert all(not found[number].labels for number in unlabelled)


def test_a_bot_that_comments_everywhere_hides_nothing_that_was_heard(listener: Reader) -> None:
    say(listener, "/preview")
    first = conversation(listener)
    listener.github.intercept = faults.on("Comments", faults.spoiled(_shows_others))
    say(listener, "hello", number=14)

    assert conversation(listener) == first
    assert PULL_REQUESTS >= 20


def _shows_others(answer: dict[str, Any]) -> None:
    for repository in answer["data"].values():
        if "talk" in repository:
            repository["talk"]["nodes"] = []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda talk: talk.update(nodes=None),
        lambda talk: talk["nodes"].__setitem__(0, None),
        lambda talk: talk["nodes"][0].update(comments=None),
        lambda talk: talk["nodes"][0].update(updatedAt="yesterday"),
        lambda talk: talk["nodes"][0]["comments"]["nodes"][0].update(body=7),
        lambda talk: talk["nodes"][0]["comments"]["nodes"][0].update(id="<!-- -->"),
        lambda talk: talk["nodes"][0].update(number="12"),
    ],
    ids=["no list", "null", "no comments", "no time", "no text", "no id", "no number"],
)
def test_what_is_not_as_documented_is_read_again(listener: Reader, spoil: Any) -> None:
    def spoilt(answer: dict[str, Any]) -> None:
        for repository in answer["data"].values():
            if repository.get("talk", {}).get("nodes"):
                spoil(repository["talk"])

    listener.github.intercept = faults.on("Comments", faults.spoiled(spoilt))
    say(listener, "/preview")
    assert heard(listener).conversations == ()

    listener.github.intercept = None
    listener.time.passes(60)
    assert listener.read() == {}
    assert [each.line for each in conversation(listener).comments] == ["/preview"]


def test_comments_that_cannot_be_read_put_nothing_in_doubt(listener: Reader) -> None:
    listener.github.intercept = faults.on("Comments", faults.server_error())
    say(listener, "/preview")
    assert heard(listener).conversations == ()

    listener.github.intercept = None
    listener.time.passes(60)
    assert listener.read() == {}
    assert [each.line for each in conversation(listener).comments] == ["/preview"]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (faults.server_error(), "GitHub aborted the query (502)"),
        (faults.null_repository(), "GitHub sent an invalid response"),
        (faults.alias_error("r0"), "Resource not accessible by integration"),
    ],
    ids=["502", "null", "forbidden"],
)
def test_comments_that_can_never_be_read_cost_ever_less_and_nothing_is_listed_for_them(
    listener: Reader, fault: Any, reason: str
) -> None:
    listener.github.intercept = faults.on("Comments", fault)
    say(listener, "/preview")
    assert listener.known["acme/orders"].unheard == reason

    asked = []
    for _ in range(120):  # an hour
        listener.time.passes(30)
        assert listener.read() == {}
        asked += listener.asked()
    assert asked.count("List") <= 2  # the change was too young to settle the first time
    assert 4 <= asked.count("Comments") <= 10
    assert listener.known["acme/orders"].unheard == reason

    listener.github.intercept = None
    listener.time.passes(900)
    listener.read()
    assert listener.asked() == ["Probe", "Comments"]
    assert listener.known["acme/orders"].unheard == ""
    listener.time.passes(900)
    listener.read()
    assert listener.asked() == ["Probe"]


def test_comments_that_could_not_be_read_are_read_after_a_restart(listener: Reader) -> None:
    listener.github.intercept = faults.on("Comments", faults.server_error())
    say(listener, "/preview")
    listener.time.passes(30)
    listener.read()

    listener.github.intercept = None
    listener.restart()
    listener.read()
    assert [each.line for each in conversation(listener).comments] == ["/preview"]


def test_once_commands_are_switched_on_comments_are_read_and_nothing_is_listed(github: GitHub) -> None:
    reader = Reader(github)
    reader.settle()
    reader.comments = True
    reader.read()

    assert set(reader.asked()) == {"Probe", "Comments"}
    assert heard(reader).since <= reader.time.now()


def test_obeyed_is_what_was_written_after_the_first_reading(listener: Reader) -> None:
    since = {name: heard(listener, name).since for name in EVERYTHING}
    say(listener, "/preview")

    assert {name: heard(listener, name).since for name in EVERYTHING} == since
    assert conversation(listener).comments[0].at > since["acme/orders"]


def test_an_older_answer_takes_nothing_back(listener: Reader) -> None:
    say(listener, "/preview")
    newest = conversation(listener)
    listener.known["acme/orders"] = replace(listener.known["acme/orders"], mark=None)
    listener.github.intercept = lambda request: request.answer(5.0)
    listener.read()

    assert conversation(listener) == newest

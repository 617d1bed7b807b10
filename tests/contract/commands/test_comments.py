"""What people can write, and what becomes of it: the right thing, or nothing."""

from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import pytest

from plugin.core.facts.acts import ActKind
from tests.contract.commands.stage import FORK, LABELLED, UNLABELLED, Stage, edit, staged
from tests.fakes.github.wire import error


@dataclass(frozen=True)
class Then:
    """What becomes of a comment; what is not given does not happen."""

    labels: tuple[str, ...] | None = None  # None: as before
    act: ActKind | None = None
    reply: str = ""  # a part of it
    reaction: str = ""


NOTHING = Then()
PAUSED = Then(act=ActKind.PAUSE, reaction="rocket")
EXTENDED = Then(act=ActKind.EXTEND, reaction="rocket")
STOPPED = Then(labels=(), reaction="rocket")
DENIED = Then(reaction="-1")


def said(body: str, login: str = "ada") -> tuple[str, str]:
    return body, login


ON_A_PREVIEW = {
    "stop": (said("/preview stop"), STOPPED),
    "pause": (said("/preview pause"), PAUSED),
    "pause by an admin": (said("/preview pause", "grace"), PAUSED),
    "pause by a maintainer": (said("/preview pause", "mae"), PAUSED),
    "extend": (said("/preview extend 10d"), EXTENDED),
    "keep": (said("/preview keep"), Then(labels=("preview", "preview/keep"), reaction="rocket")),
    "why": (said("/preview why"), Then(reply="**The preview is being deployed**")),
    "help": (said("/preview help"), Then(reply="| `/preview stop` |")),
    # refused, with the sentence
    "ask for what is active": (said("/preview"), Then(reply="it is active already. To keep it for longer, extend it.")),
    "resume what is awake": (said("/preview resume"), Then(reply="it is not paused, so there is nothing to resume.")),
    "extend by nothing new": (said("/preview extend 1h"), Then(reply="it stays until")),
    "a duration that is none": (said("/preview extend soon"), Then(reply="is not a duration: write a whole number")),
    "a duration that is too long": (said("/preview extend 9w9"), Then(reply="is not a duration")),
    "a typo": (said("/preview puase"), Then(reply='is no command; did you mean "pause"?')),
    "a word that is like no verb": (said("/preview 🚀"), Then(reply="Comment `/preview help` to see all commands.")),
    "something after a verb that takes nothing": (said("/preview stop now"), Then(reply="takes nothing after it")),
    "a letter of another alphabet": (said("/preview \N{KELVIN SIGN}eep"), Then(reply="is no command")),
    # how it is written
    "upper case": (said("/PREVIEW Pause"), PAUSED),
    "line breaks of Windows": (said("/preview pause\r\n\r\nI go home."), PAUSED),
    "blanks at the end": (said("/preview pause \t"), PAUSED),
    "several blanks": (said("/preview \t pause"), PAUSED),
    "an emoji below": (said("/preview pause\n:sleeping: 😴"), PAUSED),
    "two commands": (said("/preview pause\n/preview stop"), PAUSED),
    "a command below prose": (said("Please\n/preview stop"), NOTHING),
    "a blank line first": (said("\n/preview stop"), NOTHING),
    "a blank first": (said(" /preview stop"), NOTHING),
    "an indented code block": (said("    /preview stop"), NOTHING),
    "a code fence": (said("```\n/preview stop\n```"), NOTHING),
    "code": (said("`/preview stop`"), NOTHING),
    "a quote": (said("> /preview stop"), NOTHING),
    "a list": (said("- /preview stop"), NOTHING),
    "hidden HTML": (said("<!--\n/preview stop\n-->"), NOTHING),
    "HTML before it": (said("<b></b>/preview stop"), NOTHING),
    "an emoji before it": (said("👉 /preview stop"), NOTHING),
    "another word": (said("/previews stop"), NOTHING),
    "no blank between": (said("/preview:stop"), NOTHING),
    "a sentence": (said("/preview is how you ask for one"), NOTHING),
    "a byte order mark": (said("\ufeff/preview stop"), NOTHING),
    "a blank that does not break": (said("/preview\N{NO-BREAK SPACE}stop"), NOTHING),
    "a line separator": (said("/preview stop\N{LINE SEPARATOR}now"), Then(reply="is no command")),
    "a very long line": (said("/preview stop" + " " * 300), NOTHING),
    "nothing": (said(""), NOTHING),
    # who wrote it
    "triage only": (said("/preview stop", "tri"), DENIED),
    "a reader": (said("/preview why", "rea"), DENIED),
    "a stranger": (said("/preview stop", "eve"), DENIED),
    "an account that does not exist any more": (said("/preview stop", "deleted"), DENIED),
    "nobody": (said("/preview stop", "ghost"), NOTHING),
    "a bot that is not listed": (said("/preview stop", "dependabot[bot]"), NOTHING),
    "a bot that is listed": (said("/preview pause", "Renovate[bot]"), PAUSED),
    "a stranger with the name of a listed bot": (said("/preview stop", "renovate"), DENIED),
}

WITHOUT_A_PREVIEW = {
    "ask": ("/preview", Then(labels=("preview",), reaction="rocket")),
    "stop": ("/preview stop", Then(reply="it asks for no preview: it lacks the label")),
    "pause": ("/preview pause", Then(reply="it asks for no preview")),
    "extend": ("/preview extend", Then(reply="it asks for no preview")),
    "keep": ("/preview keep", Then(reply="it asks for no preview")),
    "why": ("/preview why", Then(reply="it asks for no preview")),
    "help": ("/preview help", Then(reply="| `/preview stop` |")),
}


def check(stage: Stage, number: int, body: str, login: str, then: Then) -> None:
    before = stage.labels(number)
    comment = stage.say(body, number, login)

    assert stage.labels(number) == (before if then.labels is None else list(then.labels))
    assert stage.kinds() == ([then.act] if then.act else [])
    assert stage.reactions(comment) == ([then.reaction] if then.reaction else [])
    assert [then.reply in each for each in stage.replies(number)] == ([True] if then.reply else [])
    assert stage.github.broken == []


@pytest.mark.parametrize(("given", "then"), ON_A_PREVIEW.values(), ids=ON_A_PREVIEW.keys())
def test_a_comment_on_a_preview(tmp_path: Path, given: tuple[str, str], then: Then) -> None:
    with staged(tmp_path, commands={"bots": ["renovate[bot]"]}) as stage:
        check(stage, LABELLED, *given, then)


@pytest.mark.parametrize(("body", "then"), WITHOUT_A_PREVIEW.values(), ids=WITHOUT_A_PREVIEW.keys())
def test_a_comment_on_a_pull_request_without_a_preview(tmp_path: Path, body: str, then: Then) -> None:
    with staged(tmp_path) as stage:
        check(stage, UNLABELLED, body, "ada", then)


@pytest.mark.parametrize("body", ["/preview", "/preview stop", "/preview pause", "/preview why", "/preview puase"])
def test_a_forks_pull_request_gets_nothing_but_a_refusal(tmp_path: Path, body: str) -> None:
    with staged(tmp_path) as stage:
        check(stage, FORK, body, "ada", Then(reply="it comes from a fork, and neither a label nor a command approves"))


def test_a_stranger_on_a_forks_pull_request_gets_no_word(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        check(stage, FORK, "/preview", "eve", DENIED)


def test_a_comment_that_was_edited_before_it_was_read_is_nobodys_command(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        comment = stage.github.comment("acme/orders", LABELLED, "Thanks!")
        stage.github.edit(comment, "/preview stop")
        stage.settle()

        assert stage.labels() == ["preview"]
        assert stage.reactions(comment) == []


def test_a_command_that_is_edited_afterwards_is_not_obeyed_again(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        comment = stage.say("/preview pause")
        stage.github.edit(comment, "/preview stop")
        stage.settle()

        assert stage.labels() == ["preview"]
        assert stage.kinds() == [ActKind.PAUSE]


def test_a_command_that_is_an_hour_old_is_not_obeyed(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        stage.github.comment("acme/orders", LABELLED, "/preview stop")
        stage.passes(3600)
        stage.settle()

        assert stage.labels() == ["preview"]


def test_a_command_that_is_older_than_the_state_is_not_obeyed(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        comment = stage.say("/preview pause")
        stage.github.comment("acme/orders", UNLABELLED, "/preview")
        stage.passes(5)
        stage.lose_the_state()
        stage.refresh()
        stage.settle()

        assert stage.acts() == []
        assert stage.reactions(comment) == ["rocket"]  # the first time
        assert stage.labels(UNLABELLED) == []


def test_what_was_said_before_commands_were_switched_on_is_not_obeyed_and_then_everything_is(tmp_path: Path) -> None:
    with staged(tmp_path, commands=False) as stage:
        stage.say("/preview stop")
        edit(stage, commands=True)
        stage.settle()
        assert stage.labels() == ["preview"]
        stage.passes(1)
        stage.say("/preview stop")

        assert stage.labels() == []


def test_a_label_that_somebody_changed_after_the_comment_wins(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        asking = stage.github.comment("acme/orders", UNLABELLED, "/preview")
        stopping = stage.github.comment("acme/orders", LABELLED, "/preview stop")
        stage.passes(1)
        stage.github.relabel("acme/orders", UNLABELLED, ["preview"], by="grace")
        stage.github.relabel("acme/orders", LABELLED, (), ["preview"], by="grace")
        stage.passes(1)
        stage.github.relabel("acme/orders", UNLABELLED, (), ["preview"], by="grace")
        stage.github.relabel("acme/orders", LABELLED, ["preview"], by="grace")
        stage.settle()

        assert (stage.labels(UNLABELLED), stage.labels(LABELLED)) == ([], ["preview"])
        assert stage.reactions(asking) == stage.reactions(stopping) == []


def test_a_label_that_we_set_does_not_stand_in_the_way_of_the_next_command(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        stage.github.comment("acme/orders", UNLABELLED, "/preview")
        stage.passes(1)
        stage.github.comment("acme/orders", UNLABELLED, "/preview stop")
        stage.settle()
        stage.settle()

        assert stage.asked("POST /repos/acme/orders/issues/2/labels") != []
        assert stage.labels(UNLABELLED) == []


@pytest.mark.parametrize(
    ("number", "lines", "then"),
    [
        (LABELLED, ["/preview stop", "/preview"], ["preview"]),
        (UNLABELLED, ["/preview", "/preview stop"], []),
        (UNLABELLED, ["/preview", "/preview keep"], ["preview", "preview/keep"]),
    ],
)
@pytest.mark.parametrize("faults", [0, 3], ids=["", "after faults"])
def test_of_two_commands_in_one_reading_the_newer_one_wins(
    tmp_path: Path, number: int, lines: list[str], then: list[str], faults: int
) -> None:
    with staged(tmp_path) as stage:
        begins, left = f"/repos/acme/orders/issues/{number}/labels", iter(range(faults))
        fault = error(HTTPStatus.BAD_GATEWAY, "oops")
        stage.github.intercept = lambda request: (
            fault if begins in request.operation and next(left, None) is not None else None
        )
        comments = []
        for line in lines:
            comments.append(stage.github.comment("acme/orders", number, line, "ada"))
            stage.passes(8)
        stage.refresh()
        for _ in range(100):  # the next reading takes long
            stage.work()
        for _ in range(3):
            stage.settle()

        assert stage.labels(number) == then
        assert [stage.reactions(each) for each in comments] == [["rocket"], ["rocket"]]
        assert stage.replies(number) == []


def test_a_newer_command_waits_for_one_that_cannot_be_decided_yet(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        doubt = error(HTTPStatus.UNPROCESSABLE_ENTITY, "oops")
        stage.github.intercept = lambda request: doubt if "/grace/permission" in request.operation else None
        stage.github.comment("acme/orders", LABELLED, "/preview stop", "grace")
        stage.passes(8)
        stage.say("/preview")
        assert (stage.labels(), stage.replies()) == (["preview"], [])

        stage.github.intercept = None
        for _ in range(4):
            stage.passes(30)
            stage.settle()
        assert (stage.labels(), stage.replies()) == (["preview"], [])
        assert len(stage.asked("DELETE")) == 1

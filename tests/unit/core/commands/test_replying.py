"""Replies: they are found again, name commands as code, and never begin like the comment of the reports."""

import pytest
from hypothesis import example, given

from plugin.core.commands.parsing import Verb
from plugin.core.commands.replying import HELP, marker, reply, sentences
from plugin.core.facts.heard import Comment
from plugin.core.reports.comment import is_ours
from tests.builders import MONDAY
from tests.rendered import rendered
from tests.unit.core.reports.test_markdown import texts

WHY = Comment("IC_1", 1, "ada", "/preview why", MONDAY, edited=False)


def test_a_reply_says_which_command_it_answers() -> None:
    assert reply(WHY, "It is active.") == "<!-- preview-plugin answer IC_1 -->\n\n`/preview why`:\n\nIt is active.\n"


def test_a_reply_is_not_taken_for_the_comment_of_the_reports() -> None:
    assert not is_ours(marker(WHY))


def test_help_names_every_command() -> None:
    shown = rendered(HELP)

    assert {f"/preview {verb}".strip() for verb in Verb} - {"/preview help"} <= set(shown.code)
    assert shown.woken() == {}


def test_one_sentence_stands_alone_and_several_are_a_list() -> None:
    assert sentences(["it is paused"]) == "it is paused."
    assert sentences(["it is paused.", "is it?"]) == "- it is paused.\n- is it?"


@pytest.mark.parametrize("verb", [verb for verb in Verb if verb])
def test_commands_that_a_sentence_names_are_code(verb: Verb) -> None:
    assert sentences([f"Comment /preview {verb} instead"]) == f"Comment `/preview {verb}` instead."


def test_a_sentence_names_a_comment_instead_of_a_command_line() -> None:
    assert sentences(["To wake it, run preview-plugin resume"]) == "To wake it, comment `/preview resume`."
    assert sentences(["unless somebody runs preview-plugin extend"]) == "unless somebody comments `/preview extend`."
    assert sentences(["or run preview-plugin ask"]) == "or comment `/preview`."


@given(texts)
@example("0")
def test_nothing_that_people_write_does_anything(text: str) -> None:
    shown = rendered(reply(WHY, sentences([text, "/preview stop"])))

    assert shown.links == []
    assert shown.woken() == {}
    assert {tag for tag, _ in shown.tags} <= {"p", "code", "ul", "li"}

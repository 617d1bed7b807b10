"""The first line of a comment: which ones are commands, and what they mean."""

from datetime import timedelta
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.core.commands.parsing import LONGEST, Command, Mistake, Verb, first_line, parse
from tests.builders import WORST_INPUT


@pytest.mark.parametrize("verb", list(Verb))
def test_every_verb_is_a_command_in_any_case(verb: Verb) -> None:
    assert parse(f"/preview {verb}") == parse(f"/PREVIEW\t{verb.upper()} ") == Command(verb)


def test_only_an_extension_takes_something() -> None:
    assert parse("/preview extend 3D") == Command(Verb.EXTEND, timedelta(days=3))
    assert parse("/preview pause 3d") == Mistake('"pause" takes no argument, but there is "3d"')


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("/preview puase", '"puase" is not a command; did you mean "pause"?'),
        ("/preview xyz", '"xyz" is not a command. Comment /preview help to see all commands'),
        ("/preview extend soon", '"soon" is not a duration'),
        ("/preview extend 1s", '"1s" must be at least 10s and at most 365d'),
        ("/preview \N{KELVIN SIGN}eep", '"\N{KELVIN SIGN}eep" is not a command'),
        ("/preview \N{LATIN SMALL LETTER LONG S}top", "is not a command"),
    ],
)
def test_what_was_meant_as_a_command_is_a_mistake_with_a_sentence(line: str, reason: str) -> None:
    found = parse(line)

    assert isinstance(found, Mistake)
    assert reason in found.reason


@pytest.mark.parametrize(
    "body",
    [
        "",
        "preview",
        " /preview",
        "> /preview",
        "`/preview`",
        "```\n/preview\n```",
        "<!-- /preview -->",
        "\n/preview",
        "\ufeff/preview",
        "/previews",
        "/preview: stop",
        "/preview stop it now",
        "/preview" + " " * LONGEST,
        "/preview\rstop",
    ],
)
def test_anything_else_is_no_command(body: str) -> None:
    assert first_line(body) == "" or isinstance(parse(first_line(body)), Mistake)
    assert body == "/preview: stop" or first_line(body) == ""


def test_what_follows_the_first_line_does_not_count() -> None:
    assert first_line("/preview pause\r\n/preview stop") == "/preview pause"
    assert first_line("/preview pause\n" + "x" * 65_536) == "/preview pause"


@given(st.text(max_size=50).map(lambda text: f"/preview{text}") | st.text())
def test_any_text_can_be_read(body: str) -> None:
    line = first_line(body)

    assert body.startswith(line)
    if line:
        assert line.lower().startswith("/preview")
        assert parse(line) is not None


@pytest.mark.parametrize("unit", [" ", "\t", "x", " x", "/preview ", "\r\n", "\ufeff", "é"])
def test_the_worst_comment_costs_next_to_nothing(unit: str) -> None:
    body = "/preview" + unit * (65_536 // len(unit))
    begun = process_time()
    for _ in range(100):
        first_line(body)

    assert process_time() - begun < WORST_INPUT

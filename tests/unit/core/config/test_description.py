import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.core.config.description import MAX_LINKS, MAX_NEAR_MISSES, NOTHING, SHORT, read_description
from plugin.core.config.references import Locator
from tests.builders import WORST_INPUT
from tests.strategies import numbers, repository_names

A, B = "acme/payments#123", "acme/users#5"
LONGEST = 65_536  # characters of a description on GitHub
FORM = 'write for example "Depends-On: acme/payments#123"'


def links(body: str) -> list[str]:
    return [link.text for link in read_description(body).links]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", []),
        (f"Depends-On: {A}", [A]),
        (f"Text\r\n\r\n  \tDEPENDS-ON:{A} \t\r\nmore", [A]),
        (f"Text\rDepends-On: {A}\rmore", [A]),
        ("depends-on: https://github.com/acme/payments/pull/1", ["https://github.com/acme/payments/pull/1"]),
        (f"Depends-On: {A}\nDepends-On: {B}", [A, B]),
        (f"- Depends-On: {A}\n* depends-on: {B}", [A, B]),
        (f"  + Depends-On: {A}\n1. Depends-On: {B}\n23) Depends-On: {B}", [A, B, B]),
        (f"        Depends-On: {A}", [A]),
        (f"Depends-On: {A} <!-- the new API -->", [A]),
    ],
)
def test_depends_on_lines(body: str, expected: list[str]) -> None:
    description = read_description(body)

    assert [link.text for link in description.links] == expected
    assert description.near_misses == ()


@pytest.mark.parametrize(
    "page",
    [
        *("", "/", "/files", "/files/0123abc..4567def", "/commits", "/commits/0123abc", "/checks?check_run_id=1"),
        *("/changes", "#issuecomment-1", "#discussion_r1", "?diff=split&w=1", ".diff"),
        "/files?file-filters%5B%5D=.py#diff-1aR1-R2",
    ],
)
def test_depends_on_with_any_page_of_a_pull_request(page: str) -> None:
    (link,) = read_description(f"Depends-On: https://github.com/acme/payments/pull/123{page}").links

    assert link.locator == Locator("acme/payments", 123)


@given(repository_names, numbers)
def test_depends_on_with_any_locator(repository: str, number: int) -> None:
    (link,) = read_description(f"Depends-On: {repository}#{number}").links

    assert link.locator == Locator(repository, number)


@pytest.mark.parametrize(
    "body",
    [
        "<!-- Depends-On: acme/payments#123 -->",
        "<!--\nDepends-On: acme/payments#123\n-->",
        "<!--\n\nDepends-On: acme/payments#123\n\nthe end is missing",
        "   <!-- one\nDepends-On: acme/payments#123 -->",
        "- <!--\n  Depends-On: acme/payments#123\n  -->",
        "Text <!-- one\nDepends-On: acme/payments#123\n--> more",
        "<!-- a --> <!-- b\nDepends-On: acme/payments#123\n-->",
        "<!--\n```\n-->\n```\nDepends-On: acme/payments#123\n```",
        "<!-- ``` \n~~~\nDepends-On: acme/payments#123\n-->",
    ],
)
def test_html_comments_do_not_count(body: str) -> None:
    assert read_description(body) == NOTHING


@pytest.mark.parametrize(
    "body",
    [
        "```\nDepends-On: acme/payments#123\n```",
        "   ```yaml\nDepends-On: acme/payments#123\n   ```",
        "~~~\nDepends-On: acme/payments#123\n~~~",
        "~~~ `a`\nDepends-On: acme/payments#123\n~~~",
        "`````\n```\nDepends-On: acme/payments#123\n```\n`````",
        "```\n~~~\nDepends-On: acme/payments#123\n~~~\n```",
        "```\n``` not closed\nDepends-On: acme/payments#123",
        "```\n    ```\nDepends-On: acme/payments#123\n```",
        "```\n<!-- \n```\n```\n-->\nDepends-On: acme/payments#123",
        "- ```\n  Depends-On: acme/payments#123\n  ```",
        "1. text\n\n     ```\n     Depends-On: acme/payments#123\n     ```",
        "\t```\n\tDepends-On: acme/payments#123\n\t```",
    ],
)
def test_code_fences_do_not_count(body: str) -> None:
    assert read_description(body) == NOTHING


@pytest.mark.parametrize(
    "before",
    [
        "<!-- a comment -->",
        "<!--->",
        "<!---->",
        "```\ncode\n```",
        "```\ncode\n``````  ",
        "```\n<!--\n```",
        "~~~\n```\n~~~",
        "``` `not a fence",
        "text with <!-- in it\n",
        "Remove the `<!--` from the file.\n\nThe rest is there, see -->",
        "- ```\n  a fence that ends with its item\n\ntext",
        "    ```\n    indented code\n\ntext",
        "``",
        "````\n```\n````",
    ],
)
def test_a_line_after_a_comment_or_a_fence_counts(before: str) -> None:
    assert links(f"{before}\nDepends-On: {A}") == [A]


@pytest.mark.parametrize("author", ["dependabot[bot]", "renovate[bot]"])
def test_a_bots_description_does_not_count(author: str) -> None:
    body = f"Depends-On: {A}\nDepends on: {B}"

    assert read_description(body, author) == NOTHING
    assert read_description(body, "ada") == read_description(body)
    assert len(read_description(body, "ada").links) == 1


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"Depends on: {A}", f'"Depends on: {A}" is ignored; write "Depends-On: {A}" on a line by itself'),
        (f"depends_on {A}", f'"depends_on {A}" is ignored; write "Depends-On: {A}" on a line by itself'),
        (f"**Depends-On:** {A}", f'"Depends-On:** {A}" is ignored; write "Depends-On: {A}" on a line by itself'),
        (f"- [x] Depends-On: {A}", f'"Depends-On: {A}" is ignored; write "Depends-On: {A}" on a line by itself'),
        (f"> Depends-On: {A}", f'"Depends-On: {A}" is ignored; write "Depends-On: {A}" on a line by itself'),
        (f"Depends-On : {A}", f'"Depends-On : {A}" is ignored; write "Depends-On: {A}" on a line by itself'),
        (f"Depends-On: {A}.", f'"Depends-On: {A}." is ignored; write "Depends-On: {A}" on a line by itself'),
        (
            "Depends-On: <https://github.com/acme/payments/pull/123>",
            (
                '"Depends-On: <https://github.com/acme/payments/pull/123>" is ignored; '
                f'write "Depends-On: {A}" on a line by itself'
            ),
        ),
        (f"`Depends-On: {A}`", f'"Depends-On: {A}" is ignored; write "Depends-On: {A}" on a line by itself'),
        (
            f"Depends-On: {A} please",
            f'"Depends-On: {A} please" is ignored; write "Depends-On: {A}" on a line by itself',
        ),
        (f"Depends-On:\u00a0{A}", f'"Depends-On: {A}" is ignored; write "Depends-On: {A}" on a line by itself'),
        (f"This depends-on: {A}", f'"depends-on: {A}" is ignored; write "Depends-On: {A}" on a line by itself'),
        (f"Depends-On:\n\n{A}", f'"Depends-On: {A}" is ignored; write "Depends-On: {A}" on a line by itself'),
        (f"Depends-On:\n- {A}", f'"Depends-On: {A}" is ignored; write "Depends-On: {A}" on a line by itself'),
        (
            f"Depends-On: {A}, {B}",
            (
                f'"Depends-On: {A}, {B}" is ignored; write "Depends-On: {A}" on a line by itself, '
                "one line for each pull request"
            ),
        ),
        (
            "Depends-On: [the API](https://github.com/acme/payments/pull/123/files)",
            (
                '"Depends-On: [the API](https://github.com/acme/payments/pull/123/files)" is ignored; '
                f'write "Depends-On: {A}" on a line by itself'
            ),
        ),
        (
            "Depends-On #12",
            '"Depends-On #12" is ignored: it names no repository; write for example "Depends-On: acme/payments#12"',
        ),
        ("Depends-On: nonsense", f'"Depends-On: nonsense" is ignored: it names no pull request; {FORM}'),
        ("Depends-On: a\u202eb\x85", f'"Depends-On: a b" is ignored: it names no pull request; {FORM}'),
    ],
)
def test_a_near_miss_is_a_warning_that_says_what_to_write(line: str, expected: str) -> None:
    description = read_description(f"Text\n{line}\n")

    assert description.links == ()
    assert description.near_misses == (expected,)


@pytest.mark.parametrize(
    "body",
    [
        "This depends on the weather.",
        "Depends on the API",
        "Depends-On:",
        "- Depends-On:\n\nText",
        "See `Depends-On: acme/payments#123` in the docs",
        "independent of acme/payments#123",
        "The price depends on what acme/payments#123 returns",
    ],
)
def test_prose_is_not_a_near_miss(body: str) -> None:
    assert read_description(body) == NOTHING


def test_links_and_warnings_of_one_description_are_bounded() -> None:
    body = "".join(f"Depends-On: acme/a#{number}\nDepends on: #{number}\n" for number in range(1, 1500))
    description = read_description(body)

    assert [link.locator.number for link in description.links] == list(range(1, MAX_LINKS + 1))
    assert len(description.near_misses) == MAX_NEAR_MISSES
    assert all(len(warning) <= 300 for warning in description.near_misses)


@pytest.mark.parametrize("length", [10, SHORT, SHORT + 1, LONGEST])
def test_a_description_is_read_once(length: int) -> None:
    body = f"Depends-On: {A}\n".ljust(length)

    assert read_description(body) is read_description(body)


def repeated(*parts: str) -> str:
    start, middle, end = parts
    return start + middle * ((LONGEST - len(start) - len(end)) // len(middle)) + end


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(repeated("Depends-On: a", " ", "b"), id="blanks"),
        pytest.param(repeated("Depends-On:", "\t", "\x00"), id="tabs"),
        pytest.param(repeated("", "depends-on:", ""), id="keys on one line"),
        pytest.param(repeated("", "depends-on:\n", ""), id="empty keys"),
        pytest.param(repeated("depend", "Depends-On: a\n", ""), id="wrong targets"),
        pytest.param(repeated("", "Depends-On: a/b#1\n", ""), id="links"),
        pytest.param(repeated("Depends-On: ", "acme/", "#"), id="owners"),
        pytest.param(repeated("Depends-On: https://github.com/acme/a/pull/1", "/#?", " x"), id="pages"),
        pytest.param(repeated("depend ", "<!--", ""), id="comments on one line"),
        pytest.param(repeated("depend", "a<!--\n", ""), id="comments"),
        pytest.param(repeated("depend\n", "<!---->", "<!--"), id="closed comments"),
        pytest.param(repeated("depend\n", "- ```\n", ""), id="fences"),
        pytest.param(repeated("depend\n", "`", "\n"), id="one long fence"),
        pytest.param(repeated("depend\n```\n", "`" * 2 + "\n", "\n"), id="fences that do not close"),
        pytest.param(repeated("depend\n", "\t", "```"), id="indentation"),
        pytest.param(repeated("depend\n", "> ", ""), id="quotes"),
        pytest.param(repeated("depend\n", "1) ", ""), id="list items"),
        pytest.param(repeated("depend\n", "\n", ""), id="empty lines"),
        pytest.param(repeated("depend\n", "\r", ""), id="carriage returns"),
        pytest.param(repeated("", "depend", ""), id="half a key"),
    ],
)
def test_the_longest_description_takes_little_time(body: str) -> None:
    start = time.process_time()
    read_description(body)

    assert time.process_time() - start < WORST_INPUT


@given(
    st.lists(st.sampled_from(["Depends-On: ", "a/b#1", "\n", "```", "<!--", "-->", " ", "- ", "~~~", "\r"])).map(
        "".join
    )
)
def test_any_description_can_be_read(body: str) -> None:
    description = read_description(body)

    assert all(link.text in body for link in description.links)
    assert all(warning.isprintable() for warning in description.near_misses)


@given(st.text(), st.text())
def test_a_link_is_always_the_text_of_a_line(before: str, after: str) -> None:
    expected: Any = {link.text for link in read_description(f"{before}\n{after}").links}

    assert expected <= {line.partition(":")[2].strip() for line in f"{before}\n{after}".splitlines()}

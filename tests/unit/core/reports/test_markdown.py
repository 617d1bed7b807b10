"""What people wrote is shown and does nothing else, as GitHub's own renderer shows it."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plugin.core.config.messages import one_line
from plugin.core.reports.markdown import cell, code, prose, sentence
from tests.rendered import rendered

HOSTILE = [
    "@ada", "@acme/team", "a@b", "ada@example.com", "#1", "acme/orders#12", "GH-7", "PAY-7", "pay-7",
    "0123456789abcdef0123456789abcdef01234567", "deadbeef", "1234567", "acme@deadbeef", "acme/orders@deadbee",
    "https://evil.example", "http://x", "www.evil.example", "ftp://x", "mailto:a@b.example", "//evil.example",
    "[a](javascript:alert(1))", "![a](https://evil.example/x.png)", "[a]:", "[a][b]", "<https://evil.example>",
    "<b>", "</b>", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<!--", "-->", "&lt;b&gt;", "&#64;ada",
    "<!-- preview-plugin v1 -->", "`", "``", "```", "`a", "a`", "`a`", "``a`b``", "```sh", "~~~", "~~a~~",
    "\\", "\\`", "a\\",
    "*", "**a**", "_a_", "__a__", "***", "---", "===", "#", "## a", ">", "> a", "+", "-", "- [ ] a", "1.", "1)",
    "12345)",
    "|", "a|b", "\\|", "|---|", ":-:", ":tada:", ":+1:", "$x$", "$$", "$`x`$", "$", "[^1]", "[^1]: a", "> [!NOTE]",
    "/cc",
    "/preview", "\u202eabc", "\u200d", "\u2066x\u2069", "a\u0301", "\uff20ada", "\U0001f600", "\x00", "\t", "\n\n# a",
]  # fmt: skip
texts = st.lists(
    st.one_of(st.sampled_from(HOSTILE), st.text(max_size=6), st.sampled_from(list("@#`<>[]()!*_~|\\:$&/-.1a"))),
    max_size=8,
).flatmap(lambda words: st.sampled_from(["", " "]).map(lambda joint: joint.join(words)))
WHERE = ["{}", "- {}", "**{}**", "a {} b", '"{}"', "({}).", "- a:\n- {}\n- b"]
OURS = {"p", "ul", "li", "strong", "code"}


def readable(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_do_nothing(text: str, where: str) -> None:
    shown = rendered(where.format(prose(f"before {text} after")))

    assert {tag for tag, _ in shown.tags} <= OURS
    assert (shown.links, shown.comments, shown.woken()) == ([], [], {})


@given(texts, st.sampled_from(WHERE))
@example("[a](javascript:alert(1)) @ada `x` ``y `` | <b>hi</b> <!-- preview-plugin v1 --> 1. foo", "- {}")
def test_no_text_does_anything(text: str, where: str) -> None:
    shown = rendered(where.format(prose(text) or "nothing"))

    assert {tag for tag, _ in shown.tags} <= OURS
    assert (shown.links, shown.comments, shown.woken()) == ([], [], {})


@given(texts)
def test_every_character_of_a_sentence_is_shown(text: str) -> None:
    shown = rendered(f"x {prose(text)} y")

    pieces = "".join(shown.text).replace("\n", " ")
    assert sorted((pieces + "".join(shown.code)).replace(" ", "")) == sorted(f"x{one_line(text)}y".replace(" ", ""))


@given(texts)
def test_code_shows_exactly_its_text(text: str) -> None:
    line = one_line(text)
    shown = rendered(f"x {code(text)} y")

    assert shown.code == ([line] if line else [])
    assert {tag for tag, _ in shown.tags} <= {"p", "code"}


@given(texts)
def test_code_in_a_table_stays_in_its_cell(text: str) -> None:
    shown = rendered(f"| a | b |\n| --- | --- |\n| {cell(code(text))} | last |\n")

    tags = [tag for tag, _ in shown.tags if tag not in {"thead", "tbody"}]
    assert tags == ["table", "tr", "th", "th", "tr", "td", *(["code"] if one_line(text) else []), "td"]
    assert shown.code == ([one_line(text)] if one_line(text) else [])


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ('it has the label "preview"', 'it has the label "preview"'),
        ("acme/payments#123 was merged", "`acme/payments#123` was merged"),
        ('2 pull requests have the branch "new-auth"', '2 pull requests have the branch "new-auth"'),
        (".preview.yaml:3: dependencies.payments: is wrong", "`.preview.yaml:3`: `dependencies.payments`: is wrong"),
        ("it ends at 2026-12-06T09:00:00Z.", "it ends at `2026-12-06T09:00:00Z`."),
        ("push, or comment /preview extend", "push, or comment `/preview` extend"),
        ("", ""),
    ],
)
def test_our_own_sentences_stay_readable(text: str, markdown: str) -> None:
    assert prose(text) == markdown


def test_long_texts_are_cut() -> None:
    assert len(prose("`" * 10_000)) <= 1300
    assert len(code("a" * 10_000)) <= 302


def test_a_sentence_has_an_end_and_begins_no_list() -> None:
    assert sentence("it is paused") == "it is paused."
    assert sentence("is it?") == "is it?"
    assert sentence("12") == "`12`."

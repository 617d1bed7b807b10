import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.core.config.messages import one_line, visible


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("as it is", "as it is"),
        (" two\nlines\tand  blanks ", "two lines and blanks"),
        ("bidi\u202etrick\u2028line\u0085next\x00nul", "bidi trick line next nul"),
        ("x" * 300, "x" * 300),
        ("x" * 301, "x" * 299 + "…"),
    ],
)
def test_one_line(text: str, expected: str) -> None:
    assert one_line(text) == expected


@given(st.text())
def test_any_text_becomes_one_bounded_visible_line(text: str) -> None:
    line = one_line(text)

    assert len(line) <= 300
    assert len(line.splitlines()) <= 1
    assert not [c for c in line if unicodedata.category(c).startswith("C")]
    assert one_line(line) == line


def test_a_line_without_control_characters_keeps_its_blanks() -> None:
    assert visible("  not config (\x1b[31m\u202e\x9b): a\nb") == "  not config ( [31m  ): a b"


def test_a_huge_text_costs_no_more_than_a_long_one() -> None:
    assert one_line("x " * 50_000) == ("x " * 150)[:299] + "…"
    assert one_line(" " * 50_000) == "…"

"""The picture of a comment: everything is in it, and nothing beyond its border."""

from xml.etree import ElementTree as ET

import pytest

from tools.comment_picture import MARGIN, WIDTH, blocks, comment_picture

TEXT = "{http://www.w3.org/2000/svg}text"


def texts(markdown: str) -> list[ET.Element]:
    return ET.fromstring(comment_picture(markdown)).findall(TEXT)


def test_each_kind_of_text_has_its_look() -> None:
    kinds = [(each.get("class"), each.text) for each in texts("**a** [b](https://example.com) `c` & d")]

    assert [kind for kind in kinds if (kind[1] or "").strip()] == [
        ("bold", "a"),
        ("link", "b"),
        ("code", "c"),
        (None, " & d"),
    ]


def test_tables_and_lists_keep_their_order() -> None:
    shown = [each.text for each in texts("| A | B |\n| --- | --- |\n| `1` |  |\n\n- one\n- two\n")]

    assert shown == ["A", "B", "1", "one", "two"]


def test_what_is_too_long_goes_on_below() -> None:
    drawn = texts("- " + "word `code` " * 60)

    assert len({each.get("y") for each in drawn}) > 2
    assert max(float(each.get("x", "")) + float(each.get("textLength", "")) for each in drawn) <= WIDTH - MARGIN


def test_what_a_comment_never_has_is_not_drawn_silently() -> None:
    with pytest.raises(ValueError, match=r"^<h1> is not drawn here$"):
        blocks("# heading")

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.core.config.strict_yaml import MAX_BYTES, MAX_NODES, Limits, YamlError, load
from tests.builders import WORST_INPUT
from tests.strategies import yaml_like

NOT_ALLOWED = "contains characters that YAML does not allow"
ANCHORS = "anchors (&) and aliases (*) are not allowed"
TAGS = "tags (!) are not allowed"
TOO_DEEP = "is nested more than 20 levels deep"
TOO_MANY = "contains more than 5,000 values"
TOO_LARGE = "is larger than 64 KiB"
SEVERAL = "contains several documents; only one is allowed"

plain_words = st.text(st.characters(codec="utf-8"), max_size=20)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no", "no"),
        ("0123456", "0123456"),
        ("1:30", "1:30"),
        ("1.0", "1.0"),
        ("1e3", "1e3"),
        ("0x10", "0x10"),
        ("2026-11-21", "2026-11-21"),
        ("True", "True"),
        ("'1'", "1"),
        ('"true"', "true"),
        ("|\n  12\n", "12\n"),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("# nothing but a comment\n", None),
        ("\ufeff", None),
        ("12", 12),
        ("-12", -12),
        ("0", 0),
        ("999999999999999999", 999_999_999_999_999_999),
        ("9999999999999999999", "9999999999999999999"),
        ("{a: [1, {b: c}]}", {"a": [1, {"b": "c"}]}),
        ("1: one", {"1": "one"}),
        ("'': nothing", {"": "nothing"}),
        ("a: \n", {"a": None}),
        ("<<: {a: 1}", {"<<": {"a": 1}}),
        ("%YAML 1.1\n---\na: 1\n...\n", {"a": 1}),
        ("\ufeffa: 1", {"a": 1}),
    ],
)
def test_plain_scalars(text: str, expected: object) -> None:
    assert repr(load(text).data) == repr(expected)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("[" * 60_000, 1, TOO_DEEP),
        ("{a: " * 15_000, 1, TOO_DEEP),
        ("- " * 30_000, 1, TOO_DEEP),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]", 1, ANCHORS),
        ("a: 1\nb: *a", 2, ANCHORS),
        ("&a a: 1", 1, ANCHORS),
        ("a: 1\n*a : 2", 2, "a key must be a plain string"),
        ("a: 1\n? [b]\n: 2", 2, "a key must be a plain string"),
        ("a: !!int 1", 1, TAGS),
        ("a: ! 1", 1, TAGS),
        ("!a b: 1", 1, TAGS),
        ("!!python/object/apply:os.system [ls]", 1, TAGS),
        ("a: 1\n---\nb: 1", 2, SEVERAL),
        ("---\n---\n", 2, SEVERAL),
        ("a: \ud800", 1, "is not valid Unicode text"),
        ('a: 1\nb: "\\ud800"', 2, "found invalid Unicode character escape code"),
        ("a: \0", 1, NOT_ALLOWED),
        ("a: \x07", 1, NOT_ALLOWED),
        ("a: [1\n", 2, "did not find expected ',' or ']'"),
        ("\ta: 1", 1, "found character that cannot start any token"),
        ("%YAML 9.9\n---\na: 1", 1, "found incompatible YAML document"),
    ],
)
def test_what_is_refused(text: str, line: int, message: str) -> None:
    with pytest.raises(YamlError) as error:
        load(text)
    assert (error.value.line, str(error.value)) == (line, message)


@pytest.mark.parametrize(
    ("good", "bad", "line", "message"),
    [
        ("#" + "x" * (MAX_BYTES - 1), "#" + "x" * MAX_BYTES, 1, TOO_LARGE),
        ("#" + "é" * (MAX_BYTES // 2 - 1), "#" + "é" * (MAX_BYTES // 2), 1, TOO_LARGE),
        ("[" + "1," * (MAX_NODES - 1) + "]", "[" + "1," * MAX_NODES + "]", 1, TOO_MANY),
        # A key counts as well as its value, so this holds 1 + 2 * 2,499 and then one more pair.
        ("\n".join(f"k{n}: 1" for n in range(2_499)), "\n".join(f"k{n}: 1" for n in range(2_500)), 2_500, TOO_MANY),
        ("[" * 20 + "1" + "]" * 20, "[" * 21 + "1" + "]" * 21, 1, TOO_DEEP),
        ("{a: " * 20 + "1" + "}" * 20, "{a: " * 21 + "1" + "}" * 21, 1, TOO_DEEP),
    ],
)
def test_limits_of_bytes_depth_and_values(good: str, bad: str, line: int, message: str) -> None:
    load(good)
    with pytest.raises(YamlError) as error:
        load(bad)
    assert (error.value.line, str(error.value)) == (line, message)


def test_a_file_with_other_limits() -> None:
    limits = Limits(bytes=4 * MAX_BYTES, nodes=3)

    assert load("#" + "x" * MAX_BYTES, limits).data is None
    assert load("[1, 2]", limits).data == [1, 2]
    with pytest.raises(YamlError, match=r"^contains more than 3 values$"):
        load("[1, 2, 3]", limits)


def test_lines_of_values_and_of_missing_values() -> None:
    document = load("a: 1\nb:\n  - c: 2\n    d: {e: 3,\n    f: 4}\n")
    paths = [(), ("a",), ("b",), ("b", 0, "c"), ("b", 0, "d", "e"), ("b", 0, "d", "f"), ("b", 0, "x"), ("x",)]

    assert [document.line(path) for path in paths] == [1, 1, 2, 3, 4, 5, 3, 1]


def test_duplicate_keys_have_the_line_of_the_second() -> None:
    document = load("a: 1\nb:\n  c: 1\n  c: 2\na: 3\n")

    assert document.duplicates == ((("b", "c"), 4), (("a",), 5))
    assert document.data == {"a": 1, "b": {"c": 1}}


@given(st.text() | yaml_like | st.text(st.characters()))
def test_any_text_gives_plain_data_or_a_yaml_error(text: str) -> None:
    try:
        document = load(text)
    except YamlError as error:
        refused = error.line, str(error)
    else:
        assert isinstance(document.data, dict | list | str | int | bool | None)
        return
    line, message = refused
    assert line >= 1
    assert message


@given(st.recursive(plain_words, lambda inner: st.dictionaries(plain_words, inner, max_size=3), max_leaves=8))
def test_quoted_strings_are_unchanged(data: object) -> None:
    def written(value: object) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"? {written(key)} : {written(item)}" for key, item in value.items()) + "}"
        return '"' + "".join(f"\\U{ord(c):08x}" for c in str(value)) + '"'

    assert load(written(data)).data == data


@pytest.mark.parametrize(
    "piece",
    [
        *("[", "{a: ", "a,", "- ", "a: b\n", "? ", "#\n", "a: &a [*a]\n", " ", "\t", '"', "'", "\\u00e9", "--- \n"),
        *("k: |\n", "!", "%"),
    ],
)
@pytest.mark.parametrize("start", ["", "[", "{", 'a: "', "a: '", "a: |\n  ", "? "])
def test_the_longest_file_takes_little_time(start: str, piece: str) -> None:
    text = start + piece * ((65_536 - len(start)) // len(piece))
    begin = time.process_time()
    with suppress(YamlError):
        load(text)

    assert time.process_time() - begin < WORST_INPUT

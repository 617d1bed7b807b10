"""Values <-> bytes."""

import zlib

import pytest

from plugin.state import entries
from plugin.state.entries import SMALL, Unreadable, Value, decode, encode
from tests.knowledge import ODD


@pytest.mark.parametrize("raw", [None, b"", b"\n", b"[1]\n[2]"])
def test_a_value_and_its_raw_bytes_are_read_as_they_were_written(raw: bytes | None) -> None:
    value = Value({"title": ODD, "numbers": [1, None]}, raw)

    assert decode(encode(value)) == value


def test_equal_sets_give_equal_bytes() -> None:
    names = [f"service-{number}" for number in range(50)]

    assert encode(Value(frozenset(names))) == encode(Value(frozenset(reversed(names))))


def test_a_repetitive_answer_is_compressed() -> None:
    raw = b'{"name":"preview-orders-7"},' * 10_000

    assert len(encode(Value({}, raw))) < len(raw) / 50


BOMB = zlib.compress(b"[" + b" " * 20_000_000 + b"]", 9)


def test_an_entry_that_inflates_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert decode(BOMB) == Value([])
    monkeypatch.setattr(entries, "MOST_BYTES", 1_000_000)
    assert len(BOMB) < 25_000

    with pytest.raises(Unreadable, match="inflates to more than 1000000 bytes"):
        decode(BOMB)


def test_an_entry_of_exactly_the_limit_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    value = Value("x" * 998)
    monkeypatch.setattr(entries, "MOST_BYTES", 1000)

    assert decode(encode(value)) == value
    with pytest.raises(Unreadable):
        decode(encode(Value("x" * 999)))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "JSONDecodeError"),
        (encode(Value("s3cret" * SMALL))[:-1], "cut off"),
        (encode(Value("s3cret"))[:-1], "JSONDecodeError"),
        (b"s3cret", "JSONDecodeError"),
        (b"x s3cret", "error"),
        (zlib.compress(b'"s3cret'), "JSONDecodeError"),
        (zlib.compress(b"\xff"), "UnicodeDecodeError"),
        (zlib.compress(b"[" * 100_000), "RecursionError"),
    ],
    ids=[
        "nothing",
        "cut off",
        "small and cut off",
        "not compressed",
        "not inflatable",
        "not JSON",
        "not UTF-8",
        "too deep",
    ],
)
def test_unreadable_bytes_are_refused_without_repeating_them(data: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason) as error:
        decode(data)
    assert "s3cret" not in str(error.value)

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.core.config.durations import parse_duration, parse_span

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@given(st.integers(1, 999_999), st.sampled_from("smhdw"))
def test_durations(number: int, unit: str) -> None:
    assert parse_duration(f"{number}{unit}") == timedelta(seconds=number * SECONDS[unit])


@pytest.mark.parametrize(
    "text",
    ["", "30", "s", "0s", "030s", "-1s", "1.5h", "1h30m", "1000000s", " 30s", "30s\n", "30 s", "٣s", "P1D", "4:13"],
)
def test_invalid_durations(text: str) -> None:
    message = f'"{text}" is not a duration: write a whole number and one of s, m, h, d, w, for example 30s'
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse_duration(text)


@given(st.text())
def test_any_text_is_a_positive_duration_or_a_value_error(text: str) -> None:
    try:
        duration = parse_duration(text)
    except ValueError:
        return
    assert duration > timedelta(0)


@pytest.mark.parametrize(("text", "valid"), [("9s", False), ("10s", True), ("365d", True), ("53w", False)])
def test_spans_are_bounded(text: str, valid: bool) -> None:  # noqa: FBT001  pytest passes it by name
    if valid:
        assert parse_span(text) == parse_duration(text)
    else:
        with pytest.raises(ValueError, match=f'^"{text}" must be at least 10s and at most 365d$'):
            parse_span(text)

import pytest

from plugin.core.config.threshold import Threshold, parse_threshold


@pytest.mark.parametrize(
    ("number", "whole", "too_many"),
    [
        (5, 5, False),  # not more than five
        (6, 6, True),
        (6, 29, True),
        (6, 30, False),  # just 20 %
        (7, 30, True),
        (0, 0, False),
    ],
)
def test_a_threshold_needs_both_the_number_and_the_share(number: int, whole: int, *, too_many: bool) -> None:
    assert Threshold(5, 20).exceeded(number, whole) is too_many


def test_the_lowest_and_the_highest_threshold() -> None:
    assert Threshold(0, 0).exceeded(1, 1000)
    assert not Threshold(0, 0).exceeded(0, 1000)
    assert not Threshold(0, 100).exceeded(1000, 1000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5,20%", (5, 20)),
        ("5, 20 %", (5, 20)),
        ("5 ,20%", (5, 20)),
        ("0,0%", (0, 0)),
        ("999999,100%", (999999, 100)),
    ],
)
def test_valid_thresholds(text: str, expected: tuple[int, int]) -> None:
    assert parse_threshold(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "5", "20%", "5,20", "5,101%", "-5,20%", "5,2.5%", "1000000,20%", "5,20%\n", "x5,20%", "\u0665,20%", "5;20%"],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r'^must be a number and a share, for example "5,20%"$'):
        parse_threshold(text)

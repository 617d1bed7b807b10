"""Thresholds as people write them: `5,20%` is more than 5, and more than 20 % of the whole."""

import re
from typing import NamedTuple

ALL = 100  # per cent


class Threshold(NamedTuple):
    """Exceeded by more than `number` that are also more than `percent` of the whole."""

    number: int
    percent: int

    def exceeded(self, number: int, whole: int) -> bool:
        """Tell whether `number` of `whole` are too many."""
        return number > self.number and number * ALL > self.percent * whole


def parse_threshold(text: str) -> Threshold:
    """Read a threshold. Raises ValueError."""
    match = re.fullmatch(r"([0-9]{1,6}) ?, ?([0-9]{1,3}) ?%", text, re.ASCII)
    if match is None or int(match[2]) > ALL:
        raise ValueError('must be a number and a share, for example "5,20%"')
    return Threshold(int(match[1]), int(match[2]))

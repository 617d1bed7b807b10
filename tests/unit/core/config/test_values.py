import time
from contextlib import suppress

import pytest
from pydantic import TypeAdapter, ValidationError

from plugin.core.config import values
from plugin.core.config.durations import parse_duration
from plugin.core.config.names import slug
from plugin.core.config.threshold import parse_threshold
from tests.builders import WORST_INPUT

LONGEST = 65_536  # characters
KINDS = {
    name: kind
    for name, kind in vars(values).items()
    if name[0].isupper() and name != "Port" and hasattr(kind, "__metadata__")
}
PIECES = [
    "a",
    "A",
    "-",
    ".",
    "/",
    "_",
    "a-",
    "a.",
    "a/",
    "a_",
    "1",
    ":1",
    "@",
    "*",
    "{sha}",
    "{",
    " ",
    "é",
    "http://a",
    "\n",
]


def test_every_kind_of_value_is_covered() -> None:
    assert {
        "Domain",
        "Host",
        "Url",
        "Tag",
        "Prefix",
        "Variable",
        "Repository",
        "Image",
        "BranchPattern",
    } <= KINDS.keys()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("start", ["", "a", "https://", "/", "ghcr.io/"])
def test_the_longest_value_takes_little_time(kind: str, start: str) -> None:
    adapter: TypeAdapter[str] = TypeAdapter(KINDS[kind])
    begin = time.process_time()
    for piece in PIECES:
        for end in ("", "!", "-"):
            with suppress(ValidationError):
                adapter.validate_python(start + piece * (LONGEST // len(piece)) + end)

    assert time.process_time() - begin < WORST_INPUT  # sixty texts


@pytest.mark.parametrize("piece", [*PIECES, "5,", "%", "\ufdfa", "\u0301", "&", "--"])
def test_the_longest_duration_threshold_and_slug_take_little_time(piece: str) -> None:
    text = piece * (LONGEST // len(piece))
    begin = time.process_time()
    for parse in (parse_duration, parse_threshold, slug):
        with suppress(ValueError):
            parse(text)

    assert time.process_time() - begin < WORST_INPUT

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.core.config.branches import matches_branch, wrong_pattern
from tests.builders import WORST_INPUT


@pytest.mark.parametrize(
    ("pattern", "branches", "others"),
    [
        ("main", ["main"], ["Main", "main2", "x/main", ""]),
        ("release/*", ["release/1", "release/"], ["release", "release/1/2", "xrelease/1"]),
        ("release/**", ["release/1", "release/1/2"], ["release"]),
        ("*", ["main", "x"], ["a/b"]),
        ("**", ["main", "a/b/c"], []),
        ("***", ["main", "a/b/c"], []),
        ("*-stable", ["1-stable", "-stable"], ["a/1-stable", "1-stable-2"]),
        ("**/v*", ["a/v1", "a/b/v"], ["v1", "a/v1/2"]),
        ("a*b*c", ["abc", "axbxc", "abbc"], ["ab", "acb", "a/bc"]),
        ("v1.0", ["v1.0"], ["v1x0"]),
    ],
)
def test_target_branch_patterns(pattern: str, branches: list[str], others: list[str]) -> None:
    assert [branch for branch in branches if not matches_branch([pattern], branch)] == []
    assert [branch for branch in others if matches_branch([pattern], branch)] == []


def test_without_patterns_every_branch_matches() -> None:
    assert matches_branch([], "anything")
    assert matches_branch(["main", "release/*"], "release/1")
    assert not matches_branch(["main", "release/*"], "develop")


@given(st.text("ab/*", max_size=8), st.text("ab/", max_size=12))
def test_patterns_match_as_their_regular_expression(pattern: str, branch: str) -> None:
    expression = re.sub(r"\*+", lambda stars: ".*" if len(stars[0]) > 1 else "[^/]*", pattern)

    assert matches_branch([pattern], branch) == (re.fullmatch(expression, branch) is not None)


@pytest.mark.parametrize("pattern", ["*a" * 127, "**a" * 85, "*" * 255])
def test_the_worst_pattern_takes_little_time(pattern: str) -> None:
    start = time.process_time()
    assert not matches_branch([pattern], "a" * 65_536)
    assert not matches_branch([pattern], "/" + "a" * 253 + "b") or pattern == "*" * 255

    assert time.process_time() - start < WORST_INPUT


@pytest.mark.parametrize("pattern", ["main", "release/*", "**", "*", "feature-*/x", "ünï"])
def test_valid_patterns(pattern: str) -> None:
    assert wrong_pattern(pattern) is None

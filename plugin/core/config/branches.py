"""Names of branches, and the patterns that choose among them."""

from collections.abc import Sequence

MAX_LENGTH = 255  # characters

_ANY, _WITHIN = "**", "*"


def is_branch_name(name: str) -> bool:
    """Tell whether Git allows this name for a branch, and it consists of visible characters.

    https://git-scm.com/docs/git-check-ref-format
    """
    if not 0 < len(name) <= MAX_LENGTH or name == "@" or name.startswith("-"):
        return False
    if any(part in name for part in ("..", "@{", "//")) or any(c in " ~^:?*[\\" for c in name):
        return False
    if not name.isprintable():  # control, format and bidi characters, odd blanks
        return False
    return all(part and part[0] != "." and not part.endswith((".lock", ".")) for part in name.split("/"))


def wrong_pattern(pattern: str) -> str | None:
    """Return what is wrong with a pattern, or None."""
    if pattern.startswith(("refs/", "!")) or not is_branch_name(pattern.replace(_ANY, "a").replace(_WITHIN, "a")):
        return 'is not a branch or a pattern, for example main or "release/*"; * and ** are the only wildcards'
    return None


def matches_branch(patterns: Sequence[str], branch: str) -> bool:
    """Tell whether one of the patterns matches a branch. Without patterns, every branch matches.

    As in GitHub's branch filters, `*` matches any characters except "/", `**` matches any characters, and case matters.
    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#filter-pattern-cheat-sheet
    """
    return not patterns or any(_matches(pattern, branch) for pattern in patterns)


def _matches(pattern: str, branch: str) -> bool:
    if _WITHIN not in pattern or len(branch) > MAX_LENGTH:
        return pattern == branch
    tokens = _tokens(pattern)
    # Every position of the pattern that the text so far can lead to: no backtracking, so time stays in bounds.
    reached = _after_wildcards(tokens, {0})
    for character in branch:
        stayed = {i for i in reached if i < len(tokens) and _repeats(tokens[i], character)}
        moved = {i + 1 for i in reached if i < len(tokens) and tokens[i] == character}
        reached = _after_wildcards(tokens, stayed | moved)
        if not reached:
            return False
    return len(tokens) in reached


def _tokens(pattern: str) -> list[str]:
    tokens: list[str] = []
    for character in pattern:
        if character == _WITHIN and tokens and tokens[-1] in (_WITHIN, _ANY):
            tokens[-1] = _ANY
        else:
            tokens.append(character)
    return tokens


def _repeats(token: str, character: str) -> bool:
    return token == _ANY or (token == _WITHIN and character != "/")


def _after_wildcards(tokens: list[str], positions: set[int]) -> set[int]:
    """Add the positions behind wildcards, which may match nothing."""
    found = set(positions)
    for position in positions:
        behind = position
        while behind < len(tokens) and tokens[behind] in (_WITHIN, _ANY):
            behind += 1
            found.add(behind)
    return found

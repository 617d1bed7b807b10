from collections.abc import Sequence

from plugin.sources.github.answer import TooHeavy, Unavailable
from plugin.sources.github.batches import TOO_HEAVY_IN_A_ROW, ask_in_batches, by_owner, chunks


def asked(batches: list[Sequence[int]], heavy: int, *, down_at: int = -1) -> tuple[list[Sequence[int]], list[int]]:
    """Ask a server that finds more than `heavy` items too heavy; return what it answered, and what was given up."""
    answered: list[Sequence[int]] = []
    given_up: list[int] = []

    def ask(batch: Sequence[int]) -> None:
        if down_at in batch:
            raise Unavailable("down")
        if len(batch) > heavy:
            raise TooHeavy("too heavy")
        answered.append(batch)

    ask_in_batches(batches, ask, lambda batch, _: given_up.extend(batch))
    return answered, given_up


def test_a_batch_that_is_too_heavy_is_asked_in_halves() -> None:
    assert asked([[1, 2, 3, 4], [5]], heavy=2) == ([[1, 2], [3, 4], [5]], [])


def test_what_cannot_be_asked_gives_up_everything_that_is_left() -> None:
    assert asked([[1], [2], [3]], heavy=2, down_at=2) == ([[1]], [2, 3])


def test_several_heavy_single_items_in_a_row_are_an_outage() -> None:
    answered, given_up = asked([[number] for number in range(9)], heavy=0)

    assert (answered, given_up) == ([], list(range(9)))
    assert TOO_HEAVY_IN_A_ROW == 3


def test_batches_and_owners() -> None:
    assert chunks([1, 2, 3], 2) == [[1, 2], [3]]
    assert by_owner(["b/x", "a/y", "B/z"], str) == [["a/y"], ["b/x", "B/z"]]  # owners ignore case

"""Batches: what to do when GitHub finds a request too heavy, or cannot be asked at all."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from plugin.sources.github.client import TooHeavy, Unavailable

Item = TypeVar("Item")


def ask_in_batches(
    batches: Iterable[Sequence[Item]],
    ask: Callable[[Sequence[Item]], None],
    give_up: Callable[[Sequence[Item], str], None],
) -> None:
    """Ask for every batch in turn.

    A batch that is too heavy is asked in halves; a single item that is too heavy is given up. When GitHub cannot be
    asked, everything left is given up at once instead of waiting for one time-out after another.
    """
    left = list(batches)
    while left:
        batch = left.pop(0)
        try:
            ask(batch)
        except TooHeavy as error:
            if len(batch) == 1:
                give_up(batch, str(error))
            else:
                middle = len(batch) // 2
                left[:0] = [batch[:middle], batch[middle:]]
        except Unavailable as error:
            for unasked in (batch, *left):
                give_up(unasked, str(error))
            return


def chunks(items: Sequence[Item], size: int) -> list[Sequence[Item]]:
    """Cut into batches of at most `size`."""
    return [items[start : start + size] for start in range(0, len(items), size)]

"""Batches: items that share a request, and what to do if GitHub finds it too heavy or cannot be asked at all."""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain, groupby
from typing import TypeVar

from plugin.core.config.names import folded
from plugin.sources.github.answer import TooHeavy, Unavailable

TOO_HEAVY_IN_A_ROW = 3  # single items; after that many, the cause is not their weight: GitHub is down

Item = TypeVar("Item")


def ask_in_batches(
    batches: Iterable[Sequence[Item]],
    ask: Callable[[Sequence[Item]], None],
    give_up: Callable[[Sequence[Item], str], None],
) -> None:
    """Ask for every batch in turn.

    A batch that is too heavy is asked in halves; a single item that is too heavy is given up. When GitHub cannot be
    asked, or finds several single items in a row too heavy, everything left is given up at once instead of waiting for
    one timeout after another. `batches` is read lazily, because asking for one batch may add another.
    """
    batches, left = iter(batches), list[Sequence[Item]]()
    too_heavy_alone = 0
    while batch := left.pop(0) if left else next(batches, None):
        try:
            ask(batch)
            too_heavy_alone = 0
        except TooHeavy as error:
            if len(batch) > 1:
                middle = len(batch) // 2
                left[:0] = [batch[:middle], batch[middle:]]
                continue
            give_up(batch, str(error))
            too_heavy_alone += 1
            if too_heavy_alone == TOO_HEAVY_IN_A_ROW:
                _give_up_all(chain(left, batches), give_up, str(error))
                return
        except Unavailable as error:
            _give_up_all(chain([batch], left, batches), give_up, str(error))
            return


def chunks(items: Sequence[Item], size: int) -> list[Sequence[Item]]:
    """Cut into batches of at most `size`."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def by_owner(items: Iterable[Item], repository: Callable[[Item], str]) -> list[list[Item]]:
    """Group by owner, because each has its own credentials, and GitHub's limits count per installation."""
    return [group for _, group in grouped(items, lambda item: folded(repository(item).partition("/")[0]))]


def grouped(items: Iterable[Item], key: Callable[[Item], str]) -> list[tuple[str, list[Item]]]:
    """Group by key, in the order of the keys."""
    return [(name, list(group)) for name, group in groupby(sorted(items, key=key), key)]


def _give_up_all(
    batches: Iterable[Sequence[Item]], give_up: Callable[[Sequence[Item], str], None], reason: str
) -> None:
    for batch in batches:
        give_up(batch, reason)

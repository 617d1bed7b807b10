"""The newest version: what was stored last, here or by another replica. Nothing older is ever shown again."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from plugin.mirror.current import Current, decided
from plugin.state import NOTHING, Head, Known, Outdated, Store, Unreachable


class Newest:
    """Any number of threads may read it; the version that they get is replaced as a whole."""

    def __init__(self, store: Store, unreachable: Callable[[], None] = lambda: None) -> None:
        """`unreachable` is called whenever the store cannot be read or written."""
        self._store = store
        self._unreachable = unreachable
        self._replacing = threading.Lock()
        self._current = Current(NOTHING, None)
        self._loaded = False

    @property
    def known_here(self) -> Current:
        """What this replica knows, without asking whether there is something newer."""
        return self._current

    def synchronised(self) -> Current:
        """Return the newest version that any replica has stored. Raises Unreachable."""
        with self._noticing():
            head = self._store.head()
            current = self._current
            if self._loaded and _same(head, current.known.head):
                return current if head == current.known.head else self._with_head(head)
            with self._replacing:
                return self._load()

    def reload(self) -> Current:
        """Load what another replica stored, even if no answer has changed. Raises Unreachable."""
        with self._noticing(), self._replacing:
            return self._load()

    def store(self, before: Current, after: Current) -> None:
        """Store a new version, then show it. Raises Outdated or Unreachable."""
        with self._noticing(), self._replacing:
            try:
                self._store.save(before.known, after.known)
            except (Outdated, Unreachable):
                # It may have been stored although the reply was lost, under the same version. To write again, the
                # store must know what it holds.
                self._loaded = False
                raise
            self._current = after

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        try:
            yield
        except Unreachable:
            self._unreachable()
            raise

    def _with_head(self, head: Head) -> Current:
        with self._replacing:
            if _same(head, self._current.known.head):
                self._current = replace(self._current, known=replace(self._current.known, head=head))
            return self._current

    def _load(self) -> Current:
        known = _usable(self._store.load())
        if self._loaded and known.head.version == self._current.known.head.version:
            self._current = replace(self._current, known=known)
        else:
            self._current, self._loaded = _decided(known, self._current), True
        return self._current


def _decided(known: Known, before: Current) -> Current:
    """Decide on what another process stored. Often that is only an act, and most of what was judged still holds."""
    current = decided(known, before.decision)
    same_plans = known.catalog is before.known.catalog and known.ends == before.known.ends
    return replace(current, living=before.living) if same_plans else current


def _same(one: Head, other: Head) -> bool:
    """Tell whether two heads differ at most in how fresh they are."""
    return (one.version, one.reports) == (other.version, other.reports)


def _usable(known: Known) -> Known:
    """Return what can be decided on: the state leaves out entries that it cannot read.

    If the repository of a live preview is missing, no catalog is in force until that repository is read again.
    """
    if known.catalog is None:
        return known
    needed = set(known.catalog.repositories)
    if known.live is not None:
        needed &= known.live.by_repository.keys()
    return known if needed <= known.snapshot.repositories.keys() else replace(known, catalog=None)

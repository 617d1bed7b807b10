"""The catalog's file: read again when it changes. While it is broken or older, the catalog in force stays.

An edit reaches the volumes of several replicas at different moments:
https://kubernetes.io/docs/concepts/configuration/configmap/#mounted-configmaps-are-updated-automatically.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from plugin.core.config.catalog import Catalog, load_catalog
from plugin.errors import InvalidFile, Problem

# By then an edit has reached every replica: a file that still differs is meant that way, or is no longer updated.
PROPAGATION = timedelta(minutes=10)


class WatchedCatalog:
    """Compares this replica's file with the catalog in force, which the state holds."""

    def __init__(
        self,
        path: Path,
        in_force: Callable[[], Catalog | None] = lambda: None,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read the file for the first time. `in_force` is called if it is broken; `steady` returns seconds.

        Raises InvalidFile or OSError if it is broken and nothing else is in force.
        """
        self._path = path
        self._steady = steady
        self._text: str | None = None  # what was read last
        self._own: Catalog | None = None  # the catalog in this text; None: it has mistakes
        self._mistakes: InvalidFile | None = None
        self._replaces: str | None = None  # the text in force when this one was read; this one once it is in force
        self._newer: str | None = None  # the text that came into force after this one was read, and until when it stays
        self._newer_until = 0.0
        self._failure = self._look()
        catalog = in_force() if self._failure else self._own
        if catalog is None:
            assert self._failure  # noqa: S101  otherwise the file has a catalog
            raise self._failure
        self.newest: Catalog = catalog

    @property
    def error(self) -> str:
        """Say what is wrong with the file, or ""."""
        if self._failure and self._failure is self._mistakes:
            # Only where the mistakes are: this is logged, and values can be secret. `preview-plugin check` says more.
            return "\n".join(f"{problem.file}:{problem.line}: {problem.field}" for problem in self._mistakes.problems)
        return str(self._failure or "")

    @property
    def waits(self) -> timedelta | None:
        """How much longer the file does not count because it is older than the catalog in force; None if it is not."""
        return None if self._newer is None else timedelta(seconds=max(0.0, self._newer_until - self._steady()))

    def read(self, in_force: Catalog | None) -> Catalog:
        """Return the catalog that should be in force. `in_force` is the one that the state holds; None: none yet."""
        self._failure = self._look()
        if in_force is None:
            self._newer = None
        if in_force and (self._is_older(in_force.text) or not self._counts):
            self.newest = in_force
        elif self._own:
            self.newest = self._own
        return self.newest

    @property
    def _counts(self) -> bool:
        """Whether what was read last counts. A file that is missing for a moment takes nothing back."""
        return self._own is not None and (self._failure is None or isinstance(self._failure, OSError))

    def _look(self) -> OSError | InvalidFile | None:
        """Read the file if it has changed; return what is wrong with it."""
        try:
            text = self._path.read_text("utf-8")
        except OSError as error:  # perhaps only for a moment, so nothing changes
            return error
        except UnicodeDecodeError:
            return InvalidFile([Problem(str(self._path), 1, "", "is not UTF-8 text")])
        if text != self._text:
            self._text, self._own, self._mistakes = text, None, None
            self._replaces = None
            try:
                self._own = load_catalog(text, str(self._path))
            except InvalidFile as error:
                self._mistakes = error
        return self._mistakes

    def _is_older(self, in_force: str) -> bool:
        """Tell whether another replica has put something else in force since this file's text was read here."""
        if self._replaces is None or in_force == self._text:
            self._replaces = in_force
        if in_force == self._replaces:
            self._newer = None
        elif in_force != self._newer:
            self._newer, self._newer_until = in_force, self._steady() + PROPAGATION.total_seconds()
        elif self._steady() >= self._newer_until:
            self._replaces, self._newer = in_force, None
        return self._newer is not None

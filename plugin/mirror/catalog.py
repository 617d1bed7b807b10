"""The catalog's file: read again when it changes; a broken new version is refused and the old one stays in force."""

from pathlib import Path

from plugin.core.catalog import Catalog, load_catalog
from plugin.errors import InvalidFile


class WatchedCatalog:
    """The newest good version of the file."""

    def __init__(self, path: Path) -> None:
        """Read it for the first time. Raises InvalidFile, or OSError."""
        self._path = path
        self._seen = path.read_text("utf-8")
        self.newest = load_catalog(self._seen, str(path))
        self.error = ""

    def read(self) -> Catalog:
        """Return the newest good version; `error` says what is wrong with a newer one."""
        try:
            text = self._path.read_text("utf-8")
            if text != self._seen:
                self._seen, self.error = text, ""
                self.newest = load_catalog(text, str(self._path))
        except (InvalidFile, OSError, UnicodeDecodeError) as error:
            self.error = str(error)
        return self.newest

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
        self._mistakes = ""  # of the text that was seen last; that it cannot be read for a moment changes nothing

    def read(self) -> Catalog:
        """Return the newest good version; `error` says what is wrong with a newer one."""
        try:
            text = self._path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            self.error = str(error)
            return self.newest
        if text != self._seen:
            self._seen, self._mistakes = text, ""
            try:
                self.newest = load_catalog(text, str(self._path))
            except InvalidFile as error:
                self._mistakes = str(error)
        self.error = self._mistakes
        return self.newest

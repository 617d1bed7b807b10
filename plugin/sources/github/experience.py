"""What earlier readings showed about repositories; forgetting it costs a few requests and nothing else."""

from dataclasses import dataclass, field

LARGEST_PAGE = 100  # pull requests; GitHub gives no more
TIMES_SHORT = 3  # readings in a row that lack the same number, before they are believed


@dataclass(slots=True)
class _Patience:
    """Waits for something to become complete, but not for ever."""

    seen: dict[str, tuple[int, int]] = field(default_factory=dict)  # how much was missing, and how often in a row

    def ends(self, name: str, missing: int) -> bool:
        if missing <= 0:
            self.seen.pop(name, None)
            return True
        before, times = self.seen.get(name, (missing, 0))
        self.seen[name] = missing, times + 1 if before == missing else 1
        return self.seen[name][1] >= TIMES_SHORT


@dataclass(slots=True)
class Experience:
    """Kept by the names of repositories. For one thread."""

    largest_page: dict[str, int] = field(default_factory=dict)  # halved whenever one was too heavy
    _counts: _Patience = field(default_factory=_Patience)
    _first_readings: _Patience = field(default_factory=_Patience)

    def believes_count(self, name: str, missing: int) -> bool:
        """Tell whether a list that is short by `missing` pull requests is as long as it will ever be.

        A list that moves while its pages are read, or an index that lags, is complete the next time. If it is short by
        the same number again and again, GitHub counts what it does not show, and waiting would freeze the repository.
        """
        return self._counts.ends(name, missing)

    def takes_first_reading(self, name: str, unread: int) -> bool:
        """Tell whether a repository that was never read before may be accepted without `unread` of its pull requests.

        Their previews may be live, so GitHub gets some time to say more about them, but not for ever: one pull request
        never harms another.
        """
        return self._first_readings.ends(name, unread)

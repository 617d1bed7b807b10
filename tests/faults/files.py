"""The catalog's file of each replica. What people write reaches it some time later, as Kubernetes renews volumes."""

import random
from datetime import datetime, timedelta
from pathlib import Path

from tests.faults.truth import Clock

SPREAD = 120.0  # seconds until the last replica has it


class Files:
    """All editions of the file, broken ones too, and which of them is on whose volume."""

    def __init__(self, clock: Clock, chance: random.Random, folder: Path, text: str) -> None:
        self.spread = SPREAD
        self._clock = clock
        self._chance = chance
        self._folder = folder
        self._texts = [(clock.now, text)]
        self._renewals: dict[str, list[datetime]] = {}  # by replica; those in the future are still to come

    def write(self, text: str) -> None:
        """Write a new edition, as people do."""
        self._texts.append((self._clock.now, text))
        for renewals in self._renewals.values():
            at_once = self._chance.random() < 0.4
            seconds = 0.0 if at_once else self._chance.uniform(0, self.spread)
            renewals.append(self._clock.now + timedelta(seconds=seconds))

    def new(self, replica: str) -> Path:
        """Make the volume of a new replica, with the newest edition."""
        self._renewals[replica] = [self._clock.now]
        self.renew(replica)
        return self._path(replica)

    def remove(self, replica: str) -> None:
        del self._renewals[replica]

    def renew(self, replica: str) -> None:
        """Write what the volume holds by now."""
        renewed = max(at for at in self._renewals[replica] if at <= self._clock.now)
        text = next(text for written, text in reversed(self._texts) if written <= renewed)
        self._path(replica).write_text(text, "utf-8")

    def _path(self, replica: str) -> Path:
        return self._folder / f"catalog of {replica}.yaml"

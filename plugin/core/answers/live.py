"""What was answered last: every live preview, once for all inputs, and what an edit that is held would remove."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LivePreview:
    """A preview that the newest answers name, with what filters look at and what Argo CD knows it by."""

    service: str
    number: int
    name: str  # of the Application and its namespace: another name is another environment
    profile: str
    fork: bool

    @property
    def key(self) -> str:
        """The preview's identity, as in `/api/v1/previews/<service>/<number>`."""
        return f"{self.service}/{self.number}"


@dataclass(frozen=True, slots=True)
class Live:
    """Every live preview of the newest answers, whatever filters they were asked with."""

    catalog: str  # fingerprint of the catalog that they were made with
    by_repository: Mapping[str, tuple[LivePreview, ...]]  # without empty ones


@dataclass(frozen=True, slots=True)
class Hold:
    """While the breaker holds: the old answer stays whole until the catalog is acknowledged, or edited again."""

    catalog: str  # fingerprint of the catalog that waits
    departures: Mapping[str, str]  # what it would remove: the preview's key, and why
    parameters: bytes | None  # the old answer to everything, a JSON list; None if nobody has it

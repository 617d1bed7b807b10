"""Verdicts: the state of each preview, and why. All later steps read this one map."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from plugin.core.config.messages import one_line
from plugin.core.facts.lives import Life, State
from plugin.core.facts.model import Repository


@dataclass(frozen=True, slots=True)
class Verdict:
    """A state and the sentence that explains it."""

    state: State
    reason: str
    deploy_sha: str = ""  # the commit that runs; "": the head
    ends_at: datetime | None = None  # None: never, or it is not live

    @property
    def live(self) -> bool:
        """Whether Argo CD gets the preview. Only a live preview can be the target of a link."""
        return self.state.live


def skipped(reason: str) -> Verdict:
    """Return the verdict on a preview that a pull request asks for but does not get."""
    return Verdict(State.SKIPPED, one_line(reason))


@dataclass(frozen=True, eq=False, slots=True)
class Judged:
    """One repository with the verdicts on its previews, by number and service; only on those that are asked for."""

    repository: Repository
    lives: Mapping[str, Life]  # by `<service>/<number>`
    verdicts: Mapping[tuple[int, str], Verdict]


Verdicts = Mapping[str, Judged]  # by repository

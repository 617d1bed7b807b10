"""Writing: what can come of a step that the reporter asks a writer to take."""

from typing import Protocol

from plugin.core.reports.content import Target
from plugin.core.reports.steps import Item, Look, Step
from plugin.errors import PluginError

LATEST = 30.0  # seconds from the claim of a step until its request; later another replica may have taken over


class Lost(PluginError):
    """What the step did is not known."""


class Refused(PluginError):
    """The step did nothing, and would do nothing again."""


class Closed(PluginError):
    """The step did nothing, and nobody's step would for some time."""

    def __init__(self, reason: str, seconds: float | None = None) -> None:
        """`seconds` says for how long; None: the server does not say."""
        super().__init__(reason)
        self.seconds = seconds


class Forbidden(PluginError):
    """The step did nothing because a permission is missing, which all steps of this kind need."""


class Missing(PluginError):
    """The step did nothing because its thing is gone."""


class Writer(Protocol):
    """Takes steps at targets of one kind. Used by one thread."""

    def look(self, target: Target, step: Look) -> tuple[Item, ...]:
        """Return what stands there, the newest last. Raises one of the errors above."""

    def write(self, target: Target, step: Step) -> int:
        """Take any other step; return the id of what it created or changed, or 0. Raises one of the errors above."""

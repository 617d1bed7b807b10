"""Events: when people did something with a pull request. GitHub's own times, which its author cannot forge."""

from datetime import datetime

from plugin.core.config.names import folded
from plugin.core.facts.model import Events
from plugin.sources.github.answer import Part
from plugin.sources.github.nodes import Node, timestamp
from plugin.sources.github.queries import timeline_parts


def events_of(pull_request: Part) -> Events:
    """Read the timeline of a pull request, which may lack older events. Raises one of MALFORMED.

    An event whose label was deleted in the repository has no name that GitHub could say, so it is left out.
    """
    parts = timeline_parts(pull_request)
    happened = sorted(_event(part.value) for part in parts if not part.error and part.value is not None)
    return Events(
        timestamp(pull_request.value["createdAt"]),
        {label: at for at, label in happened if label},
        max((at for at, label in happened if not label), default=None),
    )


def _event(node: Node) -> tuple[datetime, str]:
    """Return when it happened, and the label, folded, or "" if it was reopened or marked as ready for review."""
    label = folded(node["label"]["name"]) if node["__typename"] == "LabeledEvent" else ""
    return timestamp(node["createdAt"]), label

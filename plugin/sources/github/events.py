"""Events: when people did something with a pull request. GitHub's own times, which its author cannot forge."""

from plugin.core.config.names import folded
from plugin.core.facts.model import Events
from plugin.sources.github.answer import Part
from plugin.sources.github.nodes import timestamp
from plugin.sources.github.queries import timeline_parts


def events_of(pull_request: Part) -> Events:
    """Read the timeline of a pull request, which may lack older events. Raises one of MALFORMED.

    An event whose label was deleted in the repository has no name that GitHub could say, so it is left out.
    """
    labelled_at, reopened = {}, []
    for part in timeline_parts(pull_request):
        if part.error or part.value is None:
            continue
        at = timestamp(part.value["createdAt"])
        if part.value["__typename"] == "LabeledEvent":
            label = folded(part.value["label"]["name"])
            labelled_at[label] = max(at, labelled_at.get(label, at))
        else:
            reopened.append(at)
    return Events(timestamp(pull_request.value["createdAt"]), labelled_at, max(reopened, default=None))

"""The comments of the demo: what the plugin tells developers on their pull requests, as Markdown."""

from collections.abc import Iterator, Mapping

from plugin.app import make_plugin
from plugin.core.decision.decide import Decision
from plugin.core.reports.content import Comment
from plugin.core.reports.naming import naming
from plugin.core.reports.said import Pages, Place
from plugin.core.reports.wanted import Around, callers_of, wanted
from plugin.mirror.current import Current
from plugin.settings import StateSettings, load_settings
from plugin.state import OpenedState
from plugin.state.memory import LocalBoard, LocalLease, MemoryStore
from plugin.state.opening import stored
from tools.demo_day import MOMENT

SHOWN = ("acme/orders#15", "acme/orders#18")  # by `make demo`


def comments(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the comment on each pull request that gets one, from what a server has stored."""
    read = load_settings(StateSettings, settings)
    state = OpenedState(MemoryStore(stored(read.state.get_secret_value())), LocalBoard(), LocalLease(), lambda: None)
    plugin = make_plugin(read, state, now=lambda: MOMENT)
    plugin.refresher.refresh()
    current = plugin.answers.current()
    return dict(_comments(current, current.decision)) if current.decision else {}


def _comments(current: Current, decision: Decision) -> Iterator[tuple[str, str]]:
    around = Around(current.known.reported, current.moment.held, callers_of(decision.previews))
    for name, part in decision.parts.items():
        named = naming(decision.catalog, current.known.snapshot.repositories, name)
        for target, content in wanted(part, Place(decision.catalog, named, Pages()), around).items():
            if isinstance(content, Comment) and content.create:
                _marker, _, body = content.body.partition("\n\n")
                yield target.pull_request, body.strip()

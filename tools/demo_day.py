"""The day of the demo: what the plugin saw of the demo organisation on Wednesday, 25 November 2026."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from plugin.app import make_plugin
from plugin.settings import StateSettings, load_settings
from plugin.sources.file import Organisation
from plugin.state.opening import open_state

BEGINS = datetime(2026, 11, 25, 7, 30, tzinfo=UTC)
MOMENT = datetime(2026, 11, 25, 17, 30, tzinfo=UTC)  # what examples/acme/organisation.yaml shows
STEP = timedelta(minutes=5)  # an announced end does not come nearer in more than ten minutes without a reading

Show = Callable[[Organisation, datetime], None]  # shows the plugin an organisation at a moment


def play(organisation: Organisation, show: Show, settings: Mapping[str, str]) -> int:
    """Refresh in all these moments, as a server does, and return how often. The state then says what was learnt."""
    read = load_settings(StateSettings, settings)
    state = open_state(read.state.get_secret_value())
    state.lease.compete()
    now, refreshes = BEGINS, 0
    plugin = make_plugin(read, state, now=lambda: now)
    while now <= MOMENT:
        show(until(organisation, now), now)
        report = plugin.refresher.refresh()
        if report.failure or report.current.known.snapshot.doubts:
            raise SystemExit(f"{now}: {report.failure or report.current.known.snapshot.doubts}")
        now, refreshes = now + STEP, refreshes + 1
    state.close()
    return refreshes


def until(organisation: Organisation, moment: datetime) -> Organisation:
    """Return the organisation as it was when pull requests that are newer did not exist yet."""
    repositories = {
        name: entry.model_copy(
            update={"pull_requests": tuple(each for each in entry.pull_requests if each.created_at <= moment)}
        )
        for name, entry in organisation.repositories.items()
    }
    return organisation.model_copy(update={"repositories": repositories})

"""`acknowledge`: what a person tells the plugin."""

import getpass
import os
from datetime import UTC, datetime

import click

from plugin.cli.failures import errors_for_people, fail
from plugin.core.facts.acts import Act, ActKind
from plugin.logs import configure_logs
from plugin.settings import StateSettings, load_settings
from plugin.state.opening import open_state


@click.command("acknowledge")
@click.argument("fingerprint")
def command(fingerprint: str) -> None:
    """Let the breaker release previews.

    These are the previews that the new catalog removes. The breaker's message gives the catalog's FINGERPRINT.
    """
    configure_logs()
    with errors_for_people():
        state = open_state(load_settings(StateSettings, os.environ).state.get_secret_value())
        hold = state.store.load().hold
        if hold is None:
            fail("the breaker holds nothing back")
        if fingerprint != hold.catalog:
            fail(f"the breaker waits for {hold.catalog}, not for {fingerprint}")
        state.store.act(Act(ActKind.ACKNOWLEDGE, fingerprint, _login_name(), datetime.now(UTC)))
    click.echo(f"{fingerprint}: acknowledged; the next refresh releases the previews that this catalog removes")


def _login_name() -> str:
    """Return who runs this command. A container's user may have no entry in /etc/passwd."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # KeyError before Python 3.13
        return "unknown"

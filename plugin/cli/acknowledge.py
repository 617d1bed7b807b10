"""`acknowledge`: what a person tells the plugin."""

import os
from datetime import UTC, datetime

import click

from plugin.cli.acting import login_name
from plugin.cli.failures import errors_for_people, fail
from plugin.core.facts.acts import Act, ActKind
from plugin.logs import configure_logs
from plugin.settings import StateSettings, load_settings
from plugin.state.opening import open_state


@click.command("acknowledge")
@click.argument("fingerprint")
def command(fingerprint: str) -> None:
    """Let an edit of the catalog take effect that the breaker holds back.

    It may then remove previews, and bring their ends forward. The breaker's message gives the catalog's FINGERPRINT.
    """
    configure_logs()
    with errors_for_people():
        state = open_state(load_settings(StateSettings, os.environ).state.get_secret_value())
        known = state.store.load()
        if not known.held_catalog:
            fail("the breaker holds nothing back")
        if fingerprint != known.held_catalog:
            fail(f"the breaker waits for {known.held_catalog}, not for {fingerprint}")
        state.store.act(Act(ActKind.ACKNOWLEDGE, fingerprint, login_name(), datetime.now(UTC)))
    what = (
        "releases the previews that this catalog removes"
        if known.hold
        else "lets the ends come that this catalog plans"
    )
    click.echo(f"{fingerprint}: acknowledged; the next refresh {what}")

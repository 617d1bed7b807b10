"""`acknowledge`: what a person tells the plugin."""

import os

import click

from plugin.cli.failures import errors_for_people, fail
from plugin.mirror.current import waits_for_human
from plugin.settings import StateSettings, load_settings
from plugin.state.opening import open_state


@click.command()
@click.argument("fingerprint")
def acknowledge(fingerprint: str) -> None:
    """Let the breaker release previews that the new catalog removes. Its message gives the fingerprint."""
    with errors_for_people():
        state = open_state(load_settings(StateSettings, os.environ).state.get_secret_value())
        known = state.store.load()
        waiting = known.catalog.fingerprint if known.catalog and waits_for_human(known) else ""
        if fingerprint != waiting:
            fail(f"the breaker waits for {waiting or 'nothing'}, not for {fingerprint}")
        state.store.acknowledge(fingerprint)
    click.echo(f"{fingerprint}: acknowledged; the next refresh releases the previews that this catalog removes")

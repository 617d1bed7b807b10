"""`ask`: asks for a preview again, which starts a new age."""

import click

from plugin.cli.acting import tell
from plugin.core.facts.acts import ActKind


@click.command("ask")
@click.argument("preview")
def command(preview: str) -> None:
    """Ask for a preview again that has ended or sleeps.

    It starts a new age, as if its label had been put on again. PREVIEW is a pull request (acme/orders#12, or its URL)
    or a preview (orders-12, its namespace, or its URL).
    """
    tell(preview, ActKind.ASK)

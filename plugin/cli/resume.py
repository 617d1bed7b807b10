"""`resume`: wakes a preview that is paused."""

import click

from plugin.cli.acting import tell
from plugin.core.facts.acts import ActKind


@click.command("resume")
@click.argument("preview")
def command(preview: str) -> None:
    """Wake a preview that is paused.

    PREVIEW is a pull request (acme/orders#12, or its URL) or a preview (orders-12, its namespace, or its URL).
    """
    tell(preview, ActKind.RESUME)

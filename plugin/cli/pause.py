"""`pause`: stops the pods of a preview and keeps its data."""

import click

from plugin.cli.acting import tell
from plugin.core.facts.acts import ActKind


@click.command("pause")
@click.argument("preview")
def command(preview: str) -> None:
    """Pause a preview until somebody pushes or resumes it.

    Its data stays. PREVIEW is a pull request (acme/orders#12, or its URL) or a preview (orders-12, its namespace, or
    its URL).
    """
    tell(preview, ActKind.PAUSE)

"""`extend`: lets a preview live for longer."""

import click

from plugin.cli.acting import tell
from plugin.cli.failures import fail
from plugin.core.config.durations import parse_span
from plugin.core.facts.acts import ActKind


@click.command("extend")
@click.argument("preview")
@click.argument("time", required=False)
def command(preview: str, time: str | None) -> None:
    """Let a preview live for TIME from now on at least.

    TIME is a duration, for example 8h or 3d; without one, the catalog's lifecycle.extend counts. PREVIEW is a pull
    request (acme/orders#12, or its URL) or a preview (orders-12, its namespace, or its URL).
    """
    try:
        span = None if time is None else parse_span(time)
    except ValueError as error:
        fail(str(error))
    tell(preview, ActKind.EXTEND, span)

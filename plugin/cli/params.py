"""`params`: what Argo CD would get."""

import click

from plugin.cli.failures import errors_for_people
from plugin.cli.reading import read_once
from plugin.core.answers.filters import ORIGINS
from plugin.web.getparams import ENVELOPE


@click.command("params")
@click.option("--service", "services", multiple=True, help="Only this service; may be repeated.")
@click.option("--profile", help="Only services of this profile.")
@click.option("--origin", type=click.Choice(ORIGINS), default="same-repository", show_default=True)
def command(services: tuple[str, ...], profile: str | None, origin: str) -> None:
    """Print what Argo CD would get."""
    filters: dict[str, object] = {"origin": origin}
    if services:
        filters["services"] = list(services)
    if profile is not None:
        filters["profile"] = profile
    with errors_for_people():
        click.echo(read_once().plugin.answers.parameters(filters, ENVELOPE).decode())

"""`params` and `explain`: the server's answers, without a server."""

import os
from collections.abc import Iterable

import click

from plugin.app import make_plugin
from plugin.cli.failures import errors_for_people
from plugin.core.answers.explanation import explanation, history
from plugin.core.answers.filters import ORIGINS
from plugin.core.config.messages import visible
from plugin.core.config.names import folded
from plugin.core.config.references import parse_locator
from plugin.mirror.answers import Answers
from plugin.mirror.refresh import RefreshReport
from plugin.settings import StateSettings, load_settings, trust_certificates
from plugin.state import Known, OpenedState
from plugin.state.memory import LocalBoard, LocalLease, MemoryStore
from plugin.state.opening import stored
from plugin.web.getparams import ENVELOPE


@click.command()
@click.option("--service", "services", multiple=True, help="Only this service; may be repeated.")
@click.option("--profile", help="Only services of this profile.")
@click.option("--origin", type=click.Choice(ORIGINS), default="same-repository", show_default=True)
def params(services: tuple[str, ...], profile: str | None, origin: str) -> None:
    """Print what the endpoint would answer."""
    filters: dict[str, object] = {"origin": origin}
    if services:
        filters["services"] = list(services)
    if profile is not None:
        filters["profile"] = profile
    with errors_for_people():
        _, answers = _answers()
        click.echo(answers.parameters(filters, ENVELOPE).decode())


@click.command()
@click.argument("locator")
def explain(locator: str) -> None:
    """Explain what happens to one pull request (acme/orders#12), and why."""
    wanted = parse_locator(locator)
    if wanted is None:
        raise click.UsageError("write the pull request as acme/orders#12 or as its URL")
    with errors_for_people():
        known, answers = _answers()
        current = answers.current()
    found = [preview for preview in current.previews if folded(preview.locator) == folded(str(wanted))]
    held = current.moment.held
    for preview in found:
        events = known.histories.get(preview.key, ())
        _print(explanation(preview, held.get(preview.key, ""), events))
    if not found:
        services = current.services_of(wanted)
        reason = "it is not open, or it lacks the labels" if services else "its repository is not in the catalog"
        click.echo(f"{wanted} has no preview: {reason}.")
        for service in services:
            _print(history(known.histories.get(f"{service.name}/{wanted.number}", ())))
        raise SystemExit(1)


def _answers() -> tuple[Known, Answers]:
    """Refresh once from what a server has stored, without changing that; return it with the answers."""
    settings = load_settings(StateSettings, os.environ)
    trust_certificates(os.environ)
    known = stored(settings.state.get_secret_value())
    state = OpenedState(MemoryStore(known), LocalBoard(), LocalLease(), lambda: None)
    plugin = make_plugin(settings, state, [_print_trouble])
    plugin.refresher.refresh()
    return known, plugin.answers


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(visible(line))


def _print_trouble(report: RefreshReport) -> None:
    if report.catalog_error:
        message = "the catalog is broken; the one in the state stays in force"
        click.echo(f"{message}:\n{report.catalog_error}", err=True)
    for repository, reason in report.current.known.snapshot.doubts.items():
        click.echo(visible(f"{repository}: {reason}"), err=True)

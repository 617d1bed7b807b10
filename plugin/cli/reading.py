"""Reading once, as the server does in each refresh, but without changing what a server has stored."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import click

from plugin.app import Plugin, make_plugin
from plugin.cli.failures import fail
from plugin.core.answers.absence import absence
from plugin.core.answers.wanted import Wanted
from plugin.core.config.messages import one_line, visible
from plugin.core.config.references import Locator
from plugin.logs import configure_logs
from plugin.mirror.refresh import RefreshReport
from plugin.settings import StateSettings, load_settings, trust_certificates
from plugin.state import Known, OpenedState
from plugin.state.memory import LocalBoard, LocalLease, MemoryStore
from plugin.state.opening import stored

MAX_NAMED = 3  # repositories that one line names


@dataclass(frozen=True, slots=True)
class Reading:
    """What a server has stored, and the parts that have read once since."""

    stored: Known
    plugin: Plugin

    def why_none(self, wanted: Wanted) -> str:
        """Say why a pull request has no preview that any listing shows; the source is asked about it."""
        current, locator = self.plugin.answers.current(), wanted.locator
        services = [service for service in current.services_of(locator) if wanted.admits(service.name)]
        repositories = current.known.snapshot.repositories
        known = next((repositories[it.repository] for it in services if it.repository in repositories), None)
        if known is None:
            return absence(locator, services, None)
        spelt = Locator(known.name, locator.number)
        found = self.plugin.source.look_up([spelt], {known.name: known}).get(spelt)
        return absence(spelt, services, found, archived=known.archived_at is not None)


def read_once() -> Reading:
    """Read everything once, and print what could not be read.

    Exits if nothing was ever read. Raises InvalidSettings, InvalidFile, OSError or Unreachable.
    """
    configure_logs()
    settings = load_settings(StateSettings, os.environ)
    trust_certificates(os.environ)
    known = stored(settings.state.get_secret_value())
    state = OpenedState(MemoryStore(known), LocalBoard(), LocalLease(), lambda: None)
    plugin = make_plugin(settings, state)
    _print_trouble(plugin.refresher.refresh())
    return Reading(known, plugin)


def _print_trouble(report: RefreshReport) -> None:
    if report.catalog_error:
        message = "the catalog is broken; the one in the state stays in force"
        click.echo(f"{message}:\n{report.catalog_error}", err=True)
    snapshot = report.current.known.snapshot
    lines = [visible(line) for line in trouble(snapshot.doubts)]
    if not snapshot.repositories and len(lines) == 1:
        fail(lines[0])  # the same for every repository, so naming each of them would add nothing
    for line in lines:
        click.echo(line, err=True)


def trouble(doubts: Mapping[str, str]) -> Iterator[str]:
    """Say why repositories could not be read, in one line for each reason."""
    names: dict[str, list[str]] = {}
    for name, reason in doubts.items():
        names.setdefault(one_line(reason), []).append(name)
    for reason, affected in names.items():
        if len(affected) <= MAX_NAMED:
            yield f"{', '.join(affected)}: {reason}"
        else:
            others = len(affected) - MAX_NAMED
            yield f"{', '.join(affected[:MAX_NAMED])} and {others} {'others' if others > 1 else 'other'}: {reason}"

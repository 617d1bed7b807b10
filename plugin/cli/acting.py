"""What people tell a preview: `ask`, `pause`, `resume` and `extend` store an act, which the server notices."""

import getpass
import os
from datetime import UTC, datetime, timedelta

import click

from plugin.cli.failures import errors_for_people, fail
from plugin.cli.reading import read_once
from plugin.core.answers.wanted import parse_wanted
from plugin.core.facts.acts import Act, ActKind
from plugin.core.facts.agreement import doubt_about
from plugin.core.life.acting import Refusal, Said, outcome
from plugin.logs import configure_logs
from plugin.mirror.acting import acts_on
from plugin.mirror.current import Current, decided
from plugin.settings import StateSettings, load_settings
from plugin.state.opening import open_state, stored


def tell(preview: str, kind: ActKind, span: timedelta | None = None) -> None:
    """Store an act for every preview that is meant, and print what it does; `span` is for an extension.

    Prints why an act would mean nothing, and exits with status 1 if none means anything.
    """
    configure_logs()
    with errors_for_people():
        setting = load_settings(StateSettings, os.environ).state.get_secret_value()
        current, now = decided(stored(setting)), datetime.now(UTC)
        found = _found(current, preview, Said(kind, login_name(), now, span))
        if doubt := doubt_about(now, current.known.snapshot.compared_at):
            fail(doubt)
        acts = [act for act in found.values() if isinstance(act, Act)]
        if acts:
            _store(acts, setting)
    for name, each in found.items():
        refused = isinstance(each, Refusal)
        click.echo(f"{name}: {each.reason if isinstance(each, Refusal) else outcome(each)}", err=refused)
    if not acts:
        raise SystemExit(1)
    if current.known.hold:
        click.echo(f"The breaker holds every answer as it is, so this takes effect after: {current.to_release}")


def login_name() -> str:
    """Return who runs this command. A container's user may have no entry in /etc/passwd."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # KeyError before Python 3.13
        return "unknown"


def _found(current: Current, preview: str, said: Said) -> dict[str, Act | Refusal]:
    catalog = current.known.catalog
    if catalog is None:
        fail("no server has stored a catalog in PREVIEW_STATE; run this where the server runs, with its settings")
    wanted = parse_wanted(preview, catalog)
    found = {each.key.replace("/", "-"): act for each, act in acts_on(current, wanted, said)}
    if not found:
        fail(read_once().why_none(wanted))
    return found


def _store(acts: list[Act], setting: str) -> None:
    state = open_state(setting)
    try:
        for act in acts:
            state.store.act(act)
    finally:
        state.close()

"""The command line: `serve`, and the same answers without a server."""

import getpass
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import click

from plugin.app import make_plugin, watch_catalog
from plugin.core.answers.explanation import explanation, history
from plugin.core.answers.filters import ORIGINS
from plugin.core.config.catalog import Catalog, load_catalog
from plugin.core.config.references import parse_locator
from plugin.core.config.repo_config import FILE_NAME, links, read_config, read_file
from plugin.core.config.validation import problem_at
from plugin.core.facts.acts import Act, ActKind
from plugin.errors import InvalidFile, InvalidRequest, InvalidSettings, NotReady, Problem
from plugin.logs import configure_logs, get_logger
from plugin.mirror.answers import Answers
from plugin.mirror.refresh import RefreshReport
from plugin.settings import Settings, StateSettings, load_settings, unknown_variables
from plugin.state import Known, State, Unreachable
from plugin.state.memory import LocalBoard, LocalLease, MemoryStore
from plugin.state.opening import open_state, stored

THREADS = 16
# Argo CD's client lets go of an idle connection after 90 seconds. The server must not be first: a request that meets a
# closing connection is an error of the whole ApplicationSet, for three minutes.
KEEP_ALIVE = 120


@click.group()
@click.version_option(package_name="preview-plugin")
def main() -> None:
    """Preview environments for Argo CD, one for each labelled pull request."""
    configure_logs()


@main.command()
def serve() -> None:
    """Answer Argo CD until stopped. Settings come from PREVIEW_ variables."""
    with _errors_for_people():
        settings = load_settings(Settings, os.environ)
        with closing(open_state(settings.state.get_secret_value())) as state:
            watch_catalog(settings.catalog, state.store)
    for name in unknown_variables(os.environ):
        get_logger().warning("unknown setting", variable=name)
    # One process keeps one snapshot; its threads share it.
    arguments = ["--bind", settings.bind, "--worker-class", "gthread", "--workers", "1", "--threads", str(THREADS)]
    arguments += ["--keep-alive", str(KEEP_ALIVE)]
    arguments += ["--no-control-socket", "--log-level", "warning", "plugin.wsgi:app()"]
    os.execv(sys.executable, [sys.executable, "-m", "gunicorn", *arguments])  # noqa: S606  fixed arguments


@main.command()
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
    with _errors_for_people():
        _, answers = _answers()
        click.echo(answers.parameters(filters).decode())


@main.command()
@click.argument("locator")
def explain(locator: str) -> None:
    """Say what becomes of one pull request (acme/orders#12), and why."""
    wanted = parse_locator(locator)
    if wanted is None:
        raise click.UsageError("write the pull request as acme/orders#12 or as its URL")
    with _errors_for_people():
        known, answers = _answers()
        current = answers.current()
    found = [preview for preview in current.previews if preview.locator.casefold() == str(wanted).casefold()]
    held = current.moment.held
    for preview in found:
        events = known.histories.get(preview.key, ())
        _print(explanation(preview, held.get(preview.key, ""), events))
    if not found:
        click.echo(
            f"{wanted} has no preview: it is not open, lacks the labels, or its repository is not in the catalog."
        )
        for service in current.services_of(wanted):
            _print(history(known.histories.get(f"{service.name}/{wanted.number}", ())))
        raise SystemExit(1)


@main.command()
@click.argument("fingerprint")
def acknowledge(fingerprint: str) -> None:
    """Let the breaker release previews that the new catalog removes. The breaker's message names the fingerprint."""
    with _errors_for_people():
        state = open_state(load_settings(StateSettings, os.environ).state.get_secret_value())
        hold = state.store.load().hold
        if hold is None:
            _fail("the breaker holds nothing")
        if fingerprint != hold.catalog:
            _fail(f"the breaker waits for {hold.catalog}, not for {fingerprint}")
        state.store.act(Act(ActKind.ACKNOWLEDGE, fingerprint, _login_name(), datetime.now(UTC)))
    click.echo(f"{fingerprint}: acknowledged; the next refresh releases the previews that this catalog removes")


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--catalog", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Also check names.")
@click.option(
    "--repository",
    envvar="GITHUB_REPOSITORY",
    help="With --catalog: whose .preview.yaml it is; without it, it must be right for any of the repositories.",
)
@click.option("--no-links", is_flag=True, help="Refuse links to pull requests and branches: for the default branch.")
def check(file: Path, catalog: Path | None, repository: str | None, *, no_links: bool) -> None:
    """Check a file: one named .preview.yaml is a repository config, anything else a catalog."""
    with _errors_for_people():
        if file.name == FILE_NAME:
            _check_config(file, catalog, repository, no_links=no_links)
        else:
            load_catalog(_read(file), str(file))
    click.echo(f"{file}: good")


def _check_config(file: Path, catalog_file: Path | None, repository: str | None, *, no_links: bool) -> None:
    text = _read(file)
    content = read_file(text, str(file))
    if no_links and content:
        config, document = content
        message = "must not reach the default branch: it links to a pull request or a branch"
        if problems := [problem_at(document, str(file), path, message) for path in links(config)]:
            raise InvalidFile(problems)
    if catalog_file:
        catalog = load_catalog(_read(catalog_file), str(catalog_file))
        _check_names(text, file, catalog, _repositories(catalog, repository))


def _check_names(text: str, file: Path, catalog: Catalog, repositories: list[str]) -> None:
    """Accept what is right for one of the repositories, else report the mistakes of the one that fits best."""
    mistakes: list[InvalidFile] = []
    for name in repositories:
        try:
            read_config(text, catalog, name, str(file))
        except InvalidFile as error:
            mistakes.append(error)
        else:
            return
    raise min(mistakes, key=lambda error: len(error.problems))


def _repositories(catalog: Catalog, repository: str | None) -> list[str]:
    if repository is None:
        return list(catalog.repositories)
    found = [name for name in catalog.repositories if name.casefold() == repository.casefold()]
    if not found:
        raise click.UsageError(f"the catalog has no service in the repository {repository}")
    return found


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError:
        raise InvalidFile([Problem(str(file), 1, "", "is not UTF-8 text")]) from None


def _login_name() -> str:
    """Return who runs this command. A container's user may have no entry in /etc/passwd."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # KeyError before Python 3.13
        return "unknown"


def _answers() -> tuple[Known, Answers]:
    """Go on from what a server has stored, without changing it; return that too."""
    settings = load_settings(StateSettings, os.environ)
    known = stored(settings.state.get_secret_value())
    state = State(MemoryStore(known), LocalBoard(), LocalLease(), lambda: None)
    plugin = make_plugin(settings, state, [_print_trouble])
    plugin.refresher.refresh()
    return known, plugin.answers


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def _print_trouble(report: RefreshReport) -> None:
    if report.catalog_error:
        click.echo(f"the catalog is broken, so the one that the state holds counts:\n{report.catalog_error}", err=True)
    for repository, reason in report.current.known.snapshot.doubts.items():
        click.echo(f"{repository}: {reason}", err=True)


@contextmanager
def _errors_for_people() -> Iterator[None]:
    try:
        yield
    except InvalidFile as error:
        _fail(str(error))
    except InvalidSettings as error:
        _fail(f"these settings are wrong or missing:\n{error}")
    except (InvalidRequest, NotReady, Unreachable, OSError, UnicodeDecodeError) as error:
        _fail(str(error))


def _fail(message: str) -> NoReturn:
    click.echo(message, err=True)
    raise SystemExit(1)

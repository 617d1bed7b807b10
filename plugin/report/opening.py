"""Opening the reporter, with a writer for each kind of target that the settings give access to."""

from collections.abc import Callable
from datetime import datetime

from plugin.core.reports.content import Kind
from plugin.core.reports.said import Pages
from plugin.metrics import Metrics
from plugin.mirror.newest import Newest
from plugin.report.answering import Answering
from plugin.report.commands import Commands
from plugin.report.github import PERMISSIONS, github_writer
from plugin.report.github_api import GitHubApi
from plugin.report.jira import JiraLinks
from plugin.report.notebook import Notebook
from plugin.report.obeying import Obeying
from plugin.report.reporter import Reporter
from plugin.report.writing import Writer
from plugin.settings import Settings
from plugin.sources import Rest
from plugin.sources.opening import open_rest
from plugin.state import OpenedState


def open_reporter(
    settings: Settings, state: OpenedState, newest: Newest, metrics: Metrics, now: Callable[[], datetime]
) -> Reporter:
    """Return the reporter. Nothing is asked yet.

    Nothing is written as long as the catalog has neither the key `report` nor the key `commands`.
    """
    pages = Pages((settings.argocd_url or "").rstrip("/"))
    writers, told = _writers(settings, newest), settings.notifications_token is not None
    rest = open_rest(settings, PERMISSIONS[Kind.COMMENT])
    commands = open_commands(rest, state, Notebook(state.outbox, metrics, now), pages) if rest else None
    return Reporter(
        newest.synchronised, state.lease, state.outbox, writers, metrics, now, pages, told, _commands=commands
    )


def open_commands(rest: Rest, state: OpenedState, notebook: Notebook, pages: Pages) -> Commands:
    """Return what obeys commands in comments. Nothing is asked as long as the catalog has no key `commands`."""
    answering = Answering(GitHubApi(rest))
    return Commands(answering, notebook, Obeying(answering, notebook, state.store.act, state.board.hint), pages)


def _writers(settings: Settings, newest: Newest) -> dict[Kind, Writer]:
    writers: dict[Kind, Writer] = {}
    for kind, permission in PERMISSIONS.items():
        if rest := open_rest(settings, permission):
            writers[kind] = github_writer(kind, rest)
    if settings.jira_token:
        writers[Kind.LINK] = JiraLinks(
            lambda: _jira(newest), settings.jira_user, settings.jira_token.get_secret_value()
        )
    return writers


def _jira(newest: Newest) -> str:
    catalog = newest.known_here.known.catalog
    return catalog.report.jira.url if catalog and catalog.report.jira else ""

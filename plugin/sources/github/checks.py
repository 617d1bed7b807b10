"""Checks: which commits a pull request has, and whether the check that a preview waits for has succeeded on them.

It is about readiness and never about trust: whoever can push to a pull request can add a check of any name to it.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from plugin.core.config.names import folded
from plugin.core.config.references import Locator
from plugin.sources import CheckQuestion
from plugin.sources.github import queries
from plugin.sources.github.answer import Answer, Part
from plugin.sources.github.asker import Asker
from plugin.sources.github.draft import Query
from plugin.sources.github.nodes import MALFORMED, commit_shas

PULL_REQUESTS_PER_REQUEST = 50
COMMITS_PER_REQUEST = 100
SUCCESS = "SUCCESS"  # NEUTRAL and SKIPPED are none: a skipped job has built nothing


def newest_commits(asker: Asker, locators: Sequence[Locator]) -> dict[Locator, tuple[str, ...]]:
    """Return the newest commits of pull requests, the newest first. Unclear results are left out."""
    found: dict[Locator, tuple[str, ...]] = {}

    def read(_answer: Answer, part: Part, locator: Locator) -> None:
        with suppress(*MALFORMED):
            if not part.error and part.value["number"] == locator.number:
                found[locator] = commit_shas(part.value["commits"])

    asker.ask(locators, PULL_REQUESTS_PER_REQUEST, _commits, queries.pull_request_parts, read)
    return found


def succeeded(asker: Asker, questions: Sequence[CheckQuestion]) -> dict[CheckQuestion, bool]:
    """Tell for each commit whether its check has succeeded. Unclear results are left out.

    A check has succeeded if its newest check run has, or if there is a commit status of that name that is a success. A
    check run belongs to a GitHub App. If several apps have check runs of the same name, each one's newest run counts by
    itself, and one success is enough: to tell the apps apart, a question names one. Then only that app's check runs and
    commit statuses count. GitHub gives an app's runs of one commit in check suites; the three newest are looked at.

    A commit that has no such check has not succeeded; one that GitHub says nothing about is left out.
    """
    found: dict[CheckQuestion, bool] = {}

    def read(_answer: Answer, part: Part, question: CheckQuestion) -> None:
        if any(error.type == "FORBIDDEN" for error in part.errors):
            asker.client.reconnect(question.repository)  # the App may be given the permission at any time
        said = _ready(part, question)
        if said is not None:
            found[question] = said

    asker.ask(questions, COMMITS_PER_REQUEST, _checks, queries.check_parts, read)
    return found


def _commits(locators: Mapping[str, Sequence[Locator]]) -> Query:
    return queries.commits({repository: [each.number for each in its] for repository, its in locators.items()})


def _checks(questions: Mapping[str, Sequence[CheckQuestion]]) -> Query:
    return queries.checks({name: [(each.sha, each.check) for each in its] for name, its in questions.items()})


def _ready(part: Part, question: CheckQuestion) -> bool | None:
    """Tell whether a commit is ready; None: that is unclear."""
    commit = part.value
    if not isinstance(commit, Mapping) or commit.get("oid") != question.sha:
        return None
    ways = _clear(_status, part, "status", question.app), _clear(_runs, part, "checkSuites", question.app)
    if True in ways:
        return True
    return None if None in ways else False


def _clear(read: Callable[[Any, str], bool], commit: Part, place: str, app: str) -> bool | None:
    try:
        part = commit.at(place)
        return None if part.error else read(part.value, app)
    except MALFORMED:
        return None


def _status(status: Any, app: str) -> bool:  # noqa: ANN401  parsed JSON
    context = status and status["context"]  # null: the commit has no status at all
    if context is None or context["state"] != SUCCESS:
        return False
    creator = context["creator"]  # null: a deleted account
    return not app or (creator is not None and creator["__typename"] == "Bot" and _same(creator["login"], app))


def _runs(suites: Any, app: str) -> bool:  # noqa: ANN401  parsed JSON
    newest: dict[object, tuple[int, bool]] = {}  # by app: the run's id, and whether it has succeeded
    for suite in suites["nodes"]:
        owner = suite["app"] or {"databaseId": None, "slug": ""}  # null: the app was deleted
        if app and not _same(owner["slug"], app):
            continue
        for run in suite["checkRuns"]["nodes"]:
            this = run["databaseId"], run["conclusion"] == SUCCESS
            newest[owner["databaseId"]] = max(newest.get(owner["databaseId"], (0, False)), this)
    return any(success for _, success in newest.values())


def _same(slug: str, app: str) -> bool:
    return folded(slug) == folded(app)

"""Writes links to previews on issues of Jira, Cloud or Data Center. A link with the same identity is replaced.

https://developer.atlassian.com/cloud/jira/platform/rest/v2/api-group-issue-remote-links/
"""

import base64
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import quote

import requests

from plugin.core.reports.content import Link, Target, identity
from plugin.core.reports.steps import Item, Look, Retire, Say, Step
from plugin.errors import Unanswered
from plugin.http_client import Bounds, Request, Response, ask
from plugin.report.writing import Closed, Forbidden, Lost, Missing, Refused

BOUNDS = Bounds(largest=1024 * 1024)
RELATIONSHIP = "preview"


class JiraLinks:
    """A client of Jira. Each thread needs its own."""

    def __init__(self, url: Callable[[], str], user: str | None, token: str) -> None:
        """`url` returns the address in the catalog in force.

        `user` is the mail address of an account of Jira Cloud; without one, `token` is a personal one of Data Center.
        """
        self._url = url
        self._session = requests.Session()
        login = base64.b64encode(f"{user}:{token}".encode()).decode()
        self._authorization = f"Basic {login}" if user else f"Bearer {token}"

    def look(self, target: Target, step: Look) -> tuple[Item, ...]:  # noqa: ARG002  a writer has this method
        """Return nothing: writing a link again does no harm."""
        return ()

    def write(self, target: Target, step: Step) -> int:
        """Write a link, or take it away. A link that is gone already counts as taken away."""
        issue = target.name.partition(" ")[2]
        match step:
            case Say(_, Link() as link):
                self._ask(target, "POST", issue, _json(link))
            case Retire():
                try:
                    self._ask(target, "DELETE", issue)
                except Missing:
                    return 0
        return 0

    def _ask(self, target: Target, method: str, issue: str, content: object = None) -> None:
        service = target.name.partition(" ")[0]
        request = Request(
            method=method,
            url=f"{self._url()}/rest/api/2/issue/{quote(issue, safe='')}/remotelink",
            query={"globalId": identity(target.pull_request, service)} if method == "DELETE" else {},
            headers={"Accept": "application/json"},
            json=content,
            authorization=self._authorization,
        )
        try:
            response = ask(self._session, request, BOUNDS)
        except Unanswered as error:
            raise Lost(f"Jira gave no answer ({error})") from None
        if response.status not in (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT):
            raise _meaning(response)


def _json(link: Link) -> dict[str, object]:
    return {
        "globalId": link.identity,
        "relationship": RELATIONSHIP,
        "object": {"url": link.url, "title": link.title, "summary": link.summary},
    }


def _meaning(response: Response) -> Lost | Refused | Closed | Forbidden | Missing:
    """Return what a response means that is no success. Its text is not repeated: it can hold anything."""
    reason = f"Jira answered {response.status}"
    if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Lost(reason)
    if response.status == HTTPStatus.TOO_MANY_REQUESTS:
        after = response.headers.get("retry-after", "")
        return Closed(reason, float(after) if after.isascii() and after.isdigit() else None)
    if response.status == HTTPStatus.UNAUTHORIZED:
        return Forbidden(f"{reason}; are PREVIEW_JIRA_USER and PREVIEW_JIRA_TOKEN right?")
    if response.status == HTTPStatus.FORBIDDEN:  # permissions belong to a project, and security levels to an issue
        return Refused(f"{reason}; may the account link issues of this project?")
    if response.status == HTTPStatus.NOT_FOUND:
        return Missing(f"{reason}: there is no such issue, or the account must not see it")
    return Refused(reason)

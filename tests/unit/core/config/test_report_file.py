"""The catalog's key `report`."""

from typing import Any

import pytest

from plugin.core.config.report import NO_REPORT, CommentPolicy, Jira, Report
from plugin.errors import InvalidFile
from tests.builders import make_catalog

JIRA = {"url": "https://acme.atlassian.net", "projects": ["PAY"]}


def report(value: Any) -> Report:
    return make_catalog({"orders": {}}, report=value).report


@pytest.mark.parametrize("value", [None, {}], ids=["empty", "empty map"])
def test_nothing_is_written_unless_the_catalog_says_where(value: Any) -> None:
    assert make_catalog({"orders": {}}).report == NO_REPORT
    assert report(value) == NO_REPORT


def test_each_target_is_switched_on_by_itself() -> None:
    assert report({"deployments": True}) == Report(deployments=True)
    assert report({"status": True}) == Report(status=True)
    assert report({"comment": "auto"}) == Report(comment=CommentPolicy.AUTO)
    assert report({"jira": JIRA}) == Report(jira=Jira("https://acme.atlassian.net", ("PAY",)))


def test_a_slash_at_the_end_of_jiras_address_does_not_count() -> None:
    jira = report({"jira": JIRA | {"url": "https://jira.example.com/base/"}}).jira

    assert jira
    assert jira.url == "https://jira.example.com/base"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"deployment": True}, "report.deployment: is not a known key"),
        ({"deployments": "yes"}, "report.deployments: must be true or false"),
        ({"comment": "sometimes"}, "report.comment: "),
        ({"jira": {"url": "https://acme.atlassian.net"}}, "report.jira.projects: is missing"),
        ({"jira": JIRA | {"projects": []}}, "report.jira.projects: must not be empty"),
        ({"jira": JIRA | {"projects": ["pay"]}}, '"pay" is not the key of a Jira project, for example PAY'),
        (
            {"jira": JIRA | {"url": "http://jira.example.com"}},
            "must begin with https://, because a token is sent there",
        ),
        ({"jira": JIRA | {"url": "https://user:pw@jira.example.com"}}, "is not an http or https URL"),
    ],
)
def test_a_mistake_is_refused_with_its_place(value: Any, message: str) -> None:
    with pytest.raises(InvalidFile) as raised:
        report(value)

    (problem,) = raised.value.problems
    assert message in str(problem)

"""Which previews a link may point to, and why not to the others."""

from typing import Any

import pytest

from plugin.core.config.catalog import Service
from plugin.core.decision.judge import judge_all
from plugin.core.decision.targets import ELSEWHERE, Targets
from plugin.core.facts.model import Elsewhere, PullRequest, Repository, Snapshot
from tests.builders import make_catalog, make_pull_request, make_repository

CATALOG = make_catalog({"payments": {"drafts": False, "labels": {"skip": ["no"]}}})
PAYMENTS: Service = CATALOG.services["payments"]


def targets(*pull_requests: PullRequest, **given: Any) -> Targets:
    return of_repository(make_repository("acme/payments", *pull_requests, **given))


def of_repository(*repositories: Repository) -> Targets:
    snapshot = Snapshot({repository.name: repository for repository in repositories})
    return Targets(judge_all(CATALOG, snapshot, {}, {}))


@pytest.mark.parametrize(
    ("theirs", "reason"),
    [
        ({}, ""),
        ({"draft": True}, "is skipped: it is a draft"),
        ({"labels": ("preview", "no")}, 'is skipped: it has the label "no"'),
        ({"labels": ("other",)}, "has no preview label"),
        ({"labels": ("Preview",)}, ""),
        ({"fork": True}, "is a fork's"),
        ({"fork": True, "draft": True}, "is a fork's"),
    ],
)
def test_a_listed_pull_request_is_a_target_while_its_preview_is_live(theirs: dict[str, Any], reason: str) -> None:
    assert targets(make_pull_request(5, **theirs)).not_live(PAYMENTS, 5) == reason


@pytest.mark.parametrize("elsewhere", Elsewhere)
def test_an_unlisted_pull_request_is_what_its_look_up_said(elsewhere: Elsewhere) -> None:
    assert targets(looked_up={5: elsewhere}).not_live(PAYMENTS, 5) == ELSEWHERE[elsewhere]


def test_the_sentences_about_unlisted_pull_requests() -> None:
    assert {
        Elsewhere.MERGED: "was merged",
        Elsewhere.CLOSED: "was closed",
        Elsewhere.UNLABELLED: "has no preview label",
        Elsewhere.MISSING: "does not exist",
    }.items() <= ELSEWHERE.items()


def test_a_pull_request_not_yet_looked_up_is_not_a_target() -> None:
    assert targets(looked_up={6: Elsewhere.MERGED}).not_live(PAYMENTS, 5) == "could not be looked up yet"
    assert of_repository().not_live(PAYMENTS, 5) == "could not be looked up yet"


def test_a_listing_counts_more_than_an_old_look_up() -> None:
    assert targets(make_pull_request(5), looked_up={5: Elsewhere.MERGED}).not_live(PAYMENTS, 5) == ""


def test_labelled_pull_requests_are_found_by_their_branch() -> None:
    found = targets(
        make_pull_request(1, branch="shared"),
        make_pull_request(2, branch="shared", draft=True),
        make_pull_request(3, branch="shared", fork=True),
        make_pull_request(4, branch="shared", labels=()),
        make_pull_request(5, branch="Shared"),
        make_pull_request(6, branch="main"),
    )

    assert found.on_branch(PAYMENTS, "shared") == [1, 2]
    assert found.on_branch(PAYMENTS, "nothing") == []
    assert found.on_branch(PAYMENTS, "main") == []
    assert of_repository().on_branch(PAYMENTS, "shared") == []


def test_the_default_branch_is_that_of_the_dependencys_repository() -> None:
    assert targets().is_default_branch(PAYMENTS, "main")
    assert not targets().is_default_branch(PAYMENTS, "master")
    assert not of_repository().is_default_branch(PAYMENTS, "main")

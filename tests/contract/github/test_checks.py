"""Checks: which commits are ready, as far as GitHub says it clearly."""

import random
from collections import Counter
from typing import Any

import pytest

from plugin.core.config.references import Locator
from plugin.sources import CheckQuestion
from plugin.sources.file import Organisation, RepositoryEntry
from plugin.sources.github.checks import COMMITS_PER_REQUEST
from tests.contract.conftest import pull_request
from tests.contract.github.reader import Reader
from tests.fakes.github import GitHub, Intercept, Request, Response, faults

ORDERS, IMAGE, CI = "acme/orders", "preview / Image", "ci"
HEAD = "0a4be4a1c1a5e7e6f5c9d3b1a2f4c6d8e0f1a3b5"
OTHER = "15c0ffee15c0ffee15c0ffee15c0ffee15c0ffee"


def question(sha: str = HEAD, check: str = IMAGE, app: str = "", repository: str = ORDERS) -> CheckQuestion:
    return CheckQuestion(repository, sha, check, app)


def ready(reader: Reader, app: str = "", check: str = IMAGE) -> bool | None:
    """Whether number 12's head is ready; None: GitHub does not say."""
    return reader.checks(question(app=app, check=check)).get(question(app=app, check=check))


@pytest.mark.parametrize(
    ("conclusion", "expected"),
    [
        ("SUCCESS", True),
        ("NEUTRAL", False),
        ("SKIPPED", False),
        ("FAILURE", False),
        ("CANCELLED", False),
        ("TIMED_OUT", False),
        ("ACTION_REQUIRED", False),
        ("STALE", False),
        ("STARTUP_FAILURE", False),
        (None, False),  # it has not completed
    ],
)
def test_only_a_check_run_that_succeeded_makes_a_commit_ready(
    reader: Reader, conclusion: str | None, *, expected: bool
) -> None:
    reader.github.check(ORDERS, HEAD, IMAGE, conclusion)

    assert ready(reader) is expected


@pytest.mark.parametrize(("state", "expected"), [("SUCCESS", True), ("PENDING", False), ("FAILURE", False)])
def test_a_commit_status_counts_like_a_check_run(reader: Reader, state: str, *, expected: bool) -> None:
    reader.github.set_status(ORDERS, HEAD, IMAGE, state)

    assert ready(reader) is expected
    assert ready(reader, check="another") is False


def test_a_commit_without_such_a_check_is_clearly_not_ready(reader: Reader) -> None:
    reader.github.check(ORDERS, HEAD, "tests")
    reader.github.check(ORDERS, OTHER, IMAGE)

    assert ready(reader) is False


def test_the_newest_run_of_an_app_counts(reader: Reader) -> None:
    reader.github.check(ORDERS, HEAD, IMAGE, "FAILURE")
    reader.github.check(ORDERS, HEAD, IMAGE, "SUCCESS")
    assert ready(reader) is True

    reader.github.check(ORDERS, HEAD, IMAGE, "SKIPPED")  # another workflow run, in a suite of its own
    assert ready(reader) is False


def test_a_run_that_is_repeated_replaces_the_one_before(reader: Reader) -> None:
    reader.github.check(ORDERS, HEAD, IMAGE, "FAILURE")
    reader.github.check(ORDERS, HEAD, IMAGE, "SUCCESS", again=True)
    assert ready(reader) is True

    reader.github.check(ORDERS, HEAD, IMAGE, None, again=True)
    assert ready(reader) is False


def test_the_run_that_began_last_counts_even_in_an_older_suite(reader: Reader) -> None:
    def suite(run: int, conclusion: str) -> dict[str, Any]:
        runs = {"nodes": [{"databaseId": run, "conclusion": conclusion}]}
        return {"app": {"databaseId": 7, "slug": "builder"}, "checkRuns": runs}

    reader.github.intercept = spoil(checkSuites={"nodes": [suite(9, "SUCCESS"), suite(8, "FAILURE")]})
    assert ready(reader, "builder") is True

    reader.github.intercept = spoil(checkSuites={"nodes": [suite(9, "FAILURE"), suite(8, "SUCCESS")]})
    assert ready(reader, "builder") is False


def test_of_several_apps_one_success_is_enough_unless_one_app_is_named(reader: Reader) -> None:
    reader.github.check(ORDERS, HEAD, IMAGE, "SUCCESS", app="builder")
    reader.github.check(ORDERS, HEAD, IMAGE, "FAILURE", app="impostor")

    assert ready(reader) is True
    assert ready(reader, "builder") is True
    assert ready(reader, "Builder") is True
    assert ready(reader, "impostor") is False
    assert ready(reader, "nobody") is False


def test_a_run_of_a_deleted_app_belongs_to_no_app(reader: Reader) -> None:
    reader.github.check(ORDERS, HEAD, IMAGE, app=None)

    assert ready(reader) is True
    assert ready(reader, "builder") is False


@pytest.mark.parametrize(
    ("creator", "expected"), [("builder[bot]", True), ("other[bot]", False), ("builder", False), (None, False)]
)
def test_a_commit_status_counts_for_an_app_only_if_it_set_it(
    reader: Reader, creator: str | None, *, expected: bool
) -> None:
    reader.github.set_status(ORDERS, HEAD, IMAGE, creator=creator)

    assert ready(reader, "builder") is expected
    assert ready(reader) is True


def test_a_status_and_a_check_run_of_one_name_need_one_success(reader: Reader) -> None:
    reader.github.check(ORDERS, HEAD, IMAGE, "FAILURE")
    reader.github.set_status(ORDERS, HEAD, IMAGE)

    assert ready(reader) is True


def test_questions_of_all_kinds_share_a_request(reader: Reader) -> None:
    reader.github.check(ORDERS, HEAD, IMAGE)
    reader.github.check("acme/payments", "123abc00123abc00123abc00123abc00123abc00", CI, app="ci")
    asked = {
        question(): True,
        question(app="nobody"): False,
        question(check=CI): False,
        question(OTHER): False,
        question("123abc00123abc00123abc00123abc00123abc00", CI, "ci", "acme/payments"): True,
    }

    assert reader.checks(*asked) == asked
    assert reader.asked() == ["Gate"]


def spoil(**changes: Any) -> Intercept:
    return faults.spoiled(lambda answer: answer["data"]["r0"]["g0"].update(changes))


UNCLEAR = [
    pytest.param(faults.server_error(500), id="500"),
    pytest.param(faults.error_without_path(), id="an error without a place"),
    pytest.param(faults.rate_limited(), id="no points left"),
    pytest.param(faults.null_repository("r0"), id="null repository"),
    pytest.param(faults.alias_error("r0", "NOT_FOUND"), id="repository not found"),
    pytest.param(faults.spoiled(lambda answer: answer["data"]["r0"].update(databaseId=1)), id="another repository"),
    pytest.param(faults.spoiled(lambda answer: answer["data"]["r0"].update(g0=None)), id="an unknown commit"),
    pytest.param(faults.spoiled(lambda answer: answer["data"]["r0"].pop("g0")), id="a missing commit"),
    pytest.param(faults.nested_error("r0", "g0"), id="a forbidden commit"),
    pytest.param(spoil(oid=OTHER), id="another commit"),
    pytest.param(faults.nested_error("r0", "g0", "checkSuites"), id="no permission to read checks"),
    pytest.param(faults.nested_error("r0", "g0", "checkSuites", "nodes", 0), id="a hidden suite"),
    pytest.param(faults.nested_error("r0", "g0", "checkSuites", "nodes", 0, "app"), id="a hidden app"),
    pytest.param(faults.nested_error("r0", "g0", "checkSuites", "nodes", 0, "checkRuns"), id="hidden runs"),
    pytest.param(
        faults.nested_error("r0", "g0", "checkSuites", "nodes", 0, "checkRuns", "nodes", 0), id="a hidden run"
    ),
    pytest.param(faults.nested_error("r0", "g0", "status"), id="no permission to read statuses"),
    pytest.param(faults.nested_error("r0", "g0", "status", "context"), id="a hidden status"),
    pytest.param(spoil(checkSuites=None), id="null suites"),
    pytest.param(spoil(checkSuites={"nodes": [None]}), id="a null suite"),
    pytest.param(spoil(checkSuites={"nodes": [{"app": None, "checkRuns": None}]}), id="null runs"),
    pytest.param(spoil(checkSuites={"nodes": [{"app": None, "checkRuns": {"nodes": [{}]}}]}), id="an empty run"),
    pytest.param(spoil(status={}), id="an empty status"),
]


@pytest.mark.parametrize("fault", UNCLEAR)
def test_what_github_does_not_say_clearly_is_never_a_no(reader: Reader, fault: Intercept) -> None:
    reader.github.check(ORDERS, HEAD, IMAGE, "FAILURE")
    reader.github.set_status(ORDERS, HEAD, IMAGE, "FAILURE")
    reader.github.intercept = fault

    assert ready(reader) is None


def test_a_success_is_clear_though_the_other_kind_of_check_cannot_be_read(reader: Reader) -> None:
    reader.github.check(ORDERS, HEAD, IMAGE)
    reader.github.intercept = faults.nested_error("r0", "g0", "status")
    assert ready(reader) is True

    reader.github.set_status(ORDERS, OTHER, IMAGE)
    reader.github.intercept = faults.nested_error("r0", "g0", "checkSuites")
    assert reader.checks(question(OTHER)) == {question(OTHER): True}


def test_an_error_about_one_commit_leaves_the_others(reader: Reader) -> None:
    reader.github.check(ORDERS, OTHER, IMAGE)
    reader.github.intercept = faults.nested_error("r0", "g0", "checkSuites")

    assert reader.checks(question(HEAD), question(OTHER)) == {question(OTHER): True}


def test_a_commit_that_github_does_not_know_yet_is_left_out(reader: Reader) -> None:
    reader.github.check(ORDERS, HEAD, IMAGE)
    reader.github.forget_commit(HEAD)

    assert reader.checks(question()) == {}
    assert reader.commits("acme/orders#12") == {}


def test_a_repository_that_is_not_known_or_was_replaced_is_not_asked(reader: Reader) -> None:
    reader.github.check(ORDERS, HEAD, IMAGE)
    reader.github.recreate(ORDERS)
    assert reader.checks(question()) == {}
    assert reader.commits("acme/orders#12") == {}

    reader.github.log.clear()
    reader.known.clear()
    assert reader.checks(question()) == {}
    assert reader.commits("acme/orders#12") == {}
    assert reader.asked() == []


def test_a_batch_that_is_too_heavy_is_asked_in_halves(reader: Reader) -> None:
    shas = [f"{i:040x}" for i in range(4)]
    entries = tuple(pull_request(i + 1, head_sha=sha) for i, sha in enumerate(shas))
    reader.github.organisation = Organisation(
        repositories={**reader.github.organisation.repositories, ORDERS: RepositoryEntry(pull_requests=entries)}
    )
    for sha in shas:
        reader.github.check(ORDERS, sha, IMAGE)

    def heavy(request: Request) -> Response | None:
        commits = [name for name in request.variables if name.startswith("s")]
        return faults.resource_limits_exceeded()(request) if len(commits) > 1 else None

    reader.github.intercept = heavy

    assert reader.checks(*map(question, shas)) == dict.fromkeys(map(question, shas), True)
    assert reader.asked() == ["Gate"] * 7


def test_a_hundred_commits_share_a_request(reader: Reader) -> None:
    reader.checks(*(question(f"{i:040x}") for i in range(COMMITS_PER_REQUEST + 1)))

    assert reader.asked() == ["Gate", "Gate"]


@pytest.fixture(name="two_owners")
def _two_owners() -> Any:
    names = ("acme/users", "dan/users")
    entries = (pull_request(1, succeeded={IMAGE: [f"{1:040x}"]}),)
    organisation = Organisation(repositories=dict.fromkeys(names, RepositoryEntry(pull_requests=entries)))
    with GitHub(organisation, inside=True) as github:
        reader = Reader(github)
        reader.settle()
        github.log.clear()
        yield reader


@pytest.mark.parametrize("owner", ["acme", "dan"])
def test_one_owners_trouble_is_not_anothers(two_owners: Reader, owner: str) -> None:
    outage = faults.server_error(500)
    two_owners.github.intercept = lambda request: outage(request) if owner in request.variables.values() else None
    (other,) = {"acme", "dan"} - {owner}
    asked = [question(f"{1:040x}", repository=f"{each}/users") for each in ("acme", "dan")]

    assert two_owners.checks(*asked) == {question(f"{1:040x}", repository=f"{other}/users"): True}
    assert two_owners.commits("acme/users#1", "dan/users#1").keys() == {f"{other}/users#1"}


def test_the_newest_commits_come_first_and_are_at_most_ten(reader: Reader) -> None:
    older = tuple(f"{i:040x}" for i in range(30, 18, -1))
    reader.change(ORDERS, 12, commits=older)

    assert reader.commits("acme/orders#12", "acme/orders#15") == {
        "acme/orders#12": (HEAD, *older[:9]),
        "acme/orders#15": (OTHER,),
    }
    assert reader.asked() == ["Commits"]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(faults.server_error(500), id="500"),
        pytest.param(faults.null_repository("r0"), id="null repository"),
        pytest.param(faults.nested_error("r0", "p0"), id="a hidden pull request"),
        pytest.param(faults.nested_error("r0", "p0", "commits"), id="hidden commits"),
        pytest.param(faults.nested_error("r0", "p0", "commits", "nodes", 0), id="a hidden commit"),
        pytest.param(faults.spoiled(lambda answer: answer["data"]["r0"]["p0"].update(number=13)), id="another number"),
        pytest.param(faults.spoiled(lambda answer: answer["data"]["r0"]["p0"].update(commits=None)), id="no commits"),
        pytest.param(
            faults.spoiled(lambda answer: answer["data"]["r0"]["p0"]["commits"].update(nodes=[None])), id="null commit"
        ),
        pytest.param(
            faults.spoiled(lambda answer: answer["data"]["r0"]["p0"]["commits"]["nodes"][0]["commit"].update(oid="x")),
            id="no hash",
        ),
    ],
)
def test_commits_that_github_does_not_say_clearly_are_left_out(reader: Reader, fault: Intercept) -> None:
    reader.github.intercept = fault

    assert "acme/orders#12" not in reader.commits("acme/orders#12", "acme/orders#15")


def test_a_pull_request_without_a_number_of_github_is_left_out(reader: Reader) -> None:
    assert reader.commits("acme/orders#999", "acme/orders#15").keys() == {"acme/orders#15"}


def test_no_order_of_questions_changes_the_answers(reader: Reader) -> None:
    reader.github.check(ORDERS, HEAD, IMAGE)
    reader.github.set_status(ORDERS, OTHER, CI)
    asked = [question(sha, check) for sha in (HEAD, OTHER) for check in (IMAGE, CI)]
    answers = []
    for seed in range(5):
        random.Random(seed).shuffle(asked)
        answers.append(reader.checks(*asked))

    assert all(each == answers[0] for each in answers)
    assert Counter(answers[0].values()) == {True: 2, False: 2}


def test_the_locator_of_a_question_is_spelt_as_the_catalog_spells_it(reader: Reader) -> None:
    # `known` has the catalog's spelling, and GitHub does not mind.
    reader.github.check(ORDERS, HEAD, IMAGE)
    reader.known["ACME/Orders"] = reader.known[ORDERS]

    assert reader.checks(question(repository="ACME/Orders")) == {question(repository="ACME/Orders"): True}
    assert reader.source.commits([Locator("ACME/Orders", 12)], reader.known) == {Locator("ACME/Orders", 12): (HEAD,)}

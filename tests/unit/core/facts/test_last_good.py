from dataclasses import replace

import pytest

from plugin.core.config.references import PullRequestReference, Staging
from plugin.core.config.repo_config import REMEMBERED_LENGTH, ServiceConfig
from plugin.core.facts.last_good import config_in_force, last_good_config
from plugin.core.facts.model import ConfigFile, PullRequest
from tests.builders import make_catalog, make_pull_request

CATALOG = make_catalog({"orders": {"depends_on": ["payments"]}, "payments": {}})
WITHOUT_THE_CALL = make_catalog({"orders": {}, "payments": {}})
GOOD = "version: 1\ndependencies: {payments: pr:5}\n"
BETTER = "version: 1\ndependencies: {payments: staging}\n"
BROKEN = "version: 1\ndependencies: {paymints: pr:5}\n"
ERROR = '.preview.yaml:2: dependencies.paymints: is not a dependency of orders; did you mean "payments"?'


def after(*texts: str | ConfigFile | None) -> PullRequest:
    """The pull request after readings with these files, one after the other."""
    known = None
    for text in texts:
        now = make_pull_request(config=text)
        known = replace(now, last_good_config=last_good_config(now, known, "acme/orders", CATALOG))
    assert known
    return known


def in_force(pull_request: PullRequest) -> tuple[ServiceConfig, str]:
    config = config_in_force(pull_request, "acme/orders", CATALOG)
    return config.of("orders"), config.error


def test_a_good_file_is_in_force() -> None:
    assert in_force(after(GOOD)) == (ServiceConfig({"payments": PullRequestReference(5)}), "")


def test_without_a_file_nothing_is_asked_for() -> None:
    assert in_force(after(None)) == (ServiceConfig(), "")


def test_a_broken_file_counts_as_missing_and_says_what_is_wrong() -> None:
    assert in_force(after(BROKEN)) == (ServiceConfig(), ERROR)


def test_the_first_of_several_mistakes_is_named_with_a_count() -> None:
    broken = "version: 1\ndependencies: {paymints: pr:5}\nttl: 7d\npause: 1"

    for text in (broken, broken + "\n#" + "x" * 5000):  # a huge one is judged like any other
        unknown = (
            ".preview.yaml:3: ttl: is not a known key; there are dependencies, dataset, lifecycle, version, services"
        )
        assert in_force(after(text))[1] == f"{unknown} (and 1 more)"


def test_a_broken_file_keeps_the_newest_good_one_in_force() -> None:
    last_good = ServiceConfig({"payments": PullRequestReference(5)})

    assert in_force(after(GOOD, BROKEN)) == (last_good, ERROR)
    assert in_force(after(GOOD, BROKEN, "[", BROKEN)) == (last_good, ERROR)
    assert in_force(after(GOOD, BETTER, BROKEN)) == (ServiceConfig({"payments": Staging()}), ERROR)


def test_a_file_that_is_not_text_keeps_the_last_good_one() -> None:
    assert in_force(after(GOOD, ConfigFile(problem="is a symbolic link"))) == (
        ServiceConfig({"payments": PullRequestReference(5)}),
        ".preview.yaml: is a symbolic link",
    )


def test_a_fixed_file_wins_over_the_last_good_one() -> None:
    assert in_force(after(GOOD, BROKEN, BETTER)) == (ServiceConfig({"payments": Staging()}), "")


def test_an_empty_file_is_valid() -> None:
    assert in_force(after(GOOD, "# nothing any more\n")) == (ServiceConfig(), "")
    assert in_force(after(GOOD, "", BROKEN)) == (ServiceConfig(), ERROR)


def test_a_removed_file_is_forgotten() -> None:
    assert in_force(after(GOOD, None)) == (ServiceConfig(), "")
    assert in_force(after(GOOD, None, BROKEN)) == (ServiceConfig(), ERROR)


def test_the_last_good_file_is_checked_with_the_current_catalog() -> None:
    known = after(GOOD, "broken")
    config = config_in_force(known, "acme/orders", WITHOUT_THE_CALL)

    assert known.last_good_config == GOOD
    assert config.of("orders") == ServiceConfig()
    assert config.error == ".preview.yaml:1: must be a map (name: value)"
    # ... and is in force again once the catalog fits again
    assert in_force(known)[0] == ServiceConfig({"payments": PullRequestReference(5)})


def test_a_file_that_an_edit_breaks_is_not_its_own_last_good_file() -> None:
    known = replace(make_pull_request(config=GOOD), last_good_config=GOOD)

    config = config_in_force(known, "acme/orders", WITHOUT_THE_CALL)

    assert config.error == ".preview.yaml:2: dependencies.payments: is not a dependency of orders"
    assert config.of("orders") == ServiceConfig()


def test_a_file_that_crashes_the_reader_harms_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def trip(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr("plugin.core.facts.last_good.read_config", trip)

    tripped = in_force(make_pull_request(config="#" + "x" * 5000))  # too long to be remembered
    assert tripped == (ServiceConfig(), ".preview.yaml: could not be understood (RecursionError)")


def test_the_content_of_a_file_is_remembered_unless_it_is_large() -> None:
    def remembered(length: int) -> bool:
        pull_request = make_pull_request(config=GOOD.ljust(length, "#"))
        one, other = (config_in_force(pull_request, "acme/orders", CATALOG) for _ in range(2))
        return one.services is other.services

    assert remembered(REMEMBERED_LENGTH)
    assert not remembered(REMEMBERED_LENGTH + 1)


def test_a_message_is_one_bounded_line() -> None:
    error = in_force(after(f'version: 1\n"{"k" * 400}\\n": 1'))[1]

    assert error.startswith(".preview.yaml:2: kkk")
    assert len(error) == 300


def test_an_unchanged_file_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    known = after(GOOD)

    def refuse(*_: object) -> None:
        raise AssertionError("the file was read")

    monkeypatch.setattr("plugin.core.facts.last_good._read", refuse)
    now = make_pull_request(config=GOOD, title="New")

    assert last_good_config(now, known, "acme/orders", CATALOG) == GOOD

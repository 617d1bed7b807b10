"""One cluster for all stories, the table of times, and what a person would look at when a story fails."""

import os
from collections.abc import Generator, Iterator
from subprocess import SubprocessError

import pytest

from tests.e2e import staging
from tests.e2e.cluster.cluster import Cluster, start
from tests.e2e.diagnosis import diagnose
from tests.e2e.layout import LOGS
from tests.e2e.times import Times

TIMES = pytest.StashKey[Times]()
CLUSTER = pytest.StashKey[Cluster]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TIMES] = Times()


@pytest.fixture(scope="session")
def times(pytestconfig: pytest.Config) -> Times:
    return pytestconfig.stash[TIMES]


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config) -> Iterator[Cluster]:
    if "PREVIEW_E2E" not in os.environ:
        pytest.fail("the stories need namespaces of their own: run `make e2e`")
    with start() as cluster:
        pytestconfig.stash[CLUSTER] = cluster
        yield cluster


@pytest.fixture(scope="session")
def staging_users(cluster: Cluster) -> str:
    """The version that `users` on staging answers with."""
    return staging.deploy(cluster)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    cluster = item.config.stash.get(CLUSTER, None)
    if report.failed and cluster:
        try:
            found = diagnose(cluster)
        except (OSError, RuntimeError, SubprocessError) as error:  # the cluster may be what is broken
            found = f"it cannot be asked: {error}"
        report.sections.append(("The cluster", found))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = config.stash[TIMES].table()
    if lines:
        terminalreporter.section("times")
        terminalreporter.write_line("\n".join(lines))
        terminalreporter.write_line(f"The logs of all processes are in {LOGS}.")

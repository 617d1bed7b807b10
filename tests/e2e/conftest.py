"""One cluster for all stories, the table of times, and what a person would look at when a story fails."""

import os
from collections.abc import Generator, Iterator

import pytest

from tests.e2e import machine
from tests.e2e.cluster.cluster import Cluster, start
from tests.e2e.cluster.diagnosis import diagnose
from tests.e2e.layout import LOGS
from tests.e2e.preview import Preview
from tests.e2e.times import Times

TIMES = pytest.StashKey[Times]()
MEMORY = pytest.StashKey[machine.Memory]()
CLUSTER = pytest.StashKey[Cluster]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "preview(service, number, **how): a preview that a story needs; see previews")
    config.stash[TIMES] = Times()


@pytest.fixture(scope="session")
def times(pytestconfig: pytest.Config) -> Times:
    return pytestconfig.stash[TIMES]


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config, times: Times) -> Iterator[Cluster]:
    if "PREVIEW_E2E" not in os.environ:
        pytest.fail("the stories need namespaces of their own: run `make e2e`")
    pytestconfig.stash[MEMORY] = machine.Memory()
    with start(lambda step, seconds: times.add("the cluster starts", step, seconds)) as cluster:
        pytestconfig.stash[CLUSTER] = cluster
        yield cluster


@pytest.fixture(scope="session")
def shop(cluster: Cluster) -> Iterator[Preview]:
    """A preview that runs while others, or what they need, are disturbed."""
    preview = Preview(cluster, "shop", 31)
    preview.open()
    preview.wait()
    yield preview
    preview.close()


@pytest.fixture(scope="module")
def opened(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[dict[tuple[str, int], Preview]]:
    """Open the pull requests of all stories of a file: together, their previews come up sooner than in turn."""
    stories = [story for story in request.session.items if story.getparent(pytest.Module) is request.node]
    wanted = {mark.args: mark.kwargs for story in stories for mark in story.iter_markers("preview")}
    found = {who: Preview(cluster, *who) for who in wanted}
    for who, how in wanted.items():
        found[who].open(**how)
    yield found
    for preview in found.values():
        if preview.is_open:
            preview.close()


@pytest.fixture
def previews(opened: dict[tuple[str, int], Preview], request: pytest.FixtureRequest) -> list[Preview]:
    """The previews that a story asks for with `@pytest.mark.preview`, as they come up.

    The mark has the arguments of Preview.open. Stories of a file that name the same preview share it, in their order.
    """
    return [opened[mark.args] for mark in request.node.iter_markers("preview")][::-1]


@pytest.fixture
def preview(previews: list[Preview]) -> Preview:
    """The preview of a story that needs one."""
    (found,) = previews
    return found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    cluster = item.config.stash.get(CLUSTER, None)
    if report.failed and cluster:
        report.sections.append(("The cluster", diagnose(cluster.kubernetes)))
    elif report.failed and MEMORY in item.config.stash:  # it was being started
        item.session.shouldfail = "the cluster did not come up"  # no other story needs to say so
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = config.stash[TIMES].table()
    if lines:
        terminalreporter.section("times")
        terminalreporter.write_line("\n".join(lines))
        user, system = machine.processor_seconds()
        memory = config.stash[MEMORY].most() / 2**30
        terminalreporter.write_line(
            f"The cluster and the stories used {user:.0f} s of processors, the kernel {system:.0f}, "
            f"and at most {memory:.1f} GiB of memory."
        )
        terminalreporter.write_line(f"The logs of all processes are in {LOGS}.")

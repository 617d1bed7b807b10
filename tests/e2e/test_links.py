"""Previews that call each other."""

import pytest

from tests.e2e.cluster.cluster import Cluster
from tests.e2e.cluster.processes import until
from tests.e2e.preview import Preview
from tests.e2e.times import Times

CONFIG = "version: 1\ndependencies:\n  users: pr:21\n"


@pytest.mark.preview("payments", 20, config=CONFIG)
def test_a_link_leads_to_the_other_preview_and_back_to_staging_when_that_is_merged(
    cluster: Cluster, preview: Preview, times: Times, staging_users: str
) -> None:
    payments, users = preview, Preview(cluster, "users", 21)
    payments.wait()
    assert called(payments) == staging_users, "users#21 does not exist yet"

    version = users.build()
    cluster.developers.open(users.repository, users.number, head_sha=version)
    stopwatch = times.stopwatch("a dependency gets its label")
    cluster.developers.label(users.repository, users.number, "preview")
    until("payments calls the preview of users", lambda: called(payments) == version)
    stopwatch.lap("its caller answers with its data")
    users.wait()
    payments.wait()

    stopwatch = times.stopwatch("a dependency is merged")
    users.close("merged")
    until("payments calls users on staging", lambda: called(payments) == staging_users)
    stopwatch.lap("its caller answers with staging's data")
    (dependency,) = cluster.plugin.preview("acme/payments#20")["dependencies"]
    assert dependency["reason"] == "acme/users#21 was merged"


def called(caller: Preview) -> str:
    """Return the version of users that answers its caller, or "" while nothing does."""
    answer = caller.ask("/call/users")
    return str(answer["answer"]["version"]) if answer else ""

"""Previews that call each other."""

from tests.e2e.cluster.cluster import Cluster
from tests.e2e.cluster.processes import until
from tests.e2e.commits import build, commit
from tests.e2e.preview import Preview
from tests.e2e.times import Times

CONFIG = "version: 1\ndependencies:\n  users: pr:21\n"


def test_a_link_leads_to_the_other_preview_and_back_to_staging_when_that_is_merged(
    cluster: Cluster, times: Times, staging_users: str
) -> None:
    payments, users = Preview(cluster, "payments", 20), Preview(cluster, "users", 21)
    cluster.developers.open(
        "acme/payments", 20, head_sha=build(cluster, "payments", commit()), labels=["preview"], config=CONFIG
    )
    payments.wait()
    assert called(payments) == staging_users, "users#21 does not exist yet"

    version = build(cluster, "users", commit())
    cluster.developers.open("acme/users", 21, head_sha=version)
    stopwatch = times.stopwatch("a dependency gets its label")
    cluster.developers.label("acme/users", 21, "preview")
    until("payments calls the preview of users", lambda: called(payments) == version)
    stopwatch.lap("its caller answers with its data")
    users.wait()
    payments.wait()

    stopwatch = times.stopwatch("a dependency is merged")
    cluster.developers.close("acme/users", 21, "merged")
    until("payments calls users on staging", lambda: called(payments) == staging_users)
    stopwatch.lap("its caller answers with staging's data")
    (dependency,) = cluster.plugin.preview("acme/payments#20")["dependencies"]
    assert dependency["reason"] == "acme/users#21 was merged"
    users.wait_until_gone()
    cluster.developers.close("acme/payments", 20)
    payments.wait_until_gone()


def called(caller: Preview) -> str:
    """Return the version of users that answers its caller, or "" while nothing does."""
    answer = caller.ask("/call/users")
    return str(answer["answer"]["version"]) if answer else ""

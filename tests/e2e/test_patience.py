"""A push and a close while syncs hang, without the account that may end them: Argo CD's own limits must suffice.

This takes five minutes, so `make e2e` leaves it out; `make e2e STORY=patience` plays it.
"""

from collections.abc import Iterator

import pytest

from tests.e2e.cluster import product
from tests.e2e.cluster.cluster import Cluster
from tests.e2e.commits import build, commit
from tests.e2e.test_hang import hanging
from tests.e2e.times import Times

GOAL = 300  # seconds, and a sync that hangs takes 240 of them


@pytest.fixture
def without_account(cluster: Cluster) -> Iterator[None]:
    product.deploy(cluster.kubernetes, cluster.authority.certificate, ending_syncs=False)
    product.wait(cluster.kubernetes)
    yield
    product.deploy(cluster.kubernetes, cluster.authority.certificate)
    product.wait(cluster.kubernetes)


@pytest.mark.usefixtures("without_account")
def test_a_push_and_a_close_wait_for_five_minutes_at_most(cluster: Cluster, times: Times) -> None:
    closed, pushed = hanging(cluster, 91), hanging(cluster, 92)
    fixed = build(cluster, "users", commit())
    stopwatch = times.stopwatch("a migration hangs, without the account that may end a sync")
    cluster.developers.close("acme/users", 91)
    cluster.developers.push("acme/users", 92, fixed)
    closed.wait_until_gone(2 * GOAL)
    assert stopwatch.lap("the closed one: nothing is left") < GOAL
    pushed.wait_for_version(fixed, 2 * GOAL)
    assert stopwatch.lap("the other: the public URL answers from the fix") < GOAL
    cluster.developers.close("acme/users", 92)

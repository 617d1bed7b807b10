"""A push and a close while syncs hang, without the account that may end them: Argo CD's own limits must suffice.

This takes five minutes, so `make e2e` leaves it out; `make e2e STORY=patience` plays it.
"""

from collections.abc import Iterator

import pytest

from tests.e2e.cluster import product
from tests.e2e.cluster.cluster import Cluster
from tests.e2e.images import HANGING_MIGRATION
from tests.e2e.preview import Preview
from tests.e2e.test_hang import wait_until_it_hangs
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
@pytest.mark.preview("users", 91, files=HANGING_MIGRATION)
@pytest.mark.preview("users", 92, files=HANGING_MIGRATION)
def test_a_push_and_a_close_wait_for_five_minutes_at_most(previews: list[Preview], times: Times) -> None:
    closed, pushed = previews
    for preview in previews:
        wait_until_it_hangs(preview)
    fixed = pushed.build()
    stopwatch = times.stopwatch("a migration hangs, without the account that may end a sync")
    closed.close()
    pushed.push(fixed)
    closed.wait_until_gone(2 * GOAL)
    assert stopwatch.lap("the closed one: nothing is left") < GOAL
    pushed.wait_for_version(fixed, 2 * GOAL)
    assert stopwatch.lap("the other: the public URL answers from the fix") < GOAL

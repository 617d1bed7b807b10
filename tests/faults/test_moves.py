"""Moves after which the oracle must know exactly as much as the plugin."""

import random
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from plugin.core.facts.acts import ActKind
from tests.faults.moves import state_goes_back
from tests.faults.places import RedisPlace
from tests.faults.sightings import Sighting, Wrong
from tests.faults.stage import Stage
from tests.redis_server import serve_redis

USERS = "acme/users"


class NothingByChance(random.Random):
    """Only what a test does happens."""

    def random(self) -> float:
        return 0.99


@pytest.fixture(name="stage")
def _stage(tmp_path: Path) -> Iterator[Stage]:
    """Two processes know the previews of two pull requests, and there is a copy of their state."""
    with (
        patch("plugin.mirror.answers.FIRST_ANSWER", 0.0),
        serve_redis(tmp_path) as server,
        server.client() as redis,
    ):
        stage = Stage(tmp_path, NothingByChance(), RedisPlace(redis))
        for _ in range(2):
            stage.truth.open(USERS, labels=("preview",))
        stage.clock.pass_by(60)
        while len(stage.replicas) < 2:
            stage.replicas.append(stage.start())
        stage.place.take_lease(stage.replicas[0].state)
        stage.refresh(stage.replicas[0])
        stage.place.keep_copy()
        yield stage
        for replica in list(stage.replicas):
            stage.stop(replica)
        stage.github.close()


def states(stage: Stage) -> list[dict[str, str]]:
    """Return what each process says of the previews."""
    return [{each["locator"]: each["state"] for each in it.read().json["previews"]} for it in stage.replicas]


def test_a_pause_outlives_a_state_that_goes_back_and_the_oracle_knows_it(stage: Stage) -> None:
    assert stage.act(stage.replicas[0], ActKind.PAUSE, f"{USERS}#1")
    assert states(stage) == 2 * [{f"{USERS}#1": "active", f"{USERS}#2": "active"}]  # no replica has decided again yet

    assert state_goes_back(stage)
    assert states(stage) == 2 * [{f"{USERS}#1": "paused", f"{USERS}#2": "active"}]


def test_a_pause_for_no_reason_is_still_wrong_after_the_state_went_back(stage: Stage) -> None:
    stage.act(stage.replicas[0], ActKind.PAUSE, f"{USERS}#1")
    state_goes_back(stage)
    other = Sighting("users", stage.truth.repository(USERS), 2, 0)

    with pytest.raises(Wrong, match="users/2 is paused, and nobody knows why"):
        stage.oracle.lives.paused(
            other, {"state": "paused", "replicas": "0", "state_reason": ""}, [stage.oracle.catalog]
        )

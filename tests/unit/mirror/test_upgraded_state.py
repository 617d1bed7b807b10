"""A state that an old program wrote answers as before, with the source out of reach and once it is back."""

from datetime import timedelta
from pathlib import Path

import pytest

from plugin.app import Parts
from plugin.core.config.threshold import Threshold
from plugin.mirror.catalog import WatchedCatalog
from plugin.state import OpenedState
from plugin.state.memory import LocalBoard, LocalLease, MemoryStore
from plugin.state.opening import stored
from tests import version_1
from tests.builders import MONDAY
from tests.outside import ScriptedMeter, ScriptedRegistry
from tests.stage import Clock, ScriptedSource


@pytest.mark.parametrize("story", version_1.STORIES)
def test_a_state_of_version_1_answers_as_before(story: str, tmp_path: Path) -> None:
    version_1.copy_file(story, tmp_path / "state.db")
    catalog = tmp_path / "catalog.yaml"
    catalog.write_text(version_1.catalog(story).text, "utf-8")
    clock = Clock()
    clock.now = version_1.expected(story).head.fresh_at or MONDAY
    plugin = Parts(
        source=ScriptedSource({}),  # every repository is in doubt
        registry=ScriptedRegistry(),
        meter=ScriptedMeter(),
        catalog=WatchedCatalog(catalog),
        state=OpenedState(MemoryStore(stored(f"sqlite:{tmp_path}/state.db")), LocalBoard(), LocalLease(), lambda: None),
        breaker=Threshold(5, 20),
        max_stale=timedelta(hours=1),
        clock=clock,
    ).together()
    for _ in range(2):
        plugin.refresher.refresh()
        answer = plugin.answers.parameters({})
        assert answer == version_1.answer(story)
    assert bool(plugin.answers.current().known.hold) is (story == "held")

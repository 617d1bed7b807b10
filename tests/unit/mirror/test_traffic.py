"""How often Prometheus is asked, and what is known in between."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from plugin.core.config.lifecycle import Traffic
from plugin.core.facts.traffic import Used
from plugin.mirror.traffic import TrafficWatch
from plugin.sources import Doubt
from tests.builders import MONDAY

TRAFFIC = Traffic("http://prometheus.monitoring:9090", "sum by (exported_namespace) (x)", "exported_namespace")
SOME = frozenset({"preview-orders-12"})
DOWN = Doubt("Prometheus does not answer")


@dataclass
class Meter:
    answer: frozenset[str] | Doubt = SOME
    asked: list[Traffic] = field(default_factory=list)

    def used(self, traffic: Traffic) -> frozenset[str] | Doubt:
        self.asked.append(traffic)
        return self.answer


@pytest.fixture(name="meter")
def _meter() -> Meter:
    return Meter()


@pytest.fixture(name="watch")
def _watch(meter: Meter) -> TrafficWatch:
    return TrafficWatch(meter)


def at(minutes: float) -> datetime:
    return MONDAY + timedelta(minutes=minutes)


def test_a_catalog_without_traffic_asks_nobody(meter: Meter, watch: TrafficWatch) -> None:
    assert watch.look(None, at(0)) is None
    assert meter.asked == []


def test_it_asks_every_five_minutes_however_often_it_is_looked_at(meter: Meter, watch: TrafficWatch) -> None:
    for half_minute in range(41):
        assert watch.look(TRAFFIC, at(half_minute / 2)) is not None

    assert meter.asked == [TRAFFIC] * 5  # after 0, 5, 10, 15 and 20 minutes


def test_in_between_the_last_answer_counts_with_its_own_time(meter: Meter, watch: TrafficWatch) -> None:
    first = watch.look(TRAFFIC, at(13))
    meter.answer = frozenset()

    assert first == Used(SOME, at(0))
    assert watch.look(TRAFFIC, at(17.9)) == first
    assert watch.look(TRAFFIC, at(18)) == Used(frozenset(), at(15))


def test_a_doubt_replaces_what_was_known_until_the_next_answer(meter: Meter, watch: TrafficWatch) -> None:
    watch.look(TRAFFIC, at(0))
    meter.answer = DOWN
    assert watch.look(TRAFFIC, at(5)) == DOWN
    meter.answer = SOME

    assert watch.look(TRAFFIC, at(9)) == DOWN, "it is not asked sooner, because many installations may ask it"
    assert watch.look(TRAFFIC, at(10)) == Used(SOME, at(0))


@pytest.mark.parametrize(
    "other",
    [
        replace(TRAFFIC, prometheus="http://other:9090"),
        replace(TRAFFIC, query="sum by (exported_namespace) (y)"),
        replace(TRAFFIC, label="namespace"),
    ],
)
def test_an_edited_catalog_is_asked_about_at_once(meter: Meter, watch: TrafficWatch, other: Traffic) -> None:
    watch.look(TRAFFIC, at(0))
    watch.look(other, at(1))

    assert meter.asked == [TRAFFIC, other]


def test_traffic_that_is_switched_off_and_on_is_asked_about_anew(meter: Meter, watch: TrafficWatch) -> None:
    watch.look(TRAFFIC, at(0))
    watch.look(None, at(1))
    meter.answer = DOWN

    assert watch.look(TRAFFIC, at(2)) == DOWN


def test_a_clock_that_was_set_back_does_not_stop_the_asking(meter: Meter, watch: TrafficWatch) -> None:
    watch.look(TRAFFIC, at(0))
    watch.look(TRAFFIC, at(-600))
    watch.look(TRAFFIC, at(-598))

    assert len(meter.asked) == 2

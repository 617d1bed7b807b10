"""Known <-> entries."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from plugin.core.answers.breaker import Emitted
from plugin.core.answers.filters import Filters
from plugin.core.answers.history import Event
from plugin.core.facts.model import Repository, Snapshot
from plugin.state import NOTHING, Head, Known
from plugin.state.records import Name, Records, acknowledged_entry, emitted_entry
from tests.builders import MONDAY, make_catalog
from tests.unit.state.knowledge import (
    CATALOG,
    FORKS,
    FULL,
    ODD,
    details,
    emitted,
    later,
    repository,
    with_repository,
)

SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(st.characters(), max_size=8) | st.just(ODD),
    int: st.integers(),
    bool: st.booleans(),
    bytes: st.binary(max_size=20),
    datetime: st.datetimes(timezones=st.just(UTC)),
    type(None): st.none(),
}


def anything(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a type of the model, whatever fields it gets."""
    if is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        return st.builds(kind, **{field.name: anything(hints[field.name]) for field in fields(kind)})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    return SIMPLE[kind] if kind in SIMPLE else made_of(get_origin(kind), get_args(kind))


def made_of(kind: Any, parts: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if kind is tuple and parts[-1] is Ellipsis:
        return st.lists(anything(parts[0]), max_size=3).map(tuple)
    strategies = [anything(part) for part in parts]
    if kind is frozenset:
        return st.frozensets(strategies[0], max_size=3)
    if kind is Mapping:
        return st.dictionaries(*strategies, max_size=2)
    return st.tuples(*strategies) if kind is tuple else st.one_of(strategies)


KNOWN: st.SearchStrategy[Known] = st.builds(
    Known,
    head=st.just(Head(1, MONDAY)),
    catalog=st.sampled_from([None, CATALOG]),
    snapshot=st.builds(
        Snapshot,
        anything(Mapping[str, Repository]),
        doubts=anything(Mapping[str, str]),
        read_at=anything(Mapping[str, datetime]),
    ),
    emitted=anything(Mapping[Filters, Emitted]),
    histories=anything(Mapping[str, tuple[Event, ...]]),
    acknowledged=anything(frozenset[str]),
)


def stored(value: Known) -> dict[Name, bytes]:
    return dict(Records().changes(NOTHING, value).put)


@given(KNOWN)
def test_whatever_is_stored_is_read_again_in_every_detail(value: Known) -> None:
    assert details(Records().known(value.head, stored(value).items())) == details(value)


@given(KNOWN, KNOWN)
def test_the_changes_from_one_state_to_another_lead_there(before: Known, after: Known) -> None:
    entries = stored(before)
    changes = Records().changes(before, after)
    entries |= changes.put
    for name in changes.deleted:
        del entries[name]

    assert details(Records().known(after.head, entries.items())) == details(after)


@given(KNOWN)
def test_equal_things_are_not_written_again(value: Known) -> None:
    entries = stored(value)
    copy = replace(Records().known(value.head, entries.items()), catalog=value.catalog)

    assert Records().changes(value, copy).put == {}


def test_only_what_changed_is_written() -> None:
    changes = Records().changes(FULL, with_repository(FULL, repository(title="newer")))

    assert set(changes.put) == {Name("repository", "acme/orders")}
    assert changes.deleted == ()


def test_equal_things_are_not_written_again_by_those_who_wrote_them() -> None:
    records = Records()
    entries = records.changes(NOTHING, FULL).put
    copy = replace(Records().known(FULL.head, entries.items()), catalog=FULL.catalog)

    assert copy.snapshot.repositories["acme/orders"] is not FULL.snapshot.repositories["acme/orders"]
    assert records.changes(FULL, copy).put == {}


def test_what_could_not_be_stored_is_written_the_next_time() -> None:
    records, newer = Records(), with_repository(FULL, repository(title="newer"))
    records.changes(NOTHING, FULL)
    lost = records.changes(FULL, newer)

    assert records.changes(FULL, newer) == lost


def test_what_does_not_take_part_in_comparing_is_written_too() -> None:
    marked = replace(repository(), mark=None)

    assert marked == repository()
    assert set(Records().changes(FULL, with_repository(FULL, marked)).put) == {Name("repository", "acme/orders")}


def test_equal_inputs_have_one_entry_whatever_the_order_of_their_services() -> None:
    names = [f"service-{number}" for number in range(50)]
    one, other = Filters(frozenset(names)), Filters(frozenset(reversed(names)))

    assert emitted_entry(one, emitted()) == emitted_entry(other, emitted())


def test_bytes_that_were_read_before_give_the_same_object() -> None:
    records, entries = Records(), stored(FULL)
    first = records.known(FULL.head, entries.items())
    second = records.known(later(FULL).head, dict(reversed(entries.items())).items())

    assert second.catalog is first.catalog
    assert second.snapshot.repositories["acme/orders"] is first.snapshot.repositories["acme/orders"]
    assert list(second.snapshot.repositories) == ["acme/orders", "acme/payments"]


def test_what_was_written_is_not_read_again() -> None:
    records = Records()
    entries = records.changes(NOTHING, FULL).put

    assert records.known(FULL.head, entries.items()).catalog is CATALOG


@pytest.mark.parametrize(
    "data",
    [b"", b"x\x9c broken", b"[1]", emitted_entry(FORKS, emitted())[1]],
    ids=["empty", "cut off", "not compressed", "of another kind"],
)
def test_an_entry_that_cannot_be_read_is_left_out_and_logged_once(data: bytes) -> None:
    records, entries = Records(), stored(FULL) | {Name("repository", "acme/orders"): data}
    with capture_logs() as logs:
        value = records.known(FULL.head, entries.items())
        records.known(FULL.head, entries.items())

    (line,) = logs
    assert (line["log_level"], line["kind"], line["key"]) == ("error", "repository", "acme/orders")
    assert set(value.snapshot.repositories) == {"acme/payments"}
    assert details(value.emitted) == details(FULL.emitted)


@pytest.mark.parametrize("name", [Name("emitted", "nothing"), Name("emitted", '{"origin": 1}'), Name("weather", "x")])
def test_an_entry_with_a_name_that_means_nothing_is_left_out(name: Name) -> None:
    entries = stored(FULL) | {name: emitted_entry(FORKS, emitted())[1]}
    with capture_logs() as logs:
        value = Records().known(FULL.head, entries.items())

    assert [line["key"] for line in logs] == [name.key]
    assert details(value) == details(FULL)


def test_a_catalog_that_is_not_valid_any_more_is_left_out_and_the_log_says_where_but_not_what() -> None:
    strange = replace(make_catalog({"orders": {}}), text='version: 1\ndomain: "s3cret value"\n')
    with capture_logs() as logs:
        value = Records().known(FULL.head, stored(replace(FULL, catalog=strange)).items())

    assert value.catalog is None
    assert details(value) == details(replace(FULL, catalog=None))
    (line,) = logs
    assert line["reason"] == "mistakes in lines 1, 2"
    assert "s3cret" not in str(line)


def test_an_acknowledgement_is_an_entry_of_its_own() -> None:
    value = Records().known(Head(1, None), [acknowledged_entry("0123456789ab")])

    assert value.acknowledged == {"0123456789ab"}


def test_a_big_answer_takes_little_room() -> None:
    body = b'{"name":"preview-orders-7"},' * 10_000
    _, data = emitted_entry(FORKS, emitted(body=body))

    assert len(data) < len(body) / 50

"""What is known <-> entries."""

import zlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from plugin.core.answers.history import Event
from plugin.core.answers.live import Hold, Live
from plugin.core.facts.acts import Act
from plugin.core.facts.deployments import Reported
from plugin.core.facts.lives import Life
from plugin.core.facts.model import Repository, Snapshot
from plugin.core.life.earlier_ends import EarlierEnds
from plugin.state import NOTHING, Head, Known
from plugin.state.entries import Name, Value, encode
from plugin.state.records import Records, act_entry, act_in, reported_entry, reported_in
from tests.builders import MONDAY, make_catalog
from tests.knowledge import (
    CATALOG,
    ENDS,
    FULL,
    LIFE,
    ODD,
    PLAN,
    acknowledgement,
    details,
    later,
    live,
    reported,
    repository,
    with_repository,
)

SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(st.characters(), max_size=8) | st.just(ODD),
    int: st.integers(),
    bool: st.booleans(),
    bytes: st.binary(max_size=20),
    datetime: st.datetimes(timezones=st.just(UTC)),
    timedelta: st.timedeltas(timedelta(0), timedelta(days=365)),
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
        counted_at=anything(Mapping[str, datetime]),
        compared_at=anything(datetime | None),
    ),
    live=anything(Live) | st.none(),
    hold=anything(Hold) | st.none(),
    histories=anything(Mapping[str, tuple[Event, ...]]),
    reported=anything(Mapping[str, tuple[Reported, ...]]),
    lives=anything(Mapping[str, Mapping[str, Life]]),
    ends=anything(EarlierEnds | None),
    acts=st.lists(anything(Act), max_size=2).map(lambda said: {(act.kind, act.subject): act for act in said}),
)


def test_examples_have_a_value_for_everything_that_can_be_known() -> None:
    """Otherwise the stores are never asked to keep it."""
    for value in (FULL, FULL.snapshot, LIFE, ENDS, PLAN):
        for field in fields(value):
            default = field.default_factory() if callable(field.default_factory) else field.default
            assert getattr(value, field.name) != default, field.name


def stored(value: Known) -> dict[Name, bytes]:
    return dict(Records().changes(NOTHING, value).put)


@settings(max_examples=30)  # each has every type of the model, many times
@given(KNOWN)
def test_everything_stored_is_read_again_in_every_detail(value: Known) -> None:
    assert details(Records().known(value.head, stored(value).items())) == details(value)


@settings(max_examples=30)
@given(KNOWN, KNOWN)
def test_changes_lead_from_one_state_to_the_other(before: Known, after: Known) -> None:
    entries = stored(before)
    changes = Records().changes(before, after)
    entries |= changes.put
    for name in changes.deleted:
        del entries[name]

    assert details(Records().known(after.head, entries.items())) == details(after)


@settings(max_examples=30)  # each has every type of the model, many times
@given(KNOWN)
def test_equal_parts_are_not_written_again(value: Known) -> None:
    entries = stored(value)
    copy = replace(Records().known(value.head, entries.items()), catalog=value.catalog)

    assert Records().changes(value, copy).put == {}


def test_only_changed_parts_are_written() -> None:
    changes = Records().changes(FULL, with_repository(FULL, repository(title="newer")))

    assert set(changes.put) == {Name("repository", "acme/orders")}
    assert changes.deleted == ()


def test_equal_parts_are_not_written_again_by_their_writer() -> None:
    records = Records()
    entries = records.changes(NOTHING, FULL).put
    copy = replace(Records().known(FULL.head, entries.items()), catalog=FULL.catalog)

    assert copy.snapshot.repositories["acme/orders"] is not FULL.snapshot.repositories["acme/orders"]
    assert records.changes(FULL, copy).put == {}


def test_changes_that_were_not_stored_are_written_the_next_time() -> None:
    records, newer = Records(), with_repository(FULL, repository(title="newer"))
    records.changes(NOTHING, FULL)
    lost = records.changes(FULL, newer)

    assert records.changes(FULL, newer) == lost


def test_fields_excluded_from_comparison_are_written_too() -> None:
    marked = replace(repository(), mark=None)

    assert marked == repository()
    assert set(Records().changes(FULL, with_repository(FULL, marked)).put) == {Name("repository", "acme/orders")}


def test_a_push_writes_the_live_previews_of_its_repository_only() -> None:
    assert FULL.live
    by_repository = {**FULL.live.by_repository, "acme/orders": live(7, 8).by_repository["acme/orders"]}
    changes = Records().changes(FULL, later(FULL, live=replace(FULL.live, by_repository=by_repository)))

    assert set(changes.put) == {Name("live", "acme/orders")}


def test_bytes_read_before_give_the_same_object() -> None:
    records, entries = Records(), stored(FULL)
    first = records.known(FULL.head, entries.items())
    second = records.known(later(FULL).head, dict(reversed(entries.items())).items())

    assert second.catalog is first.catalog
    assert second.snapshot.repositories["acme/orders"] is first.snapshot.repositories["acme/orders"]
    assert list(second.snapshot.repositories) == ["acme/orders", "acme/payments"]


def test_bytes_written_before_give_the_same_object() -> None:
    records = Records()
    entries = records.changes(NOTHING, FULL).put

    assert records.known(FULL.head, entries.items()).catalog is CATALOG


@pytest.mark.parametrize(
    "data",
    [b"", b"x\x9c broken", b"[1]", encode(Value({}))[:-5], zlib.compress(b"{"), encode(Value({"name": 7}))],
    ids=["empty", "not compressed data", "not compressed", "cut off", "not JSON", "of another kind"],
)
def test_an_unreadable_entry_is_left_out_and_logged_once(data: bytes) -> None:
    records, entries = Records(), stored(FULL) | {Name("repository", "acme/orders"): data}
    with capture_logs() as logs:
        value = records.known(FULL.head, entries.items())
        records.known(FULL.head, entries.items())

    (line,) = logs
    assert (line["log_level"], line["kind"], line["key"]) == ("error", "repository", "acme/orders")
    assert set(value.snapshot.repositories) == {"acme/payments"}
    assert details(value.live) == details(FULL.live)


def test_an_entry_that_inflates_too_far_is_left_out_and_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    name, entries = Name("repository", "acme/orders"), stored(FULL)
    bomb = zlib.compress(zlib.decompress(entries[name]) + b" " * 5_000_000, 9)
    assert details(Records().known(FULL.head, (entries | {name: bomb}).items())) == details(FULL)
    monkeypatch.setattr("plugin.state.entries.MOST_BYTES", 1_000_000)
    with capture_logs() as logs:
        value = Records().known(FULL.head, (entries | {name: bomb}).items())

    assert [(line["key"], line["reason"]) for line in logs] == [
        ("acme/orders", "it inflates to more than 1000000 bytes")
    ]
    assert set(value.snapshot.repositories) == {"acme/payments"}


@pytest.mark.parametrize("name", [Name("weather", "x"), Name("act", "acknowledge:another")])
def test_an_entry_of_an_unknown_kind_or_key_is_left_out(name: Name) -> None:
    entries = stored(FULL) | {name: act_entry(acknowledgement())[1]}
    with capture_logs() as logs:
        value = Records().known(FULL.head, entries.items())

    assert [line["key"] for line in logs] == [name.key]
    assert details(value) == details(FULL)


def test_an_invalid_catalog_is_left_out_and_only_its_lines_are_logged() -> None:
    strange = replace(make_catalog({"orders": {}}), text='version: 1\ndomain: "s3cret value"\n')
    with capture_logs() as logs:
        value = Records().known(FULL.head, stored(replace(FULL, catalog=strange)).items())

    assert value.catalog is None
    assert details(value) == details(replace(FULL, catalog=None))
    (line,) = logs
    assert line["reason"] == "mistakes in lines 1, 2"
    assert "s3cret" not in str(line)


def test_an_act_is_one_entry() -> None:
    said = acknowledgement("0123456789ab")
    name, data = act_entry(said)

    assert Records().known(Head(1, None), [(name, data)]).acts == {(said.kind, said.subject): said}
    assert act_in(data) == said


@pytest.mark.parametrize("data", [None, b"", encode(Value({"kind": "sing"}))], ids=["missing", "unreadable", "unknown"])
def test_an_act_that_is_missing_or_unreadable_is_none(data: bytes | None) -> None:
    assert act_in(data) is None


def test_the_reports_about_one_preview_are_one_entry() -> None:
    said = (reported(), reported(sha="f" * 40))
    name, data = reported_entry("preview-orders-7", said)

    assert Records().known(Head(1, None), [(name, data)]).reported == {"preview-orders-7": said}
    assert reported_in(data) == said
    assert reported_in(None) == reported_in(b"") == reported_in(encode(Value([{"state": "sunk"}]))) == ()


def test_without_an_answered_entry_nothing_was_ever_answered() -> None:
    entries = stored(FULL)
    del entries[Name("answered")]

    assert Records().known(FULL.head, entries.items()).live is None

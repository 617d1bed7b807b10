"""States of older schemas, as the programs of that time wrote them."""

import json
import sqlite3
import zlib
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from plugin.state import Head, Known
from plugin.state.entries import SCHEMA, Name, decode
from plugin.state.records import Records
from plugin.state.upgrades import upgraded
from tests import version_1
from tests.builders import MONDAY
from tests.knowledge import details
from tests.version_1 import FOLDER, STORIES, answer, expected

HEAD = Head(7, MONDAY)


def entries_of(story: str) -> dict[Name, bytes]:
    fields = version_1.redis_fields(story).items()
    return {Name(*field.decode().split(":", 1)): value for field, value in fields if b":" in field}


def known_from(entries: dict[Name, bytes], head: Head = HEAD) -> Known:
    return Records().known(head, upgraded(1, head, entries).items())


def entry(content: Any, raw: bytes | None = None) -> bytes:
    """As schema 1 wrote it."""
    return zlib.compress(json.dumps(content).encode() + (b"" if raw is None else b"\n" + raw))


def emitted(
    *numbers: int, held: tuple[int, ...] = (), catalog: str = "", body: object = None, service: str = "orders"
) -> bytes:
    """What was answered to one input, of a service's pull requests with these numbers."""
    previews = {
        f"preview-{service}-{number}": {"service": service, "repository": f"acme/{service}", "number": number}
        for number in numbers
    }
    departures = {
        f"preview-{service}-{number}": {"reason": f"why {number}", "confirmed": False, "by_catalog": True}
        for number in held
    }
    content = {"version": 1, "catalog": catalog, "previews": previews, "body": None, "held": departures}
    return entry(content, None if body is None else json.dumps(body).encode())


def answer_of(*numbers: int, service: str = "orders") -> dict[str, object]:
    parameters = [
        {"name": f"preview-{service}-{number}", "service": service, "number": str(number)} for number in numbers
    ]
    return {"output": {"parameters": parameters}}


def inputs(*values: bytes) -> dict[Name, bytes]:
    return {Name("emitted", str(index)): value for index, value in enumerate(values)}


@pytest.mark.parametrize("story", STORIES)
def test_a_state_of_version_1_becomes_what_is_expected(story: str) -> None:
    wanted = expected(story)
    with capture_logs() as logs:
        value = known_from(entries_of(story), wanted.head)

    assert details(value) == details(wanted)
    assert logs == []


@pytest.mark.parametrize("story", STORIES)
def test_the_file_and_the_hash_of_a_story_hold_the_same(story: str) -> None:
    file = f"{(FOLDER / story).as_uri()}.db?mode=ro&immutable=1"
    with closing(sqlite3.connect(file, uri=True)) as connection:
        rows = connection.execute("SELECT kind, key, value FROM entry").fetchall()
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)

    plain = {Name(kind, key): zlib.decompress(value) for kind, key, value in rows}
    assert plain == {name: zlib.decompress(value) for name, value in entries_of(story).items()}


def test_entries_of_the_newest_schema_stay_as_they_are() -> None:
    entries = upgraded(1, HEAD, entries_of("calm"))

    assert upgraded(SCHEMA, HEAD, entries) == entries


def test_a_held_answer_is_kept_byte_for_byte_without_its_envelope() -> None:
    hold = known_from(entries_of("held")).hold
    assert hold
    assert hold.parameters == answer("held")
    assert hold.parameters.startswith(b'[{"number":"1",')


def test_held_answers_of_several_inputs_become_one_in_order() -> None:
    hold = known_from(
        inputs(
            emitted(10, 9, held=(9,), body=answer_of(9, 10)),
            emitted(1, held=(1,), body=answer_of(1, service="api"), service="api"),
            emitted(2, 9, held=(9, 2), body=answer_of(2, 9)),
        )
    ).hold
    assert hold
    assert hold.parameters
    names = [one["name"] for one in json.loads(hold.parameters)]
    assert names == ["preview-api-1", "preview-orders-2", "preview-orders-9", "preview-orders-10"]
    assert hold.departures == {"api/1": "why 1", "orders/2": "why 2", "orders/9": "why 9"}


@pytest.mark.parametrize(
    "entries",
    [
        inputs(emitted(1, 2, held=(1,))),
        inputs(emitted(1, held=(1,), body=answer_of(1)), emitted(1, 2, held=(1,))),
        inputs(emitted(1, held=(1,), body=answer_of(1)), emitted(3, catalog="0123456789ab")),
        inputs(emitted(1, held=(1,), body={"output": {}})),
        inputs(emitted(1, held=(1,), body={"output": {"parameters": [{"name": "preview-orders-1"}]}})),
        inputs(emitted(1, held=(1,), body=[])),
    ],
    ids=["lost", "one lost", "an input that is not held", "no parameters", "no number", "no object"],
)
def test_a_held_answer_that_would_lack_a_preview_is_none(entries: dict[Name, bytes]) -> None:
    hold = known_from(entries).hold

    assert hold
    assert hold.parameters is None


def test_a_held_answer_covers_for_a_lost_one_and_for_inputs_set_aside() -> None:
    entries = inputs(emitted(1, 2, held=(1,), body=answer_of(1, 2)), emitted(2, held=(2,)), emitted(5))
    known = known_from(entries)

    assert known.hold
    assert known.hold.parameters == json.dumps(answer_of(1, 2)["output"]["parameters"], separators=(",", ":")).encode()  # type: ignore[index]
    assert known.live
    assert [preview.number for preview in known.live.by_repository["acme/orders"]] == [1, 2, 5]


@pytest.mark.parametrize(
    ("catalogs", "catalog"), [(("a", "a"), "a"), (("a", "b"), ""), (("a", ""), ""), (("", ""), "")]
)
def test_the_catalog_of_live_is_the_one_of_all_inputs(catalogs: tuple[str, str], catalog: str) -> None:
    live = known_from(inputs(*(emitted(1, catalog=each) for each in catalogs))).live

    assert live
    assert live.catalog == catalog


def test_without_answers_nothing_is_live_and_nothing_held() -> None:
    known = known_from({Name("catalog"): entries_of("calm")[Name("catalog")]})

    assert (known.live, known.hold) == (None, None)
    assert known.catalog


def test_an_answer_without_previews_counts_as_one() -> None:
    live = known_from(inputs(emitted(catalog="0123456789ab"))).live

    assert live
    assert live.catalog == "0123456789ab"
    assert live.by_repository == {}


def test_a_hold_without_a_readable_catalog_waits_for_no_fingerprint() -> None:
    with capture_logs() as logs:
        known = known_from(inputs(emitted(1, held=(1,), body=answer_of(1))) | {Name("catalog"): entry("version: 9")})

    assert known.catalog is None
    assert known.hold
    assert known.hold.catalog == ""
    assert known.live
    assert [preview.profile for preview in known.live.by_repository["acme/orders"]] == [""]
    assert [line["kind"] for line in logs] == ["catalog"]


@pytest.mark.parametrize(("fresh_at", "at"), [(MONDAY, MONDAY), (None, datetime(1970, 1, 1, tzinfo=UTC))])
def test_an_acknowledgement_becomes_an_act_by_an_unknown_person(fresh_at: datetime | None, at: datetime) -> None:
    known = known_from({Name("acknowledged", "0123456789ab"): entry(content=True)}, Head(1, fresh_at))
    (act,) = known.acts.values()

    assert (act.kind, act.subject, act.by, act.at) == ("acknowledge", "0123456789ab", "unknown", at)


BROKEN = {
    "empty": b"",
    "no object": entry([1]),
    "another object": entry({"name": "acme/orders"}),
    "another type": entry({"identity": 7, "looked_up": [], "version": "x"}),
    "held, but not named": entry({"catalog": "", "previews": {}, "held": {"a": {"reason": "why"}}}),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("kind", ["repository", "emitted"])
def test_an_unreadable_entry_is_left_out_of_an_upgrade_and_logged(kind: str, data: bytes) -> None:
    name = Name(kind, "broken")
    with capture_logs() as logs:
        value = known_from(entries_of("calm") | {name: data}, expected("calm").head)

    assert [(line["kind"], line["key"]) for line in logs] == [(kind, "broken")]
    assert details(value) == details(expected("calm"))


def test_nothing_of_schema_1_is_left_behind() -> None:
    upgrade = upgraded(1, HEAD, entries_of("calm"))

    assert {name.kind for name in upgrade} == {
        "catalog",
        "readings",
        "repository",
        "answered",
        "live",
        "history",
        "act",
    }
    assert all(decode(data).raw is None for data in upgrade.values())

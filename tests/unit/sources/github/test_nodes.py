"""From JSON to the model: identities, marks and files."""

from datetime import UTC, datetime
from typing import Any

import pytest

from plugin.core.facts.model import ConfigFile
from plugin.sources.github.answer import Answer, Part
from plugin.sources.github.nodes import Identity, Malformed, Outside, config_file, outside

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
NEWEST = [{"number": 7, "updatedAt": "2026-11-21T11:00:00Z"}, {"number": 9, "updatedAt": "2026-11-21T11:30:00Z"}]


def seen(label: str = "preview", date: datetime | None = NOON, **given: Any) -> Outside:
    repository = {
        "id": "R_1",
        "databaseId": 1,
        "nameWithOwner": "acme/orders",
        "archivedAt": None,
        "visibility": "PRIVATE",
        "defaultBranchRef": {"name": "main"},
        "newest": {"nodes": NEWEST},
        "k0": {"id": "LA_1"},
    } | given
    return outside(Part(repository), [label], Answer({}, (), date))


def token(**given: Any) -> str:
    mark = seen(**given).mark
    assert mark
    return mark.token


def test_an_identity_is_stored_as_one_string() -> None:
    assert str(seen().identity) == "1:R_1"
    assert Identity.parse("1:R_1") == Identity(1, "R_1")


@pytest.mark.parametrize("text", ["", "1", "x:R_1", "R_1", "gitlab/5"])
def test_what_another_source_wrote_is_not_an_identity(text: str) -> None:
    assert Identity.parse(text) is None


def test_a_mark_shows_its_newest_change() -> None:
    mark = seen().mark
    assert mark
    assert (mark.changed_at, mark.settled) == (datetime(2026, 11, 21, 11, 30, tzinfo=UTC), True)

    empty = seen(newest={"nodes": []}).mark
    assert empty
    assert (empty.changed_at, empty.settled) == (None, True)


@pytest.mark.parametrize("date", [None, datetime(2026, 11, 21, 11, 30, 19, tzinfo=UTC)])
def test_a_mark_of_a_moment_ago_has_not_settled(date: datetime | None) -> None:
    mark = seen(date=date).mark
    assert mark
    assert not mark.settled


@pytest.mark.parametrize(
    "given",
    [
        {"databaseId": 2},
        {"nameWithOwner": "acme/sales"},
        {"archivedAt": "2026-11-21T09:00:00Z"},
        {"visibility": "PUBLIC"},
        {"defaultBranchRef": {"name": "trunk"}},
        {"defaultBranchRef": None},
        {"newest": {"nodes": NEWEST[:1]}},
        {"newest": {"nodes": NEWEST[::-1]}},
        {"k0": {"id": "LA_2"}},
        {"k0": None},
    ],
    ids=str,
)
def test_a_token_changes_with_everything_that_a_listing_depends_on(given: dict[str, Any]) -> None:
    assert token(**given) != token()


def test_a_token_stays_the_same_in_another_spelling() -> None:
    assert token(nameWithOwner="Acme/Orders") == token()
    assert token(date=None) == token()


def test_a_label_that_does_not_exist_is_named() -> None:
    assert seen().missing_labels == set()
    assert seen(k0=None).missing_labels == {"preview"}


@pytest.mark.parametrize("given", [{"id": 'R" x'}, {"databaseId": "1"}, {"archivedAt": 5}, {"nameWithOwner": None}])
def test_a_repository_that_is_not_as_documented_is_malformed(given: dict[str, Any]) -> None:
    with pytest.raises(Malformed, match="about the repository is incomplete"):
        seen(**given)


@pytest.mark.parametrize(
    ("blob", "file"),
    [
        (None, None),
        ({"__typename": "Tree"}, ConfigFile(problem="is not a file")),
        ({"isTruncated": True}, ConfigFile(problem="is larger than 64 KiB")),
        ({"byteSize": 65_537}, ConfigFile(problem="is larger than 64 KiB")),
        ({"isBinary": True, "text": None}, ConfigFile(problem="is not a text file")),
        ({}, ConfigFile("version: 1")),
    ],
)
def test_objects_at_the_path_of_the_config_file(blob: dict[str, Any] | None, file: ConfigFile | None) -> None:
    whole = {"__typename": "Blob", "byteSize": 10, "isBinary": False, "isTruncated": False, "text": "version: 1"}

    assert config_file(None if blob is None else whole | blob) == file

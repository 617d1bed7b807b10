"""Queries: every value travels as a variable, and each answer is found in the order of the questions."""

import re

import pytest

from plugin.sources.github import queries
from plugin.sources.github.answer import Answer, GraphQLError
from plugin.sources.github.draft import Query
from plugin.sources.github.queries import Page

HOSTILE = 'x") { id } #'
EVERY = {
    "probe": queries.probe({f"acme/{HOSTILE}": [HOSTILE]}),
    "listing": queries.listing([Page(f"acme/{HOSTILE}", [HOSTILE], 7, HOSTILE)]),
    "labels": queries.labels(HOSTILE, HOSTILE),
    "details": queries.details([HOSTILE], {f"acme/{HOSTILE}": [HOSTILE]}, HOSTILE, HOSTILE),
    "confirm": queries.confirm({f"acme/{HOSTILE}": [7]}),
    "commits": queries.commits({f"acme/{HOSTILE}": [7]}),
    "checks": queries.checks({f"acme/{HOSTILE}": [(HOSTILE, HOSTILE), (HOSTILE, "other")]}),
    "identity": queries.identity([HOSTILE]),
    "owned": queries.owned(HOSTILE, HOSTILE),
}


@pytest.mark.parametrize("query", EVERY.values(), ids=EVERY.keys())
def test_nothing_that_people_write_becomes_part_of_a_query(query: Query) -> None:
    declared = re.findall(r"\$(\w+):", query.text)

    assert HOSTILE not in query.text
    assert list(query.variables) == declared


def test_labels_are_asked_for_in_the_order_of_their_names() -> None:
    asked = queries.probe({"acme/orders": frozenset({"b", "a"}), "acme/users": frozenset()})

    assert asked.variables == {
        "o0": "acme",
        "n0": "orders",
        "k0_0": "a",
        "k0_1": "b",
        "o1": "acme",
        "n1": "users",
    }


def test_without_labels_everything_is_listed() -> None:
    assert queries.listing([Page("acme/orders", [], 7)]).variables["l0"] is None


def test_what_the_answer_lacks_is_null() -> None:
    answer = Answer({"r0": {"databaseId": 1}}, (GraphQLError(("r1",), "FORBIDDEN", "no"),), None)
    first, second, third = queries.repositories(answer, 3)

    assert first.value == {"databaseId": 1}
    assert (second.value, second.error and second.error.message) == (None, "no")
    assert (third.value, third.error) == (None, None)


@pytest.mark.parametrize(
    ("path", "kind", "whole"),
    [
        ((), "FORBIDDEN", True),
        (("list",), "FORBIDDEN", True),
        (("list", "nodes"), "FORBIDDEN", True),
        (("list", "nodes", 0), "FORBIDDEN", False),
        (("list", "nodes", 0, "labels", "nodes", 3), "FORBIDDEN", False),
        (("newest",), "FORBIDDEN", False),
        (("newest", "nodes", 0), "FORBIDDEN", False),
        (("k0",), "FORBIDDEN", True),
        (("k0",), "NOT_FOUND", False),
        (("k0", "id"), "NOT_FOUND", True),
        (("list",), "NOT_FOUND", True),
    ],
)
def test_errors_that_keep_a_repository_from_being_read(path: tuple[str | int, ...], kind: str, *, whole: bool) -> None:
    answer = Answer({"r0": {}}, (GraphQLError(("r0", *path), kind, "no"),), None)
    (repository,) = queries.repositories(answer, 1)

    assert bool(queries.repository_error(repository)) is whole


@pytest.mark.parametrize("found", [None, [], [1], {}, "x"])
def test_a_wrong_number_of_nodes_is_an_error(found: object) -> None:
    with pytest.raises(TypeError):
        queries.nodes(Answer({"nodes": found}, (), None), 2)

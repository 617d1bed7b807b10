"""Answers of GraphQL: what is said at a place, and which errors touch it."""

import pytest

from plugin.sources.github.answer import Answer, GraphQLError, Part, meaning

ERRORS = (
    GraphQLError(("r0", "list", "nodes", 1, "author"), "FORBIDDEN", "hidden"),
    GraphQLError(("r1",), "NOT_FOUND", "no such repository"),
)
ANSWER = Answer({"r0": {"list": {"nodes": [{"author": 1}, {"author": None}]}}, "r1": None}, ERRORS, None)


def test_an_error_touches_what_is_above_it_and_nothing_beside_it() -> None:
    first, second = ANSWER.whole.at("r0").at("list").at("nodes").items

    assert (first.value, first.error) == ({"author": 1}, None)
    assert second.errors == (GraphQLError(("author",), "FORBIDDEN", "hidden"),)
    assert second.at("author").errors == (GraphQLError((), "FORBIDDEN", "hidden"),)


def test_an_error_touches_everything_below_it() -> None:
    below = ANSWER.whole.at("r1").at("list")

    assert below == Part(None, (GraphQLError((), "NOT_FOUND", "no such repository"),))


def test_a_place_that_the_answer_lacks_is_an_error_of_its_kind() -> None:
    with pytest.raises(KeyError):
        ANSWER.whole.at("r2")
    with pytest.raises(TypeError):
        _ = ANSWER.whole.at("r1").items


@pytest.mark.parametrize("body", [None, [], {"message": None}, {"message": 5}, {}])
def test_an_error_response_may_say_nothing(body: object) -> None:
    assert str(meaning(500, {}, body)) == "GitHub answered with status 500"

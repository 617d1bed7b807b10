"""Answers of GraphQL: what is said at a place, and which errors affect it."""

import pytest

from plugin.sources.github.answer import Answer, GraphQLError, Part, TooHeavy, Unavailable, meaning, read_answer

ERRORS = (
    GraphQLError(("r0", "list", "nodes", 1, "author"), "FORBIDDEN", "hidden"),
    GraphQLError(("r1",), "NOT_FOUND", "no such repository"),
)
ANSWER = Answer({"r0": {"list": {"nodes": [{"author": 1}, {"author": None}]}}, "r1": None}, ERRORS, None)


def test_an_error_affects_places_above_it_and_none_beside_it() -> None:
    first, second = ANSWER.whole.at("r0").at("list").at("nodes").items

    assert (first.value, first.error) == ({"author": 1}, None)
    assert second.errors == (GraphQLError(("author",), "FORBIDDEN", "hidden"),)
    assert second.at("author").errors == (GraphQLError((), "FORBIDDEN", "hidden"),)


def test_an_error_affects_everything_below_it() -> None:
    below = ANSWER.whole.at("r1").at("list")

    assert below == Part(None, (GraphQLError((), "NOT_FOUND", "no such repository"),))


def test_a_place_that_the_answer_lacks_raises_an_error() -> None:
    with pytest.raises(KeyError):
        ANSWER.whole.at("r2")
    with pytest.raises(TypeError):
        _ = ANSWER.whole.at("r1").items


@pytest.mark.parametrize("body", [None, [], {"message": None}, {"message": 5}, {}])
def test_an_error_response_may_say_nothing(body: object) -> None:
    assert str(meaning(500, {}, body)) == "GitHub answered with status 500"


def test_a_query_over_githubs_node_limit_may_pass_in_halves() -> None:
    error = {"type": "MAX_NODE_LIMIT_EXCEEDED", "message": "too many nodes", "extensions": {"code": "x"}}
    with pytest.raises(TooHeavy, match="too many nodes"):
        read_answer({}, {"data": None, "errors": [error]})


def test_a_query_with_an_unknown_argument_is_not_asked_in_halves() -> None:
    message = "Field 'repository' doesn't accept argument 'followRenames'"
    error = {"path": ["query List", "r0"], "extensions": {"code": "argumentNotAccepted"}, "message": message}
    with pytest.raises(Unavailable, match="doesn't accept argument"):
        read_answer({}, {"errors": [error]})

"""The fake runs queries itself, and the results are those of graphql-core."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    ExecutionResult,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    execute,
    parse,
)

from plugin.sources.file import Organisation
from tests.contract.fake_github import texts
from tests.fakes.github import graphql
from tests.fakes.github.checks import Status, with_run
from tests.fakes.github.graphql import SCHEMA, type_name
from tests.fakes.github.limits import charge
from tests.fakes.github.resolvers import RESOLVERS, Context
from tests.fakes.github.wire import LONG_AGO
from tests.fakes.github.world import Changes, build, database_id, node_id

ORDERS = {"o0": "acme", "n0": "orders"}
PULL_REQUEST = node_id("PR", "acme/orders/pull/3")
REPOSITORY = node_id("R", "acme/orders")
SHA = f"{3:040x}"
FIRST = "Y3Vyc29yOnYyOjA="  # cursor:v2:0
TWICE = (
    'query Q { repository(owner: "acme", name: "orders") { id ...A } } '
    "fragment A on Repository { id defaultBranchRef { name } defaultBranchRef { id __typename } }"
)

QUESTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "probe": (texts.probe([2]), {**ORDERS, "k0_0": "preview", "k0_1": "gone"}),
    "probe of nothing": (texts.probe([0]), {"o0": "acme", "n0": "nothing"}),
    "listing": (texts.listing([1]), {**ORDERS, "k0_0": "preview", "l0": ["preview"], "f0": 2}),
    "listing with a bad cursor": (texts.listing([0]), {**ORDERS, "l0": None, "f0": 2, "a0": "x"}),
    "labels": (texts.labels(), {"id": PULL_REQUEST, "after": FIRST}),
    "labels of nothing": (texts.labels(), {"id": "PR_x", "after": FIRST}),
    "labels of a repository": (texts.labels(), {"id": REPOSITORY, "after": FIRST}),
    "details": (
        texts.details([1]),
        {
            **ORDERS,
            "ids": [PULL_REQUEST, "PR_x", REPOSITORY],
            "s0_0": SHA,
            "e0_0": f"{SHA}:.preview.yaml",
            "m0_0": f"{SHA}:x",
        },
    ),
    "confirm": (texts.confirm([2]), {**ORDERS, "p0_0": 3, "p0_1": 999}),
    "commits": (texts.commits([2]), {**ORDERS, "p0_0": 3, "p0_1": 999}),
    "checks": (texts.checks([3]), {**ORDERS, "g0": "check", "s0_0": SHA, "s0_1": f"{1:040x}", "s0_2": "f" * 40}),
    "identity": (texts.identity(), {"ids": [REPOSITORY, "R_x", PULL_REQUEST]}),
    "a field that is named twice": (TWICE, {}),
}


def _reference() -> GraphQLSchema:
    """The same schema and resolvers, as graphql-core wants them."""
    text = Path(graphql.__file__).with_name("schema.graphql").read_text("utf-8")
    schema = build_schema(text)
    graphql.bind(schema, RESOLVERS)
    for name, kind in schema.type_map.items():
        if isinstance(kind, GraphQLInterfaceType | GraphQLUnionType):
            kind.resolve_type = lambda value, *_: type_name(value)
        if isinstance(kind, GraphQLObjectType) and not name.startswith("__"):
            for field in kind.fields.values():
                if field.resolve:
                    field.resolve = _with_info(field.resolve)
    return schema


def _with_info(resolve: Any) -> Any:
    return lambda value, info, **arguments: resolve(value, info.context, **arguments)


REFERENCE = _reference()


@pytest.mark.parametrize(("query", "variables"), QUESTIONS.values(), ids=QUESTIONS.keys())
def test_the_fake_answers_as_graphql_core_does(
    organisation: Organisation, query: str, variables: dict[str, Any]
) -> None:
    plan = graphql.plan(query, variables)
    assert isinstance(plan, graphql.Plan)
    quota, _ = charge(None, 1, None, LONG_AGO)
    changes = Changes(
        deleted_labels=frozenset({("acme/orders", "gone")}),
        suites={("acme/orders", SHA): with_run((), 1, "check", "SUCCESS", None, again=False)},
        statuses={("acme/orders", SHA): {"check": Status("check", "PENDING", "ci[bot]")}},
    )
    context = Context(build(organisation, changes), plan.cost, quota)
    expected = execute(REFERENCE, parse(query), context_value=context, variable_values=variables)
    assert isinstance(expected, ExecutionResult)
    answer = graphql.run(plan, context)

    assert answer["data"] == expected.data
    assert answer.get("errors", []) == [graphql.formatted(error) for error in expected.errors or ()]


def test_an_installation_sees_only_its_owner_in_both(organisation: Organisation) -> None:
    query, variables = texts.identity(), {"ids": [REPOSITORY]}
    plan = graphql.plan(query, variables)
    assert isinstance(plan, graphql.Plan)
    context = Context(build(organisation, Changes()), plan.cost, None, "globex")

    assert graphql.run(plan, context)["data"]["nodes"] == [None]
    assert graphql.run(plan, replace(context, owner="acme"))["data"]["nodes"] != [None]


def test_a_missing_permission_is_an_error_at_its_place_in_both(organisation: Organisation) -> None:
    query, variables = QUESTIONS["checks"]
    plan = graphql.plan(query, variables)
    assert isinstance(plan, graphql.Plan)
    context = Context(build(organisation, Changes()), plan.cost, None, permissions=frozenset({"statuses"}))
    expected = execute(REFERENCE, parse(query), context_value=context, variable_values=variables)
    assert isinstance(expected, ExecutionResult)
    answer = graphql.run(plan, context)

    assert answer["data"] == expected.data
    assert [error["path"] for error in answer["errors"]] == [["r0", f"g{i}", "checkSuites"] for i in range(2)]
    assert answer["errors"] == [graphql.formatted(error) for error in expected.errors or ()]


def test_a_directive_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="no directives"):
        graphql.plan('query Q { repository(owner: "a", name: "b") { id @skip(if: true) } }', {})


def test_a_value_of_the_wrong_type_fails_the_test(organisation: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = graphql.plan('query Q { repository(owner: "acme", name: "orders") { databaseId } }', {})
    assert isinstance(plan, graphql.Plan)
    repository = SCHEMA.type_map["Repository"]
    assert isinstance(repository, GraphQLObjectType)
    monkeypatch.setattr(repository.fields["databaseId"], "resolve", lambda *_: str(database_id("acme/orders")))

    with pytest.raises(TypeError, match=r"is no value of Repository\.databaseId"):
        graphql.run(plan, Context(build(organisation, Changes()), plan.cost, None))

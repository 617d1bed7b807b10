"""The committed parts of GitHub's schemas suffice for the plugin, and are as strict as the full ones."""

import inspect

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    parse,
    validate,
    validate_schema,
)

from plugin.sources.file import Organisation
from plugin.sources.github import comments, queries
from plugin.sources.github.draft import Query
from tests.fakes.github import graphql
from tests.fakes.github.graphql import SCHEMA, bind
from tests.fakes.github.resolvers import Context
from tests.fakes.github.world import Changes, build
from tools.github_schema import EXAMPLES

REPOSITORY = 'repository(owner: "acme", name: "orders")'


def test_github_would_run_every_query_of_the_plugin() -> None:
    for query in EXAMPLES.values():
        assert validate(SCHEMA, parse(query.text)) == []


def test_every_query_of_the_plugin_has_its_example() -> None:
    """The schema must cover a new query before it is used."""
    written = {
        name
        for module in (queries, comments)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith("_") and inspect.signature(function).return_annotation is Query
    }

    assert EXAMPLES.keys() == written


def test_the_cut_schema_is_valid_by_itself() -> None:
    assert validate_schema(SCHEMA) == []


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (f"{{ {REPOSITORY} {{ isPrivat }} }}", "Cannot query field 'isPrivat' on type 'Repository'"),
        (f"{{ {REPOSITORY} {{ pullRequests(frist: 1) {{ nodes {{ id }} }} }} }}", "Unknown argument 'frist'"),
        (
            f'{{ {REPOSITORY} {{ pullRequests(first: "1") {{ nodes {{ id }} }} }} }}',
            "cannot represent non-integer",
        ),
        (f"{{ {REPOSITORY} {{ pullRequests(first: 1, states: OPENED) {{ nodes {{ id }} }} }} }}", "'OPENED'"),
        (f"{{ {REPOSITORY} {{ pullRequest {{ id }} }} }}", "of type 'Int!' is required"),
        (
            f"query ($n: Int) {{ {REPOSITORY} {{ pullRequest(number: $n) {{ id }} }} }}",
            "'Int' used in position expecting type 'Int!'",
        ),
        (
            f"query ($l: [String]) {{ {REPOSITORY} {{ pullRequests(labels: $l) {{ __typename }} }} }}",
            "'[String]' used in position expecting type '[String!]'",
        ),
        (f"{{ {REPOSITORY} {{ defaultBranchRef }} }}", "must have a selection of subfields"),
        ("{ node(id: 1) { number } }", "Cannot query field 'number' on type 'Node'"),
    ],
)
def test_a_query_that_github_would_refuse_is_refused(query: str, message: str) -> None:
    assert message in " ".join(error.message.replace('"', "'") for error in validate(SCHEMA, parse(query)))


@pytest.mark.parametrize(
    ("kind", "field", "written"),
    [
        ("Repository", "databaseId", "Int"),
        ("Repository", "pullRequests", "PullRequestConnection!"),
        ("PullRequest", "labels", "LabelConnection"),
        ("PullRequest", "author", "Actor"),
        ("PullRequest", "headRepository", "Repository"),
        ("PullRequestConnection", "nodes", "[PullRequest]"),
        ("Blob", "isBinary", "Boolean"),
        ("Query", "nodes", "[Node]!"),
    ],
)
def test_what_may_be_null_may_be_null(kind: str, field: str, written: str) -> None:
    found = SCHEMA.type_map[kind]
    assert isinstance(found, GraphQLObjectType)

    assert str(found.fields[field].type) == written


def test_enums_are_whole() -> None:
    order = SCHEMA.type_map["IssueOrderField"]
    states = SCHEMA.type_map["PullRequestState"]
    assert isinstance(order, GraphQLEnumType)
    assert isinstance(states, GraphQLEnumType)

    assert set(order.values) == {"COMMENTS", "CREATED_AT", "UPDATED_AT"}
    assert set(states.values) == {"CLOSED", "MERGED", "OPEN"}


def test_fields_and_resolvers_must_match() -> None:
    def answer(*_: object) -> int:
        return 1

    def schema(fields: str) -> GraphQLSchema:
        return build_schema(f"scalar GitObjectID type Query {{ {fields} }}")

    bind(schema("viewer: Int"), {"Query": {"viewer": answer}})
    with pytest.raises(LookupError, match=r"differ in Query: \['viewer'\]"):
        bind(schema("rateLimit: Int viewer: Int"), {"Query": {"rateLimit": answer}})
    with pytest.raises(LookupError, match=r"differ in Query: \['gone'\]"):
        bind(schema("viewer: Int"), {"Query": {"viewer": answer, "gone": answer}})


def test_a_null_in_a_required_field_fails_the_test(organisation: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = graphql.plan(f"{{ {REPOSITORY} {{ nameWithOwner }} }}", {})
    assert isinstance(plan, graphql.Plan)
    context = Context(build(organisation, Changes()), plan.cost, None)
    assert graphql.run(plan, context) == {"data": {"repository": {"nameWithOwner": "acme/orders"}}}
    repository = SCHEMA.type_map["Repository"]
    assert isinstance(repository, GraphQLObjectType)
    monkeypatch.setattr(repository.fields["nameWithOwner"], "resolve", lambda *_: None)

    with pytest.raises(TypeError, match="Cannot return null for non-nullable field"):
        graphql.run(plan, context)

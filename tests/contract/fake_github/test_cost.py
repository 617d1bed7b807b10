"""Points and nodes by GitHub's documented formula, and queries that GitHub refuses to run."""

import pytest
from graphql import (
    FragmentDefinitionNode,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    get_variable_values,
    parse,
    validate,
)

from tests.contract.fake_github import texts
from tests.fakes.github.cost import Cost, Refusal, measure
from tests.fakes.github.graphql import SCHEMA

# Enough of GitHub's schema for the examples in its documentation and for the queries of later issues.
DOCUMENTED = build_schema("""
    type Query { viewer: User, nodes(ids: [ID!]!): [Node]!, repository(name: String): Repository }
    interface Node { id: ID! }
    type User implements Node {
        id: ID!
        login: String
        repositories(first: Int, last: Int): RepositoryConnection!
        followers(first: Int): UserConnection!
    }
    type UserConnection { edges: [UserEdge] }
    type UserEdge { node: User }
    type RepositoryConnection { edges: [RepositoryEdge] }
    type RepositoryEdge { node: Repository }
    type Repository {
        name: String
        object(oid: String): Commit
        issues(first: Int): IssueConnection!
        pullRequests(first: Int): IssueConnection!
    }
    type IssueConnection { totalCount: Int, edges: [IssueEdge] }
    type IssueEdge { node: Issue }
    type Issue implements Node {
        id: ID!
        title: String
        labels(first: Int): LabelConnection
        comments(first: Int): CommentConnection!
        commits(last: Int): CommitConnection!
    }
    type LabelConnection { edges: [LabelEdge] }
    type LabelEdge { node: Label }
    type Label { name: String }
    type CommentConnection { edges: [CommentEdge] }
    type CommentEdge { node: Comment }
    type Comment { bodyHTML: String }
    type CommitConnection { nodes: [Commit] }
    type Commit { oid: String, checkSuites(last: Int): SuiteConnection }
    type SuiteConnection { nodes: [Suite] }
    type Suite { checkRuns(last: Int): RunConnection }
    type RunConnection { nodes: [Run] }
    type Run { name: String }
""")


def cost(schema: GraphQLSchema, query: str, **variables: object) -> Cost:
    document = parse(query)
    assert validate(schema, document) == []
    operation = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    fragments = {n.name.value: n for n in document.definitions if isinstance(n, FragmentDefinitionNode)}
    values = get_variable_values(schema, operation.variable_definitions or (), variables)
    assert not isinstance(values, list)
    return measure(schema, operation, fragments, values)


def listing(repositories: int, first: int) -> Cost:
    variables: dict[str, object] = {}
    for i in range(repositories):
        variables |= {f"o{i}": "acme", f"n{i}": "orders", f"l{i}": ["preview"], f"f{i}": first}
    return cost(SCHEMA, texts.listing([0] * repositories), **variables)


def test_the_documented_example_of_5101_requests_costs_51_points() -> None:
    query = """{ viewer { repositories(first: 100) { edges { node {
        issues(first: 50) { edges { node { labels(first: 60) { edges { node { name } } } } } } } } } } }"""

    found = cost(DOCUMENTED, query)

    assert (found.requests, found.points) == (5_101, 51)


def test_the_documented_example_of_22060_nodes_has_22060_nodes() -> None:
    query = """{ viewer {
        repositories(first: 50) { edges { repository: node {
            name
            pullRequests(first: 20) { edges { pullRequest: node {
                title comments(first: 10) { edges { comment: node { bodyHTML } } } } } }
            issues(first: 20) { totalCount edges { issue: node {
                title comments(first: 10) { edges { comment: node { bodyHTML } } } } } }
        } } }
        followers(first: 10) { edges { follower: node { login } } } } }"""

    assert cost(DOCUMENTED, query).nodes == 22_060


@pytest.mark.parametrize(
    ("repositories", "first", "points", "nodes"),
    [(10, 20, 2, 20_250), (10, 100, 10, 101_050), (50, 20, 11, 101_250)],
)
def test_a_listing_costs_what_the_reading_plan_says(repositories: int, first: int, points: int, nodes: int) -> None:
    found = listing(repositories, first)

    assert (found.points, found.nodes) == (points, nodes)


def test_details_of_a_hundred_pull_requests_and_files_cost_one_point() -> None:
    ids = [f"PR_{i}" for i in range(100)]
    variables = {f"s0_{i}": "a" * 40 for i in range(100)} | {f"{name}0_{i}": "x" for name in "em" for i in range(100)}

    found = cost(SCHEMA, texts.details([100]), ids=ids, o0="acme", n0="orders", **variables)

    assert (found.points, found.nodes) == (1, 10_100)


def test_checks_of_fifty_commits_cost_two_points_and_their_pull_requests_one() -> None:
    commits = {f"s0_{i}": "a" * 40 for i in range(50)}
    gate = cost(SCHEMA, texts.checks([50]), g0="check", o0="acme", n0="orders", **commits)
    found = cost(SCHEMA, texts.commits([50]), o0="acme", n0="orders", **{f"p0_{i}": i for i in range(50)})

    assert (gate.points, gate.nodes) == (2, 300)
    assert (found.points, found.nodes) == (1, 500)


def test_looking_up_a_hundred_numbers_costs_one_point() -> None:
    numbers = {f"p0_{i}": i for i in range(100)}

    found = cost(SCHEMA, texts.confirm([100]), o0="acme", n0="orders", **numbers)

    assert (found.points, found.nodes) == (1, 10_000)


def test_probing_a_hundred_repositories_costs_one_point() -> None:
    variables = {f"o{i}": "acme" for i in range(100)} | {f"n{i}": "orders" for i in range(100)}
    variables |= {f"k{i}_{j}": "preview" for i in range(100) for j in range(2)}

    found = cost(SCHEMA, texts.probe([2] * 100), **variables)

    assert (found.points, found.nodes) == (1, 500)


def test_asking_for_a_hundred_identities_costs_one_point() -> None:
    assert cost(SCHEMA, texts.identity(), ids=[f"R_{i}" for i in range(100)]).points == 1


def test_checks_of_a_hundred_commits_cost_4_points() -> None:
    checks = "checkSuites(last: 3) { nodes { checkRuns(last: 1) { nodes { name } } } }"
    aliases = " ".join(f"g{i}: repository {{ object {{ {checks} }} }}" for i in range(100))

    found = cost(DOCUMENTED, f"{{ {aliases} }}")

    assert (found.points, found.nodes) == (4, 600)


def test_walking_20_pull_requests_by_id_costs_8_points() -> None:
    query = """query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Issue { commits(last: 10) { nodes {
        checkSuites(last: 3) { nodes { checkRuns(last: 1) { nodes { name } } } } } } } } }"""

    found = cost(DOCUMENTED, query, ids=[str(i) for i in range(20)])

    assert (found.points, found.nodes) == (8, 1_420)


@pytest.mark.parametrize(("requests", "points"), [(1, 1), (100, 1), (149, 1), (150, 2), (5_101, 51)])
def test_points_are_rounded_to_the_nearest_and_at_least_one(requests: int, points: int) -> None:
    assert Cost(requests).points == points


def test_a_field_that_two_fragments_name_is_counted_once() -> None:
    query = """{ viewer { ...A ...B } }
        fragment A on User { followers(first: 10) { edges { node { id } } } }
        fragment B on User { followers(first: 10) { edges { node { login } } } }"""

    assert cost(DOCUMENTED, query) == Cost(requests=1, nodes=10)


def test_what_is_skipped_costs_nothing() -> None:
    query = "query ($yes: Boolean!) { viewer { followers(first: 10) @skip(if: $yes) { edges { node { id } } } } }"

    assert cost(DOCUMENTED, query, yes=True) == Cost()
    assert cost(DOCUMENTED, query, yes=False) == Cost(requests=1, nodes=10)


def test_a_count_alone_needs_no_page_size() -> None:
    assert cost(DOCUMENTED, "{ repository { issues { totalCount } } }") == Cost(requests=1)


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("{ repository { issues { edges { node { id } } } } }", "MISSING_PAGINATION_BOUNDARIES"),
        (
            "{ viewer { repositories(first: 1, last: 1) { edges { node { name } } } } }",
            "EXCESSIVE_PAGINATION_BOUNDARIES",
        ),
        ("{ repository { issues(first: 101) { edges { node { id } } } } }", "EXCESSIVE_PAGINATION"),
        ("{ repository { issues(first: 0) { edges { node { id } } } } }", "INVALID_PAGINATION_BOUNDARIES"),
        ("{ viewer { repositories(last: 101) { edges { node { name } } } } }", "EXCESSIVE_PAGINATION"),
    ],
)
def test_a_page_outside_1_to_100_is_refused(query: str, kind: str) -> None:
    with pytest.raises(Refusal) as refused:
        cost(DOCUMENTED, query)

    assert refused.value.kind == kind


def test_500000_nodes_are_run_and_more_are_refused() -> None:
    query = """query ($last: Int!) { viewer { repositories(first: 100) { edges { node {
        issues(first: 100) { edges { node { labels(first: 48) { edges { node { name } } }
            comments(first: 1) { edges { node { bodyHTML } } } } } } } } }
        followers(first: $last) { edges { node { id } } } } }"""
    # 100 + 10,000 + 480,000 + 10,000 leave room for none.
    with pytest.raises(Refusal) as refused:
        cost(DOCUMENTED, query, last=1)

    assert refused.value.kind == "MAX_NODE_LIMIT_EXCEEDED"
    assert str(refused.value) == (
        "This query requests up to 500,101 possible nodes which exceeds the maximum limit of 500,000."
    )


def test_the_node_limit_allows_49_repositories_of_100_pull_requests() -> None:
    assert listing(49, 100).nodes == 495_145
    with pytest.raises(Refusal, match="505,250"):
        listing(50, 100)

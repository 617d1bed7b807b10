"""The GraphQL texts: every question that is ever put to GitHub stands here.

Several repositories share one request through numbered aliases (`r0`, `r1`, ...); every value travels as a
variable. Points are counted by the formula of
https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
"""

from collections.abc import Iterable, Sequence

_RATE = "rateLimit { cost remaining resetAt }"

_REPOSITORY = """
fragment Repo on Repository {
  databaseId nameWithOwner url defaultBranchRef { name }
  newest: pullRequests(first: 5, orderBy: {field: UPDATED_AT, direction: DESC}) { nodes { number updatedAt } }
}"""

_LABELS = "pageInfo { hasNextPage endCursor } nodes { name }"

_LISTING = f"""
fragment Listing on PullRequestConnection {{
  totalCount pageInfo {{ hasNextPage endCursor }}
  nodes {{
    id number state title isDraft isCrossRepository updatedAt
    author {{ __typename login }}
    baseRefName headRefName headRefOid headRepository {{ databaseId }}
    labels(first: 100) {{ {_LABELS} }}
  }}
}}"""

_FILE = """
fragment File on GitObject { __typename ... on Blob { byteSize isBinary isTruncated text } }"""


def listing(repositories: int) -> str:
    """List open pull requests by label. Points: about (first + 2) / 100 for each repository.

    Variables for repository i: `o{i}` owner, `n{i}` name, `l{i}` labels or null, `f{i}` page size, `a{i}` cursor or
    null.
    GitHub joins several labels with OR.
    """
    variables = (
        f"$o{i}: String!, $n{i}: String!, $l{i}: [String!], $f{i}: Int!, $a{i}: String" for i in range(repositories)
    )
    selections = (
        f"r{i}: {_repository(i)} {{ ...Repo list: pullRequests(first: $f{i}, after: $a{i}, states: OPEN, "
        f"labels: $l{i}, orderBy: {{field: CREATED_AT, direction: ASC}}) {{ ...Listing }} }}"
        for i in range(repositories)
    )
    return _query("List", variables, selections) + _REPOSITORY + _LISTING


def labels() -> str:
    """Read the further labels of one pull request that has more than 100. One point.

    Variables: `id` node id, `after` cursor.
    """
    return _query(
        "Labels",
        ["$id: ID!, $after: String!"],
        [f"node(id: $id) {{ __typename ... on PullRequest {{ labels(first: 100, after: $after) {{ {_LABELS} }} }} }}"],
    )


def details(files: Sequence[int]) -> str:
    """Descriptions by node id, and files by commit: `files[i]` of them in repository i. One point.

    Variables: `ids` (at most 100 node ids); for repository i `o{i}`, `n{i}`; for its file j the commit `s{i}_{j}`
    and the expression `e{i}_{j}`, `<commit>:<path>`. The commit is asked for beside the file, because a null file
    also means "GitHub does not know this commit yet".
    """
    variables = ["$ids: [ID!]!"]
    selections = ["nodes(ids: $ids) { __typename ... on PullRequest { id updatedAt body } }"]
    for i, count in enumerate(files):
        variables += [f"$o{i}: String!, $n{i}: String!"]
        variables += [f"$s{i}_{j}: GitObjectID!, $e{i}_{j}: String!" for j in range(count)]
        objects = " ".join(
            f"c{j}: object(oid: $s{i}_{j}) {{ oid }} f{j}: object(expression: $e{i}_{j}) {{ ...File }}"
            for j in range(count)
        )
        selections += [f"r{i}: {_repository(i)} {{ databaseId {objects} }}"]
    return _query("Details", variables, selections) + (_FILE if files else "")


def confirm(pull_requests: Sequence[int]) -> str:
    """Look up pull requests by number: `pull_requests[i]` of them in repository i. One point.

    Variables: for repository i `o{i}`, `n{i}`; for its pull request j the number `p{i}_{j}`.
    """
    variables, selections = [], []
    for i, count in enumerate(pull_requests):
        variables += [f"$o{i}: String!, $n{i}: String!"] + [f"$p{i}_{j}: Int!" for j in range(count)]
        numbers = " ".join(f"p{j}: pullRequest(number: $p{i}_{j}) {{ number state }}" for j in range(count))
        selections += [f"r{i}: {_repository(i)} {{ databaseId {numbers} }}"]
    return _query("Confirm", variables, selections)


def _repository(i: int) -> str:
    # followRenames: false makes a renamed repository an error instead of another repository's answer.
    return f"repository(owner: $o{i}, name: $n{i}, followRenames: false)"


def _query(name: str, variables: Iterable[str], selections: Iterable[str]) -> str:
    return f"query {name}({', '.join(variables)}) {{\n  {_RATE}\n  " + "\n  ".join(selections) + "\n}"

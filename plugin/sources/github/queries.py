"""The GraphQL texts: every question that is ever put to GitHub stands here.

Several repositories share one request through numbered aliases (`r0`, `r1`, ...); every value travels as a
variable. Points are counted by the formula of
https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
"""

from collections.abc import Iterable, Sequence

_RATE = "rateLimit { cost remaining resetAt }"

# What a repository looks like from outside. It is the same in probes and listings, so that they can be compared.
_OUTSIDE = """
fragment Outside on Repository {
  id databaseId nameWithOwner defaultBranchRef { name }
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

_LOOKED_UP = """
fragment LookedUp on PullRequest { number state updatedAt isDraft labels(first: 100) { totalCount nodes { name } } }"""


def probe(labels: Sequence[int]) -> str:
    """Look at repositories from outside: `labels[i]` labels of repository i. One point for 100 repositories.

    Variables for repository i: `o{i}` owner, `n{i}` name, and for its label j the name `k{i}_{j}`.
    """
    variables = [_repository_variables(i, count) for i, count in enumerate(labels)]
    selections = [f"r{i}: {_repository(i)} {{ ...Outside {_label_ids(i, count)} }}" for i, count in enumerate(labels)]
    return _query("Probe", variables, selections) + _OUTSIDE


def listing(labels: Sequence[int]) -> str:
    """List open pull requests by label: `labels[i]` labels of repository i. Points: about (first + 2) / 100 for each.

    Variables for repository i: those of `probe`, `l{i}` all its labels in a list, or null, `f{i}` page size, `a{i}`
    cursor or null.
    GitHub joins several labels with OR.
    """
    variables = [
        f"{_repository_variables(i, count)}, $l{i}: [String!], $f{i}: Int!, $a{i}: String"
        for i, count in enumerate(labels)
    ]
    selections = [
        f"r{i}: {_repository(i)} {{ ...Outside {_label_ids(i, count)} url "
        f"list: pullRequests(first: $f{i}, after: $a{i}, states: OPEN, labels: $l{i}, "
        f"orderBy: {{field: CREATED_AT, direction: ASC}}) {{ ...Listing }} }}"
        for i, count in enumerate(labels)
    ]
    return _query("List", variables, selections) + _OUTSIDE + _LISTING


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
        variables.append(_repository_variables(i))
        variables += [f"$s{i}_{j}: GitObjectID!, $e{i}_{j}: String!" for j in range(count)]
        objects = " ".join(
            f"c{j}: object(oid: $s{i}_{j}) {{ oid }} f{j}: object(expression: $e{i}_{j}) {{ ...File }}"
            for j in range(count)
        )
        selections += [f"r{i}: {_repository(i)} {{ databaseId {objects} }}"]
    return _query("Details", variables, selections) + (_FILE if files else "")


def confirm(pull_requests: Sequence[int]) -> str:
    """Look up pull requests by number: `pull_requests[i]` of them in repository i. One point for 100 of them.

    Variables: for repository i `o{i}`, `n{i}`; for its pull request j the number `p{i}_{j}`.
    """
    variables, selections = [], []
    for i, count in enumerate(pull_requests):
        variables += [_repository_variables(i), *(f"$p{i}_{j}: Int!" for j in range(count))]
        numbers = " ".join(f"p{j}: pullRequest(number: $p{i}_{j}) {{ ...LookedUp }}" for j in range(count))
        selections += [f"r{i}: {_repository(i)} {{ databaseId {numbers} }}"]
    return _query("Confirm", variables, selections) + (_LOOKED_UP if any(pull_requests) else "")


def identity() -> str:
    """Ask what repositories are called now. One point.

    Variables: `ids` (at most 100 node ids).
    """
    return _query(
        "Identity", ["$ids: [ID!]!"], ["nodes(ids: $ids) { __typename ... on Repository { id nameWithOwner } }"]
    )


def _repository_variables(i: int, labels: int = 0) -> str:
    return ", ".join([f"$o{i}: String!, $n{i}: String!", *(f"$k{i}_{j}: String!" for j in range(labels))])


def _label_ids(i: int, labels: int) -> str:
    return " ".join(f"k{j}: label(name: $k{i}_{j}) {{ id }}" for j in range(labels))


def _repository(i: int) -> str:
    # followRenames: false makes a renamed repository an error instead of another repository's answer.
    return f"repository(owner: $o{i}, name: $n{i}, followRenames: false)"


def _query(name: str, variables: Iterable[str], selections: Iterable[str]) -> str:
    return f"query {name}({', '.join(variables)}) {{\n  {_RATE}\n  " + "\n  ".join(selections) + "\n}"

"""Every query that is sent to GitHub: its text, its variables, and where in the answer each thing is found.

Several repositories share one request through numbered aliases (`r0`, `r1`, ...). Only this module knows the aliases:
callers use its functions to read the answer, in the order in which they asked. Every value is sent as a variable.
Points are counted by the formula of
https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from plugin.sources.github.answer import Answer, GraphQLError, Part
from plugin.sources.github.draft import Draft, Query

# What a repository looks like from outside. It is the same in probes and listings, so that they can be compared.
_OUTSIDE = """
fragment Outside on Repository {
  id databaseId nameWithOwner archivedAt visibility defaultBranchRef { name }
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

# A bot may add many labels at once, so this asks for as many events as GitHub gives: they cost no more points than one.
_DESCRIPTION = """
fragment Description on PullRequest {
  id updatedAt body createdAt
  timelineItems(last: 100, itemTypes: [LABELED_EVENT, READY_FOR_REVIEW_EVENT, REOPENED_EVENT]) {
    nodes {
      __typename
      ... on LabeledEvent { createdAt label { name } }
      ... on ReadyForReviewEvent { createdAt }
      ... on ReopenedEvent { createdAt }
    }
  }
}"""

_FILE = """
fragment File on GitObject { __typename ... on Blob { byteSize isBinary isTruncated text } }"""

_LOOKED_UP = f"""
fragment LookedUp on PullRequest {{
  id number state updatedAt isDraft baseRefName headRefOid labels(first: 100) {{ {_LABELS} }}
}}"""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a repository's open pull requests that have at least one of `labels`, or of all of them."""

    repository: str
    labels: Collection[str]
    first: int  # how many pull requests, at most 100
    after: str | None = None  # the cursor at which the page before ended


def probe(labels: Mapping[str, Collection[str]]) -> Query:
    """Look at repositories from outside, and for the ids of these labels of each. One point for 100 repositories.

    Read it with `repositories` and `label_parts`.
    """
    draft = Draft()
    for i, (repository, its_labels) in enumerate(labels.items()):
        draft.repository(i, repository, f"...Outside {draft.label_ids(i, its_labels)}")
    return draft.query("Probe", _OUTSIDE)


def listing(pages: Sequence[Page]) -> Query:
    """List open pull requests by label, each page of another repository. Points: about (first + 2) / 100 for each.

    GitHub joins several labels with OR. Read it with `repositories`, `label_parts` and `list_part`.
    """
    draft = Draft()
    for i, page in enumerate(pages):
        first = draft.variable(f"f{i}", "Int!", page.first)
        after = draft.variable(f"a{i}", "String", page.after)
        labels = draft.variable(f"l{i}", "[String!]", sorted(page.labels) or None)
        draft.repository(
            i,
            page.repository,
            f"...Outside {draft.label_ids(i, page.labels)} url "
            f"list: pullRequests(first: {first}, after: {after}, states: OPEN, labels: {labels}, "
            "orderBy: {field: CREATED_AT, direction: ASC}) { ...Listing }",
        )
    return draft.query("List", _OUTSIDE, _LISTING)


def labels(pull_request: str, after: str | None = None) -> Query:
    """Read a page of the labels of one pull request, by node id and the cursor of the page before. One point.

    Read it with `labels_part`.
    """
    draft = Draft()
    node, cursor = draft.variable("id", "ID!", pull_request), draft.variable("after", "String", after)
    page = f"labels(first: 100, after: {cursor}) {{ {_LABELS} }}"
    draft.selections.append(f"node(id: {node}) {{ __typename ... on PullRequest {{ {page} }} }}")
    return draft.query("Labels")


def details(pull_requests: Sequence[str], commits: Mapping[str, Sequence[str]], path: str, misnamed: str) -> Query:
    """Read descriptions and timelines by node id (at most 100), and files of commits of each repository. One point.

    The file is the one at `path`. The commit is asked for beside it, because a null file also means "GitHub does not
    know this commit yet", and whether there is something at `misnamed`, because somebody may have meant `path` by it.
    Read it with `nodes`, `timeline_parts`, `repositories` and `file_parts`.
    """
    draft = Draft()
    ids = draft.variable("ids", "[ID!]!", list(pull_requests))
    draft.selections.append(f"nodes(ids: {ids}) {{ __typename ...Description }}")
    for i, (repository, its_commits) in enumerate(commits.items()):
        objects = []
        for j, commit in enumerate(its_commits):
            oid = draft.variable(f"s{i}_{j}", "GitObjectID!", commit)
            expression = draft.variable(f"e{i}_{j}", "String!", f"{commit}:{path}")
            other = draft.variable(f"m{i}_{j}", "String!", f"{commit}:{misnamed}")
            objects += [
                f"c{j}: object(oid: {oid}) {{ oid }}",
                f"f{j}: object(expression: {expression}) {{ ...File }}",
                f"m{j}: object(expression: {other}) {{ __typename }}",
            ]
        draft.repository(i, repository, f"databaseId {' '.join(objects)}")
    return draft.query("Details", _DESCRIPTION, *([_FILE] if commits else []))


def confirm(numbers: Mapping[str, Sequence[int]]) -> Query:
    """Look up pull requests of repositories by number. One point for 100 of them.

    Read it with `repositories` and `pull_request_parts`.
    """
    draft = Draft()
    for i, (repository, its_numbers) in enumerate(numbers.items()):
        asked = [draft.variable(f"p{i}_{j}", "Int!", number) for j, number in enumerate(its_numbers)]
        found = " ".join(f"p{j}: pullRequest(number: {number}) {{ ...LookedUp }}" for j, number in enumerate(asked))
        draft.repository(i, repository, f"databaseId {found}")
    return draft.query("Confirm", *([_LOOKED_UP] if any(numbers.values()) else []))


def commits(numbers: Mapping[str, Sequence[int]]) -> Query:
    """Read the ten newest commits of pull requests of repositories by number. One point for 50 of them.

    Read it with `repositories` and `pull_request_parts`.
    """
    draft = Draft()
    for i, (repository, its_numbers) in enumerate(numbers.items()):
        asked = [draft.variable(f"p{i}_{j}", "Int!", number) for j, number in enumerate(its_numbers)]
        selection = "number commits(last: 10) { nodes { commit { oid } } }"
        found = " ".join(f"p{j}: pullRequest(number: {number}) {{ {selection} }}" for j, number in enumerate(asked))
        draft.repository(i, repository, f"databaseId {found}")
    return draft.query("Commits")


def checks(commits: Mapping[str, Sequence[tuple[str, str]]]) -> Query:
    """Read a check of each commit of repositories: its name stands beside the commit. Two points for 50 commits.

    Read it with `repositories` and `check_parts`.
    """
    draft = Draft()
    names = sorted({name for its_commits in commits.values() for _, name in its_commits})
    gates = {name: draft.variable(f"g{k}", "String!", name) for k, name in enumerate(names)}
    fragments = {name: f"Gate{k}" for k, name in enumerate(names)}
    for i, (repository, its_commits) in enumerate(commits.items()):
        oids = [draft.variable(f"s{i}_{j}", "GitObjectID!", commit) for j, (commit, _) in enumerate(its_commits)]
        found = " ".join(
            f"g{j}: object(oid: {oid}) {{ __typename ...{fragments[name]} }}"
            for j, (oid, (_, name)) in enumerate(zip(oids, its_commits, strict=True))
        )
        draft.repository(i, repository, f"databaseId {found}")
    return draft.query("Gate", *(_gate(fragments[name], variable) for name, variable in gates.items()))


def _gate(fragment: str, check: str) -> str:
    # Of a check suite, only the newest run of each name is LATEST.
    return f"""
fragment {fragment} on Commit {{
  oid
  status {{ context(name: {check}) {{ state creator {{ __typename login }} }} }}
  checkSuites(last: 3, filterBy: {{checkName: {check}}}) {{
    nodes {{
      app {{ databaseId slug }}
      checkRuns(last: 1, filterBy: {{checkName: {check}, checkType: LATEST}}) {{ nodes {{ databaseId conclusion }} }}
    }}
  }}
}}"""


def identity(repositories: Sequence[str]) -> Query:
    """Ask what repositories are called now, by node id (at most 100). One point. Read it with `nodes`."""
    draft = Draft()
    ids = draft.variable("ids", "[ID!]!", list(repositories))
    draft.selections.append(f"nodes(ids: {ids}) {{ __typename ... on Repository {{ id nameWithOwner }} }}")
    return draft.query("Identity")


def owned(owner: str, after: str | None = None) -> Query:
    """List a page of the repositories that an organisation or a person owns and that are no forks. One point.

    Read it with `owned_part`.
    """
    draft = Draft()
    login, cursor = draft.variable("login", "String!", owner), draft.variable("after", "String", after)
    draft.selections.append(
        f"repositoryOwner(login: {login}) {{ repositories(first: 100, after: {cursor}, ownerAffiliations: OWNER, "
        "isFork: false, orderBy: {field: NAME, direction: ASC}) "
        "{ pageInfo { hasNextPage endCursor } nodes { nameWithOwner archivedAt } } }"
    )
    return draft.query("Owned")


# --- Where the answers are, in the order of the questions. What an answer lacks raises KeyError or TypeError.


def repositories(answer: Answer, count: int) -> list[Part]:
    """Return the repositories of an answer; one that the answer lacks is null."""
    data = {f"r{i}": answer.data.get(f"r{i}") for i in range(count)}
    return [Part(data, answer.errors).at(f"r{i}") for i in range(count)]


def label_parts(repository: Part, count: int) -> list[Part]:
    """Return the labels that a probe or a listing asked for; null if the repository does not have that label."""
    return [repository.at(f"k{j}") for j in range(count)]


def newest_part(repository: Part) -> Part:
    """Return the pull requests that changed last."""
    return repository.at("newest")


def repository_error(repository: Part) -> GraphQLError | None:
    """Return the first error that keeps a whole repository of a probe or a listing from being read.

    Errors about single pull requests are skipped, and so is a label that does not exist, which GitHub may report as an
    error.
    """
    return next((error for error in repository.errors if not _is_about_less(error, repository)), None)


def list_part(repository: Part) -> Part:
    """Return a page of pull requests."""
    return repository.at("list")


def labels_part(answer: Answer) -> Part:
    """Return a page of labels."""
    return answer.whole.at("node").at("labels")


def owned_part(answer: Answer) -> Part:
    """Return a page of an owner's repositories; null if there is no such owner."""
    return answer.whole.at("repositoryOwner").at("repositories")


def nodes(answer: Answer, count: int) -> list[Part]:
    """Return what was asked for by node id; null if that node does not exist."""
    found = answer.whole.at("nodes").items
    if len(found) != count:
        raise TypeError("not as many nodes as were asked for")
    return found


def timeline_parts(pull_request: Part) -> list[Part]:
    """Return the events of a pull request whose description was asked for; null if GitHub cannot say what happened."""
    return pull_request.at("timelineItems").at("nodes").items


def file_parts(repository: Part, count: int) -> list[tuple[Part, Part, Part]]:
    """Return commits, each with the file in it and with the file of the wrong name."""
    return [(repository.at(f"c{j}"), repository.at(f"f{j}"), repository.at(f"m{j}")) for j in range(count)]


def pull_request_parts(repository: Part, count: int) -> list[Part]:
    """Return the pull requests that were asked for by number."""
    return [repository.at(f"p{j}") for j in range(count)]


def check_parts(repository: Part, count: int) -> list[Part]:
    """Return the commits whose checks were asked for; null if GitHub does not know the commit."""
    return [repository.at(f"g{j}") for j in range(count)]


def _is_about_less(error: GraphQLError, repository: Part) -> bool:
    match error.path:
        case ("newest", *_) | ("list", "nodes", _, *_):
            return True
        case (str(alias),) if alias.startswith("k"):
            return error.type == "NOT_FOUND" and repository.value is not None
    return False

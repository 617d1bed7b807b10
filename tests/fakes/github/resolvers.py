"""What each field of the schema answers, read from a `World`.

A resolver takes the object, the `Context` and the field's arguments, in snake case. It names every argument
that it understands: any other one is an exception, and so a failed test.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from .checks import CheckRun, CheckSuite, Status
from .cost import Cost, Refusal
from .limits import Quota
from .world import (
    Account,
    Blob,
    Checks,
    Commit,
    Event,
    File,
    Owner,
    PullRequest,
    Repository,
    Symlink,
    World,
    blob_oid,
    database_id,
    folded,
    node_id,
)
from .written import Comment, Written

T = TypeVar("T")
SHA = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Context:
    """What one request may see."""

    world: World
    cost: Cost
    quota: Quota | None  # None on GitHub Enterprise Server
    owner: str | None = None  # an installation's token sees its owner's repositories only
    permissions: frozenset[str] | None = None  # what a token may read; None: everything
    written: Written = field(default_factory=Written)
    moment: datetime | None = None  # what was written later is not shown yet; None: everything is

    def sees(self, repository: Repository | None) -> bool:
        return repository is not None and self.owner in {None, repository.owner.casefold()}

    def must_have(self, permission: str) -> None:
        if self.permissions is not None and permission not in self.permissions:
            raise Refusal("FORBIDDEN", "Resource not accessible by integration")


@dataclass(frozen=True)
class Page(Generic[T]):
    nodes: Sequence[T]
    total: int
    end_cursor: str | None
    has_next: bool


@dataclass(frozen=True)
class GitObject:
    repository: Repository
    oid: str
    content: File | Commit


@dataclass(frozen=True)
class Label:
    repository: Repository
    name: str
    made_again: int = 0  # how often


@dataclass(frozen=True)
class App:
    slug: str


@dataclass(frozen=True)
class TimelineItem:
    pull: PullRequest
    index: int
    event: Event


@dataclass(frozen=True)
class PullRequestCommit:
    pull: PullRequest
    index: int
    oid: str


@dataclass(frozen=True)
class CommitStatus:
    """All commit statuses of one commit."""

    commit: GitObject
    by_context: Mapping[str, Status]


@dataclass(frozen=True)
class Ref:
    repository: Repository
    name: str


# --- Query


def _repository(context: Context, owner: str, name: str, *, follow_renames: bool) -> Repository:
    found = context.world.repository(f"{owner}/{name}", follow_renames=follow_renames)
    if found is None or not context.sees(found):
        raise Refusal("NOT_FOUND", f"Could not resolve to a Repository with the name '{owner}/{name}'.")
    return found


def _node(context: Context, node: str) -> Repository | PullRequest:
    if node.startswith(("B_", "C_", "LA_", "REF_", "T_", "U_")):
        raise NotImplementedError(f"the fake looks up repositories and pull requests by id, not {node}")
    found = context.world.nodes.get(node)
    home = found.repository if isinstance(found, PullRequest) else found
    if found is None or not context.sees(home):
        raise Refusal("NOT_FOUND", f"Could not resolve to a node with the global id of '{node}'.")
    return found


def _nodes(context: Context, ids: list[str]) -> list[Repository | PullRequest | Refusal]:
    nodes: list[Repository | PullRequest | Refusal] = []
    for node in ids:
        try:
            nodes.append(_node(context, node))
        except Refusal as refusal:  # this one is null, with its own error; the others are answered
            nodes.append(refusal)
    return nodes


def _owner(context: Context, login: str) -> Owner | None:
    """GitHub answers null without an error where nobody has this name."""
    return context.world.owners.get(login.casefold())


def _repositories(
    owner: Owner,
    context: Context,
    *,
    owner_affiliations: list[str],
    is_fork: bool | None = None,
    order_by: Mapping[str, str] | None = None,
    **page: Any,
) -> Page[Repository]:
    if owner_affiliations != ["OWNER"] or order_by != {"field": "NAME", "direction": "ASC"}:
        raise NotImplementedError(f"repositories of {owner_affiliations} in the order {order_by}")
    found = [
        repository
        for repository in context.world.repositories.values()
        if repository.owner == owner.login and context.sees(repository) and is_fork in {None, repository.is_fork}
    ]
    return _page(found, lambda repository: repository.name.casefold(), **page)


def _quota(context: Context, *, dry_run: bool) -> Quota | None:
    if dry_run:
        raise NotImplementedError("rateLimit(dryRun: true)")
    return context.quota


# --- Repository


def _pull_request(repository: Repository, context: Context, number: int) -> PullRequest:
    found = context.world.pulls(repository).get(number)
    if found is None:
        raise Refusal("NOT_FOUND", f"Could not resolve to a PullRequest with the number of {number}.")
    return found


def _pull_requests(
    repository: Repository,
    context: Context,
    *,
    states: list[str] | None = None,
    labels: list[str] | None = None,
    order_by: Mapping[str, str] | None = None,
    head_ref_name: str | None = None,
    base_ref_name: str | None = None,
    **page: Any,
) -> Page[PullRequest]:
    if labels == []:
        raise NotImplementedError("nobody has seen what GitHub answers to labels: []")
    order = order_by or {"field": "CREATED_AT", "direction": "ASC"}
    found = [
        pull
        for pull in context.world.pulls(repository).values()
        if (not states or pull.entry.state.upper() in states)
        and (labels is None or not folded(labels).isdisjoint(folded(pull.entry.labels)))  # any of them, in any case
        and head_ref_name in {None, pull.entry.branch}
        and base_ref_name in {None, pull.entry.target_branch}
    ]

    def key(pull: PullRequest) -> str:
        number = f"{pull.entry.number:010}"
        match order["field"]:
            case "CREATED_AT":
                return number
            case "UPDATED_AT":
                return f"{timestamp(pull.entry.updated_at)} {number}"
        raise NotImplementedError(f"orderBy {order['field']}")

    return _page(found, key, descending=order["direction"] == "DESC", **page)


def _label(repository: Repository, context: Context, name: str) -> Label | None:
    key = repository.database_id, name.casefold()
    return (
        None if key in context.world.deleted_labels else Label(repository, name, context.world.new_labels.get(key, 0))
    )


def _object(
    repository: Repository, context: Context, *, oid: str | None = None, expression: str | None = None
) -> GitObject | None:
    name, colon, path = (oid or expression or "").partition(":")
    if not SHA.fullmatch(name):
        raise NotImplementedError(f"the fake knows objects by full commit only, not {expression or oid!r}")
    commit = context.world.commit(repository, name)
    if commit is None:
        return None
    if not colon:
        return GitObject(repository, commit.oid, commit)
    file = commit.files.get(path)
    return None if file is None else GitObject(repository, blob_oid(file), file)


# --- PullRequest


def _labels(pull: PullRequest, _: Context, *, order_by: Mapping[str, str] | None = None, **page: Any) -> Page[Label]:
    if order_by not in (None, {"field": "CREATED_AT", "direction": "ASC"}):
        raise NotImplementedError(f"labels in the order {order_by}")
    numbered = [(f"{index:010}", Label(pull.repository, name)) for index, name in enumerate(pull.entry.labels)]
    cut = _page(numbered, lambda item: item[0], **page)
    return Page([label for _, label in cut.nodes], cut.total, cut.end_cursor, cut.has_next)


def _timeline(
    pull: PullRequest, _: Context, *, item_types: list[str] | None = None, last: int | None = None
) -> Page[TimelineItem]:
    kinds = [re.sub("_", "", kind).casefold() for kind in item_types or ()]
    found = [event for event in pull.timeline if item_types is None or event.kind.casefold() in kinds]
    return _page([TimelineItem(pull, index, event) for index, event in enumerate(found)], _index, last=last)


def _comments(pull: PullRequest, context: Context, *, last: int) -> Page[Comment]:
    found = context.written.of(pull.repository.full_name, pull.entry.number)
    shown = [each for each in found if context.moment is None or each.at <= context.moment]
    return _page(shown, lambda comment: f"{comment.id:010}", last=last)


def _commits(pull: PullRequest, _: Context, *, last: int) -> Page[PullRequestCommit]:
    oids = [*reversed(pull.entry.commits), pull.entry.head_sha]
    numbered = [PullRequestCommit(pull, index, oid) for index, oid in enumerate(oids)]
    return _page(numbered, _index, last=last)


def _commit_of(item: PullRequestCommit, context: Context) -> GitObject:
    commit = context.world.commit(item.pull.repository, item.oid)
    if commit is None:  # the schema promises one
        raise Refusal("NOT_FOUND", f"Could not resolve to a Commit with the oid of '{item.oid}'.")
    return GitObject(item.pull.repository, item.oid, commit)


# --- Commit


def _checks(item: GitObject, context: Context) -> Checks:
    return context.world.checks.get((item.repository.database_id, item.oid), Checks())


def _status(item: GitObject, context: Context) -> CommitStatus | None:
    context.must_have("statuses")
    found = _checks(item, context).statuses
    return CommitStatus(item, found) if found else None


def _suites(
    item: GitObject, context: Context, *, last: int, filter_by: Mapping[str, Any] | None = None
) -> Page[CheckSuite]:
    context.must_have("checks")
    name = _only(filter_by, "checkName")
    found = [suite for suite in _checks(item, context).suites if suite.has(name)]
    return _page(found, lambda suite: f"{suite.id:010}", last=last)


def _runs(suite: CheckSuite, _: Context, *, last: int, filter_by: Mapping[str, Any] | None = None) -> Page[CheckRun]:
    name = _only(filter_by, "checkName", checkType="LATEST")
    return _page([run for run in suite.latest() if run.name == name], lambda run: f"{run.id:010}", last=last)


def _only(given: Mapping[str, Any] | None, asked: str, **others: str) -> str:
    """Return what a filter asks for; the fake knows no other filter than this one."""
    rest = dict(given or {})
    value = rest.pop(asked, None)
    if not isinstance(value, str) or rest != others:
        raise NotImplementedError(f"filterBy {given}")
    return value


def _index(item: TimelineItem | PullRequestCommit) -> str:
    return f"{item.index:010}"


def _event_label(item: TimelineItem, context: Context) -> Label:
    label = _label(item.pull.repository, context, item.event.label)
    if label is None:  # the schema promises one
        raise Refusal("NOT_FOUND", "Could not resolve to a Label.")
    return label


def _page(
    items: Iterable[T],
    key: Callable[[T], str],
    *,
    descending: bool = False,
    first: int | None = None,
    last: int | None = None,
    after: str | None = None,
    before: str | None = None,
) -> Page[T]:
    """Cut a page. A cursor names the place in the order, so what vanishes between two pages hides nothing."""
    if before is not None or (last is not None and after is not None):
        raise NotImplementedError("pages before a cursor")
    ordered = sorted(items, key=key, reverse=descending)
    if last is not None:  # they come in the same order; there is no next page
        return Page(ordered[-last:], len(ordered), None, has_next=False)
    rest = ordered
    if after is not None:
        place = _place(after)
        rest = [item for item in ordered if (key(item) < place if descending else key(item) > place)]
    nodes = rest[: first or 0]
    end = base64.b64encode(f"cursor:v2:{key(nodes[-1])}".encode()).decode() if nodes else None
    return Page(nodes, len(ordered), end, len(rest) > len(nodes))


def _place(cursor: str) -> str:
    try:
        head, place = base64.b64decode(cursor, validate=True).decode().split("cursor:v2:")
    except (binascii.Error, ValueError):
        head, place = "bad", ""
    if head:
        raise Refusal("INVALID_CURSOR_ARGUMENTS", f"`{cursor}` does not appear to be a valid cursor.")
    return place


# --- Objects and accounts


def _blob(item: GitObject) -> Blob:
    match item.content:
        case Blob():
            return item.content
        case Symlink(target):
            return Blob(target)
    raise TypeError(f"{item.content} is no blob")


def account_login(account: Account) -> str:
    return account.login.removesuffix("[bot]")  # GraphQL names bots without it


def timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


Resolver = Callable[..., Any]  # takes the object, the Context and the field's arguments

_OID: dict[str, Resolver] = {"oid": lambda item, _: item.oid}
_CONNECTION: dict[str, Resolver] = {
    "nodes": lambda page, _: page.nodes,
    "pageInfo": lambda page, _: page,
}
_ACCOUNT: dict[str, Resolver] = {
    "id": lambda account, _: node_id("U", account.login),
    "login": lambda account, _: account_login(account),
}
_EVENT: dict[str, Resolver] = {
    "id": lambda item, _: node_id("E", f"{item.pull.node_id}/{item.index}"),
    "createdAt": lambda item, _: timestamp(item.event.at),
}
_LABEL_EVENT: dict[str, Resolver] = {
    **_EVENT,
    "label": _event_label,
    "actor": lambda item, _: Account(item.event.by) if item.event.by else None,
}
RESOLVERS: dict[str, dict[str, Resolver]] = {
    "Query": {
        "id": lambda _, __: "query",
        "repository": lambda _, context, **asked: _repository(context, **asked),
        "node": lambda _, context, id: _node(context, id),  # noqa: A006 - the schema's name
        "nodes": lambda _, context, ids: _nodes(context, ids),
        "repositoryOwner": lambda _, context, login: _owner(context, login),
        "rateLimit": lambda _, context, dry_run: _quota(context, dry_run=dry_run),
    },
    "RateLimit": {
        "limit": lambda quota, _: quota.limit,
        "remaining": lambda quota, _: quota.remaining,
        "used": lambda quota, _: quota.used,
        "resetAt": lambda quota, _: timestamp(quota.reset_at),
        "cost": lambda _, context: context.cost.points,
        "nodeCount": lambda _, context: context.cost.nodes,
    },
    "Repository": {
        "archivedAt": lambda repository, _: timestamp(repository.archived_at) if repository.archived_at else None,
        "id": lambda repository, _: repository.node_id,
        "databaseId": lambda repository, _: repository.database_id,
        "nameWithOwner": lambda repository, _: repository.full_name,
        "url": lambda repository, _: f"https://github.com/{repository.full_name}",
        "visibility": lambda repository, _: repository.visibility.upper(),
        "defaultBranchRef": lambda repository, _: Ref(repository, repository.default_branch),
        "label": _label,
        "object": _object,
        "pullRequest": _pull_request,
        "pullRequests": _pull_requests,
    },
    "PullRequest": {
        "id": lambda pull, _: pull.node_id,
        "number": lambda pull, _: pull.entry.number,
        "state": lambda pull, _: pull.entry.state.upper(),
        "title": lambda pull, _: pull.entry.title,
        "body": lambda pull, _: pull.entry.body,
        "isDraft": lambda pull, _: pull.entry.draft,
        "isCrossRepository": lambda pull, _: bool(pull.entry.fork),
        "updatedAt": lambda pull, _: timestamp(pull.entry.updated_at),
        "author": lambda pull, _: pull.author,
        "baseRefName": lambda pull, _: pull.entry.target_branch,
        "headRefName": lambda pull, _: pull.entry.branch,
        "headRefOid": lambda pull, _: pull.entry.head_sha,
        "headRepository": lambda pull, _: pull.head_repository,
        "labels": _labels,
        "createdAt": lambda pull, _: timestamp(pull.entry.created_at),
        "timelineItems": _timeline,
        "commits": _commits,
        "comments": _comments,
    },
    "PullRequestConnection": {**_CONNECTION, "totalCount": lambda page, _: page.total},
    "LabelConnection": _CONNECTION,
    "PullRequestTimelineItemsConnection": {"nodes": lambda page, _: page.nodes},
    "RepositoryConnection": _CONNECTION,
    "PageInfo": {
        "endCursor": lambda page, _: page.end_cursor,
        "hasNextPage": lambda page, _: page.has_next,
    },
    "Label": {
        "id": lambda label, _: node_id(
            "LA", f"{label.repository.node_id}/{label.name.casefold()}/{label.made_again or ''}"
        ),
        "name": lambda label, _: label.name,
    },
    "Ref": {
        "id": lambda ref, _: node_id("REF", f"{ref.repository.full_name}/{ref.name}"),
        "name": lambda ref, _: ref.name,
    },
    "Commit": {
        "id": lambda item, _: node_id("C", item.oid),
        **_OID,
        "status": _status,
        "checkSuites": _suites,
    },
    "PullRequestCommitConnection": {"nodes": lambda page, _: page.nodes},
    "PullRequestCommit": {
        "id": lambda item, _: node_id("PURC", f"{item.pull.node_id}/{item.oid}"),
        "commit": _commit_of,
    },
    "Status": {
        "id": lambda status, _: node_id("S", status.commit.oid),
        "context": lambda status, _, name: status.by_context.get(name),
    },
    "StatusContext": {
        "id": lambda status, _: node_id("SC", status.context),
        "state": lambda status, _: status.state,
        "creator": lambda status, _: Account(status.creator) if status.creator else None,
    },
    "CheckSuiteConnection": {"nodes": lambda page, _: page.nodes},
    "CheckSuite": {
        "id": lambda suite, _: node_id("CS", str(suite.id)),
        "app": lambda suite, _: App(suite.app) if suite.app else None,
        "checkRuns": _runs,
    },
    "CheckRunConnection": {"nodes": lambda page, _: page.nodes},
    "CheckRun": {
        "id": lambda run, _: node_id("CR", str(run.id)),
        "databaseId": lambda run, _: run.id,
        "conclusion": lambda run, _: run.conclusion,
    },
    "App": {
        "id": lambda app, _: node_id("A", app.slug),
        "databaseId": lambda app, _: database_id(f"app/{app.slug}"),
        "slug": lambda app, _: app.slug,
    },
    "Tree": {"id": lambda item, _: node_id("T", item.oid), **_OID},
    "Blob": {
        "id": lambda item, _: node_id("B", item.oid),
        **_OID,
        "byteSize": lambda item, _: _blob(item).size,
        "isBinary": lambda item, _: _blob(item).is_binary,
        "isTruncated": lambda item, _: _blob(item).is_truncated,
        "text": lambda item, _: _blob(item).text,
    },
    "LabeledEvent": _LABEL_EVENT,
    "UnlabeledEvent": _LABEL_EVENT,
    "IssueCommentConnection": {"nodes": lambda page, _: page.nodes},
    "IssueComment": {
        "id": lambda comment, _: node_id("IC", str(comment.id)),
        "databaseId": lambda comment, _: comment.id,
        "body": lambda comment, _: comment.body,
        "createdAt": lambda comment, _: timestamp(comment.at),
        "lastEditedAt": lambda comment, _: timestamp(comment.edited_at[-1]) if comment.edited_at else None,
        "author": lambda comment, _: None if comment.login == "ghost" else Account(comment.login),
    },
    "ReadyForReviewEvent": _EVENT,
    "ReopenedEvent": _EVENT,
    "Organization": {**_ACCOUNT, "repositories": _repositories},
    "User": {**_ACCOUNT, "repositories": _repositories},
    "Bot": _ACCOUNT,
}
# Types that stand in the schema because others refer to them; the fake never answers with one.
NEVER = {"EnterpriseUserAccount", "Mannequin", "Tag"}

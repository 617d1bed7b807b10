"""From GitHub's JSON to the model. Anything that is not as documented raises Malformed; nothing is guessed."""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from typing import Any

from plugin.core.config.names import folded
from plugin.core.config.strict_yaml import MAX_BYTES
from plugin.core.facts.model import ConfigFile, Events, LookUp, Mark, PullRequest, PullRequestState
from plugin.errors import PluginError
from plugin.sources.github.answer import Answer, Part
from plugin.sources.github.queries import label_parts, newest_part, repository_error

# What reading an answer that is not as documented can raise. AttributeError is missing: it would be our own mistake.
MALFORMED = (KeyError, TypeError, ValueError, IndexError)

GHOST = "ghost"  # GitHub's own name for a deleted account

_SHA = re.compile(r"[0-9a-f]{40}", re.ASCII)
_NODE_ID = re.compile(r"[A-Za-z0-9_=+/-]{1,200}", re.ASCII)
_IDENTITY = re.compile(r"(?P<database_id>[0-9]{1,20}):(?P<node_id>.+)", re.ASCII)

_STATES = {
    "OPEN": PullRequestState.OPEN,
    "CLOSED": PullRequestState.CLOSED,
    "MERGED": PullRequestState.MERGED,
}

Node = Mapping[str, Any]


class Malformed(PluginError):
    """GitHub's answer lacks something that it always has, or says that it could not give it. It must not be used."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Identifies a repository, whatever its name: a name can pass to a different repository."""

    database_id: int
    node_id: str

    def __str__(self) -> str:
        """Return the form that is stored in `Repository.identity`."""
        return f"{self.database_id}:{self.node_id}"

    @classmethod
    def parse(cls, text: str) -> "Identity | None":
        """Read the stored form; None for "" and for what another source wrote."""
        match = _IDENTITY.fullmatch(text)
        return cls(int(match["database_id"]), match["node_id"]) if match else None


@dataclass(frozen=True, slots=True)
class Listed:
    """One pull request of a listing, before its description and its file are known."""

    id: str
    number: int
    title: str
    author: str | None  # None: GitHub could not say
    branch: str
    target_branch: str
    head_sha: str
    open: bool
    draft: bool
    fork: bool
    labels: tuple[str, ...] | None  # None: GitHub could not give them
    labels_after: str  # cursor of the next page of labels, or ""
    updated_at: datetime
    certain: bool  # False: something of it may look different as soon as it is read again

    def pull_request(
        self, before: PullRequest | None, body: str, config: ConfigFile | None, events: Events | None, *, settled: bool
    ) -> PullRequest:
        """Complete it. `settled`: the description will be the same as long as `updated_at` is."""
        author = self.author or (before.author if before else GHOST)
        return PullRequest(
            number=self.number,
            title=self.title,
            author=author,
            branch=self.branch,
            target_branch=self.target_branch,
            head_sha=self.head_sha,
            draft=self.draft,
            fork=self.fork,
            labels=self.labels or (),
            updated_at=self.updated_at,
            body=body,
            config=config,
            events=events,
            settled=settled,
        )


@dataclass(frozen=True, slots=True)
class Outside:
    """What a repository looks like from outside; the same in a probe and in a listing."""

    identity: Identity
    name: str
    default_branch: str
    archived_at: datetime | None
    public: bool
    mark: Mark | None  # None: GitHub could not say what changed last
    missing_labels: frozenset[str]


def outside(part: Part, labels: Collection[str], answer: Answer) -> Outside:
    """Read the part that probes and listings share, for a repository that was asked for these labels. Raises Malformed.

    If GitHub cannot say enough about one of the newest pull requests, the mark is None and the rest is read.
    """
    if error := repository_error(part):
        raise Malformed(error.message)
    try:
        node = part.value
        found = dict(zip(sorted(labels), label_parts(part, len(labels)), strict=True))
        label_ids = {label: node_id(each.value["id"]) if each.value else "" for label, each in found.items()}
        branch, archived_at = node["defaultBranchRef"], node["archivedAt"]
        outline = Outside(
            identity=Identity(whole_number(node["databaseId"]), node_id(node["id"])),
            name=_text(node["nameWithOwner"]),
            default_branch=_text(branch["name"]) if branch else "",
            archived_at=None if archived_at is None else timestamp(archived_at),
            public=_text(node["visibility"]) == "PUBLIC",  # the others are PRIVATE and INTERNAL
            mark=None,
            missing_labels=frozenset(label for label, label_id in label_ids.items() if not label_id),
        )
        return replace(outline, mark=_mark(newest_part(part), outline, label_ids, answer))
    except MALFORMED as error:
        raise Malformed(f"GitHub's answer about the repository is incomplete ({error!r})") from None


def looked_up(node: Node, number: int, labels: frozenset[str], answer: Answer) -> LookUp:
    """Read a pull request that was asked for by number, and has these labels. Raises Malformed."""
    try:
        if node["number"] != number:
            raise ValueError("another pull request")
        if answer.date is None:
            raise ValueError("GitHub did not say what time it is")
        updated_at = timestamp(node["updatedAt"])
        return LookUp(
            state=_STATES[node["state"]],
            answered_at=answer.date,
            updated_at=updated_at,
            draft=_flag(node["isDraft"]),
            labels=labels,
            target_branch=_text(node["baseRefName"]),
            head_sha=_checked(_SHA, node["headRefOid"]),
            settled=answer.settles(updated_at),
        )
    except MALFORMED as error:
        raise Malformed(f"GitHub's answer about #{number} is incomplete ({error!r})") from None


def number_of(part: Part) -> int | None:
    """Return the number of a listed pull request, if the answer has it."""
    number = part.value.get("number") if isinstance(part.value, Mapping) else None
    return number if isinstance(number, int) else None


def listed(part: Part, database_id: int) -> Listed:
    """Read one node of a listing; `database_id` is the listing repository's. Raises Malformed.

    GitHub may hide the fork (single sign-on, an IP allow list) or the author; neither keeps the rest from being read.
    """
    for error in part.errors:
        if error.path[:1] not in {("author",), ("headRepository",), ("labels",)}:
            raise Malformed(error.message)
    try:
        return _listed(part, database_id)
    except MALFORMED as error:
        raise Malformed(f"GitHub's answer about a pull request is incomplete ({error!r})") from None


def commit_shas(connection: Node) -> tuple[str, ...]:
    """Read the commits of a pull request, the newest first, which GitHub gives last. Raises one of MALFORMED."""
    return tuple(_checked(_SHA, node["commit"]["oid"]) for node in reversed(connection["nodes"]))


def label_page(part: Part) -> tuple[tuple[str, ...], str]:
    """Read a page of labels: names, and the cursor of the next page or "". Raises Malformed."""
    if part.error:
        raise Malformed(part.error.message)
    try:
        names = tuple(_text(node["name"]) for node in part.value["nodes"])
        page = part.value["pageInfo"]
        return names, _text(page["endCursor"]) if page["hasNextPage"] else ""
    except MALFORMED as error:
        raise Malformed(f"GitHub's answer about labels is incomplete ({error!r})") from None


def config_file(blob: Node | None) -> ConfigFile | None:
    """Read the object at `.preview.yaml`; None if there is none. Raises one of MALFORMED."""
    if blob is None:
        return None
    if blob["__typename"] != "Blob":
        return ConfigFile(problem="is not a file")
    if blob["isTruncated"] or blob["byteSize"] > MAX_BYTES:
        return ConfigFile(problem=f"is larger than {MAX_BYTES // 1024} KiB")
    if blob["isBinary"] or blob["text"] is None:
        return ConfigFile(problem="is not a text file")
    return ConfigFile(text=_text(blob["text"]))


def timestamp(text: str) -> datetime:
    """Read GitHub's DateTime, for example 2026-11-21T09:00:00Z. Raises TypeError or ValueError."""
    return datetime.fromisoformat(text)


def _mark(newest: Part, seen: Outside, label_ids: Mapping[str, str], answer: Answer) -> Mark | None:
    changes = newest.value["nodes"]
    if newest.errors or any(changed is None for changed in changes):
        return None
    last = [(whole_number(changed["number"]), _text(changed["updatedAt"])) for changed in changes]
    moments = [timestamp(updated_at) for _, updated_at in last]
    archived_at = seen.archived_at and seen.archived_at.isoformat()
    outline = [seen.identity.database_id, folded(seen.name), seen.default_branch, archived_at, seen.public]
    looks = [*outline, last, label_ids]
    return Mark(
        token=blake2b(json.dumps(looks).encode(), digest_size=16).hexdigest(),
        changed_at=max(moments, default=None),
        settled=all(answer.settles(moment) for moment in moments),
    )


def _listed(part: Part, database_id: int) -> Listed:
    node = part.value
    head, head_hidden = node["headRepository"], _fails(part, "headRepository")
    same_repository = head is not None and _optional_number(head["databaseId"]) == database_id
    names, labels_after = (None, "") if _fails(part, "labels") else label_page(Part(node["labels"]))
    crosses = _flag(node["isCrossRepository"])
    return Listed(
        id=node_id(node["id"]),
        number=whole_number(node["number"]),
        title=_text(node["title"]),
        author=None if _fails(part, "author") else author_name(node["author"]),
        branch=_text(node["headRefName"]),
        target_branch=_text(node["baseRefName"]),
        head_sha=_checked(_SHA, node["headRefOid"]),
        open=_STATES[node["state"]] is PullRequestState.OPEN,
        draft=_flag(node["isDraft"]),
        # A deleted or hidden fork has no repository; that must not make its code trusted.
        fork=crosses or not same_repository or head_hidden,
        labels=names,
        labels_after=labels_after,
        updated_at=timestamp(node["updatedAt"]),
        certain=crosses or not head_hidden,
    )


def _fails(part: Part, field: str) -> bool:
    return any(error.path[:1] == (field,) for error in part.errors)


def author_name(author: Node | None) -> str:
    """Read who wrote something. GraphQL names bots without their suffix."""
    if author is None:
        return GHOST
    return f"{_text(author['login'])}[bot]" if author["__typename"] == "Bot" else _text(author["login"])


def node_id(text: str) -> str:
    """Read a node id. Raises TypeError or ValueError."""
    return _checked(_NODE_ID, text)


def whole_number(value: object) -> int:
    """Read a number. Raises TypeError."""
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is not a number")
    return value


def _optional_number(value: object) -> int | None:
    return None if value is None else whole_number(value)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a string")
    return value


def _checked(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(f"unexpected value {text!r}")
    return text

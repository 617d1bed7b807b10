"""From GitHub's JSON to the model. Whatever is not as documented raises Malformed, never becomes a guess."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from plugin.core.config.strict_yaml import MAX_BYTES
from plugin.core.facts.model import ConfigFile, Identity, LookUp, Mark, PullRequest, PullRequestState
from plugin.errors import PluginError
from plugin.sources.github.answer import Answer, GraphQLError

# What an answer that is not as documented raises when it is read.
MALFORMED = (KeyError, TypeError, ValueError, AttributeError, IndexError)

_SHA = re.compile(r"[0-9a-f]{40}", re.ASCII)
_NODE_ID = re.compile(r"[A-Za-z0-9_=+/-]{1,200}", re.ASCII)

_STATES = {
    "OPEN": PullRequestState.OPEN,
    "CLOSED": PullRequestState.CLOSED,
    "MERGED": PullRequestState.MERGED,
}

Node = Mapping[str, Any]


class Malformed(PluginError):
    """GitHub's answer lacks something that it always has, so nothing in it is used."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One pull request of a listing, before its description and its file are known."""

    id: str
    number: int
    title: str
    author: str
    branch: str
    target_branch: str
    head_sha: str
    open: bool
    draft: bool
    fork: bool
    labels: tuple[str, ...]
    labels_after: str  # cursor of the next page of labels, or ""
    updated_at: datetime

    def pull_request(self, body: str, config: ConfigFile | None, *, settled: bool) -> PullRequest:
        """Complete it. `settled`: the description will be the same as long as `updated_at` is."""
        return PullRequest(
            number=self.number,
            title=self.title,
            author=self.author,
            branch=self.branch,
            target_branch=self.target_branch,
            head_sha=self.head_sha,
            draft=self.draft,
            fork=self.fork,
            labels=self.labels,
            updated_at=self.updated_at,
            body=body,
            config=config,
            settled=settled,
        )


@dataclass(frozen=True, slots=True)
class Outside:
    """What a repository looks like from outside; the same in a probe and in a listing."""

    identity: Identity
    name: str
    default_branch: str
    mark: Mark


def trouble(answer: Answer, i: int) -> GraphQLError | None:
    """Return the first error about repository i. That it lacks a label that was asked for is none."""
    return next(
        (
            error
            for error in answer.errors
            if error.path[:1] == (f"r{i}",) and not (error.type == "NOT_FOUND" and str(error.path[-1]).startswith("k"))
        ),
        None,
    )


def outside(node: Node, labels: int, answer: Answer) -> Outside:
    """Read the part that probes and listings share; `labels` is the number of labels that were asked for."""
    try:
        newest = tuple((_number(changed["number"]), _text(changed["updatedAt"])) for changed in node["newest"]["nodes"])
        branch = node["defaultBranchRef"]
        return Outside(
            identity=Identity(_number(node["databaseId"]), _checked(_NODE_ID, node["id"])),
            name=_text(node["nameWithOwner"]),
            default_branch=_text(branch["name"]) if branch else "",
            mark=Mark(
                newest=newest,
                label_ids=tuple(_label_id(node[f"k{j}"]) for j in range(labels)),
                settled=all(answer.settles(timestamp(updated_at)) for _, updated_at in newest),
            ),
        )
    except MALFORMED as error:
        raise Malformed(f"GitHub's answer about the repository is incomplete ({error!r})") from None


def looked_up(node: Node, number: int, answered_at: datetime) -> LookUp:
    """Read a pull request that was asked for by number."""
    try:
        if node["number"] != number:
            raise ValueError("another pull request")
        labels = [_text(label["name"]) for label in node["labels"]["nodes"]]
        return LookUp(
            state=_STATES[node["state"]],
            answered_at=answered_at,
            updated_at=timestamp(node["updatedAt"]),
            draft=_flag(node["isDraft"]),
            labels=frozenset(labels),
            all_labels=node["labels"]["totalCount"] == len(labels),
        )
    except MALFORMED as error:
        raise Malformed(f"GitHub's answer about #{number} is incomplete ({error!r})") from None


def listed(node: Node | None, database_id: int) -> Listed:
    """Read one node of a listing; `database_id` is the listing repository's."""
    try:
        return _listed(node, database_id)  # type: ignore[arg-type]  # a null node raises TypeError, as any wrong type
    except MALFORMED as error:
        raise Malformed(f"GitHub's answer about a pull request is incomplete ({error!r})") from None


def label_page(connection: Node) -> tuple[tuple[str, ...], str]:
    """Read a page of labels: names, and the cursor of the next page or ""."""
    names = tuple(_text(node["name"]) for node in connection["nodes"])
    page = connection["pageInfo"]
    return names, str(page["endCursor"]) if page["hasNextPage"] else ""


def config_file(blob: Node | None) -> ConfigFile | None:
    """Read the object at `.preview.yaml`; None where there is none."""
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
    """Read GitHub's DateTime, for example 2026-11-21T09:00:00Z."""
    return datetime.fromisoformat(text)


def _listed(node: Node, database_id: int) -> Listed:
    labels, labels_after = label_page(node["labels"])
    head_repository = node["headRepository"]
    return Listed(
        id=_checked(_NODE_ID, node["id"]),
        number=_number(node["number"]),
        title=_text(node["title"]),
        author=_author(node["author"]),
        branch=_text(node["headRefName"]),
        target_branch=_text(node["baseRefName"]),
        head_sha=_checked(_SHA, node["headRefOid"]),
        open=_STATES[node["state"]] is PullRequestState.OPEN,
        draft=_flag(node["isDraft"]),
        # A deleted fork has no repository any more; that must not make its code trusted.
        fork=_flag(node["isCrossRepository"])
        or head_repository is None
        or _number(head_repository["databaseId"]) != database_id,
        labels=labels,
        labels_after=labels_after,
        updated_at=timestamp(node["updatedAt"]),
    )


def _author(author: Node | None) -> str:
    if author is None:
        return "ghost"  # GitHub's own name for a deleted account
    return f"{author['login']}[bot]" if author["__typename"] == "Bot" else str(author["login"])


def _label_id(label: Node | None) -> str:
    return _checked(_NODE_ID, label["id"]) if label else ""


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is no number")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _checked(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(f"unexpected value {text!r}")
    return text

"""Writes deployments, commit statuses and comments on GitHub.

A request that creates something creates it twice if it is repeated, so nothing is repeated here.
https://docs.github.com/en/rest/deployments, https://docs.github.com/en/rest/commits/statuses and
https://docs.github.com/en/rest/issues/comments, which pull requests have, too.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter

from plugin.core.reports.comment import is_confidential, is_ours
from plugin.core.reports.content import Comment, Deployment, Kind, Status, Target, digest
from plugin.core.reports.said import short
from plugin.core.reports.steps import CONFIDENTIAL, Create, Item, Look, Retire, Say, Step
from plugin.report.github_api import RENAMED, GitHubApi
from plugin.report.writing import Refused, Writer
from plugin.sources import Rest

# What a GitHub App needs for each kind. Comments on pull requests need no permission for issues.
PERMISSIONS: Mapping[Kind, str] = {
    Kind.STATUS: "statuses",
    Kind.DEPLOYMENT: "deployments",
    Kind.COMMENT: "pull_requests",
}

PAGE = 100
LOOKED_AT = 5  # the newest deployments of one preview; few look-ups, for each one's status is another request

_SHA = re.compile(r"[0-9a-f]{40}", re.ASCII)


class _Created(BaseModel):
    id: int


class _Status(BaseModel):
    context: str
    state: str
    description: str | None
    target_url: str | None


class _Deployment(BaseModel):
    id: int
    sha: str
    task: str


class _DeploymentStatus(BaseModel):
    state: str
    description: str
    environment_url: str = ""
    log_url: str = ""


class _User(BaseModel):
    login: str


class _Comment(BaseModel):
    id: int
    user: _User | None
    body: str = ""


_CREATED = TypeAdapter(_Created)
_STATUSES = TypeAdapter(tuple[_Status, ...])
_DEPLOYMENTS = TypeAdapter(tuple[_Deployment, ...])
_DEPLOYMENT_STATUSES = TypeAdapter(tuple[_DeploymentStatus, ...])
_COMMENTS = TypeAdapter(tuple[_Comment, ...])


def github_writer(kind: Kind, rest: Rest) -> Writer:
    """Return what writes one kind of target."""
    return _WRITERS[kind](GitHubApi(rest))


@dataclass(frozen=True, slots=True)
class Statuses:
    """Commit statuses: of several in one context, the newest counts."""

    _api: GitHubApi

    def look(self, target: Target, step: Look) -> tuple[Item, ...]:
        """Return the newest status in this context of a commit."""
        found = self._api.read(target, f"/commits/{_sha(step.sha)}/statuses?per_page={PAGE}", _STATUSES)
        own = [each for each in found if each.context == f"preview/{target.name}"]
        return tuple(
            Item(0, step.sha, each.state, digest(each.state, each.description or "", each.target_url or ""))
            for each in own[:1]  # the newest comes first
        )

    def write(self, target: Target, step: Step) -> int:
        """Add a status."""
        match step:
            case Say(_, Status() as status):
                said = {"state": status.state, "context": status.context, "description": status.description}
                url = {"target_url": status.url} if status.url else {}
                self._api.write(target, "POST", f"/statuses/{_sha(status.sha)}", said | url)
                return 0
        raise TypeError(step)


@dataclass(frozen=True, slots=True)
class Deployments:
    """Deployments: one for each commit, with a list of statuses."""

    _api: GitHubApi

    def look(self, target: Target, step: Look) -> tuple[Item, ...]:  # noqa: ARG002  there is one way to look
        """Return the newest deployments of a preview, the oldest of them first, with their newest statuses."""
        task = f"preview:{target.name}:{target.number}"
        path = f"/deployments?task={quote(task, safe='')}&per_page={LOOKED_AT}"
        found = self._api.read(target, path, _DEPLOYMENTS)
        if any(each.task != task for each in found):  # they must not be taken for those of this preview, and ended
            raise Refused(RENAMED)
        return tuple(self._item(target, each) for each in sorted(found, key=lambda each: each.id))

    def write(self, target: Target, step: Step) -> int:
        """Create a deployment, or add a status to one."""
        match step:
            case Create(Deployment() as deployment):
                return self._api.create(target, "/deployments", _new(deployment), _CREATED).id
            case Say(item, Deployment() as deployment):
                return self._say(target, item, _status_of(deployment))
            case Retire(item, reason):
                return self._say(target, item, {"state": "inactive", "description": short(reason)})
        raise TypeError(step)

    def _say(self, target: Target, item: Item, status: Mapping[str, object]) -> int:
        # By default a success would switch off the deployments of all other previews: they share an environment.
        self._api.write(target, "POST", f"/deployments/{item.id}/statuses", {**status, "auto_inactive": False})
        return item.id

    def _item(self, target: Target, deployment: _Deployment) -> Item:
        path = f"/deployments/{deployment.id}/statuses?per_page=1"
        for newest in self._api.read(target, path, _DEPLOYMENT_STATUSES)[:1]:
            said = digest(newest.state, newest.description, newest.environment_url, newest.log_url)
            return Item(deployment.id, deployment.sha, newest.state, said)
        return Item(deployment.id, deployment.sha)


@dataclass(frozen=True, slots=True)
class Comments:
    """Comments of ours: those of our account that begin as ours do."""

    _api: GitHubApi

    def look(self, target: Target, step: Look) -> tuple[Item, ...]:  # noqa: ARG002  there is one way to look
        """Return our comments, the oldest first. All pages are read, because ours may be on any."""
        account = self._api.account(target).casefold()
        ours = [
            each
            for each in self._api.listed(target, f"/issues/{target.number}/comments", _COMMENTS)
            if each.user and each.user.login.casefold() == account and is_ours(each.body)
        ]
        return tuple(map(_item, sorted(ours, key=lambda each: each.id)))

    def write(self, target: Target, step: Step) -> int:
        """Create, edit or delete a comment."""
        match step:
            case Create(Comment() as comment):
                path = f"/issues/{target.number}/comments"
                return self._api.create(target, path, {"body": comment.body}, _CREATED).id
            case Say(item, Comment() as comment):
                self._api.write(target, "PATCH", f"/issues/comments/{item.id}", {"body": comment.body})
                return item.id
            case Retire(item):
                self._api.write(target, "DELETE", f"/issues/comments/{item.id}")
                return 0
        raise TypeError(step)


_WRITERS: Mapping[Kind, Callable[[GitHubApi], Writer]] = {
    Kind.STATUS: Statuses,
    Kind.DEPLOYMENT: Deployments,
    Kind.COMMENT: Comments,
}


def _item(comment: _Comment) -> Item:
    said = Comment(comment.body, is_confidential(comment.body), create=True)
    return Item(comment.id, "", CONFIDENTIAL if said.confidential else "", said.digest)


def _new(deployment: Deployment) -> dict[str, object]:
    return {
        "ref": _sha(deployment.sha),
        "task": deployment.task,
        "environment": deployment.environment,
        "description": deployment.title,
        "payload": {"preview": deployment.preview},
        "auto_merge": False,  # by default GitHub would merge the default branch into what is deployed
        "required_contexts": [],  # by default all checks of the commit, which may wait for this very preview
        "transient_environment": True,
        "production_environment": False,
    }


def _status_of(deployment: Deployment) -> dict[str, object]:
    urls = {"environment_url": deployment.url, "log_url": deployment.log_url}
    said = {"state": deployment.state, "description": deployment.description}
    return {**said, **{name: url for name, url in urls.items() if url}}


def _sha(text: str) -> str:
    if not _SHA.fullmatch(text):
        raise Refused("that is no commit")
    return text

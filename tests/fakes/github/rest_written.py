"""The routes that write, and the lists of what was written. Bodies are checked against GitHub's OpenAPI."""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import jsonschema  # type: ignore[import-untyped]

from .resolvers import timestamp
from .routing import Json, Route, Visit, account_json
from .wire import Response, error, json_response, not_found
from .world import Account, Repository, database_id, node_id
from .written import Comment, Deployment, Note, Reaction

T = TypeVar("T", Deployment, Note, Comment)
Written = TypeVar("Written", Deployment, Comment)
LONGEST_BODY = 65_536
LONGEST_DESCRIPTION = 140


@cache
def _openapi() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(Path(__file__).with_name("openapi.json").read_text("utf-8"))
    return found


def _body(visit: Visit, route: str) -> Any:
    """Return a request's body. Anything that GitHub does not know is an error of the test."""
    body = json.loads(visit.request.body)
    jsonschema.Draft202012Validator(_openapi()[route]).validate(body)
    return body


def _unprocessable(message: str) -> Response:
    return error(HTTPStatus.UNPROCESSABLE_ENTITY, message)


def _page(visit: Visit, all_of_them: Sequence[Any]) -> tuple[list[Any], dict[str, str]]:
    asked = visit.request.query
    size, number = min(100, int(asked.get("per_page", "30"))), int(asked.get("page", "1"))
    link = f"{visit.request.base_url}{visit.request.path}?{urlencode({**asked, 'page': number + 1})}"
    headers = {"Link": f'<{link}>; rel="next"'} if number * size < len(all_of_them) else {}
    return list(all_of_them[(number - 1) * size : number * size]), headers


def _shown(visit: Visit, found: Sequence[T]) -> list[T]:
    return [each for each in found if visit.now - each.at >= visit.written.lag]


# --- Deployments


def _deployments(visit: Visit, owner: str, repo: str) -> Response:
    repository = visit.repository(owner, repo)
    if repository is None:
        return not_found()
    asked = {name: value for name, value in visit.request.query.items() if name not in {"page", "per_page"}}
    assert asked.keys() <= {"task", "environment", "sha"}
    found = [
        each
        for each in _shown(visit, visit.written.deployments)
        if each.repository == repository.full_name
        and all(getattr(each, name) == value for name, value in asked.items())
    ]
    page, headers = _page(visit, found[::-1])
    return json_response(HTTPStatus.OK, [_deployment_json(visit, each) for each in page], headers)


def _deploy(visit: Visit, owner: str, repo: str) -> Response:
    repository = visit.repository(owner, repo)
    if repository is None:
        return not_found()
    if refused := visit.refuses_to_write("deployments"):
        return refused
    body = _body(visit, "POST /repos/{owner}/{repo}/deployments")
    if visit.world.commit(repository, body["ref"]) is None:
        return _unprocessable(f"No ref found for: {body['ref']}")
    assert body["auto_merge"] is False, "GitHub would merge the default branch"
    assert body["required_contexts"] == [], "GitHub would wait for every check"
    deployment = Deployment(
        next(visit.written.numbers),
        visit.now,
        visit.login,
        repository.full_name,
        body["ref"],
        body.get("task", "deploy"),
        body.get("environment", "production"),
        body.get("description") or "",
        body.get("payload", ""),
        body.get("transient_environment", False),
    )
    visit.written.deployments.append(deployment)
    return json_response(HTTPStatus.CREATED, _deployment_json(visit, deployment))


def _deployment_statuses(visit: Visit, owner: str, repo: str, deployment_id: str) -> Response:
    deployment = _deployment(visit, visit.repository(owner, repo), deployment_id)
    if deployment is None:
        return not_found()
    page, headers = _page(visit, _shown(visit, deployment.notes)[::-1])
    return json_response(HTTPStatus.OK, [_note_json(visit, deployment, each) for each in page], headers)


def _say(visit: Visit, owner: str, repo: str, deployment_id: str) -> Response:
    deployment = _deployment(visit, visit.repository(owner, repo), deployment_id)
    if deployment is None:
        return not_found()
    if refused := visit.refuses_to_write("deployments"):
        return refused
    body = _body(visit, "POST /repos/{owner}/{repo}/deployments/{deployment_id}/statuses")
    if len(body.get("description", "")) > LONGEST_DESCRIPTION:
        return _unprocessable("Validation Failed")
    note = Note(
        next(visit.written.numbers),
        visit.now,
        visit.login,
        body["state"],
        body.get("description", ""),
        body.get("environment_url", ""),
        body.get("log_url", ""),
    )
    deployment.notes.append(note)
    if body["state"] == "success" and body.get("auto_inactive", True):
        for other in visit.written.open():
            if other is not deployment and (other.repository, other.environment) == (
                deployment.repository,
                deployment.environment,
            ):
                other.notes.append(Note(next(visit.written.numbers), visit.now, "github", "inactive"))
    return json_response(HTTPStatus.CREATED, _note_json(visit, deployment, note))


def _deployment(visit: Visit, repository: Repository | None, number: str) -> Deployment | None:
    return _of(repository, number, visit.written.deployments)


def _deployment_json(visit: Visit, deployment: Deployment) -> Json:
    url = f"{visit.request.base_url}/repos/{deployment.repository}"
    return {
        "id": deployment.id,
        "node_id": node_id("DE", str(deployment.id)),
        "sha": deployment.sha,
        "ref": deployment.sha,
        "task": deployment.task,
        "environment": deployment.environment,
        "description": deployment.description or None,
        "payload": deployment.payload,
        "creator": account_json(Account(deployment.login)),
        "created_at": timestamp(deployment.at),
        "updated_at": timestamp(deployment.notes[-1].at if deployment.notes else deployment.at),
        "url": f"{url}/deployments/{deployment.id}",
        "statuses_url": f"{url}/deployments/{deployment.id}/statuses",
        "repository_url": url,
        "transient_environment": deployment.transient,
        "production_environment": False,
    }


def _note_json(visit: Visit, deployment: Deployment, note: Note) -> Json:
    url = f"{visit.request.base_url}/repos/{deployment.repository}"
    return {
        "id": note.id,
        "node_id": node_id("DES", str(note.id)),
        "state": note.state,
        "description": note.description,
        "environment": deployment.environment,
        "environment_url": note.url,
        "log_url": note.log_url,
        "target_url": note.log_url,
        "creator": account_json(Account(note.login)),
        "created_at": timestamp(note.at),
        "updated_at": timestamp(note.at),
        "url": f"{url}/deployments/{deployment.id}/statuses/{note.id}",
        "deployment_url": f"{url}/deployments/{deployment.id}",
        "repository_url": url,
    }


# --- Commit statuses


def _statuses(visit: Visit, owner: str, repo: str, ref: str) -> Response:
    repository = visit.repository(owner, repo)
    if repository is None:
        return not_found()
    found = visit.written.statuses.get((repository.full_name, ref), [])
    page, headers = _page(visit, _shown(visit, found)[::-1])
    return json_response(HTTPStatus.OK, [_status_json(visit, repository, ref, each) for each in page], headers)


def _status(visit: Visit, owner: str, repo: str, sha: str) -> Response:
    repository = visit.repository(owner, repo)
    if repository is None:
        return not_found()
    if refused := visit.refuses_to_write("statuses"):
        return refused
    body = _body(visit, "POST /repos/{owner}/{repo}/statuses/{sha}")
    if visit.world.commit(repository, sha) is None:
        return _unprocessable(f"No commit found for SHA: {sha}")
    if len(body.get("description") or "") > LONGEST_DESCRIPTION:
        return _unprocessable("Validation Failed")
    note = Note(
        next(visit.written.numbers),
        visit.now,
        visit.login,
        body["state"],
        body.get("description") or "",
        body.get("target_url") or "",
        context=body.get("context", "default"),
    )
    visit.written.statuses.setdefault((repository.full_name, sha), []).append(note)
    return json_response(HTTPStatus.CREATED, _status_json(visit, repository, sha, note))


def _status_json(visit: Visit, repository: Repository, sha: str, note: Note) -> Json:
    return {
        "id": note.id,
        "node_id": node_id("SC", str(note.id)),
        "state": note.state,
        "context": note.context,
        "description": note.description or None,
        "target_url": note.url or None,
        "url": f"{visit.request.base_url}/repos/{repository.full_name}/statuses/{sha}",
        "avatar_url": None,
        "creator": account_json(Account(note.login)),
        "created_at": timestamp(note.at),
        "updated_at": timestamp(note.at),
    }


# --- Comments


def _comments(visit: Visit, owner: str, repo: str, issue_number: str) -> Response:
    repository = visit.repository(owner, repo)
    if repository is None or int(issue_number) not in visit.world.pulls(repository):
        return not_found()
    found = _shown(visit, visit.written.of(repository.full_name, int(issue_number)))
    page, headers = _page(visit, found)
    return json_response(HTTPStatus.OK, [_comment_json(visit, each) for each in page], headers)


def _comment(visit: Visit, owner: str, repo: str, issue_number: str) -> Response:
    repository = visit.repository(owner, repo)
    if repository is None or int(issue_number) not in visit.world.pulls(repository):
        return not_found()
    if refused := visit.refuses_to_write("pull_requests"):
        return refused
    if (repository.full_name, int(issue_number)) in visit.written.locked:
        return error(HTTPStatus.FORBIDDEN, "Unable to create comment because issue is locked.")
    body = _body(visit, "POST /repos/{owner}/{repo}/issues/{issue_number}/comments")["body"]
    if len(body) > LONGEST_BODY:
        return _unprocessable("Validation Failed")
    comment = visit.written.comment(repository.full_name, int(issue_number), body, visit.login, visit.now)
    return json_response(HTTPStatus.CREATED, _comment_json(visit, comment))


def _edit(visit: Visit, owner: str, repo: str, comment_id: str) -> Response:
    comment = _existing(visit, visit.repository(owner, repo), comment_id)
    if comment is None:
        return not_found()
    if refused := visit.refuses_to_write("pull_requests"):
        return refused
    comment.body = _body(visit, "PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}")["body"]
    comment.versions.append(comment.body)
    comment.edited_at.append(visit.now)
    return json_response(HTTPStatus.OK, _comment_json(visit, comment))


def _delete(visit: Visit, owner: str, repo: str, comment_id: str) -> Response:
    comment = _existing(visit, visit.repository(owner, repo), comment_id)
    if comment is None:
        return not_found()
    if refused := visit.refuses_to_write("pull_requests"):
        return refused
    visit.written.comments.remove(comment)
    return Response(HTTPStatus.NO_CONTENT, b"")


def _existing(visit: Visit, repository: Repository | None, number: str) -> Comment | None:
    return _of(repository, number, visit.written.comments)


def _of(repository: Repository | None, number: str, written: Iterable[Written]) -> Written | None:
    """Find what has this number, if it is on this repository."""
    found = (each for each in written if str(each.id) == number)
    return next((each for each in found if repository and each.repository == repository.full_name), None)


def _comment_json(visit: Visit, comment: Comment) -> Json:
    url = f"{visit.request.base_url}/repos/{comment.repository}"
    return {
        "id": comment.id,
        "node_id": node_id("IC", str(comment.id)),
        "body": comment.body,
        "user": account_json(Account(comment.login)) if comment.login != "ghost" else None,
        "url": f"{url}/issues/comments/{comment.id}",
        "html_url": f"https://github.com/{comment.repository}/pull/{comment.number}#issuecomment-{comment.id}",
        "issue_url": f"{url}/issues/{comment.number}",
        "created_at": timestamp(comment.at),
        "updated_at": timestamp(comment.edited_at[-1] if comment.edited_at else comment.at),
    }


# --- What commands need


def _react(visit: Visit, owner: str, repo: str, comment_id: str) -> Response:
    comment = _existing(visit, visit.repository(owner, repo), comment_id)
    if comment is None:
        return not_found()
    if refused := visit.refuses_to_write("pull_requests"):
        return refused
    content = _body(visit, "POST /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions")["content"]
    key = (visit.login, comment.id, content)
    for reaction in visit.written.reactions:
        if (reaction.login, reaction.comment, reaction.content) == key:
            return json_response(HTTPStatus.OK, _reaction_json(reaction))
    reaction = Reaction(next(visit.written.numbers), visit.now, *key)
    visit.written.reactions.append(reaction)
    return json_response(HTTPStatus.CREATED, _reaction_json(reaction))


def _reaction_json(reaction: Reaction) -> Json:
    return {
        "id": reaction.id,
        "node_id": node_id("RE", str(reaction.id)),
        "user": account_json(Account(reaction.login)),
        "content": reaction.content,
        "created_at": timestamp(reaction.at),
    }


def _add_labels(visit: Visit, owner: str, repo: str, issue_number: str) -> Response:
    repository, number = visit.repository(owner, repo), int(issue_number)
    if repository is None or number not in visit.world.pulls(repository):
        return not_found()
    if refused := visit.refuses_to_write("pull_requests"):
        return refused
    added = _body(visit, "POST /repos/{owner}/{repo}/issues/{issue_number}/labels")["labels"]
    before = visit.world.pulls(repository)[number].entry.labels
    new = [label for label in added if label.casefold() not in {known.casefold() for known in before}]
    visit.relabel(repository.full_name, number, new, (), visit.login)
    return json_response(HTTPStatus.OK, [_label_json(visit, repository, label) for label in (*before, *new)])


def _remove_label(visit: Visit, owner: str, repo: str, issue_number: str, name: str) -> Response:
    repository, number = visit.repository(owner, repo), int(issue_number)
    if repository is None or number not in visit.world.pulls(repository):
        return not_found()
    if refused := visit.refuses_to_write("pull_requests"):
        return refused
    before = visit.world.pulls(repository)[number].entry.labels
    left = [label for label in before if label.casefold() != name.casefold()]
    if len(left) == len(before):
        return error(HTTPStatus.NOT_FOUND, "Label does not exist")
    visit.relabel(repository.full_name, number, (), [name], visit.login)
    return json_response(HTTPStatus.OK, [_label_json(visit, repository, label) for label in left])


def _label_json(visit: Visit, repository: Repository, label: str) -> Json:
    return {
        "id": database_id(f"{repository.full_name}/{label}"),
        "node_id": node_id("LA", f"{repository.full_name}/{label}"),
        "url": f"{visit.request.base_url}/repos/{repository.full_name}/labels/{quote(label)}",
        "name": label,
        "description": None,
        "color": "ededed",
        "default": False,
    }


# What `permission` says of each role: https://docs.github.com/en/rest/collaborators/collaborators
_PERMISSIONS = {"admin": "admin", "maintain": "write", "write": "write", "triage": "read", "read": "read"}


def _permission(visit: Visit, owner: str, repo: str, username: str) -> Response:
    repository = visit.repository(owner, repo)
    role = visit.roles.get(username.casefold(), "")
    if repository is None or username.casefold() == "deleted":
        return not_found()
    body = {"permission": _PERMISSIONS.get(role, "none"), "role_name": role, "user": account_json(Account(username))}
    return json_response(HTTPStatus.OK, body)


def _user(visit: Visit) -> Response:
    if visit.owner:
        return error(HTTPStatus.FORBIDDEN, "Resource not accessible by integration")
    return json_response(HTTPStatus.OK, account_json(Account(visit.login)))


ROUTES = (
    Route("GET", "/user", _user),
    Route("GET", "/repos/{owner}/{repo}/deployments", _deployments),
    Route("POST", "/repos/{owner}/{repo}/deployments", _deploy),
    Route("GET", "/repos/{owner}/{repo}/deployments/{deployment_id}/statuses", _deployment_statuses),
    Route("POST", "/repos/{owner}/{repo}/deployments/{deployment_id}/statuses", _say),
    Route("GET", "/repos/{owner}/{repo}/commits/{ref}/statuses", _statuses),
    Route("POST", "/repos/{owner}/{repo}/statuses/{sha}", _status),
    Route("GET", "/repos/{owner}/{repo}/issues/{issue_number}/comments", _comments),
    Route("POST", "/repos/{owner}/{repo}/issues/{issue_number}/comments", _comment),
    Route("PATCH", "/repos/{owner}/{repo}/issues/comments/{comment_id}", _edit),
    Route("DELETE", "/repos/{owner}/{repo}/issues/comments/{comment_id}", _delete),
    Route("POST", "/repos/{owner}/{repo}/issues/comments/{comment_id}/reactions", _react),
    Route("POST", "/repos/{owner}/{repo}/issues/{issue_number}/labels", _add_labels),
    Route("DELETE", "/repos/{owner}/{repo}/issues/{issue_number}/labels/{name}", _remove_label),
    Route("GET", "/repos/{owner}/{repo}/collaborators/{username}/permission", _permission),
)

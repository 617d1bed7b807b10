"""The REST side: a table of routes. Answers hold the properties that tools/github_schema.py lists."""

import base64
import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import quote, urlencode

from . import rest_written
from .app import SLUG, App, Installation
from .resolvers import timestamp
from .routing import Json, Route, Visit, account_json
from .wire import Response, error, json_response, not_found
from .world import (
    Account,
    Blob,
    Commit,
    File,
    PullRequest,
    Repository,
    Symlink,
    Tree,
    blob_oid,
    database_id,
)

LARGE_FILE = 1_000_000  # from here on the content is left out


def answer(visit: Visit) -> Response:
    path = visit.request.path
    if moved := re.fullmatch(r"/repositories/(\d+)(/.*)?", path):
        by_id = {repository.database_id: repository for repository in visit.world.repositories.values()}
        repository = by_id.get(int(moved[1]))
        if repository is None:
            return not_found()
        path = f"/repos/{repository.full_name}{moved[2] or ''}"
    for route in ROUTES:
        if (found := route.match(visit.request.method, path)) is not None:
            if route.for_app != (visit.app is not None):
                return error(HTTPStatus.UNAUTHORIZED, "A JSON web token could not be decoded")
            if (renamed := _renamed(visit, path, found)) is not None:
                return renamed
            return route.handler(visit, **found)
    return not_found()


def needs_app(method: str, path: str) -> bool:
    return any(route.for_app and route.match(method, path) is not None for route in ROUTES)


def _renamed(visit: Visit, path: str, parts: Mapping[str, str]) -> Response | None:
    """GitHub's redirect, where a repository is asked for under its old name."""
    name = f"{parts.get('owner')}/{parts.get('repo')}"
    repository = visit.world.old_names.get(name.casefold())
    if repository is None or visit.world.repository(name, follow_renames=False) is not None:
        return None
    rest = "/".join(path.split("/")[4:])
    question = f"?{urlencode(visit.request.query)}" if visit.request.query else ""
    slash = "/" if rest else ""
    url = f"{visit.request.base_url}/repositories/{repository.database_id}{slash}{rest}{question}"
    body = {"message": "Moved Permanently", "url": url, "documentation_url": "https://docs.github.com/rest"}
    return json_response(HTTPStatus.MOVED_PERMANENTLY, body, {"Location": url})


# --- A GitHub App


def _organisation_installation(visit: Visit, org: str) -> Response:
    return _installation(visit, org) if visit.app and org not in visit.app.people else not_found()


def _user_installation(visit: Visit, username: str) -> Response:
    return _installation(visit, username) if visit.app and username in visit.app.people else not_found()


def _installation(visit: Visit, owner: str) -> Response:
    installation = visit.installations.of(owner)
    if visit.app is None or installation is None:
        return not_found()
    return json_response(HTTPStatus.OK, _installation_json(visit, visit.app, installation))


def _installation_json(visit: Visit, app: App, installation: Installation) -> Json:
    base = visit.request.base_url
    created = "2024-01-01T00:00:00Z"
    return {
        "id": installation.id,
        "account": account_json(Account(installation.owner)),
        "access_tokens_url": f"{base}/app/installations/{installation.id}/access_tokens",
        "repositories_url": f"{base}/installation/repositories",
        "html_url": f"https://github.com/organizations/{installation.owner}/settings/installations/{installation.id}",
        "app_id": app.id,
        "app_slug": SLUG,
        "target_id": database_id(f"user/{installation.owner}"),
        "target_type": "Organization",
        "repository_selection": "all",
        "permissions": app.granted,
        "events": [],
        "single_file_name": None,
        "created_at": created,
        "updated_at": created,
        "suspended_at": None,
        "suspended_by": None,
    }


def _app(visit: Visit) -> Response:
    app = visit.app
    assert app is not None
    created = "2024-01-01T00:00:00Z"
    body: Json = {
        "id": app.id,
        "slug": SLUG,
        "node_id": "A_1",
        "owner": account_json(Account("acme")),
        "name": "Previews",
        "description": None,
        "external_url": "https://previews.example.com",
        "html_url": f"https://github.com/apps/{SLUG}",
        "created_at": created,
        "updated_at": created,
        "permissions": app.granted,
        "events": [],
    }
    return json_response(HTTPStatus.OK, body)


def _access_token(visit: Visit, installation_id: str) -> Response:
    app = visit.app
    assert app is not None
    owners = {repository.owner for repository in visit.world.repositories.values()}
    found = [visit.installations.of(owner) for owner in sorted(owners)]
    for installation in found:
        if installation is not None and str(installation.id) == installation_id:
            asked = json.loads(visit.request.body or b"{}").get("permissions") or app.granted
            token = visit.installations.issue(installation, asked, visit.now)
            if token is None:
                message = "The permissions requested are not granted to this installation."
                return error(HTTPStatus.UNPROCESSABLE_ENTITY, message)
            body: Json = {
                "token": token.token,
                "expires_at": timestamp(token.expires_at),
                "permissions": asked,
                "repository_selection": "all",
            }
            return json_response(HTTPStatus.CREATED, body)
    return not_found()


# --- Repositories


def _repository(visit: Visit, owner: str, repo: str) -> Response:
    found = visit.repository(owner, repo)
    return json_response(HTTPStatus.OK, _repository_json(visit, found)) if found else not_found()


def _pulls(visit: Visit, owner: str, repo: str) -> Response:
    repository = visit.repository(owner, repo)
    if repository is None:
        return not_found()
    asked = dict(visit.request.query)
    state, sort, direction = (
        asked.pop("state", "open"),
        asked.pop("sort", "created"),
        asked.pop("direction", "desc"),
    )
    size, number = min(100, int(asked.pop("per_page", "30"))), int(asked.pop("page", "1"))
    if asked or sort != "created":
        raise NotImplementedError(f"pull requests by {visit.request.query}")
    pulls = [
        pull
        for pull in visit.world.pulls(repository).values()
        if state == "all" or (pull.entry.state == "open") == (state == "open")
    ]
    if direction == "desc":
        pulls.reverse()
    last = max(1, -(-len(pulls) // size))
    links = {"prev": number - 1, "next": number + 1, "last": last, "first": 1}
    wanted = {"prev", "first"} if number > 1 else set()
    wanted |= {"next", "last"} if number < last else set()
    url = f"{visit.request.base_url}{visit.request.path}"
    link = ", ".join(
        f'<{url}?{urlencode({**visit.request.query, "page": page})}>; rel="{name}"'
        for name, page in links.items()
        if name in wanted
    )
    page = [_pull_json(visit, pull) for pull in pulls[(number - 1) * size : number * size]]
    return json_response(HTTPStatus.OK, page, {"Link": link} if link else {})


def _contents(visit: Visit, owner: str, repo: str, path: str) -> Response:
    repository = visit.repository(owner, repo)
    if repository is None:
        return not_found()
    ref = visit.request.query.get("ref")
    if ref is not None and not re.fullmatch(r"[0-9a-f]{40}", ref):
        raise NotImplementedError(f"a file at {ref!r}: the fake knows full commits only")
    # Without a commit GitHub reads the default branch, which is empty here.
    commit = visit.world.commit(repository, ref) if ref else Commit(repository, "", {})
    if commit is None:
        return error(HTTPStatus.NOT_FOUND, f"No commit found for the ref {ref}")
    file = commit.files.get(path)
    if isinstance(file, Symlink):
        file = commit.files.get(file.target, file)
    match file:
        case None:
            return not_found()
        case Tree():
            return json_response(HTTPStatus.OK, [])
    return json_response(HTTPStatus.OK, _file_json(visit, repository, commit, path, file))


def _file_json(visit: Visit, repository: Repository, commit: Commit, path: str, file: File) -> Json:
    url = f"{visit.request.base_url}/repos/{repository.full_name}"
    content: Json = {
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": blob_oid(file),
        "url": f"{url}/contents/{quote(path)}?ref={commit.oid}",
        "git_url": f"{url}/git/blobs/{blob_oid(file)}",
        "html_url": f"https://github.com/{repository.full_name}/blob/{commit.oid}/{quote(path)}",
        "download_url": None,
    }
    if isinstance(file, Symlink):
        return {**content, "type": "symlink", "target": file.target, "size": len(file.target.encode())}
    assert isinstance(file, Blob)
    if file.size > LARGE_FILE:
        return {**content, "type": "file", "size": file.size, "encoding": "none", "content": ""}
    text = base64.encodebytes(file.data).decode()
    return {**content, "type": "file", "size": file.size, "encoding": "base64", "content": text}


def _repository_json(visit: Visit, repository: Repository) -> Json:
    return {
        "id": repository.database_id,
        "node_id": repository.node_id,
        "name": repository.name,
        "full_name": repository.full_name,
        "owner": account_json(Account(repository.owner)),
        "private": repository.visibility != "public",
        "fork": repository.is_fork,
        "url": f"{visit.request.base_url}/repos/{repository.full_name}",
        "html_url": f"https://github.com/{repository.full_name}",
        "default_branch": repository.default_branch,
    }


def _pull_json(visit: Visit, pull: PullRequest) -> Json:
    entry, home, head = pull.entry, pull.repository, pull.head_repository
    updated = timestamp(entry.updated_at)
    owner = (entry.fork or home.full_name).partition("/")[0]
    return {
        "id": pull.database_id,
        "node_id": pull.node_id,
        "url": f"{visit.request.base_url}/repos/{home.full_name}/pulls/{entry.number}",
        "html_url": f"https://github.com/{home.full_name}/pull/{entry.number}",
        "number": entry.number,
        "state": "open" if entry.state == "open" else "closed",
        "title": entry.title,
        "body": entry.body or None,
        "draft": entry.draft,
        "user": account_json(pull.author) if pull.author else None,
        "labels": [{"name": name} for name in entry.labels],
        "created_at": timestamp(entry.created_at),
        "updated_at": updated,
        "closed_at": None if entry.state == "open" else updated,
        "merged_at": updated if entry.state == "merged" else None,
        "head": {
            "label": f"{owner}:{entry.branch}",
            "ref": entry.branch,
            "sha": entry.head_sha,
            "repo": _repository_json(visit, head) if head else None,
        },
        "base": {
            "label": f"{home.owner}:{entry.target_branch}",
            "ref": entry.target_branch,
            "repo": _repository_json(visit, home),
        },
    }


ROUTES = (
    *rest_written.ROUTES,
    Route("GET", "/app", _app, for_app=True),
    Route("GET", "/orgs/{org}/installation", _organisation_installation, for_app=True),
    Route("GET", "/users/{username}/installation", _user_installation, for_app=True),
    Route("POST", "/app/installations/{installation_id}/access_tokens", _access_token, for_app=True),
    Route("GET", "/repos/{owner}/{repo}", _repository),
    Route("GET", "/repos/{owner}/{repo}/pulls", _pulls),
    Route("GET", "/repos/{owner}/{repo}/contents/{path}", _contents),
)

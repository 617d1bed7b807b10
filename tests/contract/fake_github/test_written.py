"""The fake GitHub's routes that write: their answers are GitHub's, and it takes nothing that GitHub would refuse."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import requests

from tests.contract.conftest import Time
from tests.fakes import github as fake
from tests.fakes.github import GitHub

OPENAPI = json.loads(Path(fake.__file__).with_name("openapi.json").read_text(encoding="utf-8"))
SHA = f"{1:040x}"
REPOSITORY = "/repos/acme/orders"
NEW = {"ref": SHA, "task": "preview:orders:1", "environment": "preview", "auto_merge": False, "required_contexts": []}
Send = Callable[..., requests.Response]


@pytest.fixture(name="send")
def _send(github: GitHub) -> Send:
    def send(method: str, path: str, body: Any = None, token: str = github.token) -> requests.Response:
        headers = {"Authorization": f"bearer {token}"}
        return requests.request(method, f"{github.url}{path}", json=body, headers=headers, timeout=10)

    return send


def checked(route: str, response: requests.Response) -> Any:
    jsonschema.Draft202012Validator(OPENAPI[f"{route} {response.status_code}"]).validate(response.json())
    return response.json()


def test_answers_have_the_shape_of_githubs_openapi(send: Send) -> None:
    deployments, statuses = "/repos/{owner}/{repo}/deployments", "/repos/{owner}/{repo}/statuses/{sha}"
    comments, comment = "/repos/{owner}/{repo}/issues/{issue_number}/comments", "/repos/{owner}/{repo}/issues/comments/"
    made = checked(f"POST {deployments}", send("POST", f"{REPOSITORY}/deployments", NEW))
    said = f"{REPOSITORY}/deployments/{made['id']}/statuses"
    checked(f"POST {deployments}/{{deployment_id}}/statuses", send("POST", said, {"state": "queued"}))
    checked(f"GET {deployments}/{{deployment_id}}/statuses", send("GET", said))
    checked(f"GET {deployments}", send("GET", f"{REPOSITORY}/deployments?task=preview:orders:1"))
    checked(
        f"POST {statuses}", send("POST", f"{REPOSITORY}/statuses/{SHA}", {"state": "pending", "context": "preview/x"})
    )
    checked("GET /repos/{owner}/{repo}/commits/{ref}/statuses", send("GET", f"{REPOSITORY}/commits/{SHA}/statuses"))
    written = checked(f"POST {comments}", send("POST", f"{REPOSITORY}/issues/1/comments", {"body": "hello"}))
    one = f"{REPOSITORY}/issues/comments/{written['id']}"
    checked(f"PATCH {comment}{{comment_id}}", send("PATCH", one, {"body": "bye"}))
    assert [each["body"] for each in checked(f"GET {comments}", send("GET", f"{REPOSITORY}/issues/1/comments"))] == [
        "bye"
    ]
    assert send("DELETE", one).status_code == 204
    assert send("DELETE", one).status_code == 404


def test_lists_show_the_newest_first_except_comments(send: Send, github: GitHub) -> None:
    for state in ("queued", "in_progress"):
        made = send("POST", f"{REPOSITORY}/deployments", NEW).json()
        send("POST", f"{REPOSITORY}/deployments/{made['id']}/statuses", {"state": "queued"})
        send("POST", f"{REPOSITORY}/deployments/{made['id']}/statuses", {"state": state})
    found = send("GET", f"{REPOSITORY}/deployments").json()
    assert [each["id"] for each in found] == sorted((each["id"] for each in found), reverse=True)
    states = send("GET", f"{REPOSITORY}/deployments/{found[0]['id']}/statuses?per_page=1").json()
    assert [each["state"] for each in states] == ["in_progress"]

    for number in range(150):
        github.written.comment("acme/orders", 1, str(number), "ada", github.now())
    pages = [send("GET", f"{REPOSITORY}/issues/1/comments?per_page=100&page={page}").json() for page in (1, 2, 3)]
    assert [each["body"] for page in pages for each in page] == [str(number) for number in range(150)]


def test_a_list_can_lag(send: Send, github: GitHub) -> None:
    time = Time()
    github.now, github.written.lag = time.now, timedelta(seconds=30)
    send("POST", f"{REPOSITORY}/issues/1/comments", {"body": "hello"})

    assert send("GET", f"{REPOSITORY}/issues/1/comments").json() == []
    time.passes(30)
    assert len(send("GET", f"{REPOSITORY}/issues/1/comments").json()) == 1


def test_a_success_switches_off_the_others_in_its_environment_unless_it_is_told_not_to(
    send: Send, github: GitHub
) -> None:
    first, second, third = (send("POST", f"{REPOSITORY}/deployments", NEW).json()["id"] for _ in range(3))
    send("POST", f"{REPOSITORY}/deployments/{second}/statuses", {"state": "success", "auto_inactive": False})
    assert len(github.written.open()) == 3
    send("POST", f"{REPOSITORY}/deployments/{third}/statuses", {"state": "success"})

    assert [each.id for each in github.written.open()] == [third]
    assert first


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/deployments", NEW | {"ref": "f" * 40}, 422),
        ("POST", f"/statuses/{'f' * 40}", {"state": "success"}, 422),
        ("POST", f"/statuses/{SHA}", {"state": "success", "description": "x" * 141}, 422),
        ("POST", "/issues/1/comments", {"body": "x" * 65_537}, 422),
        ("POST", "/issues/999/comments", {"body": "x"}, 404),
        ("POST", "/deployments/1/statuses", {"state": "success"}, 404),
        ("PATCH", "/issues/comments/1", {"body": "x"}, 404),
    ],
)
def test_what_github_refuses_is_refused(send: Send, method: str, path: str, body: Any, status: int) -> None:
    assert send(method, f"{REPOSITORY}{path}", body).status_code == status


def test_a_locked_conversation_takes_no_comment(send: Send, github: GitHub) -> None:
    github.written.locked.add(("acme/orders", 1))
    refused = send("POST", f"{REPOSITORY}/issues/1/comments", {"body": "x"})

    assert (refused.status_code, refused.json()["message"]) == (
        403,
        "Unable to create comment because issue is locked.",
    )


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/deployments", NEW),
        (f"/statuses/{SHA}", {"state": "success"}),
        ("/issues/1/comments", {"body": "x"}),
    ],
)
def test_a_token_without_the_permission_writes_nothing(send: Send, github: GitHub, path: str, body: Any) -> None:
    github.writes = frozenset()
    refused = send("POST", f"{REPOSITORY}{path}", body)

    assert refused.status_code == 403
    assert refused.json()["message"] == "Resource not accessible by personal access token"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/deployments", NEW | {"enviroment": "x"}),
        ("/deployments", NEW | {"auto_merge": True}),
        ("/deployments", NEW | {"required_contexts": ["ci"]}),
        (f"/statuses/{SHA}", {"state": "queued"}),
        ("/issues/1/comments", {"text": "x"}),
    ],
)
def test_a_request_that_github_does_not_know_fails_the_test(github: GitHub, send: Send, path: str, body: Any) -> None:
    assert send("POST", f"{REPOSITORY}{path}", body).status_code == 500
    assert len(github.broken) == 1
    github.broken.clear()

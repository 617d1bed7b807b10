"""The fake of Argo CD's API against Argo CD's own description of it."""

import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest
import requests

from tests.fakes import argocd as fake
from tests.fakes.argocd import TOKEN, FakeArgoCD, application, listening, source

SWAGGER = json.loads(Path(fake.__file__).with_name("swagger.json").read_text("utf-8"))
READ, TERMINATE = "GET /api/v1/applications/{name}", "DELETE /api/v1/applications/{name}/operation"
NAME = "preview-orders-12"


@pytest.fixture(name="argocd")
def _argocd() -> Iterator[FakeArgoCD]:
    with listening() as argocd:
        argocd.applications = {
            NAME: application(NAME, source("new"), source("old"), deleting=True),
            "idle": application("idle", source("new")),
        }
        yield argocd


def ask(argocd: FakeArgoCD, route: str, name: str = NAME, token: str = TOKEN) -> requests.Response:
    """Ask, and compare the answer with the description of this route."""
    method, path = route.split()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    response = requests.request(method, argocd.url + path.format(name=name), headers=headers, timeout=10)
    described = SWAGGER[f"{route} {'200' if response.ok else 'default'}"]
    jsonschema.Draft202012Validator(described).validate(response.json())
    return response


def test_an_application_is_as_argocd_describes_it(argocd: FakeArgoCD) -> None:
    assert ask(argocd, READ).json()["status"]["operationState"]["phase"] == "Running"
    assert ask(argocd, READ, "idle").json()["spec"]["source"] == source("new")


def test_an_ended_operation_leaves_an_application_as_argocd_describes_it(argocd: FakeArgoCD) -> None:
    assert ask(argocd, TERMINATE).json() == {}
    ended = ask(argocd, READ).json()
    assert "operation" not in ended
    assert ended["status"]["operationState"]["phase"] == "Failed"


@pytest.mark.parametrize("route", [READ, TERMINATE])
def test_errors_are_as_argocd_describes_them(argocd: FakeArgoCD, route: str) -> None:
    assert (
        ask(argocd, route, "missing").status_code == 403
    )  # no project was named, so it tells nobody that it is missing
    assert ask(argocd, route, token="another").status_code == 401
    assert ask(argocd, TERMINATE, "idle").status_code == 400


def test_a_schema_that_is_not_met_is_noticed() -> None:
    described = SWAGGER[f"{READ} 200"]
    for broken in ('{"metadata": {"nme": ""}}', '{"status": {"operationState": {"phase": 1}}}', "[]"):
        assert list(jsonschema.Draft202012Validator(described).iter_errors(json.loads(broken)))


def test_only_json_may_change_something(argocd: FakeArgoCD) -> None:
    url, headers = f"{argocd.url}/api/v1/applications/{NAME}/operation", {"Authorization": f"Bearer {TOKEN}"}

    assert requests.delete(url, headers=headers, timeout=10).status_code == 415
    assert argocd.applications[NAME]["status"]["operationState"]["phase"] == "Running"

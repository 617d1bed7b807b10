"""What is read of an Application, what is sent, and what a hostile answer can do."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plugin.report import argocd_api
from plugin.report.argocd_api import ApiError, ArgoApi, Operation, Phase
from tests.fakes.argocd import (
    BEGAN,
    TOKEN,
    FakeArgoCD,
    Json,
    Reply,
    application,
    begin,
    end,
    hanging,
    listening,
    source,
)
from tests.server import free_port

NAME = "preview-orders-12"
OLD, NEW = source("old"), source("new")


@pytest.fixture(name="argocd")
def _argocd() -> Iterator[FakeArgoCD]:
    with listening() as argocd:
        yield argocd


@pytest.fixture(name="api")
def _api(argocd: FakeArgoCD) -> Iterator[ArgoApi]:
    with closing(ArgoApi(argocd.url, TOKEN)) as api:
        yield api


def queued() -> Json:
    """Argo CD sets an operation and clears the state of the one before: then the controller begins it."""
    made = application(NAME, NEW, OLD)
    del made["status"]["operationState"]
    return made


def terminating() -> Json:
    made = application(NAME, NEW, OLD)
    made["status"]["operationState"]["phase"] = "Terminating"
    return made


def without_result() -> Json:
    made = application(NAME, NEW, OLD)
    del made["status"]["operationState"]["syncResult"]
    return made


def unknown_source() -> Json:
    made = without_result()
    del made["operation"]["sync"]["source"]
    return made


def several(wanted: list[Json], synced: list[Json]) -> Json:
    made = application(NAME, NEW, OLD)
    del made["spec"]["source"]
    made["spec"]["sources"] = wanted
    made["status"]["operationState"]["syncResult"] = {"source": {"repoURL": ""}, "sources": synced}
    return made


def hydrated() -> Json:
    """Argo CD works out the source of such an Application by itself, so that nothing here says which it is."""
    made = application(NAME, NEW, OLD)
    del made["spec"]["source"]
    return made


def finished() -> Json:
    made = application(NAME, NEW, NEW)
    end(made, "Succeeded", "successfully synced (all tasks run)")
    return made


def terminated(wants: Json, *, deleting: bool = False) -> Json:
    made = application(NAME, wants, OLD, deleting=deleting)
    end(made)
    return made


def never_synced() -> Json:
    made = application(NAME, NEW)
    del made["status"]
    return made


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (application(NAME, NEW, OLD), Operation(Phase.OUTDATED, BEGAN, terminated=False)),
        (application(NAME, NEW, NEW), Operation(Phase.CURRENT, BEGAN, terminated=False)),
        (application(NAME, OLD, OLD, deleting=True), Operation(Phase.OUTDATED, BEGAN, terminated=False)),
        (application(NAME, OLD, deleting=True), Operation(Phase.IDLE, None, terminated=False)),
        (never_synced(), Operation(Phase.IDLE, None, terminated=False)),
        (finished(), Operation(Phase.IDLE, BEGAN, terminated=False)),
        (queued(), Operation(Phase.CURRENT, None, terminated=False)),
        (terminating(), Operation(Phase.CURRENT, BEGAN, terminated=False)),
        (without_result(), Operation(Phase.OUTDATED, BEGAN, terminated=False)),
        (unknown_source(), Operation(Phase.CURRENT, BEGAN, terminated=False)),
        (hydrated(), Operation(Phase.CURRENT, BEGAN, terminated=False)),
        (several([NEW, OLD], [NEW, OLD]), Operation(Phase.CURRENT, BEGAN, terminated=False)),
        (several([NEW, OLD], [OLD, OLD]), Operation(Phase.OUTDATED, BEGAN, terminated=False)),
        (terminated(OLD), Operation(Phase.IDLE, BEGAN, terminated=True)),
        (terminated(NEW), Operation(Phase.IDLE, BEGAN, terminated=False)),
        (terminated(OLD, deleting=True), Operation(Phase.IDLE, BEGAN, terminated=False)),
    ],
)
def test_what_an_operation_does(argocd: FakeArgoCD, api: ArgoApi, made: Json, expected: Operation) -> None:
    argocd.applications[NAME] = made

    assert api.operation(NAME) == expected


def test_an_operation_that_waits_for_its_next_try_can_be_outdated(argocd: FakeArgoCD, api: ArgoApi) -> None:
    # appcontroller.go: "Set FinishedAt explicitly on a Running phase".
    argocd.applications[NAME] = application(NAME, NEW, OLD)
    argocd.applications[NAME]["status"]["operationState"] |= {"finishedAt": BEGAN, "retryCount": 1}

    assert api.operation(NAME) == Operation(Phase.OUTDATED, BEGAN, terminated=False)


def test_an_application_that_is_not_shown_is_none(argocd: FakeArgoCD, api: ArgoApi) -> None:
    assert api.operation("missing") is None
    argocd.instead = lambda _: Reply(404, b"{}")
    assert api.operation(NAME) is None


def test_an_operation_is_ended_once(argocd: FakeArgoCD, api: ArgoApi) -> None:
    argocd.applications[NAME] = application(NAME, NEW, OLD)

    assert api.terminate(NAME)
    assert not api.terminate(NAME)
    assert argocd.asked == [f"DELETE {NAME}"] * 2
    begin(argocd.applications[NAME], NEW, "2026-11-21T09:05:00Z")
    assert api.terminate(NAME)


def test_a_missing_right_to_sync_is_an_error(argocd: FakeArgoCD, api: ArgoApi) -> None:
    argocd.applications[NAME] = application(NAME, NEW, OLD)
    argocd.refused = {"DELETE"}

    with pytest.raises(ApiError, match="it answered 403"):
        api.terminate(NAME)


def test_a_path_before_the_api_and_a_slash_at_the_end_are_kept_and_dropped(argocd: FakeArgoCD) -> None:
    argocd.instead = lambda _: Reply(200, b'{"metadata":{},"spec":{}}')

    with closing(ArgoApi(f"{argocd.url}/argo-cd/", TOKEN)) as api:
        api.operation(NAME)

    assert argocd.paths == [f"/argo-cd/api/v1/applications/{NAME}"]


def test_a_netrc_file_does_not_replace_the_token(
    argocd: FakeArgoCD, api: ArgoApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login eve password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    argocd.applications[NAME] = application(NAME, NEW)

    assert api.operation(NAME) is not None
    assert argocd.headers[0]["Authorization"] == f"Bearer {TOKEN}"


Call = Callable[[ArgoApi], Any]
CALLS = pytest.mark.parametrize(
    "call", [lambda api: api.operation(NAME), lambda api: api.terminate(NAME)], ids=["read", "terminate"]
)


@CALLS
@pytest.mark.parametrize("status", [201, 301, 302, 307, 308, 401, 429, 500, 502])
def test_other_statuses_are_errors_and_no_redirect_is_followed(
    argocd: FakeArgoCD, api: ArgoApi, call: Call, status: int
) -> None:
    with listening() as elsewhere:
        argocd.instead = lambda _: Reply(status, b"{}", {"Location": f"{elsewhere.url}/api/v1/applications/{NAME}"})
        with pytest.raises(ApiError, match=f"^it answered {status}$"):
            call(api)

    assert elsewhere.asked == []
    assert len(argocd.asked) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'{"metadata": 1, "spec": {}}',
        b'{"metadata": {}}',
        b'{"metadata": {}, "spec": {"source": []}}',
        b'{"metadata": {}, "spec": {}, "status": {"operationState": {}}}',
        b'{"metadata": {}, "spec": {}, "operation": "sync"}',
        b"[" * 100_000,
        b"\xff",
    ],
)
def test_what_is_no_application_is_an_error(argocd: FakeArgoCD, api: ArgoApi, body: bytes) -> None:
    argocd.instead = lambda _: Reply(200, body)

    with pytest.raises(ApiError, match=r"^its answer is not an Application$"):
        api.operation(NAME)


def test_a_huge_answer_is_not_read_to_its_end(
    argocd: FakeArgoCD, api: ArgoApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(argocd_api, "BOUNDS", replace(argocd_api.BOUNDS, largest=100_000))
    argocd.instead = lambda _: Reply(200, b" " * 5_000_000)

    with pytest.raises(ApiError, match=r"^its answer is too large$"):
        api.operation(NAME)


def test_an_answer_that_never_comes_is_an_error(
    argocd: FakeArgoCD, api: ArgoApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(argocd_api, "BOUNDS", replace(argocd_api.BOUNDS, timeout=0.05))
    release = threading.Event()
    argocd.instead = hanging(release)

    with pytest.raises(ApiError, match=r"^ReadTimeout$"):
        api.operation(NAME)
    release.set()


def test_an_answer_that_trickles_in_is_an_error(
    argocd: FakeArgoCD, api: ArgoApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(argocd_api, "BOUNDS", replace(argocd_api.BOUNDS, slowest=0.05))
    argocd.instead = lambda _: Reply(200, b" " * 50_000, trickles=True)

    with pytest.raises(ApiError, match=r"^its answer takes too long$"):
        api.operation(NAME)


def test_an_answer_that_breaks_off_is_an_error(argocd: FakeArgoCD, api: ArgoApi) -> None:
    argocd.instead = lambda _: Reply(200, b'{"metadata":{},"spec":{}}', {"Content-Length": "99", "Connection": "close"})

    with pytest.raises(ApiError, match=r"^ProtocolError$"):
        api.operation(NAME)


def test_an_unreachable_api_is_an_error() -> None:
    with pytest.raises(ApiError, match=r"^ConnectionError$"):
        ArgoApi(f"http://127.0.0.1:{free_port()}", TOKEN).operation(NAME)

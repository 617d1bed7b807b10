"""The two calls of Argo CD's API that end a sync: read an Application, and terminate its operation.

`DELETE /api/v1/applications/<name>/operation` takes no id of an operation: it ends whatever runs when it arrives. It
needs the right `applications, sync`; reading needs `applications, get`. A request that names no project, which this
plugin does not know, gets a 403 both for an Application that does not exist and for one that the account may not read.
See TerminateOperation and getAppEnforceRBAC in
https://github.com/argoproj/argo-cd/blob/v3.5.1/server/application/application.go
"""

from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus

import requests
from pydantic import BaseModel, Field, ValidationError

from plugin.errors import PluginError, Unanswered
from plugin.http_client import Bounds, Request, ask

BOUNDS = Bounds(largest=4 * 1024 * 1024)  # etcd stores no object of more than 1.5 MiB
# Argo CD refuses every request but GET without it: https://github.com/argoproj/argo-cd/blob/v3.5.1/server/server.go
HEADERS = {"Content-Type": "application/json"}


class ApiError(PluginError):
    """Argo CD's API did not do what it was asked for. The text names the cause, and nothing of the response."""


_Object = dict[str, object]


class _Source(BaseModel):
    source: _Object | None = None
    sources: list[_Object] | None = None

    @property
    def given(self) -> _Object | list[_Object] | None:
        """Where manifests come from, however it is written; None if it is not said."""
        return self.sources or self.source


class _Sync(BaseModel):
    sync: _Source = Field(default_factory=_Source)


class _OperationState(BaseModel):
    phase: str
    started_at: str | None = Field(None, alias="startedAt")
    message: str = ""
    operation: _Sync = Field(default_factory=_Sync)
    result: _Source = Field(default_factory=_Source, alias="syncResult")

    @property
    def source(self) -> _Object | list[_Object] | None:
        """What is synced: the result names it even where the operation itself does not."""
        return self.result.given or self.operation.sync.given


class _Metadata(BaseModel):
    deletion: str | None = Field(None, alias="deletionTimestamp")


class _Status(BaseModel):
    state: _OperationState | None = Field(None, alias="operationState")


class _Application(BaseModel):
    metadata: _Metadata
    spec: _Source
    operation: _Object | None = None
    status: _Status = Field(default_factory=_Status)


class Phase(Enum):
    """What an Application's operation does, as far as ending it is concerned."""

    IDLE = "idle"  # none is in progress
    CURRENT = "current"  # it syncs what the Application wants, or has not begun, or is being terminated
    OUTDATED = "outdated"  # it syncs another source than the Application's, or the Application is being deleted


@dataclass(frozen=True, slots=True)
class Operation:
    """The newest operation of an Application."""

    phase: Phase
    started_at: str | None  # RFC 3339, by Argo CD's clock; None if none ever started
    terminated: bool  # it was terminated, although it synced what the Application wants


class ArgoApi:
    """A client of Argo CD's API. Each thread needs its own."""

    def __init__(self, url: str, token: str) -> None:
        """`url` is where Argo CD's UI and API are, `token` that of an account which may get and sync Applications."""
        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._authorization = f"Bearer {token}"

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def operation(self, name: str) -> Operation | None:
        """Return an Application's newest operation; None if Argo CD shows no such Application. Raises ApiError."""
        status, body = self._ask("GET", name)
        if status in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
            return None
        _expect_ok(status)
        try:
            return _newest(_Application.model_validate_json(body))
        except ValidationError:
            raise ApiError("its answer is not an Application") from None

    def terminate(self, name: str) -> bool:
        """End the operation that is running; return whether there was one. Raises ApiError."""
        status, _ = self._ask("DELETE", f"{name}/operation")
        if status in {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND}:  # it has just ended, or the Application is gone
            return False
        _expect_ok(status)
        return True

    def _ask(self, method: str, path: str) -> tuple[int, bytes]:
        url = f"{self._url}/api/v1/applications/{path}"
        request = Request(method=method, url=url, headers=HEADERS, authorization=self._authorization)
        try:
            response = ask(self._session, request, BOUNDS)
        except Unanswered as error:
            raise ApiError(str(error)) from None
        return response.status, response.body


def _newest(application: _Application) -> Operation:
    state, deleting = application.status.state, application.metadata.deletion is not None
    if state is None:
        return Operation(Phase.IDLE if application.operation is None else Phase.CURRENT, None, terminated=False)
    known = state.source is not None and application.spec.given is not None
    differs = known and state.source != application.spec.given
    if application.operation is None:
        terminated = known and not differs and not deleting and state.message.startswith("Operation terminated")
        return Operation(Phase.IDLE, state.started_at, terminated)
    outdated = state.phase == "Running" and (deleting or differs)
    return Operation(Phase.OUTDATED if outdated else Phase.CURRENT, state.started_at, terminated=False)


def _expect_ok(status: int) -> None:
    if status != HTTPStatus.OK:
        raise ApiError(f"it answered {status}")

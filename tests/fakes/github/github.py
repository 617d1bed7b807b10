"""The fake GitHub itself: who asks, what it costs, and which side answers."""

import json
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

from plugin.sources.file import Organisation

from . import graphql, rest
from .app import SLUG, App, BadJWTError, Installations
from .checks import ACTIONS, Status, with_run
from .history import History
from .inside import Inside
from .limits import Quota, charge
from .resolvers import Context
from .routing import Visit
from .server import Server
from .wire import Answer, Errors, Request, Response, error, json_response, not_found
from .world import CONFIG_PATH, Changes, Event, File, build
from .written import Comment, Written

Intercept = Callable[[Request], Response | None]


@dataclass(frozen=True)
class Call:
    """One request as it arrived, whatever was answered."""

    operation: str  # List, Details, ... or "GET /repos/acme/orders"
    variables: Mapping[str, Any]
    cost: int = 0  # points charged
    nodes: int = 0
    enterprise: bool = False


@dataclass(frozen=True)
class _Caller:
    """Whose hourly budget a request is charged to, and what it may see."""

    key: str
    owner: str | None = None
    app: App | None = None
    permissions: frozenset[str] | None = None  # None: all
    login: str = ""
    writes: frozenset[str] | None = None  # None: all


class GitHub:
    """A GitHub on loopback, or `inside` this process for PyGithub only, which is faster.

    Tests may change its attributes at any time; each request sees one state.
    """

    def __init__(
        self,
        organisation: Organisation,
        *,
        token: str = "fake-token",
        app: App | None = None,
        port: int = 0,
        inside: bool = False,
    ) -> None:
        self.token = token
        self.latency = 0.0  # seconds before each answer
        self.sleep: Callable[[float], None] = time.sleep  # how they pass
        self.budget: int | None = None  # points (and REST requests) per hour; None: counted, never refused
        self.intercept: Intercept | None = None
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        # What the tokens that an App signs are compared with: PyGithub signs them by the machine's clock.
        self.now_of_apps: Callable[[], datetime] = lambda: self.now()  # noqa: PLW0108  tests change `now`
        self.log: list[Call] = []
        self.login = "acme-previews"  # of the account that the token belongs to
        self.writes: frozenset[str] | None = None  # what the token may write; None: everything
        self.written = Written()
        self.roles: dict[str, str] = {}  # of people in every repository, by login in lower case
        self.broken: list[str] = []  # tracebacks of the fake's own failures: such a test proves nothing
        self._lock = threading.Lock()
        self._organisation, self._changes = organisation, Changes()
        self._history = History(build(organisation, self._changes))
        self._installations = Installations(app)
        self._runs = 0  # check runs so far
        self._quotas: dict[tuple[str, str], Quota] = {}
        # Tests change `now`, so it is looked up each time.
        self._transport = Inside(self.handle, lambda: self.now()) if inside else Server(port, self.handle)  # noqa: PLW0108

    @property
    def url(self) -> str:
        """The base URL of github.com's API."""
        return self._transport.url

    @property
    def enterprise_url(self) -> str:
        """The base URL of an Enterprise Server's REST API."""
        return f"{self.url}/api/v3"

    @property
    def points(self) -> int:
        return sum(call.cost for call in list(self.log))

    @property
    def organisation(self) -> Organisation:
        return self._organisation

    @organisation.setter
    def organisation(self, organisation: Organisation) -> None:
        self.change(organisation, self._changes)

    def put_file(self, repository: str, sha: str, file: File, path: str = CONFIG_PATH) -> None:
        self._must_have(repository)
        files = {**self._changes.files, (repository, sha, path): file}
        self.change(self._organisation, replace(self._changes, files=files))

    def forget_commit(self, sha: str) -> None:
        """The pull request is listed, but GitHub does not know its commit (yet)."""
        unknown = self._changes.unknown_commits | {sha}
        self.change(self._organisation, replace(self._changes, unknown_commits=unknown))

    def remember_commit(self, sha: str) -> None:
        unknown = self._changes.unknown_commits - {sha}
        self.change(self._organisation, replace(self._changes, unknown_commits=unknown))

    def delete_fork(self, fork: str) -> None:
        repositories = self._organisation.repositories.values()
        if fork not in {pull.fork for repository in repositories for pull in repository.pull_requests}:
            raise ValueError(f"the organisation has no pull request of {fork}")
        deleted = self._changes.deleted_forks | {fork}
        self.change(self._organisation, replace(self._changes, deleted_forks=deleted))

    def rename(self, repository: str, new: str) -> None:
        """Rename or transfer; the organisation file and the methods here go on using the old name."""
        self._must_have(repository)
        renamed = {**self._changes.renamed, repository: new}
        self.change(self._organisation, replace(self._changes, renamed=renamed))

    def recreate(self, repository: str) -> None:
        """Delete it and make another one of the same name and content."""
        self._must_have(repository)
        recreated = {**self._changes.recreated, repository: self._changes.recreated.get(repository, 0) + 1}
        self.change(self._organisation, replace(self._changes, recreated=recreated))

    def delete(self, repository: str) -> None:
        self._must_have(repository)
        self.change(self._organisation, replace(self._changes, deleted=self._changes.deleted | {repository}))

    def archive(self, repository: str, at: datetime | None) -> None:
        """Archive it, or unarchive it with None; its pull requests stay open and are not "updated" by that."""
        self._must_have(repository)
        others = {name: moment for name, moment in self._changes.archived.items() if name != repository}
        archived = others if at is None else {**others, repository: at}
        self.change(self._organisation, replace(self._changes, archived=archived))

    def delete_label(self, repository: str, label: str) -> None:
        """Delete it in the repository, and so on each pull request, which are not "updated" by that."""
        self._must_have(repository)
        deleted = self._changes.deleted_labels | {(repository, label)}
        self.change(self._organisation, replace(self._changes, deleted_labels=deleted))

    def make_person(self, owner: str) -> None:
        """Make an owner a person instead of an organisation."""
        self.change(self._organisation, replace(self._changes, people=self._changes.people | {owner}))

    def hide(self, repository: str, number: int) -> None:
        """Take the author for a spammer: the pull request is nowhere to be seen."""
        self._must_have(repository)
        if number not in {pull.number for pull in self._organisation.repositories[repository].pull_requests}:
            raise ValueError(f"the organisation has no pull request {repository}#{number}")
        self.change(self._organisation, replace(self._changes, hidden=self._changes.hidden | {(repository, number)}))

    def happen(self, repository: str, number: int, *events: Event) -> None:
        """Add events to a pull request's timeline."""
        self._must_have(repository)
        before = self._changes.events.get((repository, number), ())
        happened = {**self._changes.events, (repository, number): (*before, *events)}
        self.change(self._organisation, replace(self._changes, events=happened))

    def comment(self, repository: str, number: int, body: str, login: str = "ada") -> Comment:
        """Comment on a pull request as somebody else."""
        found = self.written.comment(repository, number, body, login, self.now())
        self.change_entry(repository, number)
        return found

    def edit(self, comment: Comment, body: str) -> None:
        """Edit a comment as somebody else."""
        comment.body, comment.edited_at = body, [*comment.edited_at, self.now()]
        self.change_entry(comment.repository, comment.number)

    def relabel(
        self, repository: str, number: int, added: Sequence[str] = (), removed: Sequence[str] = (), by: str = "ada"
    ) -> None:
        """Set and remove labels of a pull request."""
        (before,) = (it for it in self._organisation.repositories[repository].pull_requests if it.number == number)
        gone = {label.casefold() for label in removed}
        kept = [label for label in before.labels if label.casefold() not in gone]
        events = [Event("LabeledEvent", self.now(), label, by) for label in added]
        self.happen(repository, number, *events, *(Event("UnlabeledEvent", self.now(), label, by) for label in removed))
        self.change_entry(repository, number, labels=(*kept, *added))

    def change_entry(self, repository: str, number: int, **changes: Any) -> None:
        """Change a pull request now."""
        found = self._organisation.repositories[repository]
        changes["updated_at"] = self.now().replace(microsecond=0)
        entries = [it.model_copy(update=changes) if it.number == number else it for it in found.pull_requests]
        self.set_repository(repository, pull_requests=tuple(entries))

    def set_repository(self, repository: str, **changes: Any) -> None:
        """Change a repository now."""
        changed = {repository: self._organisation.repositories[repository].model_copy(update=changes)}
        self.organisation = Organisation(repositories={**self._organisation.repositories, **changed})

    def check(
        self,
        repository: str,
        sha: str,
        name: str,
        conclusion: str | None = "SUCCESS",
        *,
        app: str | None = ACTIONS,
        again: bool = False,
    ) -> None:
        """Run a check of a commit, in a check suite of its own or `again` in its newest one; None: it still runs."""
        self._must_have(repository)
        self._runs += 1
        before = self._changes.suites.get((repository, sha), ())
        suites = with_run(before, self._runs, name, conclusion, app, again=again)
        self.change(
            self._organisation,
            replace(self._changes, suites={**self._changes.suites, (repository, sha): suites}),
        )

    def set_status(
        self, repository: str, sha: str, context: str, state: str = "SUCCESS", creator: str | None = "ada"
    ) -> None:
        """Set a commit status; the last one of a context counts."""
        self._must_have(repository)
        before = self._changes.statuses.get((repository, sha), {})
        statuses = {**self._changes.statuses, (repository, sha): {**before, context: Status(context, state, creator)}}
        self.change(self._organisation, replace(self._changes, statuses=statuses))

    def grant_writing(self, *permissions: str) -> None:
        """Let every owner grant the App more permissions to write."""
        self._installations.grant_writing(*permissions)

    def grant(self, *permissions: str) -> None:
        """Let every owner grant the App more permissions to read."""
        self._installations.grant(*permissions)

    def restore(self) -> None:
        """Undo what was deleted, hidden and renamed."""
        nothing: frozenset[Any] = frozenset()
        changes = replace(self._changes, deleted=nothing, deleted_labels=nothing, hidden=nothing, renamed={})
        self.change(self._organisation, changes)

    def close(self) -> None:
        """Stop, and hang up on every client, as a machine that dies would."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if self.broken and problem is None:
            raise AssertionError("the fake GitHub itself failed:\n" + "\n".join(self.broken))

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        if self.latency:
            self.sleep(self.latency)
        try:
            call, answer = self._prepare(request)
            with self._lock:
                self.log.append(call)
            request = replace(
                request, operation=call.operation, variables=call.variables, now=self.now(), answer=answer
            )
            response = self.intercept(request) if self.intercept else None
            if response is None:
                response = answer()
        except Exception:  # noqa: BLE001 - reported to the client, and to the test when it ends
            self.broken.append(traceback.format_exc())
            response = Response(HTTPStatus.INTERNAL_SERVER_ERROR, self.broken[-1].encode())
        return response.with_headers({"Date": format_datetime(self.now(), usegmt=True), "Server": "github.com"})

    def _must_have(self, repository: str) -> None:
        if repository not in self._organisation.repositories:
            raise ValueError(f"the organisation has no {repository}")

    def change(self, organisation: Organisation, changes: Changes) -> None:
        """Let another world begin."""
        world = build(organisation, changes)
        with self._lock:
            for name in self._changes.renamed.keys() | changes.renamed.keys():
                before, after = self._changes.renamed.get(name, name), changes.renamed.get(name, name)
                if before != after:
                    self.written.rename(before, after)
            self._organisation, self._changes = organisation, changes
            self._history.add(world, self.now())

    def _prepare(self, request: Request) -> tuple[Call, Answer]:
        """Log entry and true answer. Charged here: a request that fails later has cost its points."""
        if not request.graphql:
            return self._prepare_rest(request)
        call, plan = _read(request)
        caller = self._caller(request)
        if isinstance(caller, Response):
            return call, _always(caller)
        if not isinstance(plan, graphql.Plan):
            return call, _always(plan)
        quota, enough = self._charge("graphql", caller, request, plan.cost.points)
        headers = quota.headers("graphql") if quota else {}
        if not enough:
            limited = {"type": "RATE_LIMITED", "message": f"API rate limit exceeded for {caller.key}."}
            return call, _always(json_response(HTTPStatus.OK, {"errors": [limited]}, headers))
        context = Context(self._history.newest, plan.cost, quota, caller.owner, caller.permissions, self.written)
        call = replace(call, cost=plan.cost.points, nodes=plan.cost.nodes)

        def answer(lag: float = 0.0, errors: Errors | None = None, **variables: Any) -> Response:
            asked = plan
            if variables:
                _, changed = _read(request, variables)
                assert isinstance(changed, graphql.Plan)
                asked = changed
            moment = self.now() - timedelta(seconds=lag)
            then = replace(context, world=self._history.at(moment), moment=moment) if lag else context
            return json_response(HTTPStatus.OK, graphql.run(asked, then, errors), headers)

        return call, answer

    def _prepare_rest(self, request: Request) -> tuple[Call, Answer]:
        call = Call(f"{request.method} {request.path}", request.query, enterprise=request.enterprise)
        caller = self._caller(request)
        if isinstance(caller, Response):
            return call, _always(caller)
        quota, enough = self._charge("core", caller, request, 1)
        headers = quota.headers("core") if quota else {}
        if not enough:
            message = f"API rate limit exceeded for {caller.key}."
            return call, _always(error(HTTPStatus.FORBIDDEN, message, headers))
        visit = Visit(
            request,
            self._history.newest,
            self.now(),
            self._installations,
            caller.owner,
            caller.app,
            caller.login,
            caller.writes,
            self.written,
            self.roles,
            self.relabel,
        )

        def answer(lag: float = 0.0, errors: Errors | None = None, **variables: Any) -> Response:
            assert not lag
            assert not errors
            assert not variables
            return rest.answer(visit).with_headers(headers)

        return call, answer

    def _caller(self, request: Request) -> _Caller | Response:
        if not request.headers.get("user-agent"):
            return error(HTTPStatus.FORBIDDEN, "Request forbidden by administrative rules.")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not token or scheme.lower() not in {"bearer", "token"}:
            return error(HTTPStatus.UNAUTHORIZED, "Requires authentication")
        if rest.needs_app(request.method, request.path):
            return self._app(token)
        issued = self._installations.token(token, self.now())
        if issued is not None:
            owner = issued.owner
            return _Caller(
                f"installation of {owner}",
                owner.casefold(),
                permissions=issued.permissions,
                login=f"{SLUG}[bot]",
                writes=issued.writes,
            )
        if token != self.token:
            return error(HTTPStatus.UNAUTHORIZED, "Bad credentials")
        return _Caller("user ID 1", login=self.login, writes=self.writes)

    def _app(self, token: str) -> _Caller | Response:
        try:
            return _Caller("app", app=self._installations.check(token, self.now_of_apps()))
        except BadJWTError as problem:
            return error(HTTPStatus.UNAUTHORIZED, str(problem))

    def _charge(self, resource: str, caller: _Caller, request: Request, points: int) -> tuple[Quota | None, bool]:
        if request.enterprise:  # Enterprise Server has no limits unless its admin wants some
            return None, True
        with self._lock:
            quota, enough = charge(self._quotas.get((resource, caller.key)), points, self.budget, self.now())
            self._quotas[resource, caller.key] = quota
        return quota, enough


def _always(response: Response) -> Answer:
    def answer(lag: float = 0.0, errors: Errors | None = None, **variables: Any) -> Response:  # noqa: ARG001 - it is the same in any case
        return response

    return answer


def _read(request: Request, changed: Mapping[str, Any] | None = None) -> tuple[Call, graphql.Plan | Response]:
    """Take a GraphQL request apart, or say why GitHub would not run it."""
    call = Call(f"{request.method} {request.path}", {}, enterprise=request.enterprise)
    if request.method != "POST":
        return call, not_found()
    try:
        asked = json.loads(request.body)
    except ValueError:
        return call, error(HTTPStatus.BAD_REQUEST, "Problems parsing JSON")
    if not isinstance(asked, dict) or not isinstance(asked.get("query"), str):
        return call, error(HTTPStatus.BAD_REQUEST, "A query attribute must be specified and must be a string.")
    variables = {**(asked.get("variables") or {}), **(changed or {})}
    plan = graphql.plan(asked["query"], variables)
    if isinstance(plan, graphql.Plan):
        return replace(call, operation=plan.operation, variables=variables), plan
    return call, json_response(HTTPStatus.OK, plan)

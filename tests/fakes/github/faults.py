"""What goes wrong with GitHub, ready to be put into `GitHub.intercept`.

Each function returns an intercept. `on` and `times` say where and how often; `in_turn` plays one per request.
"""

import json
import random
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

from .github import Intercept
from .wire import Errors, Request, Response, error, json_response

LIMITED = "API rate limit exceeded for user ID 1."
HTML = {"Content-Type": "text/html; charset=utf-8"}


# --- Where and how often


def on(operation: str, fault: Intercept) -> Intercept:
    """Only for one operation, for example `List`."""
    return lambda request: fault(request) if request.operation == operation else None


def times(number: int, fault: Intercept) -> Intercept:
    """For the first requests only; those that `fault` itself lets pass do not count."""

    def intercept(request: Request) -> Response | None:
        nonlocal number
        if number <= 0:
            return None
        response = fault(request)
        number -= response is not None
        return response

    return intercept


def asking_for(repository: str, fault: Callable[[str], Intercept]) -> Intercept:
    """Only for requests that ask for a repository; `fault` is given its alias."""

    def intercept(request: Request) -> Response | None:
        for i in count():
            if f"n{i}" not in request.variables:
                return None
            if f"{request.variables[f'o{i}']}/{request.variables[f'n{i}']}" == repository:
                return fault(f"r{i}")(request)
        return None

    return intercept


def in_turn(*faults: Intercept | None) -> Intercept:
    """The first request meets the first fault, and so on; None and what follows is healthy."""
    rest = list(faults)

    def intercept(request: Request) -> Response | None:
        fault = rest.pop(0) if rest else None
        return fault(request) if fault else None

    return intercept


# --- HTTP


def server_error(status: int = 502) -> Intercept:
    """A proxy's page instead of JSON; 502 and 504 are GitHub's own timeouts."""
    page = f"<html><title>{status}</title><body>Unicorn! We had issues producing the response.</body></html>"
    return lambda _: Response(status, page.encode(), HTML)


def html_with_status_200() -> Intercept:
    return server_error(200)


def secondary_limit(status: int = 403, retry_after: int | None = None) -> Intercept:
    """Too many requests at once: 403 or 429, with and without Retry-After."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    return lambda _: error(status, message, headers)


def primary_limit(status: int = 403, seconds: int = 1) -> Intercept:
    """The hour's requests are used up; the next hour begins after `seconds`."""
    return lambda request: error(status, LIMITED, _used_up(request, seconds))


def bad_credentials() -> Intercept:
    return lambda _: error(401, "Bad credentials")


def forbidden(message: str = "This installation has been suspended") -> Intercept:
    """403, and GitHub says why."""
    return lambda _: error(403, message)


def wrong_address() -> Intercept:
    """A page instead of an API: the base URL leads elsewhere."""
    page = "<!DOCTYPE html><html><title>Page not found</title></html>"
    return lambda _: Response(404, page.encode(), HTML)


def truncated_body() -> Intercept:
    """The connection dies in the middle of the true answer."""

    def intercept(request: Request) -> Response:
        response = request.answer()
        return Response(response.status, response.body, response.headers, cut=len(response.body) // 2)

    return intercept


def no_answer() -> Intercept:
    """The connection dies after the headers."""
    return lambda _: Response(200, b"{}", cut=0)


def slow(seconds: float, sleep: Callable[[float], None] = time.sleep) -> Intercept:
    def intercept(_: Request) -> None:
        sleep(seconds)

    return intercept


# --- GraphQL, all with status 200


def rate_limited(seconds: int = 1) -> Intercept:
    """The hour's points are used up; the next hour begins after `seconds`."""
    body = {"errors": [{"type": "RATE_LIMITED", "message": LIMITED}]}
    return lambda request: json_response(200, body, _used_up(request, seconds))


def _used_up(request: Request, seconds: int) -> dict[str, str]:
    reset = int(request.now.timestamp()) + seconds
    return {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset)}


def error_without_path() -> Intercept:
    """GitHub's apology, which does not say what it could not do."""
    message = "Something went wrong while executing your query. This may be the result of a timeout."
    return _errors({"message": message}, data=None)


def unknown_field(field: str = "archivedAt") -> Intercept:
    """An old Enterprise Server does not know a field, and runs nothing of the query."""
    message = f"Field '{field}' doesn't exist on type 'Repository'"
    path = ["query", "r0", field]
    return _errors({"path": path, "extensions": {"code": "undefinedField", "fieldName": field}, "message": message})


def empty_object() -> Intercept:
    """Neither data nor errors."""
    return lambda _: json_response(200, {})


def nested_error(*place: str | int, kind: str = "FORBIDDEN", message: str = "GitHub hides this") -> Intercept:
    """One place of the answer cannot be given: it is null, or what is above it where the schema promises a value.

    Where a request has no such place, nothing is wrong with its answer.
    """
    return lambda request: request.answer(errors={place: (kind, message)}) if request.graphql else None


def null_repository(alias: str = "r0") -> Intercept:
    """A repository is missing and nothing says why."""

    def spoil(answer: dict[str, Any]) -> None:
        answer["data"][alias] = None

    return spoiled(spoil)


def alias_error(
    alias: str, kind: str = "FORBIDDEN", message: str = "Resource not accessible by integration"
) -> Intercept:
    """One alias cannot be answered, the others are."""

    def spoil(answer: dict[str, Any]) -> None:
        answer["data"][alias] = None
        answer.setdefault("errors", []).append({"type": kind, "path": [alias], "message": message})

    return spoiled(spoil)


def resource_limits_exceeded() -> Intercept:
    """GitHub stopped half way: the last repository is missing, and of the others' lists the last entry."""

    def spoil(answer: dict[str, Any]) -> None:
        limits: dict[str, Any] = {
            "type": "RESOURCE_LIMITS_EXCEEDED",
            "message": "Resource limits for this query exceeded.",
        }
        for content in _lists(answer):
            del content["nodes"][-1:]
        aliases = [name for name in answer["data"] if name != "rateLimit"]
        if aliases:
            answer["data"][aliases[-1]] = None
            limits["path"] = [aliases[-1]]
        answer.setdefault("errors", []).append(limits)

    return spoiled(spoil)


# --- Answers that look whole


def lost_half(*, honest: bool) -> Intercept:
    """Every second entry of each list is missing; an `honest` GitHub still counts them."""

    def spoil(answer: dict[str, Any]) -> None:
        for content in _lists(answer):
            lost = len(content["nodes"][1::2])
            del content["nodes"][1::2]
            content["totalCount"] -= 0 if honest else lost

    return on("List", spoiled(spoil))


def first_page_only(size: int = 1, *, honest: bool = True) -> Intercept:
    """Each list ends after its first `size` entries; an `honest` GitHub still counts the others."""

    def spoil(answer: dict[str, Any]) -> None:
        for content in _lists(answer):
            del content["nodes"][size:]
            content["pageInfo"]["hasNextPage"] = False
            if not honest:
                content["totalCount"] = len(content["nodes"])

    return on("List", spoiled(spoil))


def out_of_order(rng: random.Random) -> Intercept:
    """Entries of lists, also of the newest pull requests, come in any order."""

    def spoil(answer: dict[str, Any]) -> None:
        for content in [*_lists(answer), *_lists(answer, "newest")]:
            rng.shuffle(content["nodes"])

    return spoiled(spoil)


def pages_out_of_order() -> Intercept:
    """Each list's second page comes first, and the first one when the second one is asked for."""
    held: dict[str, list[Any]] = {}  # first pages, by the cursor of the second one

    def intercept(request: Request) -> Response:
        response = request.answer()
        answer = response.json()
        for alias, content in _lists_by_alias(answer).items():
            cursor, after = content["pageInfo"]["endCursor"], request.variables.get(f"a{alias[1:]}")
            if after is None and content["pageInfo"]["hasNextPage"]:
                second = _lists_by_alias(request.answer(**{f"a{alias[1:]}": cursor}).json())[alias]
                held[cursor], content["nodes"] = content["nodes"], second["nodes"]
            elif after in held:
                first = held.pop(after)
                content["nodes"][: len(first)] = first
        return json_response(response.status, answer, response.headers)

    return on("List", intercept)


def null_nodes() -> Intercept:
    """The first entry of each list is null, and nothing says why."""

    def spoil(answer: dict[str, Any]) -> None:
        for content in _lists(answer):
            content["nodes"][:1] = [None] * len(content["nodes"][:1])

    return on("List", spoiled(spoil))


def going_back(rng: random.Random, up_to: float = 8.0, fault: Intercept | None = None) -> Intercept:
    """Each answer is as old as it happens: it can be older than the one before. Another fault may come on top."""

    def intercept(request: Request) -> Response | None:
        if request.graphql:
            now, age = request.answer, rng.uniform(0, up_to)

            def late(lag: float = age, errors: Errors | None = None, **variables: Any) -> Response:
                return now(lag, errors, **variables)

            request = replace(request, answer=late)
        response = fault(request) if fault else None
        return request.answer() if response is None else response

    return intercept


def _lists(answer: dict[str, Any], name: str = "list") -> list[dict[str, Any]]:
    return list(_lists_by_alias(answer, name).values())


def _lists_by_alias(answer: dict[str, Any], name: str = "list") -> dict[str, dict[str, Any]]:
    data = answer.get("data") or {}
    return {alias: value[name] for alias, value in data.items() if isinstance(value, dict) and name in value}


def _errors(problem: dict[str, Any], **content: Any) -> Intercept:
    return lambda _: json_response(200, {**content, "errors": [problem]})


def spoiled(spoil: Callable[[dict[str, Any]], None]) -> Intercept:
    """Change the true answer of each GraphQL request that has one."""

    def intercept(request: Request) -> Response | None:
        if not request.graphql:
            return None
        response = request.answer()
        answer = json.loads(response.body)
        if answer.get("data") is None:
            return None
        spoil(answer)
        return json_response(response.status, answer, response.headers)

    return intercept


# Every way in which GitHub answers nothing useful, by the names that tests show.
OUTAGES = {
    "500": server_error(500),
    "502 with a page": server_error(502),
    "504 with a page": server_error(504),
    "200 with a page": html_with_status_200(),
    "200 without data": empty_object(),
    "403 secondary limit with Retry-After": secondary_limit(403, retry_after=1),
    "429 with Retry-After": secondary_limit(429, retry_after=1),
    "403 primary limit": primary_limit(403),
    "429 primary limit": primary_limit(429),
    "RATE_LIMITED with status 200": rate_limited(),
    "error without a path": error_without_path(),
    "token revoked": bad_credentials(),
    "truncated body": truncated_body(),
    "no body": no_answer(),
}

# Outages too, but GitHub's rules ask for a minute of silence after them.
SILENCING = {
    "403 secondary limit": secondary_limit(403),
    "429 secondary limit": secondary_limit(429),
}

# Nothing can be learnt about acme/orders when it is listed; the rest is good.
PARTIAL = {
    "null repository": on("List", asking_for("acme/orders", null_repository)),
    "forbidden repository": on("List", asking_for("acme/orders", alias_error)),
    "repository not found": on(
        "List",
        asking_for("acme/orders", lambda alias: alias_error(alias, "NOT_FOUND", "Could not resolve to a Repository")),
    ),
    "resource limits exceeded": on("List", resource_limits_exceeded()),
}

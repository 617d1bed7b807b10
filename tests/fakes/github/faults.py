"""What goes wrong with GitHub, ready to be put into `GitHub.intercept`.

Each function returns an intercept. `on` and `times` say where and how often; `in_turn` plays one per request.
"""

import json
import time
from collections.abc import Callable
from typing import Any

from .server import Intercept
from .wire import Request, Response, error, json_response

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


def primary_limit(status: int = 403, reset: int = 4_000_000_000) -> Intercept:
    """The hour's requests are used up; `reset` is the second at which the next hour begins."""
    headers = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset)}
    return lambda _: error(status, "API rate limit exceeded for user ID 1.", headers)


def bad_credentials() -> Intercept:
    return lambda _: error(401, "Bad credentials")


def truncated_body() -> Intercept:
    """The connection dies in the middle of the true answer."""

    def intercept(request: Request) -> Response:
        response = request.answer()
        return Response(response.status, response.body, response.headers, cut=len(response.body) // 2)

    return intercept


def no_answer() -> Intercept:
    """The connection dies after the headers."""
    return lambda _: Response(200, b"{}", cut=0)


def slow(seconds: float) -> Intercept:
    def intercept(_: Request) -> None:
        time.sleep(seconds)

    return intercept


# --- GraphQL, all with status 200


def rate_limited() -> Intercept:
    """The hour's points are used up."""
    return _errors({"type": "RATE_LIMITED", "message": "API rate limit exceeded for user ID 1."})


def error_without_path() -> Intercept:
    """GitHub's apology, which does not say what it could not do."""
    message = "Something went wrong while executing your query. This may be the result of a timeout."
    return _errors({"message": message}, data=None)


def empty_object() -> Intercept:
    """Neither data nor errors."""
    return lambda _: json_response(200, {})


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
        aliases = [name for name, value in answer["data"].items() if value is not None and name != "rateLimit"]
        for alias in aliases:
            if isinstance(answer["data"][alias], dict) and "list" in answer["data"][alias]:
                del answer["data"][alias]["list"]["nodes"][-1:]
        answer["data"][aliases[-1]] = None
        limits = {"type": "RESOURCE_LIMITS_EXCEEDED", "message": "Resource limits for this query exceeded."}
        answer.setdefault("errors", []).append({**limits, "path": [aliases[-1]]})

    return spoiled(spoil)


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
    "403 secondary limit": secondary_limit(403),
    "403 secondary limit with Retry-After": secondary_limit(403, retry_after=60),
    "429 secondary limit": secondary_limit(429),
    "429 with Retry-After": secondary_limit(429, retry_after=60),
    "403 primary limit": primary_limit(403),
    "429 primary limit": primary_limit(429),
    "RATE_LIMITED with status 200": rate_limited(),
    "error without a path": error_without_path(),
    "token revoked": bad_credentials(),
    "truncated body": truncated_body(),
    "no body": no_answer(),
}

# Some of the answer is missing; the rest is good.
PARTIAL = {
    "null repository": on("List", null_repository("r1")),
    "forbidden repository": on("List", alias_error("r1")),
    "repository not found": on("List", alias_error("r1", "NOT_FOUND", "Could not resolve to a Repository")),
    "resource limits exceeded": on("List", resource_limits_exceeded()),
}

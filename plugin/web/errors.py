"""Errors as JSON: short and stable, so that a cause always has the same text in Argo CD's conditions."""

import json
from http import HTTPStatus

from flask import Flask, Response
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]
from werkzeug.exceptions import HTTPException

from plugin.errors import InvalidRequest, NotReady
from plugin.logs import get_logger

_MESSAGES = {
    HTTPStatus.BAD_REQUEST: "the request cannot be read",
    HTTPStatus.NOT_FOUND: "there is nothing at this path",
    HTTPStatus.METHOD_NOT_ALLOWED: "this path does not accept this method",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "the request body is too large",
}
_HEADERS = ("Allow", "Retry-After")


def register_errors(app: Flask) -> None:
    """Turn every exception into an error response with a JSON message."""

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
        is_ours = error.description and error.description != type(error).description
        answer = _answer(status, str(error.description) if is_ours else _MESSAGES.get(HTTPStatus(status), error.name))
        answer.headers.extend([(name, value) for name, value in error.get_headers() if name in _HEADERS])
        return answer

    @app.errorhandler(ParseException)
    def broken_body(_: ParseException) -> Response:
        return _answer(HTTPStatus.BAD_REQUEST, "the request body is not valid chunked encoding")

    @app.errorhandler(InvalidRequest)
    def invalid_request(error: InvalidRequest) -> Response:
        return _answer(HTTPStatus.BAD_REQUEST, str(error))

    @app.errorhandler(NotReady)
    def not_ready(error: NotReady) -> Response:
        return _answer(HTTPStatus.SERVICE_UNAVAILABLE, str(error))

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        get_logger().error("unexpected error", exc_info=error)
        return _answer(HTTPStatus.INTERNAL_SERVER_ERROR, "unexpected error; see the plugin's log")


def _answer(status: int, message: str) -> Response:
    return Response(json.dumps({"message": message}), status, mimetype="application/json")

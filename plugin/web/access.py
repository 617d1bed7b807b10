"""The access log: counts every request, and logs those that say something new and are not from probes."""

import time

from flask import Flask, Response, g, request

from plugin.logs import get_logger
from plugin.metrics import Metrics


def register_access_log(app: Flask, metrics: Metrics) -> None:
    """Count every response, and log it unless it is a probe's or sets `g.quiet`."""
    log = get_logger()

    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def finish(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "none"
        metrics.requests.labels(route, response.status_code).inc()
        if request.blueprint != "probes" and not g.get("quiet"):
            log.info(
                "request",
                method=request.method,
                route=route,
                status=response.status_code,
                milliseconds=round((time.perf_counter() - g.started) * 1000, 1),
                bytes=response.content_length,
                application_set=g.get("application_set", ""),
            )
        return response

"""Liveness, readiness and metrics."""

from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from plugin.mirror.answers import Answers


def probes(answers: Answers, registry: CollectorRegistry) -> Blueprint:
    """Make the routes."""
    blueprint = Blueprint("probes", __name__)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        return jsonify({"status": "ok"})

    @blueprint.get("/readyz")
    def readyz() -> Response:
        answers.current()  # raises NotReady, but never because it is stale: the read routes must be able to say why
        return jsonify({"status": "ready"})

    @blueprint.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    return blueprint

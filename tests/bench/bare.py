"""The baseline for speed: a Flask view that returns the same bytes and does nothing else."""

import os
from pathlib import Path

from flask import Flask, Response


def app() -> Flask:
    """Make the app; gunicorn runs it."""
    bare = Flask("bare")
    body = Path(os.environ["BARE_BODY"]).read_bytes()

    @bare.post("/api/v1/getparams.execute")
    def answer() -> Response:
        return Response(body, mimetype="application/json")

    return bare

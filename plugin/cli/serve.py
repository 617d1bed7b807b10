"""`preview-plugin serve`: the server, which is gunicorn with fixed arguments."""

import os
import sys
from contextlib import closing

import click

from plugin.app import watch_catalog
from plugin.cli.failures import errors_for_people
from plugin.logs import configure_logs, get_logger
from plugin.settings import Settings, load_settings, trust_certificates, unknown_variables
from plugin.state.opening import open_state

WORKER = "plugin.web.worker.Worker"
THREADS = 16
# Argo CD's client closes an idle connection after 90 seconds. The server must not close it first: a request on a
# connection that is closing fails the whole ApplicationSet for three minutes.
KEEP_ALIVE = 120


@click.command("serve")
def command() -> None:
    """Answer Argo CD until stopped.

    Settings come from PREVIEW_ variables.
    """
    configure_logs()
    with errors_for_people():
        settings = load_settings(Settings, os.environ)
        trust_certificates(os.environ)
        with closing(open_state(settings.state.get_secret_value())) as state:
            watch_catalog(settings.catalog, state.store)
    for name in unknown_variables(os.environ):
        get_logger().warning("unknown setting", variable=name)
    # One process keeps one snapshot; its threads share it.
    arguments = ["--bind", settings.bind, "--worker-class", WORKER, "--workers", "1", "--threads", str(THREADS)]
    arguments += ["--keep-alive", str(KEEP_ALIVE)]
    arguments += ["--no-control-socket", "--log-level", "warning", "plugin.wsgi:app()"]
    os.execv(sys.executable, [sys.executable, "-m", "gunicorn", *arguments])  # noqa: S606  fixed arguments

"""The entry point for gunicorn: `plugin.wsgi:app()`, called in the worker, because threads do not survive a fork."""

import os

from flask import Flask

from plugin.app import serve
from plugin.logs import configure_logs
from plugin.settings import Settings, load_settings


def app() -> Flask:
    """Make the app from the environment."""
    configure_logs()
    return serve(load_settings(Settings, os.environ))

#!/usr/bin/env python
"""Django's commands. The app's pod runs `python manage.py migrate` before its server starts."""

import os
import signal
import sys

from django.core.management import execute_from_command_line


def stop(*_: object) -> None:
    """End at once: process 1 of a container has no default action for SIGTERM, so it would wait for SIGKILL."""
    # Not sys.exit(), which would first wait for the statement that the database is working on. PostgreSQL rolls back.
    os._exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "app.settings")
    execute_from_command_line(sys.argv)

"""The plugin with a clock that a test sets: the file named by CLOCK holds the seconds by which it is wrong."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from werkzeug.serving import run_simple

from plugin.app import serve
from plugin.settings import Settings, load_settings


def wrong_clock() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=int(Path(os.environ["CLOCK"]).read_text("utf-8")))


if __name__ == "__main__":
    settings = load_settings(Settings, os.environ)
    host, _, port = settings.bind.rpartition(":")
    run_simple(host, int(port), serve(settings, wrong_clock), threaded=True)

"""The plugin with a clock that a test sets: the file named by CLOCK holds the seconds by which it is wrong.

Without arguments it is the server, which also writes reports ten times as fast, otherwise the command line.

python -m tests.conformance.jumping pause orders-12
"""

import os
import sys
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Self
from unittest.mock import patch

from werkzeug.serving import run_simple

from plugin.app import serve
from plugin.cli import main
from plugin.settings import Settings, load_settings


def wrong_clock() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=int(Path(os.environ["CLOCK"]).read_text("utf-8")))


class Wrong(datetime):
    """The command line's clock."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls.fromtimestamp(wrong_clock().timestamp(), tz)


if __name__ == "__main__" and sys.argv[1:]:
    with patch("plugin.cli.acting.datetime", Wrong):
        main()
elif __name__ == "__main__":
    settings = load_settings(Settings, os.environ)
    host, _, port = settings.bind.rpartition(":")
    with patch("plugin.report.reporter.PACE", 0.1), patch("plugin.report.reporter.TICK", 0.2):
        run_simple(host, int(port), serve(settings, wrong_clock), threaded=True)

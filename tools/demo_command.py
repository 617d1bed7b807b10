"""The command preview-plugin at the moment that the demo shows. Only its clock is not as users have it.

python -m tools.demo_command list
"""

import runpy
import sys
from datetime import datetime, tzinfo
from typing import Self
from unittest.mock import patch

from plugin.cli import main
from tools.demo_day import MOMENT


class Stopped(datetime):
    """Time that stands still, so that the demo prints the same on every day."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        """Return the moment of the demo."""
        return cls.fromtimestamp(MOMENT.timestamp(), tz)


def _go_on_here(_: str, command: list[str]) -> None:
    """Run the server in this process, in which time stands still, instead of in a new one."""
    _, _, module, *arguments = command  # python -m gunicorn ...
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__")


if __name__ == "__main__":
    with patch("plugin.app.datetime", Stopped), patch("os.execv", _go_on_here):
        main()

"""The command line: `serve`, and the same answers without a server.

Each command is the `command` of the module that has its name. That module is imported when the command is used, because
what the server needs takes a second to import, and `check` runs before each commit.
"""

from importlib import import_module

import click

COMMANDS = (
    "init",
    "check",
    "list",
    "explain",
    "params",
    "ask",
    "pause",
    "resume",
    "extend",
    "acknowledge",
    "serve",
)


class _Commands(click.Group):
    """The commands in the order in which people meet them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Return their names."""
        return [*COMMANDS]  # not list(): that is a module of this package once it was imported

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's signature
        """Import a command; None if there is none with this name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"{__name__}.{cmd_name}").command
        return command


@click.group(cls=_Commands)
@click.version_option(package_name="preview-plugin")
def main() -> None:
    """Preview environments for Argo CD, one for each labelled pull request."""

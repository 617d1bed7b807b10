"""The command line: `serve`, and the same answers without a server."""

import click

from plugin.cli.act import acknowledge
from plugin.cli.ask import explain, params
from plugin.cli.check import check
from plugin.cli.serve import serve
from plugin.logs import configure_logs


@click.group()
@click.version_option(package_name="preview-plugin")
def main() -> None:
    """Preview environments for Argo CD, one for each labelled pull request."""
    configure_logs()


for command in (serve, params, explain, check, acknowledge):
    main.add_command(command)

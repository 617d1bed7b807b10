"""`list`: a table of all previews."""

import json

import click

from plugin.app import clock
from plugin.cli.failures import errors_for_people
from plugin.cli.reading import read_once
from plugin.core.answers.overview import calls, deployments, earlier_ends, has_problem, problems, resting, total
from plugin.core.config.messages import visible
from plugin.mirror.current import Current
from plugin.mirror.described import describe, state_of


@click.command("list")
@click.option("--problems", "only_problems", is_flag=True, help="Only what has no preview or a problem.")
@click.option("--json", "as_json", is_flag=True, help="Print what GET /api/v1/previews answers.")
def command(*, only_problems: bool, as_json: bool) -> None:
    """Show all previews and where they call.

    Also which pull requests ask for a preview and get none, and what is wrong with those that have one.
    """
    with errors_for_people():
        current = read_once().plugin.answers.current()
    held, reported, previews = current.moment.held, current.reported, list(current.previews)
    shown = [preview for preview in previews if has_problem(preview, held, reported)] if only_problems else previews
    if as_json:
        content = state_of(current, clock()) | {"previews": [describe(preview, current) for preview in shown]}
        click.echo(json.dumps(content, indent=2))
        return
    lines: list[str] = []
    if not only_problems:
        lines += (*calls(shown), *resting(shown, _announced(current)), *deployments(shown, reported))
    lines += problems(shown, held, reported, current.queue, current.missing_labels)
    lines += earlier_ends(current.earlier_ends, current.to_release)
    text = "\n".join(map(visible, (*lines, "", total(previews))))
    click.echo(text.lstrip("\n"))


def _announced(current: Current) -> set[str]:
    lives = ((preview.key, current.life(preview)) for preview in current.previews)
    return {key for key, life in lives if life and life.announced}

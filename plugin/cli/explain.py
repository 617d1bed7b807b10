"""`explain`: what happens to one pull request, and why."""

import json
from collections.abc import Iterator

import click

from plugin.app import clock
from plugin.cli.failures import errors_for_people
from plugin.cli.reading import read_once
from plugin.core.answers.explanation import Remembered, explanation, history
from plugin.core.answers.history import Event
from plugin.core.answers.wanted import Wanted, parse_wanted
from plugin.core.config.messages import visible
from plugin.core.config.names import folded
from plugin.core.decision.preview import Preview
from plugin.mirror.current import Current
from plugin.mirror.described import describe, describe_history, state_of


@click.command("explain")
@click.argument("preview")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; `reason` says why there is no preview.")
def command(preview: str, *, as_json: bool) -> None:
    """Explain one preview, or why there is none.

    PREVIEW is a pull request (acme/orders#12, or its URL) or a preview (orders-12, its namespace, or its URL). Exits
    with status 1 if there is no preview.
    """
    with errors_for_people():
        reading = read_once()
        current = reading.plugin.answers.current()
        assert current.known.catalog  # noqa: S101  current() has made sure
        wanted = parse_wanted(preview, current.known.catalog)
        found = [each for each in current.previews if _is_meant(each, wanted)]
        reason = "" if found else reading.why_none(wanted)
    histories = {key: reading.stored.histories.get(key, ()) for key in _keys(found, wanted, current)}
    if as_json:
        content = state_of(current, clock()) | {
            "reason": reason,
            "previews": [describe(each, current) for each in found],
            "history": {key: describe_history(events) for key, events in histories.items()},
        }
        click.echo(json.dumps(content, indent=2))
    else:
        for line in _lines(found, current, reason, histories):
            click.echo(visible(line))
    if not any(preview.verdict.live for preview in found):
        raise SystemExit(1)


def _is_meant(preview: Preview, wanted: Wanted) -> bool:
    return folded(preview.locator) == folded(str(wanted.locator)) and wanted.admits(preview.service.name)


def _keys(found: list[Preview], wanted: Wanted, current: Current) -> list[str]:
    """Return the keys of the previews that are there, or else of those that may have been there."""
    if found:
        return [preview.key for preview in found]
    services = (service.name for service in current.services_of(wanted.locator))
    return [f"{service}/{wanted.locator.number}" for service in services if wanted.admits(service)]


def _lines(
    found: list[Preview], current: Current, reason: str, histories: dict[str, tuple[Event, ...]]
) -> Iterator[str]:
    if reason:
        yield reason
        for events in histories.values():
            yield from history(events)
    for preview in found:
        remembered = Remembered(
            held=current.moment.held.get(preview.key, ""),
            life=current.life(preview),
            queue_place=current.queue_place(preview),
            report=current.reported.get(preview.key),
            events=histories[preview.key],
        )
        yield from explanation(preview, remembered)

"""Explanations of one preview in lines of text, for people at a terminal. Pure."""

from collections.abc import Iterable, Iterator
from datetime import UTC

from plugin.core.answers.history import Event
from plugin.core.decision.preview import Preview


def explanation(preview: Preview, held: str, events: Iterable[Event]) -> Iterator[str]:
    """Say what becomes of a preview, where its calls go and what has happened to it, with every reason."""
    yield f"{preview.service.name} for {preview.locator}: {preview.verdict.state}, because {preview.verdict.reason}"
    if preview.verdict.live:
        yield f"  {preview.url}  namespace {preview.name}"
    if held:
        yield f"  held: {held}"
    if preview.config_error:
        yield f"  config error: {preview.config_error}"
    for warning in preview.warnings:
        yield f"  warning: {warning}"
    for dependency in preview.dependencies:
        yield f"  {dependency.service} -> {dependency.locator or dependency.target}  {dependency.url}"
        yield f"    {dependency.rule}: {dependency.reason}"
        for rejected in dependency.rejected:
            wish = f" ({rejected.wish})" if rejected.wish else ""  # the catalog can link without a wish
            yield f"    not {rejected.rule}{wish}: {rejected.reason}"
    yield from history(events)


def history(events: Iterable[Event]) -> Iterator[str]:
    """Say what happened, the oldest first."""
    for event in events:
        yield f"  {event.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z {event.kind}: {event.reason}"

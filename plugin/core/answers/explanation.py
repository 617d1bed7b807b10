"""Explanations of one preview in lines of text, for people at a terminal. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from plugin.core.answers.history import Event
from plugin.core.decision.preview import Preview
from plugin.core.facts.deployments import Reported
from plugin.core.facts.lives import Life

SHORT = 8  # digits of a commit


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is known of a preview beyond the decision on it."""

    held: str = ""  # why it stays although it would leave, or ""
    life: Life | None = None
    queue_place: int = 0  # from 1; 0: it is not in the queue
    report: Reported | None = None  # what Argo CD said about the commit that it runs
    events: tuple[Event, ...] = ()


def explanation(preview: Preview, remembered: Remembered) -> Iterator[str]:
    """Say what becomes of a preview, where its calls go and what has happened to it, with every reason."""
    yield f"{preview.service.name} for {preview.locator}: {preview.verdict.state}, because {preview.verdict.reason}"
    if preview.verdict.live:
        yield f"  {preview.url}  namespace {preview.name}"
    yield from _life(preview, remembered)
    if remembered.report:
        yield f"  Argo CD: {reported(remembered.report)}"
    if remembered.held:
        yield f"  held: {remembered.held}"
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
    yield from history(remembered.events)


def reported(report: Reported) -> str:
    """Say what Argo CD reported, since when, and why."""
    return f"{report.state} since {_time(report.at)}" + (f": {report.message}" if report.message else "")


def history(events: Iterable[Event]) -> Iterator[str]:
    """Say what happened, the oldest first."""
    for event in events:
        yield f"  {_time(event.at)} {event.kind}: {event.reason}"


def _life(preview: Preview, remembered: Remembered) -> Iterator[str]:
    life, verdict = remembered.life, preview.verdict
    head = preview.pull_request.head_sha
    if verdict.live and preview.deploy_sha != head:
        yield f"  commit {preview.deploy_sha[:SHORT]}, while the head is {head[:SHORT]}"
    if life and life.since:
        yield f"  {verdict.state} since {_time(life.since)}"
    if verdict.ends_at:
        announced = life.announced if life else None
        yield f"  ends at {_time(verdict.ends_at)}" + (f", announced at {_time(announced.at)}" if announced else "")
    if remembered.queue_place:
        yield f"  place {remembered.queue_place} in the queue"


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"

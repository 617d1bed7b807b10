"""An overview of all previews in lines of text, for people at a terminal. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from plugin.core.answers.explanation import reported as said
from plugin.core.decision.preview import Preview
from plugin.core.facts.deployments import Deployed, Reported
from plugin.core.facts.lives import State

_HEADER = ("PREVIEW", "PULL REQUEST", "STATE", "CALLS", "AT", "RULE", "WHY")
_CALLS_NOBODY = ("-", "-", "-", "it calls no other service")
_BROKEN = (Deployed.FAILED, Deployed.DEGRADED)


def calls(previews: Iterable[Preview]) -> Iterator[str]:
    """Say where each call of the live previews goes, which rule decided that, and why."""
    rows: list[Sequence[str]] = []
    for preview in previews:
        if preview.verdict.live:
            found = [(it.service, it.locator or it.target, it.rule.value, it.reason) for it in preview.dependencies]
            first, *others = found or [_CALLS_NOBODY]
            row = (_name(preview), preview.locator, preview.verdict.state.value)
            rows += [(*row, *first), *(("", "", "", *other) for other in others)]
    if rows:
        yield from _aligned([_HEADER, *rows])


def resting(previews: Iterable[Preview], announced: Collection[str]) -> Iterator[str]:
    """Say why live previews are paused, and which end soon; `announced` are those whose end was announced, by key."""
    rows = [
        (_name(it), it.locator, it.verdict.reason)
        for it in previews
        if it.verdict.state is State.PAUSED or (it.verdict.live and it.key in announced)
    ]
    if rows:
        yield from ("", "Paused, or about to end:", *_aligned(rows, indent="  "))


def deployments(previews: Iterable[Preview], reported: Mapping[str, Reported]) -> Iterator[str]:
    """Say what Argo CD reported about the live previews; `reported` has it by the preview's key."""
    live = [preview for preview in previews if preview.verdict.live and preview.key in reported]
    if live:
        yield from ("", "What Argo CD reported:")
        yield from _aligned([(_name(it), it.locator, said(reported[it.key])) for it in live], indent="  ")


def problems(
    previews: Sequence[Preview],
    held: Mapping[str, str],
    reported: Mapping[str, Reported],
    queue: Mapping[str, int],
    missing_labels: Mapping[str, Iterable[str]],
) -> Iterator[str]:
    """Say which pull requests have no preview, and what is wrong with those that have one.

    `held` says why a preview stays, and `reported` what Argo CD said about it, by its key; `queue` the place of a pull
    request in the queue, by its locator; `missing_labels` which labels a repository lacks, by its name.
    """
    without = [(_name(it), it.locator, _state(it, queue), it.verdict.reason) for it in previews if not it.verdict.live]
    with_one = [(_name(it), it.locator, problem) for it in previews for problem in _problems_of(it, held, reported)]
    labels = [(name, f'has no label "{label}"') for name, missing in missing_labels.items() for label in missing]
    for title, rows in (
        ("No preview, and why:", without),
        ("Problems (these previews stay):", with_one),
        ("Labels that do not exist, so that no pull request can have them:", labels),
    ):
        if rows:
            yield from ("", title, *_aligned(rows, indent="  "))


def has_problem(preview: Preview, held: Mapping[str, str], reported: Mapping[str, Reported]) -> bool:
    """Tell whether a pull request has no preview, or there is something wrong with the one that it has."""
    return not preview.verdict.live or any(_problems_of(preview, held, reported))


def earlier_ends(count: int, to_release: str) -> Iterator[str]:
    """Say how many ends an edit would bring forward, and the command that lets it; nothing if there are none."""
    if count:
        ends = "1 end" if count == 1 else f"{count} ends"
        yield ""
        yield f"The breaker holds back {ends} that an edit of the catalog would bring forward."
        yield f"If that is meant: {to_release}"


def total(previews: Sequence[Preview]) -> str:
    """Count the previews."""
    live = sum(preview.verdict.live for preview in previews)
    return f"{live} {'preview' if live == 1 else 'previews'}, {len(previews) - live} without one"


def _problems_of(preview: Preview, held: Mapping[str, str], reported: Mapping[str, Reported]) -> Iterator[str]:
    report = reported.get(preview.key)
    if report and report.state in _BROKEN and preview.verdict.live:
        yield f"Argo CD: {said(report)}"
    if preview.key in held:
        yield f"held: {held[preview.key]}"
    if preview.config_error:
        yield f"config error: {preview.config_error}"
    for warning in preview.warnings:
        yield f"warning: {warning}"


def _state(preview: Preview, queue: Mapping[str, int]) -> str:
    state = preview.verdict.state
    return f"{state}, place {queue[preview.locator]}" if state is State.QUEUED and preview.locator in queue else state


def _name(preview: Preview) -> str:
    return preview.key.replace("/", "-")


def _aligned(rows: Sequence[Sequence[str]], indent: str = "") -> Iterator[str]:
    """Lay out rows of cells in columns; the last one has any width."""
    widths = [max(map(len, column)) for column in list(zip(*rows, strict=True))[:-1]]
    for *cells, last in rows:
        padded = (f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True))
        yield indent + "  ".join((*padded, last))

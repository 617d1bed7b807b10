"""The comment on a pull request: what its previews are, whom they call and why, who calls them, and what is wrong.

Only the fixed words are Markdown of ours. Whatever people write goes through `prose` or `code`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate

from plugin.core.decision.links import Dependency, LinkRule
from plugin.core.decision.preview import Preview
from plugin.core.facts.lives import State
from plugin.core.reports.markdown import cell, code, prose, sentence
from plugin.core.reports.naming import Naming
from plugin.core.reports.progress import Progress, Stage
from plugin.core.reports.said import Place, failure

MARKER = "<!-- preview-plugin v1"  # how it begins
_CONFIDENTIAL = f"{MARKER} confidential -->"
_PUBLIC = f"{MARKER} -->"
MOST = 20  # lines of one list
LONGEST = 60_000  # characters; GitHub takes 65,536
SHORT = 7  # digits of a commit

_COMMENTS = {"resume": " resume", "extend": " extend", "ask": ""}
_RUN = re.compile(rf"\brun(s?) preview-plugin ({'|'.join(_COMMENTS)})\b")


@dataclass(frozen=True, slots=True)
class Caller:
    """A live preview that calls another one."""

    service: str
    repository: str
    locator: str


@dataclass(frozen=True, slots=True)
class About:
    """One preview with everything that the comment says of it."""

    progress: Progress
    held: str  # why it stays although it would leave, or ""
    callers: tuple[Caller, ...]  # of other pull requests
    announced: datetime | None  # the end that was announced


def comment(previews: Sequence[About], place: Place) -> str:
    """Return the comment about all previews of one pull request, in the order of their services."""
    return _body(place.naming, *paragraphs(previews, place))


def paragraphs(previews: Sequence[About], place: Place) -> Iterator[str]:
    """Say everything about all previews of one pull request."""
    said = _paragraphs(previews, place)
    return map(for_commenters, said) if place.catalog.commands else said


def for_commenters(markdown: str) -> str:
    """Say what people can comment instead of the commands that only some of them can run."""
    return _RUN.sub(lambda run: f"comment{run[1]} `/preview{_COMMENTS[run[2]]}`", markdown)


def _paragraphs(previews: Sequence[About], place: Place) -> Iterator[str]:
    first = previews[0].progress.preview
    if first.pull_request.fork:
        yield f"**No preview:** {_sentence(first.verdict.reason, place.naming)}"
        return
    yield _headline(previews)
    if any(about.progress.preview.verdict.live for about in previews):
        yield _table(previews)
    for about in previews:
        yield from (_list(title, lines) for title, lines in _sections(about, place, several=len(previews) > 1))
    if place.catalog.commands:
        yield "Comment `/preview help` to see what you can do."


def farewell(reason: str, naming: Naming) -> str:
    """Return what the comment says once nothing is left."""
    return _body(naming, f"**The preview is gone:** {_sentence(reason, naming)}")


def links_on_purpose(call: Dependency) -> bool:
    """Tell whether somebody asked where a call goes, and got it or not."""
    fell_back = any(rejected.rule is call.rule for rejected in call.rejected)
    asked = call.rule in (LinkRule.DEPENDS_ON, LinkRule.CONFIG, LinkRule.SAME_BRANCH)
    return fell_back or (asked and call.target != "staging")


def is_ours(body: str) -> bool:
    """Tell whether a comment of our account is this one. Others may quote it, but do not begin with it."""
    return body.startswith(MARKER)


def is_confidential(body: str) -> bool:
    """Tell whether a comment of ours may name what not everybody may read."""
    return body.startswith(_CONFIDENTIAL)


def _body(naming: Naming, *parts: str) -> str:
    return joined(_CONFIDENTIAL if naming.confidential else _PUBLIC, *parts)


def joined(*parts: str) -> str:
    """Return the body of a comment; what GitHub would not take of it is left out."""
    lines = "\n\n".join(parts).split("\n")
    # No line depends on a later one, so what is too long is cut between two lines.
    lengths = accumulate(len(line) + 1 for line in lines)
    kept = [line for line, length in zip(lines, lengths, strict=True) if length <= LONGEST]
    return "\n".join((*kept, "", "More does not fit here.") if len(kept) < len(lines) else kept) + "\n"


def _headline(previews: Sequence[About]) -> str:
    if len(previews) > 1:
        working = sum(bool(each.progress.running) for each in previews)
        return f"**{working} of {len(previews)} previews can be reached**"
    progress = previews[0].progress
    preview, verdict = progress.preview, progress.preview.verdict
    if not verdict.live:
        return "**No preview yet**" if verdict.state in (State.WAITING, State.QUEUED) else "**No preview**"
    asleep = "The preview sleeps" if verdict.state is State.PAUSED else ""
    if progress.running:
        return f"**{asleep or 'The preview'}:** {_link(preview)}"
    if progress.stage is Stage.UNKNOWN:
        what_to_do = "Ask the platform team to set up its notifications."
        return f"**Argo CD does not report whether the preview works.** {what_to_do}"
    return f"**{'The preview failed' if progress.failed else asleep or 'The preview is being deployed'}**"


def _table(previews: Sequence[About]) -> str:
    rows = [("Service", "Preview", "State", "Commit", "Until"), ("---",) * 5, *map(_row, previews)]
    return "\n".join(f"| {' | '.join(map(cell, row))} |" for row in rows)


def _row(about: About) -> tuple[str, ...]:
    progress = about.progress
    preview, verdict = progress.preview, progress.preview.verdict
    return (
        code(preview.service.name),
        _link(preview) if progress.running else "",
        _state(progress),
        code(progress.running[:SHORT]),
        code(_moment(verdict.ends_at)) if verdict.live else "",
    )


def _state(progress: Progress) -> str:
    if progress.preview.verdict.state is not State.ACTIVE:
        return progress.preview.verdict.state.value
    # A commit on its way is what the deployment shows; the one that runs is what people use.
    if progress.failed:
        return "failed"
    if progress.running:
        return "works"
    return "unknown" if progress.stage is Stage.UNKNOWN else "being deployed"


def _sections(about: About, place: Place, *, several: bool) -> Iterator[tuple[str, list[str]]]:
    preview = about.progress.preview
    whose = f"{code(preview.service.name)}: " if several else ""
    if lines := list(_to_know(about, place)):
        yield f"{whose}What to know", lines
    if preview.verdict.live:
        if calls := _calls(preview.dependencies, place):
            yield f"{whose}Calls", calls
        if callers := _callers(about.callers, place.naming):
            yield f"{whose}Called by", callers


def _to_know(about: About, place: Place) -> Iterator[str]:
    """Say what is unusual about a preview, and what would change it."""
    naming, progress = place.naming, about.progress
    preview, verdict = progress.preview, progress.preview.verdict
    if verdict.state is not State.ACTIVE:
        yield f"It is {verdict.state}: {_sentence(verdict.reason, naming)}"
    elif preview.deploy_sha != preview.pull_request.head_sha:
        yield f"The newest commit does not run yet: {_sentence(verdict.reason, naming)}"
    if progress.failed:
        yield _failure(progress, place)
    if preview.config_error:
        until = "The last valid version stays in force until you correct the file."
        yield f"{sentence(naming.mistake(preview.config_error))} {until}"
    if about.held:
        yield f"It stays as it was: {_sentence(about.held, naming)}"
    if about.announced and verdict.live:
        yield f"It ends at {code(_moment(about.announced))}."
    yield from (_sentence(warning, naming) for warning in preview.warnings)


def _failure(progress: Progress, place: Place) -> str:
    preview, running = progress.preview, progress.running
    page = place.pages.of(preview)
    text = f"{code(preview.deploy_sha[:SHORT])} does not work: {sentence(failure(progress, place.naming))}"
    if running and running != preview.deploy_sha:
        text += f" {code(running[:SHORT])} may still run."
    return f"{text} Push a commit that fixes it" + (f", or look at [its Application]({page})." if page else ".")


def _calls(dependencies: Sequence[Dependency], place: Place) -> list[str]:
    """Say where calls go, except those that go to staging because nobody asked for anything else."""
    notable = [call for call in dependencies if call.rule is not LinkRule.DEFAULT]
    named = [call for call in notable if place.naming.names(place.catalog.services[call.service].repository)]
    lines = [_call(call, place.naming) for call in named]
    if hidden := len(notable) - len(named):
        lines.append(f"{hidden} {'service' if hidden == 1 else 'services'} of private repositories")
    if notable and len(notable) < len(dependencies):
        lines.append("everything else on staging")
    return lines


def _call(call: Dependency, naming: Naming) -> str:
    target = code(call.locator or call.url) if call.target != "staging" else "staging"
    wish = next((each.wish for each in call.rejected if each.rule is call.rule and each.wish), "")
    asked = f" (asked for: {code(naming.sentence(wish))})" if wish else ""
    return f"{code(call.service)} at {target}: {prose(naming.sentence(call.reason))}{asked}"


def _callers(callers: Sequence[Caller], naming: Naming) -> list[str]:
    named = [caller for caller in callers if naming.names(caller.repository)]
    lines = [f"{code(caller.service)} of {code(caller.locator)}" for caller in named]
    if hidden := len(callers) - len(named):
        lines.append(f"{hidden} {'preview' if hidden == 1 else 'previews'} of private repositories")
    return lines


def _list(title: str, lines: Sequence[str]) -> str:
    more = [f"and {len(lines) - MOST} more"] if len(lines) > MOST else []
    return "\n".join((f"**{title}**", "", *(f"- {line}" for line in [*lines[:MOST], *more])))


def _sentence(text: str, naming: Naming) -> str:
    return sentence(naming.sentence(text))


def _link(preview: Preview) -> str:
    return f"[{preview.host}]({preview.url})"


def _moment(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if moment else ""

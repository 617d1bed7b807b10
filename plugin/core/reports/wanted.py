"""What is wanted: everything that is to stand outside about the previews of one repository."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from plugin.core.config.report import NO_REPORT, CommentPolicy
from plugin.core.decision.part import Part
from plugin.core.decision.preview import Preview
from plugin.core.facts.deployments import Reports
from plugin.core.facts.lives import NO_LIVES, Life, State
from plugin.core.reports.comment import About, Caller, comment, links_on_purpose
from plugin.core.reports.content import Comment, Content, Kind, Target
from plugin.core.reports.progress import progress
from plugin.core.reports.said import LONGEST, Place, deployment, links, status

Callers = Mapping[str, tuple[Caller, ...]]  # by the key of the preview that is called, as <service>/<number>


@dataclass(frozen=True, slots=True)
class Around:
    """What is known about previews beside the decision on them."""

    reported: Reports
    held: Mapping[str, str]  # by the preview's key: why it stays although it would leave
    callers: Callers
    told: bool = True  # whether Argo CD can report anything


def wanted(part: Part, place: Place, around: Around) -> dict[Target, Content]:
    """Return what is to be said about the previews of one repository, as far as the catalog wants it said."""
    said: dict[Target, Content] = {}
    if place.catalog.report == NO_REPORT:
        return said
    by_number = sorted(part.previews, key=lambda preview: preview.pull_request.number)
    lives = part.made_from[0].lives if part.made_from[0] else NO_LIVES
    for number, previews in groupby(by_number, lambda preview: preview.pull_request.number):
        abouts = [everything_about(preview, lives.get(preview.key), around) for preview in previews]
        said |= {Target(kind, place.naming.on, number, name): each for kind, name, each in _contents(abouts, place)}
    return said


def callers_of(previews: Iterator[Preview]) -> Callers:
    """Return who calls whom, without what calls itself or another service of its own pull request."""
    found: dict[str, list[Caller]] = {}
    for preview in previews:
        if preview.verdict.live:
            for call in preview.dependencies:
                if call.target == "preview" and call.locator != preview.locator:
                    key = f"{call.service}/{call.locator.rpartition('#')[2]}"
                    caller = Caller(preview.service.name, preview.repository.name, preview.locator)
                    found.setdefault(key, []).append(caller)
    return {key: tuple(each) for key, each in found.items()}


def everything_about(preview: Preview, life: Life | None, around: Around) -> About:
    """Return a preview with everything that is said of it."""
    announced = life.announced.end if life and life.announced else None
    return About(
        progress(preview, around.reported.get(preview.name, ()), told=around.told),
        around.held.get(preview.key, ""),
        around.callers.get(preview.key, ()),
        announced,
    )


def _contents(abouts: Sequence[About], place: Place) -> Iterator[tuple[Kind, str, Content]]:
    report = place.catalog.report
    for about in abouts:
        service = about.progress.preview.service.name
        if report.status and (said := status(about.progress, place)):
            yield Kind.STATUS, service, said
        if report.deployments and (deployed := deployment(about.progress, place)):
            yield Kind.DEPLOYMENT, service, deployed
        if report.jira:
            yield from ((Kind.LINK, f"{service} {link.issue}", link) for link in links(about.progress, report.jira))
    if report.comment is not CommentPolicy.NEVER:
        create = any(_is_worth_a_comment(about, place) for about in abouts)
        yield Kind.COMMENT, "", Comment(comment(abouts, place), place.naming.confidential, create)


def _is_worth_a_comment(about: About, place: Place) -> bool:
    """Tell whether there is something to say that a deployment cannot say, or nobody else does."""
    preview, report = about.progress.preview, place.catalog.report
    if preview.verdict.state in (State.SKIPPED, State.EXPIRED):  # somebody asked for it, and waits
        return bool(preview.service.policy.require)
    if report.comment is CommentPolicy.ALWAYS or not report.deployments or preview.verdict.state is State.QUEUED:
        return True
    if preview.verdict.state is State.WAITING:  # a status can say that
        return not report.status
    cut = about.progress.failed and len(about.progress.message) > LONGEST // 2
    unusual = about.held or preview.config_error or preview.warnings or about.callers or about.announced
    return bool(cut or unusual) or any(links_on_purpose(call) for call in preview.dependencies)

"""What is said about one preview in a deployment, a commit status, and a link: one short line each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from plugin.core.config.catalog import Catalog
from plugin.core.config.messages import one_line
from plugin.core.config.report import Jira
from plugin.core.decision.preview import Preview
from plugin.core.facts.lives import State
from plugin.core.reports.content import Deployment, Link, Status, identity
from plugin.core.reports.naming import Naming
from plugin.core.reports.progress import Progress, Stage

ENVIRONMENT = "preview"
LONGEST = 140  # characters of a description: https://docs.github.com/en/rest/deployments/statuses
ISSUES = 5  # that one pull request can link

_DEPLOYMENT_STATES = {
    Stage.UNKNOWN: "queued",
    Stage.QUEUED: "queued",
    Stage.DEPLOYING: "in_progress",
    Stage.WORKS: "success",
    Stage.ASLEEP: "queued",
    Stage.FAILED: "failure",
    Stage.DEGRADED: "failure",
}


@dataclass(frozen=True, slots=True)
class Pages:
    """Where people learn more."""

    argocd: str = ""  # the address of Argo CD's UI; "": not known

    def of(self, preview: Preview) -> str:
        """Return the page about a preview, or ""."""
        return f"{self.argocd}/applications/{preview.name}" if self.argocd else ""


@dataclass(frozen=True, eq=False, slots=True)
class Place:
    """The repository on which something is said."""

    catalog: Catalog
    naming: Naming
    pages: Pages

    @property
    def services(self) -> int:
        """How many services the repository has."""
        return len(self.catalog.repositories[self.naming.on])


def deployment(progress: Progress, place: Place) -> Deployment | None:
    """Return the deployment of a live preview; None where there is nothing to deploy."""
    preview = progress.preview
    if progress.stage is None or preview.pull_request.fork:
        return None
    service, number = preview.service.name, preview.pull_request.number
    return Deployment(
        sha=preview.deploy_sha,
        environment=ENVIRONMENT if place.services == 1 else f"{ENVIRONMENT}/{service}",
        task=f"preview:{service}:{number}",
        title=short(f"Preview of {service} for {preview.locator}"),
        preview=preview.name,
        state=_DEPLOYMENT_STATES[progress.stage],
        description=short(_stage(progress, place.naming)),
        url=preview.url if progress.stage is Stage.WORKS else "",
        log_url=place.pages.of(preview),
    )


def status(progress: Progress, place: Place) -> Status | None:
    """Return the commit status on the head; None where a preview was not asked for, was refused, or has ended."""
    preview, verdict = progress.preview, progress.preview.verdict
    if preview.pull_request.fork or verdict.state in (State.SKIPPED, State.EXPIRED):
        return None
    naming, head = place.naming, preview.pull_request.head_sha
    page = place.pages.of(preview) if verdict.live else ""
    if preview.config_error:
        state, text, url = "error", naming.mistake(preview.config_error), page
    elif not verdict.live:
        state, text, url = "pending", naming.sentence(verdict.reason), page
    elif preview.deploy_sha != head:
        state, text, url = "pending", "This commit is not deployed yet", page
    elif progress.stage is Stage.WORKS:
        state, text, url = "success", "The preview works", preview.url
    elif progress.failed or progress.stage in (Stage.ASLEEP, Stage.UNKNOWN):
        state, text, url = "failure" if progress.failed else "pending", _stage(progress, naming), page
    else:
        state, text, url = "pending", "This commit is not deployed yet", page
    return Status(head, f"{ENVIRONMENT}/{preview.service.name}", state, short(text), url)


def links(progress: Progress, jira: Jira) -> Iterator[Link]:
    """Return the links to a preview that can be reached, on the issues that its branch or its title names."""
    preview = progress.preview
    if preview.pull_request.fork or not progress.running:
        return
    ends_at = preview.verdict.ends_at
    for issue in issues(f"{preview.pull_request.branch} {preview.pull_request.title}", jira.projects):
        yield Link(
            issue=issue,
            identity=identity(preview.locator, preview.service.name),
            title=f"Preview {preview.service.name}-{preview.pull_request.number}",
            url=preview.url,
            summary=f"{preview.verdict.state}" + (f" until {ends_at:%Y-%m-%d %H:%M} UTC" if ends_at else ""),
        )


def issues(text: str, projects: tuple[str, ...]) -> list[str]:
    """Return the first issues of these projects that a text names, in any case."""
    pattern = rf"(?<![A-Za-z0-9])(?:{'|'.join(map(re.escape, projects))})-[1-9][0-9]{{0,8}}(?![0-9A-Za-z])"
    found = re.findall(pattern, text[: 4 * ISSUES * LONGEST], re.ASCII | re.IGNORECASE)
    return list(dict.fromkeys(each.upper() for each in found))[:ISSUES]


def short(text: str) -> str:
    """Cut a text to what GitHub takes as a description."""
    line = one_line(text)
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def failure(progress: Progress, naming: Naming) -> str:
    """Say what failed; what Argo CD says about it may quote anything, so only where not everybody can read it."""
    what = "The sync failed" if progress.stage is Stage.FAILED else "It is deployed, but unhealthy"
    return f"{what}: {progress.message}" if progress.message and naming.confidential else what


def _stage(progress: Progress, naming: Naming) -> str:
    match progress.stage:
        case Stage.UNKNOWN:
            return "Argo CD's notifications are not set up, so the plugin does not know whether it is deployed"
        case Stage.QUEUED:
            return "Argo CD has not begun to deploy it"
        case Stage.DEPLOYING:
            return "Argo CD is deploying it"
        case Stage.WORKS:
            return "The preview works"
        case Stage.ASLEEP:
            return "It was deployed while asleep; whether it works will show once it wakes up"
        case _:
            return failure(progress, naming)

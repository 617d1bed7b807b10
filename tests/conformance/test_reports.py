"""What follows on GitHub from what Argo CD's own notifications controller tells the running plugin."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import pytest

from tests.conformance.developers import ARGOCD, Developers, developers
from tests.conformance.operations import Object, broken, deleted, failed_hook, resource, result, synced
from tests.conformance.stage import ORDERS
from tests.rendered import rendered

LATE = 'Deployment "app" exceeded its progress deadline'
Seen = dict[str, object]


@dataclass
class Preview:
    """One preview of `orders`, and the Argo CD that deploys it."""

    company: Developers
    number: int

    @property
    def name(self) -> str:
        return f"preview-orders-{self.number}"

    @property
    def url(self) -> str:
        return f"https://orders-{self.number}.preview.example.com"

    @property
    def page(self) -> str:
        return f"{ARGOCD}/applications/{self.name}"

    @property
    def application(self) -> Object:
        return self.company.application(self.name)

    def push(self, sha: str) -> None:
        self.company.push(ORDERS, self.number, sha)
        assert self.name in self.company.stage.settle().touched

    def sees(self, head: str, status: tuple[str, str, str], *deployments: tuple[str, str], comments: int = 0) -> None:
        """Wait until developers see this status on the head, and these deployments with their states."""
        company = self.company

        def stands() -> Seen:
            return {
                "status": company.status(ORDERS, head),
                "deployments": [(sha, state) for sha, state, _ in company.deployments(ORDERS, self.number)],
                "comments": len(company.comments(ORDERS, self.number)),
            }

        company.until(stands, {"status": status, "deployments": [*deployments], "comments": comments})
        addresses = {url for _, state, url in company.deployments(ORDERS, self.number) if state == "success"}
        assert addresses <= {self.url}

    @property
    def comment(self) -> str:
        (found,) = self.company.comments(ORDERS, self.number)
        return found


@pytest.fixture(name="company", scope="module")
def _company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Developers]:
    with developers(tmp_path_factory.mktemp("company")) as company:
        yield company


@pytest.fixture(name="numbers", scope="module")
def _numbers() -> Iterator[int]:
    return count(100)


@pytest.fixture(name="preview")
def _preview(company: Developers, numbers: Iterator[int]) -> Preview:
    """A preview that Argo CD has an Application for."""
    preview = Preview(company, next(numbers))
    company.open(ORDERS, preview.number, head_sha=first(preview))
    assert company.stage.settle().created.keys() == {preview.name}
    status = ("pending", "This commit is not deployed yet", preview.page)
    preview.sees(first(preview), status, (first(preview), "queued"))
    return preview


def first(preview: Preview) -> str:
    return f"a{preview.number:039d}"


def second(preview: Preview) -> str:
    return f"b{preview.number:039d}"


def ready(preview: Preview) -> None:
    preview.company.told(synced(preview.application, "Succeeded", 0))
    preview.sees(first(preview), ("success", "The preview works", preview.url), (first(preview), "success"))


def test_syncing_is_a_deployment_in_progress(preview: Preview) -> None:
    preview.company.told(synced(preview.application, "Running", 0, health="Missing"))

    preview.sees(
        first(preview),
        ("pending", "This commit is not deployed yet", preview.page),
        (first(preview), "in_progress"),
    )


def test_ready_is_a_success_with_the_address(preview: Preview) -> None:
    ready(preview)

    assert preview.company.deployments(ORDERS, preview.number) == [(first(preview), "success", preview.url)]


def test_a_failed_hook_is_a_failure_that_says_which(preview: Preview) -> None:
    hook = failed_hook("smoke-test", "it got no answer")
    preview.company.told(synced(preview.application, "Failed", 0, results=[hook], message="it failed"))

    preview.sees(
        first(preview),
        ("failure", "The sync failed: Job/smoke-test: it got no answer; it failed", preview.page),
        (first(preview), "failure"),
    )


def test_an_image_that_cannot_be_pulled_is_named_and_the_commit_before_stays(preview: Preview) -> None:
    ready(preview)
    preview.push(second(preview))
    image = f"ghcr.io/acme/orders:{second(preview)}"
    results = [result("Deployment", "app", LATE, group="apps", status="Synced", hookPhase="Failed", images=[image])]
    failed = synced(preview.application, "Failed", 10, results=results, message="it failed", health="Degraded")
    preview.company.told(failed)

    what = f"The sync failed: Deployment/app: {LATE} ({image}); it failed"
    preview.sees(
        second(preview),
        ("failure", f"{what[:139]}…", preview.page),
        (first(preview), "success"),
        (second(preview), "failure"),
        comments=1,
    )
    assert f"`{image}`" in preview.comment, "a status has no room for it"
    assert f"`{first(preview)[:7]}` may still run." in preview.comment


def test_degraded_is_a_failure_until_it_has_recovered(preview: Preview) -> None:
    ready(preview)
    resources = [resource("Deployment", "app", health={"status": "Degraded", "message": LATE})]
    preview.company.told(
        synced(preview.application, "Succeeded", 0, health="Degraded", health_since=60, resources=resources)
    )
    preview.sees(
        first(preview),
        ("failure", f"It is deployed, but unhealthy: Deployment/app: {LATE}", preview.page),
        (first(preview), "failure"),
        comments=int(len(f"Deployment/app: {LATE}") > 70),
    )

    preview.company.told(synced(preview.application, "Succeeded", 0, health_since=70))
    preview.sees(first(preview), ("success", "The preview works", preview.url), (first(preview), "success"))


def test_what_cannot_be_rendered_is_a_failure(preview: Preview) -> None:
    preview.company.told(broken(preview.application, 0, "Failed to load target state: no such file"))

    preview.sees(
        first(preview),
        ("failure", "The sync failed: Failed to load target state: no such file", preview.page),
        (first(preview), "failure"),
    )


def test_gone_is_inactive_and_nothing_is_left_to_say(preview: Preview) -> None:
    ready(preview)
    application = preview.application
    preview.company.stage.change(ORDERS, preview.number, state="closed")
    assert preview.company.stage.settle().deleted.keys() == {preview.name}
    preview.company.told(deleted(synced(application, "Succeeded", 0), 10))

    preview.sees(first(preview), ("success", f"No preview: {ORDERS}#{preview.number} was closed", ""))


def test_hostile_messages_come_out_inert(preview: Preview) -> None:
    hostile = "<img src=x onerror=alert(1)> @everyone [a](javascript:b) | ` </code> #1 https://evil.example \u202e" * 3
    preview.company.told(
        synced(preview.application, "Failed", 0, results=[failed_hook("smoke-test", hostile)], message="it failed")
    )
    preview.company.until(lambda: len(preview.company.comments(ORDERS, preview.number)), 1)
    shown = rendered(preview.comment)

    assert {link for link in shown.links if link not in {preview.page, preview.url}} == set()
    assert not {"img", "script"} & {tag for tag, _ in shown.tags}
    assert shown.woken() == {}

"""One story, step by step, through the real pieces: what developers see of a pull request from its label to its end.

The plugin is the server that users run, both controllers are Argo CD's own; GitHub and Jira are stand-ins. After each
step everything that stands outside is compared with `expected/story.md`, and how many requests wrote it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conformance.argocd import Reconciled
from tests.conformance.developers import Developers, developers
from tests.conformance.operations import deleted, resource, synced
from tests.conformance.stage import ORDERS
from tests.server import wait_for
from tools.rendering import ROOT

EXPECTED = ROOT / "tests/conformance/expected/story.md"
SHOP, CALLER = "acme/shop", 40
NUMBER, NAME, CALLER_NAME = 20, "preview-orders-20", "preview-shop-40"
FIRST, WRONG, FIXED = (digit * 40 for digit in "abc")
SHOP_HEAD = "d" * 40


@dataclass
class Story:
    """Tells what stands outside after each step."""

    company: Developers
    expected: dict[str, str]
    told: list[str] = field(default_factory=list)
    _heads: dict[str, str] = field(default_factory=dict)  # by the locator of a pull request that is shown
    _comments: dict[str, list[str]] = field(default_factory=dict)  # after the step before
    _writes: int = 0

    def show(self, locator: str, head: str) -> None:
        """From now on show this pull request, with this head."""
        self._heads[locator] = head

    def hide(self, locator: str) -> None:
        del self._heads[locator]

    def settle(self) -> Reconciled:
        """Let the plugin and the ApplicationSet controller see what has changed."""
        return self.company.stage.settle()

    def step(self, title: str) -> None:
        """Wait until everything stands there that has to."""
        title = f"{len(self.told) + 1}. {title}"
        company = self.company
        company.until(lambda: self._stands(title), self.expected.get(title, "").strip())
        self.told.append(self._stands(title))
        self._writes = company.writes
        for locator in self._heads:
            repository, _, number = locator.partition("#")
            self._comments[locator] = company.comments(repository, int(number))

    def _stands(self, title: str) -> str:
        written = self.company.writes - self._writes
        lines = [f"## {title}", "", f"{written} {'request' if written == 1 else 'requests'} wrote something.", ""]
        for locator, head in self._heads.items():
            lines += [f"On {locator}:", "", *self._seen(locator, head), ""]
        return _without_minutes("\n".join(lines)).strip()

    def _seen(self, locator: str, head: str) -> Iterator[str]:
        repository, _, number = locator.partition("#")
        status = self.company.status(repository, head)
        yield f"- status of {_short(head)}: " + (_joined(*status) if status else "none")
        deployments = self.company.deployments(repository, int(number))
        yield from (f"- deployment of {_short(sha)}: {_joined(*rest)}" for sha, *rest in deployments)
        if not deployments:
            yield "- deployment: none"
        links = self.company.links(locator)
        yield from (f"- link on {issue}: {_joined(*rest)}" for issue, *rest in links)
        if not links:
            yield "- link in Jira: none"
        for said, reactions in self.company.said(repository, int(number)):
            yield f"- somebody's comment `{said}`: {_joined(*reactions) or 'no reaction'}"
        comments = self.company.comments(repository, int(number))
        if comments == self._comments.get(locator, []):
            yield f"- comment: {'as before' if comments else 'none'}"
        elif not comments:
            yield "- comment: deleted"
        else:
            for comment in comments:
                yield "- comment:"
                yield ""
                yield from (f"  > {line}".rstrip() for line in comment.splitlines())


def _without_minutes(text: str) -> str:
    """Leave out what differs each time that the story is told."""
    return re.sub(r":\d\d UTC", ":xx UTC", re.sub(r"T(\d\d):\d\d:\d\dZ", r"T\1:xx:xxZ", text))


def _short(sha: str) -> str:
    return f"`{sha[:7]}`"


def _joined(*texts: str) -> str:
    return ", ".join(filter(None, texts))


@pytest.fixture(name="story")
def _story(tmp_path: Path) -> Iterator[Story]:
    parts = re.split(r"^## ", EXPECTED.read_text("utf-8"), flags=re.MULTILINE)[1:]
    with developers(tmp_path) as company:
        yield Story(company, {part.partition("\n")[0]: f"## {part}" for part in parts})


def test_what_developers_see_from_the_label_to_the_end(story: Story) -> None:  # noqa: PLR0915  one story
    company, here = story.company, f"{ORDERS}#{NUMBER}"

    company.open(ORDERS, NUMBER, head_sha=FIRST, labels=(), built=False, branch="PAY-7-faster-refunds")
    story.show(here, FIRST)
    assert story.settle().touched == set()
    story.step("Opened without a label")

    company.stage.change(ORDERS, NUMBER, labels=("preview",), labelled_at={"preview": company.now})
    assert story.settle().touched == set()
    story.step("Labelled; its image is still being built")

    company.build(ORDERS, FIRST)
    assert story.settle().created.keys() == {NAME}
    story.step("Its image is there, and Argo CD has an Application")

    company.told(synced(company.application(NAME), "Running", 0, health="Missing"))
    story.step("Argo CD deploys it")

    company.told(synced(company.application(NAME), "Succeeded", 0))
    story.step("It can be reached")

    company.push(ORDERS, NUMBER, WRONG, config="version: 1\ndependencies: {paymints: staging}\n")
    story.show(here, WRONG)
    assert story.settle().updated.keys() == {NAME}
    story.step("A push brings a mistake in .preview.yaml")

    company.told(synced(company.application(NAME), "Succeeded", 10))
    story.step("The push is deployed all the same")

    company.push(ORDERS, NUMBER, FIXED, config="version: 1\ndependencies: {payments: staging}\n")
    story.show(here, FIXED)
    assert story.settle().updated.keys() == {NAME}
    story.step("The next push corrects the file")

    company.told(synced(company.application(NAME), "Succeeded", 20))
    story.step("It is deployed, too")

    caller = f"{SHOP}#{CALLER}"
    company.open(SHOP, CALLER, head_sha=SHOP_HEAD, config=f"version: 1\ndependencies: {{orders: {here}}}\n")
    story.show(caller, SHOP_HEAD)
    assert story.settle().created.keys() == {CALLER_NAME}
    story.step("Another pull request links to it")

    company.told(synced(company.application(CALLER_NAME), "Succeeded", 30))
    story.step("The other one can be reached, too")

    ended = company.application(CALLER_NAME)
    company.stage.change(SHOP, CALLER, state="merged")
    assert story.settle().deleted.keys() == {CALLER_NAME}
    company.told(deleted(synced(ended, "Succeeded", 30), 40))
    story.step("The other pull request is merged")
    story.hide(caller)

    sick = {"status": "Degraded", "message": 'Deployment "app" exceeded its progress deadline'}
    resources = [resource("Deployment", "app", health=sick)]
    company.told(
        synced(company.application(NAME), "Succeeded", 20, health="Degraded", health_since=50, resources=resources)
    )
    story.step("Its pods crash")

    company.told(synced(company.application(NAME), "Succeeded", 20, health_since=60))
    story.step("They have recovered")

    company.pass_by(hours=12)
    assert story.settle().updated.keys() == {NAME}
    story.step("Nobody has used it for twelve hours, so it sleeps")

    company.told(synced(company.application(NAME), "Running", 70))
    company.told(synced(company.application(NAME), "Succeeded", 70, health_since=60))
    story.step("Argo CD has stopped its pods")

    company.stage.github.comment(ORDERS, NUMBER, "/preview resume")
    wait_for(lambda: bool(story.settle().updated))
    story.step("Somebody comments /preview resume")

    company.told(synced(company.application(NAME), "Running", 80))
    company.told(synced(company.application(NAME), "Succeeded", 80, health_since=81))
    story.step("Argo CD has started its pods")

    ended = company.application(NAME)
    company.stage.github.change_entry(ORDERS, NUMBER, state="closed")  # later than the comment
    assert story.settle().deleted.keys() == {NAME}
    company.told(deleted(synced(ended, "Succeeded", 80), 90))
    story.step("It is closed")

    transcript = "\n\n".join(story.told)
    print(transcript)
    assert transcript == "\n\n".join(each.strip() for each in story.expected.values())
    assert company.stage.server.metric("preview_notifications_total", result="refused") == 0

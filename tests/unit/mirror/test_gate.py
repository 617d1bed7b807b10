"""Which commits are asked about, and what becomes of an answer that is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from plugin.core.config.catalog import Catalog
from plugin.core.config.references import Locator
from plugin.core.facts.lives import Latch, Life, Lives, State
from plugin.core.facts.model import PullRequest
from plugin.mirror.gate import Before, Readiness, ask_gate
from plugin.sources import CheckQuestion
from tests.builders import MONDAY, SHA, make_catalog, make_pull_request, make_repository, make_snapshot
from tests.lives import NEXT
from tests.stage import ScriptedSource

OLDER, OLDEST = "c" * 40, "d" * 40
CATALOG = make_catalog(
    {
        "orders": {"lifecycle": {"ready_when": {"check": "ci", "app": "github-actions"}}, "labels": {"skip": ["skip"]}},
        "shop": {
            "lifecycle": {"ready_when": {"image": True}},
            "image": {"name": "ghcr.io/acme/shop", "tag": "{short_sha}"},
        },
        "users": {},
    }
)


@dataclass
class Asked(ScriptedSource):
    """Remembers which images it was asked about, too."""

    images: list[str] = field(default_factory=list)
    existing: dict[str, bool] = field(default_factory=dict)

    def exist(self, images: Sequence[str]) -> Mapping[str, bool]:
        self.images += images
        return {image: self.existing[image] for image in images if image in self.existing}


def ask(
    source: Asked,
    *pull_requests: PullRequest,
    repository: str = "acme/orders",
    lives: Lives | None = None,
    doubts: Mapping[str, str] | None = None,
    catalog: Catalog = CATALOG,
) -> Readiness:
    snapshot = make_snapshot(catalog, make_repository(repository, *pull_requests))
    return ask_gate(source, source, catalog, replace(snapshot, doubts=doubts or {}), Before(lives or {}, {}))


def remembered(life: Life, key: str = "orders/1", repository: str = "acme/orders") -> Lives:
    return {repository: {key: life}}


def question(sha: str) -> CheckQuestion:
    return CheckQuestion("acme/orders", sha, "ci", "github-actions")


def test_a_new_pull_request_is_asked_about_with_its_older_commits_once() -> None:
    source = Asked(newest={Locator("acme/orders", 1): (SHA, OLDER)}, succeeded={SHA: False, OLDER: True})
    found = ask(source, make_pull_request(1))

    assert source.walked == [Locator("acme/orders", 1)]
    assert source.questions == [question(SHA), question(OLDER)]
    assert found.ready == {("orders", SHA): False, ("orders", OLDER): True}
    assert found.commits == {Locator("acme/orders", 1): (SHA, OLDER)}
    assert found.unreadable == frozenset()


@pytest.mark.parametrize(
    "life",
    [
        Life(State.WAITING, "", walked=True),
        Life(State.WAITING, "", ready=(OLDER,)),
        Life(State.ACTIVE, "", deploy_sha=OLDER),
        Life(State.PAUSED, "", deploy_sha=OLDER),
    ],
)
def test_later_only_its_head_is_asked_about(life: Life) -> None:
    source = Asked(succeeded={SHA: False})
    ask(source, make_pull_request(1), lives=remembered(life))

    assert source.walked == []
    assert source.questions == [question(SHA)]


@pytest.mark.parametrize(
    ("life", "given"),
    [
        (Life(State.ACTIVE, "", ready=(SHA,)), {}),
        (Life(State.ACTIVE, "", ready=(SHA, NEXT)), {}),  # somebody has pushed back
        (Life(State.EXPIRED, "", expired=Latch(MONDAY, MONDAY, MONDAY, by_age=False)), {}),
        (None, {"labels": ("preview", "skip")}),
        (None, {"labels": ()}),
        (None, {"fork": True}),
    ],
    ids=["ready", "was ready once", "expired", "skipped", "not labelled", "a fork"],
)
def test_what_waits_for_nothing_costs_nothing(life: Life | None, given: dict[str, Any]) -> None:
    source = Asked()
    found = ask(source, make_pull_request(1, **given), lives=remembered(life) if life else {})

    assert (source.walked, source.questions, source.images) == ([], [], [])
    assert found == Readiness({}, {}, frozenset())


def test_a_service_without_a_gate_is_never_asked_about() -> None:
    source = Asked()
    ask(source, make_pull_request(1), repository="acme/users")

    assert (source.walked, source.questions, source.images) == ([], [], [])


def test_images_are_asked_about_by_their_tag() -> None:
    source = Asked(newest={Locator("acme/shop", 1): (SHA, OLDER)}, existing={"ghcr.io/acme/shop:0123456": True})
    found = ask(source, make_pull_request(1), repository="acme/shop")

    assert source.images == ["ghcr.io/acme/shop:0123456", "ghcr.io/acme/shop:ccccccc"]
    assert found.ready == {("shop", SHA): True}
    assert found.unreadable == {"acme/shop"}


def test_what_several_pull_requests_share_is_asked_once() -> None:
    source = Asked(
        newest={Locator("acme/orders", number): (SHA, OLDER) for number in (1, 2)}, succeeded={SHA: True, OLDER: True}
    )
    ask(source, make_pull_request(1), make_pull_request(2))

    assert source.questions == [question(SHA), question(OLDER)]


def test_a_repository_in_doubt_is_not_asked_about() -> None:
    source = Asked()

    assert ask(source, make_pull_request(1), doubts={"acme/orders": "no answer"}) == Readiness({}, {}, frozenset())
    assert (source.walked, source.questions) == ([], [])


@pytest.mark.parametrize(
    "source",
    [
        Asked(newest={Locator("acme/orders", 1): (SHA, OLDER)}, succeeded={SHA: False}),
        Asked(newest={Locator("acme/orders", 1): (SHA, OLDER)}, succeeded={OLDER: True}),
        Asked(succeeded={SHA: False}),
    ],
    ids=["an older commit", "the head", "which commits there are"],
)
def test_what_cannot_be_read_is_unknown_and_never_a_no(source: Asked) -> None:
    found = ask(source, make_pull_request(1))

    assert found.unreadable == {"acme/orders"}
    assert {sha: ready for (_, sha), ready in found.ready.items()} == source.succeeded


def test_each_service_of_a_repository_has_a_gate_of_its_own() -> None:
    services: dict[str, dict[str, Any]] = {
        "orders": {"lifecycle": {"ready_when": {"check": "ci"}}},
        "worker": {"repository": "acme/orders", "lifecycle": {"ready_when": {"image": True}}},
        "docs": {"repository": "acme/orders"},
    }
    source = Asked(
        newest={Locator("acme/orders", 1): (SHA,)},
        succeeded={SHA: False},
        existing={f"ghcr.io/acme/worker:{SHA}": True},
    )
    found = ask(source, make_pull_request(1), catalog=make_catalog(services))

    assert source.walked == [Locator("acme/orders", 1)]
    assert found.ready == {("orders", SHA): False, ("worker", SHA): True}


def test_the_time_of_the_newest_change_does_not_matter() -> None:
    """A check can be run again without any change to the pull request."""
    source = Asked(succeeded={SHA: True})
    waiting = Life(State.WAITING, "", walked=True, since=MONDAY)

    assert ask(source, make_pull_request(1), lives=remembered(waiting)).ready == {("orders", SHA): True}

"""Where a call goes, which rule decides that, and why."""

from typing import Any

import pytest

from plugin.core.decision.links import Dependency, LinkRule, Rejected
from plugin.core.facts.model import Elsewhere
from tests.builders import make_catalog, make_pull_request, make_repository, previews_of
from tests.unit.core.decision.calls import GIVES, SPEAKS, STAGING, THREE, WISHES, resolve, why, wish


def test_a_preview_as_a_target() -> None:
    assert resolve({"config": wish("pr:5")}, make_pull_request(5)) == Dependency(
        service="payments",
        variable="PAYMENTS_URL",
        url="http://app.preview-payments-5.svc.cluster.local",
        target="preview",
        namespace="preview-payments-5",
        locator="acme/payments#5",
        rule=LinkRule.CONFIG,
        reason="acme/payments#5 is live",
        rejected=(),
    )


def test_staging_as_a_target() -> None:
    assert resolve({}) == Dependency(
        service="payments",
        variable="PAYMENTS_URL",
        url=STAGING,
        target="staging",
        namespace="",
        locator="",
        rule=LinkRule.DEFAULT,
        reason="nothing else was asked for",
        rejected=(),
    )


def test_a_url_as_a_target() -> None:
    assert resolve({"config": wish("url:https://users.dev.example.com/v2?a=b")}) == Dependency(
        service="payments",
        variable="PAYMENTS_URL",
        url="https://users.dev.example.com/v2?a=b",
        target="url",
        namespace="",
        locator="",
        rule=LinkRule.CONFIG,
        reason="this URL was asked for",
        rejected=(),
    )


def test_each_dependency_can_have_its_own_variable_and_endpoint() -> None:
    catalog = make_catalog(
        {
            "shop": {"endpoint": "public", "depends_on": {"a": {}, "b": {"endpoint": "internal", "env": "B_API"}}},
            "a": {},
            "b": {},
        }
    )
    config = "version: 1\ndependencies: {a: pr:2, b: pr:3}"
    shop = make_repository("acme/shop", make_pull_request(1), make_pull_request(4, config=config))
    a, b = make_repository("acme/a", make_pull_request(2)), make_repository("acme/b", make_pull_request(3))
    previews = previews_of(catalog, shop, a, b)

    assert {
        name: [(dependency.variable, dependency.url) for dependency in previews[name].dependencies]
        for name in ("preview-shop-1", "preview-shop-4")
    } == {
        "preview-shop-1": [
            ("A_URL", "https://a.staging.example.com"),
            ("B_API", "http://app.staging-b.svc.cluster.local"),
        ],
        "preview-shop-4": [
            ("A_URL", "https://a-2.preview.example.com"),
            ("B_API", "http://app.preview-b-3.svc.cluster.local"),
        ],
    }


@pytest.mark.parametrize("rule", SPEAKS)
def test_each_rule_decides_when_it_applies_alone(rule: LinkRule) -> None:
    dependency = resolve(SPEAKS[rule], *THREE, link="same-branch")

    assert why(dependency) == (GIVES[rule], rule, f"{GIVES[rule]} is live")
    assert dependency.rejected == ()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (LinkRule.DEPENDS_ON, LinkRule.CONFIG),
        (LinkRule.DEPENDS_ON, LinkRule.SAME_BRANCH),
        (LinkRule.CONFIG, LinkRule.SAME_BRANCH),
    ],
)
def test_the_first_of_two_rules_decides_and_the_other_is_named(first: LinkRule, second: LinkRule) -> None:
    dependency = resolve(SPEAKS[first] | SPEAKS[second], *THREE, link="same-branch")

    assert why(dependency) == (GIVES[first], first, f"{GIVES[first]} is live")
    assert dependency.rejected == (Rejected(second, WISHES[second], f"the rule {first} comes first"),)


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        ({}, ("acme/orders#1", "same-pull-request", "acme/orders#1 is live")),
        ({"config": wish("pr:5")}, ("acme/orders#5", "config", "acme/orders#5 is live")),
        ({"config": wish("staging")}, ("staging", "config", "staging was asked for")),
        ({"body": "Depends-On: acme/orders#6"}, ("acme/orders#6", "depends-on", "acme/orders#6 is live")),
        ({"branch": "shared"}, ("acme/orders#1", "same-pull-request", "acme/orders#1 is live")),
    ],
)
def test_the_same_pull_request_comes_after_config_and_before_branches(
    ours: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    dependency = resolve(ours, *THREE, link="same-branch", same_repository=True)

    assert why(dependency) == expected
    if expected[1] != "same-pull-request":
        assert dependency.rejected == (Rejected(LinkRule.SAME_PULL_REQUEST, "", f"the rule {expected[1]} comes first"),)


def test_the_first_rule_decides_even_if_its_target_is_not_live() -> None:
    ours = {"body": "Depends-On: acme/payments#9", "config": wish("pr:6"), "branch": "shared"}
    dependency = resolve(ours, *THREE, link="same-branch", looked_up={9: Elsewhere.MERGED})

    assert why(dependency) == ("staging", "depends-on", "acme/payments#9 was merged")
    assert dependency.rejected == (
        Rejected(LinkRule.DEPENDS_ON, "Depends-On: acme/payments#9", "acme/payments#9 was merged"),
        Rejected(LinkRule.CONFIG, "pr:6", "the rule depends-on comes first"),
        Rejected(LinkRule.SAME_BRANCH, "", "the rule depends-on comes first"),
    )


@pytest.mark.parametrize(
    ("looked_up", "reason"),
    [
        ({9: Elsewhere.MERGED}, "was merged"),
        ({9: Elsewhere.CLOSED}, "was closed"),
        ({9: Elsewhere.UNLABELLED}, "has no preview label"),
        ({9: Elsewhere.MISSING}, "does not exist"),
        ({8: Elsewhere.MERGED}, "could not be looked up yet"),
    ],
)
@pytest.mark.parametrize(
    ("ours", "rule", "words"),
    [
        ({"config": wish("pr:9")}, LinkRule.CONFIG, "pr:9"),
        ({"config": wish("acme/payments#9")}, LinkRule.CONFIG, "acme/payments#9"),
        ({"config": wish("https://github.com/ACME/Payments/pull/9")}, LinkRule.CONFIG, "ACME/Payments#9"),
        ({"body": "Depends-On: acme/payments#9"}, LinkRule.DEPENDS_ON, "Depends-On: acme/payments#9"),
    ],
)
def test_an_unlisted_target_falls_back_and_says_what_became_of_it(
    ours: dict[str, Any], rule: LinkRule, words: str, looked_up: dict[int, Elsewhere], reason: str
) -> None:
    dependency = resolve(ours, looked_up=looked_up)

    assert why(dependency) == ("staging", rule, f"acme/payments#9 {reason}")
    assert dependency.url == STAGING
    assert dependency.rejected == (Rejected(rule, words, f"acme/payments#9 {reason}"),)


@pytest.mark.parametrize(
    ("theirs", "reason"),
    [
        ({"draft": True}, "is skipped: it is a draft"),
        ({"labels": ("preview", "no")}, 'is skipped: it has the label "no"'),
        ({"labels": ("other",)}, "has no preview label"),
        ({"fork": True}, "is a fork's"),
    ],
)
def test_a_target_that_is_not_live_falls_back_and_says_why(theirs: dict[str, Any], reason: str) -> None:
    target = make_pull_request(5, **theirs)
    dependency = resolve({"config": wish("pr:5")}, target, drafts=False, labels={"skip": ["no"]})

    assert why(dependency) == ("staging", "config", f"acme/payments#5 {reason}")
    assert dependency.rejected == (Rejected(LinkRule.CONFIG, "pr:5", f"acme/payments#5 {reason}"),)


def test_rejected_wishes_are_named_as_they_were_written() -> None:
    for words in (
        "staging",
        "url:https://users.dev.example.com/",
        "pr:6",
        "branch:main",
        "branch:shared",
        "same-branch",
    ):
        late = resolve({"body": "Depends-On: acme/payments#5", "config": wish(words)}, *THREE)
        assert late.locator == "acme/payments#5"
        assert late.rejected == (Rejected(LinkRule.CONFIG, words, "the rule depends-on comes first"),)


def test_two_previews_that_link_to_each_other_are_both_resolved() -> None:
    catalog = make_catalog({"a": {"depends_on": ["b"]}, "b": {"depends_on": ["a", "b"]}})
    a = make_repository("acme/a", make_pull_request(1, config="version: 1\ndependencies: {b: pr:2}"))
    b = make_repository("acme/b", make_pull_request(2, config="version: 1\ndependencies: {a: pr:1}"))
    previews = previews_of(catalog, a, b)

    assert {
        name: [dependency.locator for dependency in preview.dependencies] for name, preview in previews.items()
    } == {
        "preview-a-1": ["acme/b#2"],
        "preview-b-2": ["acme/a#1", "acme/b#2"],
    }

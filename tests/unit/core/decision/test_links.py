"""Who decides where a call goes, and why. Orders calls payments; their pull requests are #1 and #5, #6, ..."""

from typing import Any

import pytest

from plugin.core.decision.links import Dependency, Rejected, Rule
from plugin.core.facts.model import Elsewhere, PullRequest
from tests.builders import make_catalog, make_pull_request, make_repository, previews_of

STAGING = "http://app.staging-payments.svc.cluster.local"
FORK = "a fork's pull request links only to staging"


def resolve(
    ours: dict[str, Any],
    *others: PullRequest,
    link: str = "none",
    looked_up: dict[int, Elsewhere] | None = None,
    same_repository: bool = False,
    **payments: Any,
) -> Dependency:
    """Resolve payments for the pull request acme/orders#1."""
    if same_repository:
        payments["repository"] = "acme/orders"
    catalog = make_catalog(
        {"orders": {"depends_on": ["payments"], "link": link}, "payments": payments},
        allowed_hosts=["users.dev.example.com"],
    )
    pull_request = make_pull_request(1, **ours)
    repositories = [make_repository("acme/orders", pull_request, *(others if same_repository else ()))]
    if not same_repository:
        repositories.append(make_repository("acme/payments", *others, looked_up=looked_up))
    name = f"{'fork-' if pull_request.fork else ''}preview-orders-1"
    (dependency,) = previews_of(catalog, *repositories)[name].dependencies
    return dependency


def wish(target: str) -> str:
    return f"version: 1\ndependencies: {{payments: '{target}'}}\n"


def why(dependency: Dependency) -> tuple[str, str, str]:
    return dependency.locator or dependency.target, dependency.rule.value, dependency.reason


def test_a_preview_as_a_target() -> None:
    assert resolve({"config": wish("pr:5")}, make_pull_request(5)) == Dependency(
        service="payments",
        variable="PAYMENTS_URL",
        url="http://app.preview-payments-5.svc.cluster.local",
        target="preview",
        namespace="preview-payments-5",
        locator="acme/payments#5",
        rule=Rule.CONFIG,
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
        rule=Rule.DEFAULT,
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
        rule=Rule.CONFIG,
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


# What makes each rule speak, and the target that it then gives. Each rule asks for a pull request of its own.
SPEAKS: dict[Rule, dict[str, Any]] = {
    Rule.DEPENDS_ON: {"body": "Depends-On: acme/payments#5"},
    Rule.CONFIG: {"config": wish("pr:6")},
    Rule.SAME_BRANCH: {"branch": "shared"},
}
GIVES = {Rule.DEPENDS_ON: "acme/payments#5", Rule.CONFIG: "acme/payments#6", Rule.SAME_BRANCH: "acme/payments#7"}
THREE = (make_pull_request(5), make_pull_request(6), make_pull_request(7, branch="shared"))
WISHES = {Rule.DEPENDS_ON: "Depends-On: acme/payments#5", Rule.CONFIG: "pr:6", Rule.SAME_BRANCH: ""}


@pytest.mark.parametrize("rule", SPEAKS)
def test_each_rule_decides_when_it_speaks_alone(rule: Rule) -> None:
    dependency = resolve(SPEAKS[rule], *THREE, link="same-branch")

    assert why(dependency) == (GIVES[rule], rule, f"{GIVES[rule]} is live")
    assert dependency.rejected == ()


@pytest.mark.parametrize(
    ("first", "second"),
    [(Rule.DEPENDS_ON, Rule.CONFIG), (Rule.DEPENDS_ON, Rule.SAME_BRANCH), (Rule.CONFIG, Rule.SAME_BRANCH)],
)
def test_of_two_rules_the_first_decides_and_the_other_is_named(first: Rule, second: Rule) -> None:
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
def test_the_same_pull_request_comes_after_words_and_before_branches(
    ours: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    dependency = resolve(ours, *THREE, link="same-branch", same_repository=True)

    assert why(dependency) == expected
    if expected[1] != "same-pull-request":
        assert dependency.rejected == (Rejected(Rule.SAME_PULL_REQUEST, "", f"the rule {expected[1]} comes first"),)


def test_the_first_rule_that_speaks_decides_even_if_its_target_is_not_live() -> None:
    ours = {"body": "Depends-On: acme/payments#9", "config": wish("pr:6"), "branch": "shared"}
    dependency = resolve(ours, *THREE, link="same-branch", looked_up={9: Elsewhere.MERGED})

    assert why(dependency) == ("staging", "depends-on", "acme/payments#9 was merged")
    assert dependency.rejected == (
        Rejected(Rule.DEPENDS_ON, "Depends-On: acme/payments#9", "acme/payments#9 was merged"),
        Rejected(Rule.CONFIG, "pr:6", "the rule depends-on comes first"),
        Rejected(Rule.SAME_BRANCH, "", "the rule depends-on comes first"),
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
        ({"config": wish("pr:9")}, Rule.CONFIG, "pr:9"),
        ({"config": wish("acme/payments#9")}, Rule.CONFIG, "acme/payments#9"),
        ({"config": wish("https://github.com/ACME/Payments/pull/9")}, Rule.CONFIG, "ACME/Payments#9"),
        ({"body": "Depends-On: acme/payments#9"}, Rule.DEPENDS_ON, "Depends-On: acme/payments#9"),
    ],
)
def test_a_target_that_is_not_listed_falls_back_and_says_what_became_of_it(
    ours: dict[str, Any], rule: Rule, words: str, looked_up: dict[int, Elsewhere], reason: str
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
def test_a_listed_target_that_is_not_live_falls_back_and_says_why(theirs: dict[str, Any], reason: str) -> None:
    target = make_pull_request(5, **theirs)
    dependency = resolve({"config": wish("pr:5")}, target, drafts=False, labels={"skip": ["no"]})

    assert why(dependency) == ("staging", "config", f"acme/payments#5 {reason}")
    assert dependency.rejected == (Rejected(Rule.CONFIG, "pr:5", f"acme/payments#5 {reason}"),)


@pytest.mark.parametrize("how", ["catalog", "branch:shared", "same-branch"])
@pytest.mark.parametrize(
    ("others", "target", "reason"),
    [
        ([{}], "acme/payments#5", "acme/payments#5 is live"),
        ([{}, {"fork": True}], "acme/payments#5", "acme/payments#5 is live"),
        ([{}, {"labels": ("other",)}], "acme/payments#5", "acme/payments#5 is live"),
        ([{}, {"branch": "Shared"}], "acme/payments#5", "acme/payments#5 is live"),
        ([{"draft": True}], "staging", "acme/payments#5 is skipped: it is a draft"),
        ([{}, {}], "staging", '2 pull requests of acme/payments have the branch "shared"'),
        ([{}, {"draft": True}], "staging", '2 pull requests of acme/payments have the branch "shared"'),
    ],
)
def test_a_branch_links_to_the_only_pull_request_that_has_it(
    how: str, others: list[dict[str, Any]], target: str, reason: str
) -> None:
    theirs = [make_pull_request(5 + n, **{"branch": "shared"} | other) for n, other in enumerate(others)]
    ours: dict[str, Any] = {"branch": "shared"}
    if how == "catalog":
        dependency = resolve(ours, *theirs, link="same-branch", drafts=False)
    else:
        dependency = resolve(ours | {"config": wish(how)}, *theirs, drafts=False)
    rule = "same-branch" if how == "catalog" else "config"
    words = "" if how == "catalog" else how

    assert why(dependency) == (target, rule, reason)
    assert dependency.rejected == (() if target != "staging" else (Rejected(Rule(rule), words, reason),))


@pytest.mark.parametrize("others", [[], [{"fork": True}], [{"labels": ("other",)}], [{"branch": "else"}]])
def test_without_a_pull_request_on_the_branch_the_catalog_is_silent_and_a_wish_falls_back(
    others: list[dict[str, Any]],
) -> None:
    theirs = [make_pull_request(5 + n, **{"branch": "shared"} | other) for n, other in enumerate(others)]
    nothing = 'no labelled pull request of acme/payments has the branch "shared"'

    assert why(resolve({"branch": "shared"}, *theirs, link="same-branch")) == (
        "staging",
        "default",
        "nothing else was asked for",
    )
    assert why(resolve({"branch": "shared", "config": wish("same-branch")}, *theirs)) == ("staging", "config", nothing)
    assert why(resolve({"config": wish("branch:shared")}, *theirs)) == ("staging", "config", nothing)


def test_the_default_branch_is_never_a_link() -> None:
    theirs = make_pull_request(5, branch="main")  # for example a pull request from main into a release branch
    reason = '"main" is the default branch of acme/payments, which staging runs'

    assert why(resolve({"branch": "main"}, theirs, link="same-branch")) == (
        "staging",
        "default",
        "nothing else was asked for",
    )
    for words in ("same-branch", "branch:main"):
        asked = resolve({"branch": "main", "config": wish(words)}, theirs)
        assert why(asked) == ("staging", "config", reason)
        assert asked.rejected == (Rejected(Rule.CONFIG, words, reason),)


def test_every_wish_that_comes_too_late_is_named_as_it_was_written() -> None:
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
        assert late.rejected == (Rejected(Rule.CONFIG, words, "the rule depends-on comes first"),)


def test_the_catalog_must_allow_equal_branches_to_link() -> None:
    theirs = make_pull_request(5, branch="shared")

    assert why(resolve({"branch": "shared"}, theirs)) == ("staging", "default", "nothing else was asked for")


@pytest.mark.parametrize(
    ("ours", "target", "rule", "reason", "rejected"),
    [
        ({}, "staging", "default", "nothing else was asked for", ()),
        (
            {"body": "Depends-On: acme/payments#5"},
            "staging",
            "default",
            "nothing else was asked for",
            (
                Rejected(
                    Rule.DEPENDS_ON, "Depends-On: acme/payments#5", "it counts only on same-repository pull requests"
                ),
            ),
        ),
        ({"config": wish("staging")}, "staging", "config", "staging was asked for", ()),
        ({"config": wish("pr:5")}, "staging", "config", FORK, (Rejected(Rule.CONFIG, "pr:5", FORK),)),
        ({"config": wish("pr:404")}, "staging", "config", FORK, (Rejected(Rule.CONFIG, "pr:404", FORK),)),
        (
            {"config": wish("url:https://users.dev.example.com")},
            "staging",
            "config",
            FORK,
            (Rejected(Rule.CONFIG, "url:https://users.dev.example.com", FORK),),
        ),
        ({"branch": "shared"}, "staging", "same-branch", FORK, (Rejected(Rule.SAME_BRANCH, "", FORK),)),
    ],
)
def test_a_fork_links_only_to_staging(
    ours: dict[str, Any], target: str, rule: str, reason: str, rejected: tuple[Rejected, ...]
) -> None:
    dependency = resolve(ours | {"fork": True}, *THREE, link="same-branch")

    assert why(dependency) == (target, rule, reason)
    assert dependency.rejected == rejected
    assert dependency.url == STAGING


def test_a_fork_does_not_even_link_to_itself() -> None:
    dependency = resolve({"fork": True}, same_repository=True)

    assert why(dependency) == ("staging", "same-pull-request", FORK)


def test_depends_on_counts_for_every_dependency_that_lives_in_its_repository_and_compares_in_any_case() -> None:
    catalog = make_catalog(
        {
            "shop": {"depends_on": ["admin", "reports", "users"]},
            "admin": {"repository": "acme/Office"},
            "reports": {"repository": "acme/Office"},
            "users": {},
        }
    )
    shop = make_repository("acme/shop", make_pull_request(1, body="depends-on: ACME/office#4"))
    office = make_repository("acme/Office", make_pull_request(4))
    shop_1 = previews_of(catalog, shop, office)["preview-shop-1"]

    assert [(dependency.service, *why(dependency)) for dependency in shop_1.dependencies] == [
        ("admin", "acme/Office#4", "depends-on", "acme/Office#4 is live"),
        ("reports", "acme/Office#4", "depends-on", "acme/Office#4 is live"),
        ("users", "staging", "default", "nothing else was asked for"),
    ]
    assert shop_1.warnings == ()


def test_of_two_depends_on_lines_for_one_repository_the_first_wins_and_the_other_is_a_warning() -> None:
    catalog = make_catalog({"orders": {"depends_on": ["payments"]}, "payments": {}})
    body = """\
Depends-On: payments#1
Depends-On: acme/nothing#2
Depends-On: acme/payments#5
Depends-On: acme/Payments#6
"""
    orders = make_repository("acme/orders", make_pull_request(1, body=body))
    payments = make_repository("acme/payments", make_pull_request(5), make_pull_request(6))
    preview = previews_of(catalog, orders, payments)["preview-orders-1"]

    assert [why(dependency) for dependency in preview.dependencies] == [
        ("acme/payments#5", "depends-on", "acme/payments#5 is live")
    ]
    assert preview.warnings == (
        "Depends-On: acme/nothing#2 matches no dependency",
        "Depends-On: acme/Payments#6 comes after another line for acme/Payments",
        '"Depends-On: payments#1" is ignored: it names no repository; write for example "Depends-On: acme/payments#1"',
    )
    assert preview.config_error == ""


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

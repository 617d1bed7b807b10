"""The table of all previews."""

from plugin.core.answers.overview import calls, deployments, earlier_ends, has_problem, problems, total
from plugin.core.decision.preview import Preview
from plugin.core.facts.acts import ActKind
from plugin.core.facts.deployments import Deployed, Reported
from tests.builders import MONDAY, SHA, make_catalog, make_pull_request, make_repository, previews_of
from tests.lives import HOUR, asked, lived

CATALOG = make_catalog({"orders": {"depends_on": ["payments", "users"], "drafts": False}, "payments": {}, "users": {}})


REPORTED = {
    "orders/1": Reported(Deployed.FAILED, SHA, "Job/migrate: it failed", MONDAY, MONDAY),
    "orders/4": Reported(Deployed.FAILED, SHA, "it is not live", MONDAY, MONDAY),
    "payments/20": Reported(Deployed.READY, SHA, "", MONDAY, MONDAY),
}


def previews() -> list[Preview]:
    linked = make_pull_request(1, config="version: 1\ndependencies: {payments: pr:20}")
    broken = make_pull_request(2, config="version: 2")
    warned = make_pull_request(3, body="Depends-On: acme/elsewhere#1")
    orders = make_repository("acme/orders", linked, broken, warned, make_pull_request(4, draft=True))
    return list(previews_of(CATALOG, orders, make_repository("acme/payments", make_pull_request(20))).values())


def test_each_call_has_a_row() -> None:
    first, *others = previews()

    assert list(calls([first, others[-1]])) == [
        "PREVIEW      PULL REQUEST      STATE   CALLS     AT                RULE     WHY",
        "orders-1     acme/orders#1     active  payments  acme/payments#20  config   acme/payments#20 is live",
        "                                       users     staging           default  nothing else was asked for",
        "payments-20  acme/payments#20  active  -         -                 -        it calls no other service",
    ]


def test_what_is_not_live_calls_nobody() -> None:
    draft = previews()[3]

    assert list(calls([draft])) == []
    assert list(calls([])) == []


def test_every_problem_has_a_row() -> None:
    held = {"orders/2": "it is no longer listed", "orders/3": "GitHub is down"}

    assert list(problems(previews(), held, REPORTED, {}, {"acme/users": ["preview"]})) == [
        "",
        "No preview, and why:",
        "  orders-4  acme/orders#4  skipped  it is a draft",
        "",
        "Problems (these previews stay):",
        "  orders-1  acme/orders#1  Argo CD: failed since 2026-11-16 09:00:00Z: Job/migrate: it failed",
        "  orders-2  acme/orders#2  held: it is no longer listed",
        "  orders-2  acme/orders#2  config error: .preview.yaml:1: version: must be 1, the only version there is",
        "  orders-3  acme/orders#3  held: GitHub is down",
        "  orders-3  acme/orders#3  warning: Depends-On: acme/elsewhere#1 matches no dependency",
        "",
        "Labels that do not exist, so that no pull request can have them:",
        '  acme/users  has no label "preview"',
    ]


def test_what_sleeps_has_a_row_and_what_waits_says_its_state() -> None:
    world = lived({"orders": {}}, limits={"total": 1})
    world.put(asked(1))
    world.step(MONDAY - world.now)
    world.now += HOUR
    world.act(ActKind.PAUSE)
    world.put(asked(2, at=MONDAY + HOUR))
    world.put(asked(3))
    world.step(HOUR)
    found, reason = list(world.current.previews), world.preview("orders/2").verdict.reason

    assert list(calls(found))[1:] == ["orders-1  acme/orders#1  paused  -      -   -     it calls no other service"]
    assert list(problems(found, {}, {}, world.current.queue, {}))[2:] == [
        f"  orders-2  acme/orders#2  queued, place 2  {reason}",
        f"  orders-3  acme/orders#3  queued, place 1  {reason}",
    ]


def test_ends_that_wait_are_counted_with_the_command_that_lets_them_come() -> None:
    assert list(earlier_ends(0, "")) == []
    assert list(earlier_ends(1, "preview-plugin acknowledge 0123")) == [
        "",
        "The breaker holds back 1 end that an edit of the catalog would bring forward.",
        "If that is meant: preview-plugin acknowledge 0123",
    ]
    assert "12 ends that" in list(earlier_ends(12, ""))[1]


def test_nothing_is_printed_about_previews_without_a_problem() -> None:
    fine = [previews()[0], previews()[-1]]

    assert list(problems(fine, {}, {}, {}, {})) == []
    assert [has_problem(preview, {}, {}) for preview in previews()] == [False, True, True, True, False]
    assert has_problem(fine[0], {"orders/1": "GitHub is down"}, {})
    assert [has_problem(preview, {}, REPORTED) for preview in fine] == [True, False]


def test_what_argocd_reported_has_a_row_for_each_live_preview() -> None:
    assert list(deployments(previews(), REPORTED)) == [
        "",
        "What Argo CD reported:",
        "  orders-1     acme/orders#1     failed since 2026-11-16 09:00:00Z: Job/migrate: it failed",
        "  payments-20  acme/payments#20  ready since 2026-11-16 09:00:00Z",
    ]
    assert list(deployments(previews(), {})) == []


def test_previews_are_counted() -> None:
    assert total(previews()) == "4 previews, 1 without one"
    assert total(previews()[2:4]) == "1 preview, 1 without one"
    assert total([]) == "0 previews, 0 without one"

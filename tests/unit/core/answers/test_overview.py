"""The table of all previews."""

from plugin.core.answers.overview import calls, has_problem, problems, total
from plugin.core.decision.preview import Preview
from tests.builders import make_catalog, make_pull_request, make_repository, previews_of

CATALOG = make_catalog({"orders": {"depends_on": ["payments", "users"], "drafts": False}, "payments": {}, "users": {}})


def previews() -> list[Preview]:
    linked = make_pull_request(1, config="version: 1\ndependencies: {payments: pr:20}")
    broken = make_pull_request(2, config="version: 2")
    warned = make_pull_request(3, body="Depends-On: acme/elsewhere#1")
    orders = make_repository("acme/orders", linked, broken, warned, make_pull_request(4, draft=True))
    return list(previews_of(CATALOG, orders, make_repository("acme/payments", make_pull_request(20))).values())


def test_each_call_has_a_row() -> None:
    first, *others = previews()

    assert list(calls([first, others[-1]])) == [
        "PREVIEW      PULL REQUEST      CALLS     AT                RULE     WHY",
        "orders-1     acme/orders#1     payments  acme/payments#20  config   acme/payments#20 is live",
        "                               users     staging           default  nothing else was asked for",
        "payments-20  acme/payments#20  -         -                 -        it calls no other service",
    ]


def test_what_is_not_live_calls_nobody() -> None:
    draft = previews()[3]

    assert list(calls([draft])) == []
    assert list(calls([])) == []


def test_every_problem_has_a_row() -> None:
    held = {"orders/2": "it is no longer listed", "orders/3": "GitHub is down"}

    assert list(problems(previews(), held, {"acme/users": ["preview"]})) == [
        "",
        "No preview, and why:",
        "  orders-4  acme/orders#4  it is a draft",
        "",
        "Problems (these previews stay):",
        "  orders-2  acme/orders#2  held: it is no longer listed",
        "  orders-2  acme/orders#2  config error: .preview.yaml:1: version: must be 1, the only version there is",
        "  orders-3  acme/orders#3  held: GitHub is down",
        "  orders-3  acme/orders#3  warning: Depends-On: acme/elsewhere#1 matches no dependency",
        "",
        "Labels that do not exist, so that no pull request can have them:",
        '  acme/users  has no label "preview"',
    ]


def test_nothing_is_printed_about_previews_without_a_problem() -> None:
    fine = [previews()[0], previews()[-1]]

    assert list(problems(fine, {}, {})) == []
    assert [has_problem(preview, {}) for preview in previews()] == [False, True, True, True, False]
    assert has_problem(fine[0], {"orders/1": "GitHub is down"})


def test_previews_are_counted() -> None:
    assert total(previews()) == "4 previews, 1 without one"
    assert total(previews()[2:4]) == "1 preview, 1 without one"
    assert total([]) == "0 previews, 0 without one"

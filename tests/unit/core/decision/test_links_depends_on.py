"""Links by `Depends-On` lines in descriptions: their effect, their warnings, and their cost."""

import sys
from collections.abc import Callable

from plugin.core.decision.decide import decide
from plugin.core.decision.links import MAX_WARNINGS, LinkRule
from tests.builders import make_catalog, make_pull_request, make_repository, make_snapshot, previews_of
from tests.unit.core.decision.calls import why


def test_depends_on_links_every_dependency_of_its_repository_in_any_case() -> None:
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


def test_depends_on_lines_without_effect_are_warnings() -> None:
    catalog = make_catalog({"orders": {"depends_on": ["payments"]}, "payments": {}})
    body = """\
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
    )
    assert preview.config_error == ""


def test_a_line_for_another_services_dependency_is_not_a_warning() -> None:
    catalog = make_catalog(
        {
            "orders": {"depends_on": ["payments"]},
            "reports": {"repository": "acme/orders", "depends_on": ["users"]},
            "payments": {},
            "users": {},
        }
    )
    body = "Depends-On: acme/payments#5\nDepends-On: acme/users#6\nDepends-On: acme/shop#7"
    previews = previews_of(catalog, make_repository("acme/orders", make_pull_request(1, body=body)))

    assert {name: preview.warnings for name, preview in previews.items()} == dict.fromkeys(
        ["preview-orders-1", "preview-reports-1"], ("Depends-On: acme/shop#7 matches no dependency",)
    )


def test_a_line_that_does_not_name_a_pull_request_is_a_warning() -> None:
    catalog = make_catalog({"orders": {"depends_on": ["payments"]}, "payments": {}})
    orders = make_repository("acme/orders", make_pull_request(1, body="Depends-On: payments#5"))
    preview = previews_of(catalog, orders, make_repository("acme/payments", make_pull_request(5)))["preview-orders-1"]

    assert preview.dependencies[0].rule is LinkRule.DEFAULT
    (warning,) = preview.warnings
    assert "payments#5" in warning


def test_what_was_written_is_repeated_as_one_bounded_line() -> None:
    repository = "acme/payments-of-the-whole-platform"
    catalog = make_catalog({"orders": {"depends_on": ["payments"]}, "payments": {"repository": repository}})
    body = f"Depends-On: https://{'a' * 253}:8443/{repository}/pull/5\nDepends-On: {chr(0x202E)}x{chr(0)}#5 {'y' * 500}"
    orders = make_repository("acme/orders", make_pull_request(1, body=body))
    preview = previews_of(catalog, orders)["preview-orders-1"]
    (rejected,) = preview.dependencies[0].rejected

    assert rejected.rule is LinkRule.DEPENDS_ON
    assert len(rejected.wish) == 300
    assert rejected.wish.isprintable()
    assert all(len(warning) <= 300 and warning.isprintable() for warning in preview.warnings)


def test_the_number_of_warnings_is_bounded() -> None:
    catalog = make_catalog({"orders": {"depends_on": ["payments"]}, "payments": {}})
    body = "".join(f"Depends-On: acme/x#{number}\nDepends-On: nonsense#{number}\n" for number in range(1, 1700))
    orders = make_repository("acme/orders", make_pull_request(1, body=body))

    assert len(previews_of(catalog, orders)["preview-orders-1"].warnings) == MAX_WARNINGS


def counted(run: Callable[[], object]) -> int:
    """Count the calls of functions, which do not depend on the machine's speed."""
    calls = 0

    def count(_: object, event: str, __: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        run()
    finally:
        sys.setprofile(before)
    return calls


def test_many_depends_on_lines_cost_no_more_in_a_large_monorepo() -> None:
    names = [f"s-{number}" for number in range(100)]
    catalog = make_catalog(
        {name: {"repository": "acme/mono", "depends_on": [f"t-{number}" for number in range(100)]} for name in names}
        | {f"t-{number}": {} for number in range(100)}
    )

    def cost(lines: int) -> int:
        body = "".join(f"Depends-On: acme/t-{number % 34}#{number}\n" for number in range(1, lines + 1))
        snapshot = make_snapshot(catalog, make_repository("acme/mono", make_pull_request(1, body=body)))
        return counted(lambda: decide(catalog, snapshot))

    few, many = cost(34), cost(3400)
    assert many - few < 3400 * 30  # each line is read once, not once for each of 10,000 calls
    assert many < 2 * few

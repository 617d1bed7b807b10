"""`preview-plugin explain`."""

import json

import pytest

from tests.builders import make_pull_request
from tests.stage import Stage
from tests.unit.cli.commands import DEMO, run


def test_explain_prints_the_deciding_rule_and_its_reason() -> None:
    result = run("explain", "acme/backoffice#4", **DEMO)

    assert result.exit_code == 0
    assert (
        result.stdout
        == """\
admin for acme/backoffice#4: active, because it has the label "preview"
  https://admin-4.preview.example.com  namespace preview-admin-4
  reports -> acme/backoffice#4  https://reports-4.preview.example.com
    same-pull-request: acme/backoffice#4 is live
  users -> staging  https://users.staging.example.com
    default: nothing else was asked for
reports for acme/backoffice#4: active, because it has the label "preview"
  https://reports-4.preview.example.com  namespace preview-reports-4
  orders -> staging  http://app.staging-orders.svc.cluster.local
    config: acme/orders#19 has no preview label
    not config (pr:19): acme/orders#19 has no preview label
  payments -> acme/payments#123  https://payments-123.preview.example.com
    config: acme/payments#123 is live
"""
    )


def test_explain_accepts_a_url_in_any_case_and_prints_mistakes() -> None:
    result = run("explain", "https://github.com/ACME/orders/pull/18", **DEMO)

    assert result.exit_code == 0
    assert (
        result.stdout
        == """\
orders for acme/orders#18: active, because it has the label "preview"
  https://orders-18.preview.example.com  namespace preview-orders-18
  config error: .preview.yaml:3: dependencies.paymints: is not a dependency of orders; did you mean "payments"?
  payments -> staging  http://app.staging-payments.svc.cluster.local
    default: nothing else was asked for
  users -> staging  http://app.staging-users.svc.cluster.local
    default: nothing else was asked for
"""
    )


def test_explain_of_a_skipped_pull_request_prints_no_url() -> None:
    result = run("explain", "acme/users#9", **DEMO)

    assert (result.exit_code, result.stdout) == (1, "users for acme/users#9: skipped, because it is a draft\n")


def test_explain_says_why_a_pull_request_has_no_preview() -> None:
    for wanted, reason in {
        "acme/orders#19": (
            'acme/orders#19 has no preview: it lacks the label "preview". '
            "Add it: gh pr edit 19 --repo acme/orders --add-label preview"
        ),
        "ACME/users#5": "acme/users#5 has no preview: it is not open, because it was merged. Open a new one.",
        "acme/users#77": "acme/users#77 does not exist. Check the number.",
        "acme/nothing#1": (
            "acme/nothing#1 has no preview: no service of the catalog is in the repository acme/nothing. Add one to it."
        ),
    }.items():
        result = run("explain", wanted, **DEMO)

        assert (result.exit_code, result.stdout, result.stderr) == (1, f"{reason}\n", "")


@pytest.mark.parametrize(
    "name",
    ["reports-4", "preview-reports-4", "https://reports-4.preview.example.com/login?next=/", "acme/backoffice#4"],
)
def test_explain_accepts_every_name_of_a_preview(name: str) -> None:
    result = run("explain", name, **DEMO)
    services = [line.partition(" ")[0] for line in result.stdout.splitlines() if not line.startswith(" ")]

    assert result.exit_code == 0
    assert services == (["admin", "reports"] if name == "acme/backoffice#4" else ["reports"])


def test_explain_as_json(stored: Stage) -> None:
    stored.source.listed["acme/orders"] = [make_pull_request(1)]
    stored.refresh()
    content = json.loads(run("explain", "--json", "orders-1").stdout)

    assert content["reason"] == ""
    assert [preview["namespace"] for preview in content["previews"]] == ["preview-orders-1"]
    assert content["snapshot"]["complete"] is True
    assert content["history"] == {
        "orders/1": [{"at": "2026-11-21T09:00:01Z", "kind": "created", "reason": 'it has the label "preview"'}]
    }


def test_explain_as_json_without_a_preview() -> None:
    result = run("explain", "--json", "acme/users#5", **DEMO)
    content = json.loads(result.stdout)

    assert result.exit_code == 1
    assert content["reason"].startswith("acme/users#5 has no preview: it is not open")
    assert (content["previews"], content["history"]) == ([], {"users/5": []})


def test_explain_of_a_pull_request_that_could_not_be_looked_up(stored: Stage) -> None:
    assert stored.source.elsewhere == {}
    result = run("explain", "acme/orders#1")

    assert result.exit_code == 1
    assert result.stdout == (
        "acme/orders#1 has no preview that is known of, and it could not be looked up. Ask again in a moment.\n"
    )


def test_explain_accepts_the_address_of_any_page() -> None:
    result = run("explain", "https://github.com/acme/users/pull/9/files#diff-1", **DEMO)

    assert result.stdout == "users for acme/users#9: skipped, because it is a draft\n"


def test_explain_of_what_names_no_preview() -> None:
    result = run("explain", "orders", **DEMO)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith('"orders" names no preview: write a pull request (acme/orders#12')


def test_explain_reads_the_state_of_a_server_without_changing_it(stored: Stage) -> None:
    stored.source.listed["acme/orders"] = [make_pull_request(1)]
    stored.refresh()
    before = stored.state.store.load()
    stored.source.listed["acme/orders"] = []
    result = run("explain", "acme/orders#1")

    assert result.exit_code == 0
    assert result.stdout == (
        'orders for acme/orders#1: active, because it has the label "preview"\n'
        "  https://orders-1.preview.example.com  namespace preview-orders-1\n"
        "  held: it is no longer listed, and could not be looked up\n"
        "  payments -> staging  http://app.staging-payments.svc.cluster.local\n"
        "    default: nothing else was asked for\n"
        '  2026-11-21 09:00:01Z created: it has the label "preview"\n'
    )
    assert stored.state.store.load() is before


def test_explain_prints_the_history_of_a_deleted_preview(stored: Stage) -> None:
    stored.source.listed["acme/orders"] = [make_pull_request(1)]
    stored.refresh()
    stored.source.close("acme/orders", 1)
    stored.refresh()
    result = run("explain", "ACME/orders#1")

    assert result.exit_code == 1
    assert result.stdout.splitlines()[1:] == [
        '  2026-11-21 09:00:01Z created: it has the label "preview"',
        "  2026-11-21 09:00:02Z gone: acme/orders#1 was closed",
    ]

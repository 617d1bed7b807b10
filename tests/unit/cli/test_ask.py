import json
from pathlib import Path

import pytest

from plugin.app import watch_catalog
from plugin.errors import InvalidFile
from plugin.state import Known, Unreachable
from tests.builders import make_pull_request
from tests.stage import Stage
from tests.unit.cli.commands import DEMO, hold, run


def test_params_prints_what_the_endpoint_would_answer() -> None:
    result = run("params", "--service", "orders", "--service", "users", "--profile", "backend", **DEMO)

    assert result.exit_code == 0
    assert [one["name"] for one in json.loads(result.stdout)["output"]["parameters"]] == [
        "preview-orders-12",
        "preview-orders-15",
        "preview-orders-17",
        "preview-orders-18",
        "preview-users-7",
        "preview-users-11",
    ]
    assert run("params", "--origin", "fork", **DEMO).stdout == '{"output":{"parameters":[]}}\n'


def test_params_with_an_unknown_service() -> None:
    result = run("params", "--service", "order", **DEMO)

    assert result.exit_code == 1
    assert result.stderr == 'services: the catalog has no service "order"; did you mean "orders"?\n'


def test_invalid_settings_are_all_named() -> None:
    result = run("params", PREVIEW_SOURCE="file:")

    assert result.exit_code == 1
    assert result.stderr == (
        "these settings are invalid or missing:\n"
        "PREVIEW_CATALOG: is missing\n"
        'PREVIEW_SOURCE: must be "github" or "file:PATH"\n'
    )


def test_params_with_a_source_that_cannot_be_read(tmp_path: Path) -> None:
    missing = tmp_path / "organisation.yaml"
    result = run("params", PREVIEW_CATALOG="examples/acme/catalog.yaml", PREVIEW_SOURCE=f"file:{missing}")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        f"{name}: [Errno 2] No such file or directory: '{missing}'"
        for name in ("acme/backoffice", "acme/orders", "acme/payments", "acme/shop", "acme/users")
    ] + ["these repositories have never been read: acme/backoffice, acme/orders, acme/payments, acme/shop, acme/users"]


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

    assert (result.exit_code, result.stdout) == (0, "users for acme/users#9: skipped, because it is a draft\n")


def test_explain_of_a_pull_request_without_labels() -> None:
    result = run("explain", "acme/orders#19", **DEMO)

    assert result.exit_code == 1
    assert result.stdout == ("acme/orders#19 has no preview: it is not open, or it lacks the labels.\n")


def test_explain_of_a_repository_that_is_not_in_the_catalog() -> None:
    result = run("explain", "acme/nothing#1", **DEMO)

    assert result.exit_code == 1
    assert result.stdout == "acme/nothing#1 has no preview: its repository is not in the catalog.\n"


def test_explain_accepts_the_address_of_any_page() -> None:
    result = run("explain", "https://github.com/acme/users/pull/9/files#diff-1", **DEMO)

    assert result.stdout == "users for acme/users#9: skipped, because it is a draft\n"


def test_a_missing_catalog_is_named_with_its_setting(tmp_path: Path) -> None:
    missing = tmp_path / "catalog.yaml"
    result = run("params", PREVIEW_CATALOG=str(missing), PREVIEW_SOURCE="file:x", PREVIEW_STATE="memory")

    assert result.exit_code == 1
    assert result.stderr == f"PREVIEW_CATALOG: [Errno 2] No such file or directory: '{missing}'\n"


def test_explain_of_an_invalid_locator() -> None:
    result = run("explain", "orders-12", **DEMO)

    assert result.exit_code == 2
    assert result.stderr.endswith("Error: write the pull request as acme/orders#12 or as its URL\n")


def test_explain_reads_the_state_of_a_server_without_changing_it(stored: Stage) -> None:
    stored.source.listed["acme/orders"] = [make_pull_request(1)]
    stored.mirror.refresh()
    before = stored.state.store.load()
    stored.source.listed["acme/orders"] = []
    result = run("explain", "acme/orders#1")

    assert result.exit_code == 0
    assert result.stdout == (
        'orders for acme/orders#1: active, because it has the label "preview"\n'
        "  https://orders-1.preview.example.com  namespace preview-orders-1\n"
        "  held: it is not listed any more, and could not be looked up\n"
        "  payments -> staging  http://app.staging-payments.svc.cluster.local\n"
        "    default: nothing else was asked for\n"
        '  2026-11-21 09:00:02Z created: it has the label "preview"\n'
    )
    assert stored.state.store.load() is before


def test_explain_prints_the_history_of_a_deleted_preview(stored: Stage) -> None:
    stored.source.listed["acme/orders"] = [make_pull_request(1)]
    stored.mirror.refresh()
    stored.source.close("acme/orders", 1)
    stored.mirror.refresh()
    result = run("explain", "ACME/orders#1")

    assert result.exit_code == 1
    assert result.stdout.splitlines()[1:] == [
        '  2026-11-21 09:00:02Z created: it has the label "preview"',
        "  2026-11-21 09:00:04Z gone: acme/orders#1 was closed",
    ]


def test_params_answers_like_the_server_while_the_breaker_holds(stored: Stage) -> None:
    hold(stored)

    names = [one["name"] for one in json.loads(run("params").stdout)["output"]["parameters"]]
    assert names == [f"preview-orders-{number}" for number in range(1, 8)]


def test_params_answers_like_the_server_while_the_catalog_is_broken(stored: Stage) -> None:
    stored.source.listed["acme/orders"] = [make_pull_request(1)]
    stored.mirror.refresh()
    stored.path.write_text("version: 2", "utf-8")
    result = run("params")

    assert [one["name"] for one in json.loads(result.stdout)["output"]["parameters"]] == ["preview-orders-1"]
    assert result.stderr.splitlines()[:2] == [
        "the catalog is broken; the one in the state stays in force:",
        f"{stored.path}:1: domain",
    ]


def test_a_broken_catalog_without_one_in_the_state_is_an_error(stored: Stage) -> None:
    stored.path.write_text("version: 2", "utf-8")
    result = run("params")

    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{stored.path}:1: domain: is missing" in result.stderr


def test_a_broken_catalog_is_reported_while_the_state_is_unreachable(
    stored: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> Known:
        raise Unreachable("the state cannot be reached")

    monkeypatch.setattr(stored.state.store, "load", fail)
    stored.path.write_text("version: 2", "utf-8")
    with pytest.raises(InvalidFile):
        watch_catalog(stored.path, stored.state.store)

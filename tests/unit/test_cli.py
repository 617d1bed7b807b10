import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from plugin.app import watch_catalog
from plugin.cli import main
from plugin.errors import InvalidFile
from plugin.state import Known, Unreachable
from tests.builders import make_pull_request
from tests.stage import Stage

DEMO = {
    "PREVIEW_CATALOG": "examples/acme/catalog.yaml",
    "PREVIEW_SOURCE": "file:examples/acme/organisation.yaml",
}
LINKED = """\
version: 1
dependencies:
  payments: pr:123
  users: url:https://users.dev.example.com
services:
  orders: {dependencies: {users: same-branch}}
"""


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(main, arguments, env=environment, catch_exceptions=False)


def check(tmp_path: Path, text: str | bytes, *options: str, name: str = ".preview.yaml") -> tuple[int, str, str]:
    """Exit code, output and error output, with FILE for the file's path."""
    file = tmp_path / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    result = run("check", str(file), *options)
    return result.exit_code, result.stdout.replace(str(file), "FILE"), result.stderr.replace(str(file), "FILE")


WITH_CATALOG = ("--catalog", "examples/acme/catalog.yaml", "--repository", "acme/orders")


@pytest.mark.parametrize("options", [(), WITH_CATALOG, (*WITH_CATALOG[:-1], "Acme/ORDERS")])
def test_a_good_config_is_called_good(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert check(tmp_path, LINKED, *options) == (0, "FILE: good\n", "")


@pytest.mark.parametrize("text", ["", "\ufeff# empty\n"])
def test_an_empty_config_is_good(tmp_path: Path, text: str) -> None:
    assert check(tmp_path, text, "--no-links", *WITH_CATALOG) == (0, "FILE: good\n", "")


def test_mistakes_are_printed_as_file_line_message_and_the_exit_status_is_one(tmp_path: Path) -> None:
    broken = "version: 1\ndependencies:\n  payments: 123\nttl: 7d\n"

    assert check(tmp_path, broken) == (
        1,
        "",
        'FILE:3: dependencies.payments: write "pr:123" for pull request 123\nFILE:4: ttl: is not a known key\n',
    )


def test_names_are_checked_only_with_a_catalog(tmp_path: Path) -> None:
    misspelt = "version: 1\ndependencies: {paymints: staging}\n"

    assert check(tmp_path, misspelt)[0] == 0
    assert check(tmp_path, misspelt, *WITH_CATALOG) == (
        1,
        "",
        'FILE:2: dependencies.paymints: orders has no such dependency; did you mean "payments"?\n',
    )


def test_links_must_not_reach_the_default_branch(tmp_path: Path) -> None:
    refused = "must not reach the default branch: it links to a pull request or a branch"

    assert check(tmp_path, LINKED, "--no-links") == (
        1,
        "",
        f"FILE:3: dependencies.payments: {refused}\nFILE:6: services.orders.dependencies.users: {refused}\n",
    )
    assert check(tmp_path, "version: 1\ndependencies: {users: staging}", "--no-links")[0] == 0


def test_any_other_file_is_a_catalog(tmp_path: Path) -> None:
    assert check(tmp_path, Path("examples/acme/catalog.yaml").read_bytes(), name="services.yml") == (
        0,
        "FILE: good\n",
        "",
    )
    assert check(tmp_path, "version: 1\ndomain: a.example.com\nservices: {}\n", name="preview.yaml") == (
        1,
        "",
        "FILE:3: services: must not be empty\n",
    )


def test_the_repository_must_be_one_of_the_catalog(tmp_path: Path) -> None:
    status, _, error = check(tmp_path, LINKED, *WITH_CATALOG[:3], "acme/nobody")

    assert status == 2
    assert error.endswith("Error: the catalog has no service in the repository acme/nobody\n")


def test_without_a_repository_a_config_must_be_right_for_any_of_the_catalog(tmp_path: Path) -> None:
    fits_best = "version: 1\ndataset: minimal\ndependencies:\n  payments: staging\n  paymints: staging\n"

    assert check(tmp_path, LINKED, *WITH_CATALOG[:2]) == (0, "FILE: good\n", "")
    assert check(tmp_path, fits_best, *WITH_CATALOG[:2]) == (
        1,
        "",
        'FILE:5: dependencies.paymints: orders has no such dependency; did you mean "payments"?\n',
    )


def test_a_broken_catalog_beside_a_config_is_what_is_reported(tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.yaml"
    catalog.write_text("version: 1\n")
    status, _, error = check(tmp_path, LINKED, "--catalog", str(catalog), "--repository", "acme/orders")

    assert status == 1
    assert error == f"{catalog}:1: domain: is missing\n{catalog}:1: services: is missing\n"


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    status, _, error = check(tmp_path, b"\xff\xfe")

    assert status == 1
    assert error == "FILE:1: is not UTF-8 text\n"


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


def test_params_with_an_unknown_service_says_so() -> None:
    result = run("params", "--service", "order", **DEMO)

    assert result.exit_code == 1
    assert result.stderr == 'services: the catalog has no service "order"; did you mean "orders"?\n'


def test_wrong_settings_are_all_named() -> None:
    result = run("params", PREVIEW_SOURCE="file:")

    assert result.exit_code == 1
    assert result.stderr == (
        "these settings are wrong or missing:\n"
        "PREVIEW_CATALOG: is missing\n"
        'PREVIEW_SOURCE: must be "github" or "file:PATH"\n'
    )


def test_a_source_that_cannot_be_read_is_named_and_nothing_is_answered(tmp_path: Path) -> None:
    missing = tmp_path / "organisation.yaml"
    result = run("params", PREVIEW_CATALOG="examples/acme/catalog.yaml", PREVIEW_SOURCE=f"file:{missing}")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        f"{name}: [Errno 2] No such file or directory: '{missing}'"
        for name in ("acme/backoffice", "acme/orders", "acme/payments", "acme/shop", "acme/users")
    ] + ["these repositories have never been read: acme/backoffice, acme/orders, acme/payments, acme/shop, acme/users"]


def test_explain_says_who_decided_and_why() -> None:
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


def test_explain_accepts_a_url_in_any_case_and_tells_of_mistakes() -> None:
    result = run("explain", "https://github.com/ACME/orders/pull/18", **DEMO)

    assert result.exit_code == 0
    assert (
        result.stdout
        == """\
orders for acme/orders#18: active, because it has the label "preview"
  https://orders-18.preview.example.com  namespace preview-orders-18
  config error: .preview.yaml:3: dependencies.paymints: orders has no such dependency; did you mean "payments"?
  payments -> staging  http://app.staging-payments.svc.cluster.local
    default: nothing else was asked for
  users -> staging  http://app.staging-users.svc.cluster.local
    default: nothing else was asked for
"""
    )


def test_explain_of_a_skipped_pull_request_names_no_url() -> None:
    result = run("explain", "acme/users#9", **DEMO)

    assert (result.exit_code, result.stdout) == (0, "users for acme/users#9: skipped, because it is a draft\n")


def test_explain_of_a_pull_request_that_nobody_labelled() -> None:
    result = run("explain", "acme/orders#19", **DEMO)

    assert result.exit_code == 1
    assert result.stdout == (
        "acme/orders#19 has no preview: it is not open, lacks the labels, or its repository is not in the catalog.\n"
    )


def test_explain_wants_a_locator() -> None:
    result = run("explain", "orders-12", **DEMO)

    assert result.exit_code == 2
    assert result.stderr.endswith("Error: write the pull request as acme/orders#12 or as its URL\n")


# What a server has stored


@pytest.fixture(name="stored")
def _stored(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A stage whose state the commands find, with its catalog and source."""
    monkeypatch.setattr("plugin.cli.open_state", lambda _: stage.state)
    monkeypatch.setattr("plugin.cli.stored", lambda _: stage.state.store.load())
    monkeypatch.setattr("plugin.app.open_source", lambda *_: stage.source)
    monkeypatch.setenv("PREVIEW_CATALOG", str(stage.path))
    monkeypatch.setenv("PREVIEW_SOURCE", "file:scripted")
    return stage


def hold(stage: Stage) -> str:
    """Let the breaker hold what a new catalog no longer has, and return its fingerprint."""
    stage.source.listed["acme/orders"] = [make_pull_request(number) for number in range(1, 8)]
    stage.mirror.refresh()
    stage.answer()
    stage.write_catalog({"payments": {}})
    stage.mirror.refresh()
    return stage.mirror.current()[0].fingerprint


def test_explain_goes_on_from_what_a_server_has_stored_without_changing_it(stored: Stage) -> None:
    stored.source.listed["acme/orders"] = [make_pull_request(1)]
    stored.mirror.refresh()
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
        '  2026-11-21 09:00:02Z created: it has the label "preview"\n'
    )
    assert stored.state.store.load() is before


def test_explain_tells_the_history_of_what_is_gone(stored: Stage) -> None:
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


def test_params_answers_as_the_server_would_while_the_breaker_holds(stored: Stage) -> None:
    hold(stored)

    names = [one["name"] for one in json.loads(run("params").stdout)["output"]["parameters"]]
    assert names == [f"preview-orders-{number}" for number in range(1, 8)]


def test_params_answers_as_the_server_would_while_the_catalog_is_broken(stored: Stage) -> None:
    stored.source.listed["acme/orders"] = [make_pull_request(1)]
    stored.mirror.refresh()
    stored.path.write_text("version: 2", "utf-8")
    result = run("params")

    assert [one["name"] for one in json.loads(result.stdout)["output"]["parameters"]] == ["preview-orders-1"]
    assert result.stderr.splitlines()[:2] == [
        "the catalog is broken, so the one that the state holds counts:",
        f"{stored.path}:1: domain",
    ]


def test_without_a_catalog_in_the_state_a_broken_one_is_an_error(stored: Stage) -> None:
    stored.path.write_text("version: 2", "utf-8")
    result = run("params")

    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{stored.path}:1: domain: is missing" in result.stderr


def test_a_broken_catalog_is_what_is_told_where_the_state_is_out_of_reach(
    stored: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> Known:
        raise Unreachable("the state cannot be reached")

    monkeypatch.setattr(stored.state.store, "load", fail)
    stored.path.write_text("version: 2", "utf-8")
    with pytest.raises(InvalidFile):
        watch_catalog(stored.path, stored.state.store)


def test_acknowledge_lets_go_at_the_next_refresh(stored: Stage) -> None:
    fingerprint = hold(stored)
    result = run("acknowledge", fingerprint)

    assert (result.exit_code, result.stdout) == (
        0,
        f"{fingerprint}: acknowledged; the next refresh releases the previews that this catalog removes\n",
    )
    assert len(stored.answer()) == 7
    stored.mirror.refresh()
    assert stored.answer() == []

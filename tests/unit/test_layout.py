"""A newcomer finds the tests of a module by its path, and what the README of the tests names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]

# Modules without their own file in tests/unit, and where their tests are.
ELSEWHERE = {
    "app.py": "tests/contract/test_server.py",
    "cli/ask.py": "tests/unit/cli/test_acting.py",
    "cli/extend.py": "tests/unit/cli/test_acting.py",
    "cli/failures.py": "tests/unit/cli/test_reading.py",
    "cli/pause.py": "tests/unit/cli/test_acting.py",
    "cli/resume.py": "tests/unit/cli/test_acting.py",
    "cli/serve.py": "tests/contract/test_server.py",
    "core/commands/answer.py": "tests/unit/state/test_outbox.py",
    "core/answers/live.py": "tests/unit/core/answers/test_emission.py",
    "core/config/catalog_file.py": "tests/unit/core/config/test_catalog.py",
    "core/decision/part.py": "tests/unit/core/decision/test_decide.py",
    "core/decision/preview.py": "tests/unit/core/decision/test_decide.py",
    "core/decision/verdicts.py": "tests/unit/core/decision/test_judge.py",
    "core/facts/acts.py": "tests/store_promises.py",
    "core/facts/found.py": "tests/unit/mirror/test_find.py",
    "core/facts/lives.py": "tests/unit/core/life/test_own.py",
    "core/facts/model.py": "tests/unit/core/facts/test_absorb.py",
    "http_client.py": "tests/unit/report/test_argocd_api.py",
    "core/reports/content.py": "tests/unit/core/reports/test_said.py",
    "errors.py": "tests/unit/core/config/test_validation.py",
    "logs.py": "tests/unit/web/test_logs.py",
    "metrics.py": "tests/unit/report/test_measure.py",
    "web/access.py": "tests/unit/web/test_logs.py",
    "web/auth.py": "tests/unit/web/test_getparams.py",
    "web/errors.py": "tests/unit/web/test_getparams.py",
    "web/worker.py": "tests/contract/test_slow_clients.py",
    "wsgi.py": "tests/contract/test_server.py",
    # These need a server.
    "sources/github/draft.py": "tests/unit/sources/github/test_queries.py",
    "sources/github/events.py": "tests/contract/github/test_events.py",
    "sources/github/asker.py": "tests/contract/github/test_look_ups.py",
    "sources/github/comments.py": "tests/contract/github/test_comments.py",
    "sources/github/checks.py": "tests/contract/github/test_checks.py",
    "report/answering.py": "tests/contract/commands/test_faults.py",
    "report/commands.py": "tests/contract/commands/test_comments.py",
    "report/notebook.py": "tests/contract/commands/test_faults.py",
    "report/obeying.py": "tests/contract/commands/test_faults.py",
    "report/agenda.py": "tests/contract/report/test_reporter.py",
    "report/opening.py": "tests/contract/report/test_server.py",
    "report/reporter.py": "tests/contract/report/test_reporter.py",
    "report/writing.py": "tests/contract/report/test_faults.py",
    "setting_values.py": "tests/unit/test_settings.py",
    "sources/github/details.py": "tests/contract/github/test_details.py",
    "sources/github/identity.py": "tests/contract/github/test_identity.py",
    "sources/github/labels.py": "tests/contract/github/test_listing.py",
    "sources/github/listing.py": "tests/contract/github/test_listing.py",
    "sources/github/look_ups.py": "tests/contract/github/test_look_ups.py",
    "sources/github/owned.py": "tests/contract/github/test_owned.py",
    "sources/github/probing.py": "tests/contract/github/test_probing.py",
    "sources/github/pygithub.py": "tests/contract/github/test_credentials.py",
    "sources/github/rest.py": "tests/contract/report/test_rest.py",
    "sources/github/reader.py": "tests/contract/github/test_reading.py",
    "state/file_lease.py": "tests/contract/state/test_file_lease.py",
    "state/redis.py": "tests/contract/state/test_redis.py",
    "state/redis_board.py": "tests/contract/state/test_redis.py",
    "state/redis_client.py": "tests/contract/state/test_redis_client.py",
    "state/redis_outbox.py": "tests/contract/state/test_redis_outbox.py",
    "state/sqlite_outbox.py": "tests/store_promises.py",
    "state/redis_keys.py": "tests/contract/state/test_rollout.py",
    "state/redis_lease.py": "tests/contract/state/test_redis_lease.py",
    "state/redis_scripts.py": "tests/contract/state/test_redis.py",
}


def test_modules_are_short_enough_to_be_read_at_once() -> None:
    lines = {
        path: len(path.read_text("utf-8").splitlines())
        for part in ("plugin", "tools")
        for path in (ROOT / part).rglob("*.py")
    }

    assert {str(path.relative_to(ROOT)): count for path, count in lines.items() if count > 300} == {}


def test_the_tests_of_each_module_are_where_its_path_says() -> None:
    modules = {
        path.relative_to(ROOT / "plugin")
        for path in (ROOT / "plugin").rglob("*.py")
        if path.name != "__init__.py" and path.parent.name != "rules"  # one table tests all rules
    }
    without = {
        str(module)
        for module in modules
        if not list((ROOT / "tests/unit" / module.parent).glob(f"test_{module.stem}*.py"))
    }

    assert without == ELSEWHERE.keys()
    assert [path for path in ELSEWHERE.values() if not (ROOT / path).is_file()] == []


def test_every_path_in_the_readme_of_the_tests_exists() -> None:
    text = (ROOT / "tests/README.md").read_text("utf-8")
    paths = re.findall(r"`([a-z_0-9]+/[a-z_0-9/.]*|[a-z_0-9]+\.py)`", text)

    assert len(paths) > 40
    assert [
        path for path in paths if not any((ROOT / base / path).exists() for base in ("", "tests", "tests/.."))
    ] == []

"""`preview-plugin params`."""

import json

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


def test_params_answers_like_the_server_while_the_breaker_holds(stored: Stage) -> None:
    hold(stored)

    names = [one["name"] for one in json.loads(run("params").stdout)["output"]["parameters"]]
    assert names == [f"preview-orders-{number}" for number in range(1, 8)]


def test_params_answers_like_the_server_while_the_catalog_is_broken(stored: Stage) -> None:
    stored.source.listed["acme/orders"] = [make_pull_request(1)]
    stored.refresh()
    stored.path.write_text("version: 2", "utf-8")
    result = run("params")

    assert [one["name"] for one in json.loads(result.stdout)["output"]["parameters"]] == ["preview-orders-1"]
    assert result.stderr.splitlines()[:2] == [
        "the catalog is broken; the one in the state stays in force:",
        f"{stored.path}:1: domain",
    ]

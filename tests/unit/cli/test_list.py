"""`preview-plugin list`."""

import json
from pathlib import Path

from plugin.app import clock
from plugin.mirror.described import describe, state_of
from tests.builders import make_pull_request
from tests.stage import Stage
from tests.unit.cli.commands import DEMO, plan_shorter_lives, run

WITHOUT = """
No preview, and why:
  payments-124  acme/payments#124  skipped  it comes from a fork, and a label does not approve a fork's code
  shop-34       acme/shop#34       skipped  it has the label "no-preview"
  users-9       acme/users#9       skipped  it is a draft

Problems (these previews stay):
  orders-18  acme/orders#18  config error: .preview.yaml:3: dependencies.paymints: \
is not a dependency of orders; did you mean "payments"?

12 previews, 3 without one
"""


def test_the_table_of_the_demo() -> None:
    result = run("list", **DEMO)

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(
        """\
PREVIEW       PULL REQUEST       STATE   CALLS     AT                 RULE               WHY
admin-4       acme/backoffice#4  active  reports   acme/backoffice#4  same-pull-request  acme/backoffice#4 is live
                                         users     staging            default            nothing else was asked for
"""
    )
    assert result.stdout.endswith(WITHOUT)
    assert len(result.stdout.splitlines()) == 21 + len(WITHOUT.splitlines())


def test_problems_alone() -> None:
    result = run("list", "--problems", **DEMO)

    assert (result.exit_code, result.stdout) == (0, WITHOUT.lstrip("\n"))


def test_json_is_what_the_read_route_answers(stored: Stage) -> None:
    stored.source.listed["acme/orders"] = [make_pull_request(1), make_pull_request(2, config="dataset: none")]
    stored.refresh()
    current = stored.current()
    expected = state_of(current, clock()) | {"previews": [describe(preview, current) for preview in current.previews]}
    content = json.loads(run("list", "--json").stdout)
    problems = json.loads(run("list", "--json", "--problems").stdout)
    ages = [it.pop("snapshot") for it in (content, problems, expected)]

    assert [age["complete"] for age in ages] == [True] * 3
    assert content == expected
    assert problems == expected | {"previews": expected["previews"][1:]}


def test_what_keeps_a_preview_is_a_problem(stored: Stage) -> None:
    stored.source.listed["acme/orders"] = [make_pull_request(1), make_pull_request(2)]
    stored.refresh()
    stored.source.listed["acme/orders"] = [make_pull_request(2)]

    assert run("list", "--problems").stdout == (
        "Problems (these previews stay):\n"
        "  orders-1  acme/orders#1  held: it is no longer listed, and could not be looked up\n"
        "\n2 previews, 0 without one\n"
    )


def test_what_an_edit_would_remove_is_a_problem(stored: Stage) -> None:
    stored.source.listed["acme/orders"] = [make_pull_request(number) for number in range(1, 11)]
    stored.refresh()
    stored.write_catalog({"orders": {"profile": None}, "payments": {}})

    line = (
        "  orders-1   acme/orders#1   held: the breaker holds it back: the catalog no longer gives orders a profile, "
        "so the ApplicationSet previews leaves it out"
    )
    assert line in run("list", "--problems").stdout.splitlines()


def test_ends_that_an_edit_would_bring_forward_are_counted_with_the_command(stored: Stage) -> None:
    fingerprint = plan_shorter_lives(stored)

    for arguments in (("list",), ("list", "--problems")):
        assert run(*arguments).stdout.endswith(
            "The breaker holds back 7 ends that an edit of the catalog would bring forward.\n"
            f"If that is meant: preview-plugin acknowledge {fingerprint}\n"
            "\n7 previews, 0 without one\n"
        )
    assert json.loads(run("list", "--json").stdout)["breaker"] == {
        "held_back": {},
        "earlier_ends": 7,
        "to_release": f"preview-plugin acknowledge {fingerprint}",
    }


def test_nobody_asks_for_a_preview(stored: Stage) -> None:
    assert stored.source.listed == {"acme/orders": [], "acme/payments": []}
    assert run("list").stdout == "0 previews, 0 without one\n"


def test_no_token_of_the_server_is_needed(tmp_path: Path) -> None:
    assert run("list", PREVIEW_STATE=f"sqlite:{tmp_path}/state.db", **DEMO).exit_code == 0
    assert list(tmp_path.iterdir()) == []

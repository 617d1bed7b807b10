"""The breaker: an edit that would remove many previews holds every answer until somebody acknowledges it.

What facts end is looked up at GitHub first and then leaves, however much it is.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from tests.conformance.stage import DEMO, ORDERS, PUSHED, Stage, well

# What ends a preview without an edit.
ENDED: dict[tuple[str, int], dict[str, Any]] = {
    ("orders", 12): {"state": "closed"},
    ("orders", 15): {"state": "merged"},
    ("orders", 17): {"labels": ("bug",)},
    ("orders", 18): {"state": "closed"},
    ("payments", 123): {"labels": ()},
    ("payments", 125): {"state": "merged"},
    ("users", 7): {"draft": True},
}
INPUTS: tuple[Mapping[str, object], ...] = ({}, {"services": ["orders", "payments"]}, {"origin": "any"})
NEW_INPUT = {"profile": "backend"}


def another_prefix(catalog: str) -> str:
    return catalog.replace("version: 1\n", "version: 1\nprefix: env\n")


def another_label(catalog: str) -> str:
    return catalog.replace("require: [preview]", "require: [environment]")


def fewer_services(catalog: str) -> str:
    """Remove services that no other service calls; they have eight of the previews."""
    return re.sub(r"  (shop|admin|reports|orders):\n(    .*\n|  #.*\n)+", "", catalog)


@pytest.fixture(name="staged")
def _staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with well(tmp_path_factory.mktemp("breaker")) as staged:
        yield staged


def edit_catalog(staged: Stage, edit: Callable[[str], str]) -> None:
    staged.catalog.write_text(edit(staged.catalog.read_text("utf-8")), "utf-8")


def held_back(staged: Stage) -> dict[str, str]:
    """Check that Argo CD changes nothing, and return the previews that the breaker holds back."""
    reconciled = staged.settle()
    assert reconciled.fine
    assert reconciled.touched == set()
    found: dict[str, str] = staged.reported()["breaker"]["held_back"]
    assert len(found) == staged.server.metric("preview_held", by="breaker")
    return found


def answer(staged: Stage, parameters: Mapping[str, object]) -> bytes:
    body = json.dumps({"applicationSetName": "previews", "input": {"parameters": parameters}}).encode()
    answered = staged.server.ask(body=body)
    assert answered.status == 200
    return answered.body


def backend(whole: bytes) -> list[Any]:
    return [each for each in json.loads(whole)["output"]["parameters"] if each["profile"] == "backend"]


@pytest.mark.parametrize("edit", [another_prefix, another_label, fewer_services])
def test_a_held_edit_freezes_every_input_until_acknowledged(staged: Stage, edit: Callable[[str], str]) -> None:
    before, answers = staged.argocd.applications(), [answer(staged, each) for each in INPUTS]
    edit_catalog(staged, edit)
    leaving = held_back(staged)
    assert len(leaving) > DEMO / 2
    head = staged.push()
    assert held_back(staged) == leaving
    staged.start_plugin(remembers=True)
    assert held_back(staged) == leaving
    assert [answer(staged, each) for each in INPUTS] == answers
    assert json.loads(answer(staged, NEW_INPUT))["output"]["parameters"] == backend(answers[0])

    to_release = staged.reported()["breaker"]["to_release"]
    assert to_release in staged.server.log.read_text("utf-8")
    program, *arguments = to_release.split()
    assert program == "preview-plugin"
    assert staged.run(*arguments).returncode == 0
    released = staged.settle()
    assert released.fine
    assert released.deleted.keys() == {f"preview-{name.replace('/', '-')}" for name in leaving}
    assert released.created.keys() == staged.argocd.applications().keys() - before.keys()
    assert (head.encode() in answer(staged, {})) == (edit is another_prefix)  # the others remove what was pushed to
    assert held_back(staged) == {}


def test_an_undone_edit_leaves_only_the_facts_of_the_meantime(staged: Stage) -> None:
    valid = staged.catalog.read_text("utf-8")
    edit_catalog(staged, another_prefix)
    assert len(held_back(staged)) == DEMO
    refusal = staged.run("acknowledge", "of-another-catalog")
    assert refusal.returncode == 1
    assert "the breaker waits for" in refusal.stderr
    staged.push()
    staged.change(ORDERS, 18, state="closed")
    assert len(held_back(staged)) == DEMO

    staged.catalog.write_text(valid, "utf-8")
    undone = staged.settle()
    assert undone.fine
    assert undone.updated.keys() == {PUSHED}
    assert undone.deleted.keys() == {"preview-orders-18"}
    assert undone.touched == {PUSHED, "preview-orders-18"}
    assert held_back(staged) == {}


def test_confirmed_facts_remove_many_previews_without_acknowledgement(staged: Stage) -> None:
    for (name, number), change in ENDED.items():
        staged.change(f"acme/{name}", number, **change)
    assert staged.settle().deleted.keys() == {f"preview-{name}-{number}" for name, number in ENDED}
    assert held_back(staged) == {}

"""Promise 2: another version of the program is an edit too; its version is part of the catalog's fingerprint."""

import json
from dataclasses import replace
from typing import Any

import pytest

from plugin.core.config.catalog import Catalog, load_catalog
from plugin.core.decision import part as deciding
from plugin.core.decision.parameters import parameters
from plugin.core.decision.preview import Preview
from plugin.errors import NotReady
from tests.stage import Stage
from tests.unit.mirror.scenario import (
    TEN,
    WITHOUT_DRAFTS,
    acknowledge,
    begin,
    confirm,
    edit,
    held,
    keys,
    listing,
    names,
)

HELD = r"^more previews would leave than PREVIEW_BREAKER allows, and the previous answer is not known"


def loaded_again(stage: Stage) -> Stage:
    """Return a new process, which reads the text of the stored catalog itself."""
    known = stage.state.store.load()
    assert known.catalog
    stage.state.store.save(known, replace(known, catalog=load_catalog(known.catalog.text, "state")))
    return stage.restarted()


@pytest.fixture(name="upgrade")
def _upgrade(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Start a newer version of the program, after ten previews were answered by this one."""
    begin(stage)

    def upgrade() -> Stage:
        monkeypatch.setattr("plugin.core.config.catalog.__version__", "9.9.9")
        return loaded_again(stage)

    return upgrade


def give_other_names(monkeypatch: pytest.MonkeyPatch) -> None:
    def name(_prefix: str, service: str, number: int, **_: Any) -> str:
        return f"new-{service}-{number}"

    monkeypatch.setattr(deciding, "preview_name", name)


def test_a_program_that_changes_nothing_takes_over_without_a_hold(upgrade: Any) -> None:
    upgraded = upgrade()

    assert upgraded.answer() == names(*TEN)
    upgraded.refresh()
    assert upgraded.known().hold is None
    assert upgraded.answer() == names(*TEN)
    assert upgraded.known().live.catalog == upgraded.catalog().fingerprint


def test_a_program_with_one_more_parameter_does_not_hold(upgrade: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def one_more(preview: Preview, catalog: Catalog) -> dict[str, Any]:
        return {**parameters(preview, catalog), "cluster": "east"}

    monkeypatch.setattr(deciding, "parameters", one_more)
    upgraded = upgrade()

    for _ in range(2):
        objects = json.loads(upgraded.answers.parameters({}))
        assert [each["name"] for each in objects] == names(*TEN)
        assert {each["cluster"] for each in objects} == {"east"}
        upgraded.refresh()
        assert upgraded.known().hold is None


def test_a_program_with_other_names_waits_for_acknowledgement(upgrade: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    give_other_names(monkeypatch)
    upgraded = upgrade()
    for _ in range(3):
        with pytest.raises(NotReady, match=HELD):
            upgraded.answer()
        upgraded.refresh()
    assert held(upgraded) == keys(*TEN)

    acknowledge(upgraded)
    assert upgraded.answer() == names(*TEN, prefix="new")


def test_a_hold_of_a_new_program_makes_one_version(upgrade: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    give_other_names(monkeypatch)
    upgraded = upgrade()
    versions = [upgraded.refresh().current.known.head.version for _ in range(3)]

    assert len(set(versions)) == 1


def test_the_old_program_answers_again_after_a_rollback(
    stage: Stage, upgrade: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_other_names(monkeypatch)
    upgraded = upgrade()
    upgraded.refresh()
    monkeypatch.undo()
    back = loaded_again(stage)
    back.refresh()

    assert back.known().hold is None
    assert back.answer() == names(*TEN)


def test_a_program_that_judges_differently_is_held(upgrade: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugin.core.decision.judge._judge", lambda *_: None)
    upgraded = upgrade()
    upgraded.refresh()

    with pytest.raises(NotReady, match=HELD):
        upgraded.answer()
    assert held(upgraded) == keys(*TEN)


def test_departures_by_facts_leave_under_a_new_program(upgrade: Any) -> None:
    upgraded = upgrade()
    upgraded.source.listed["acme/orders"] = []
    confirm(upgraded, *TEN, state="merged")
    upgraded.refresh()

    assert upgraded.answer() == []
    assert upgraded.known().hold is None


def test_an_unconfirmed_flip_stays_under_a_new_program(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(stage, WITHOUT_DRAFTS)
    begin(stage)
    monkeypatch.setattr("plugin.core.config.catalog.__version__", "9.9.9")
    upgraded = loaded_again(stage)
    upgraded.source.listed["acme/orders"] = listing(*TEN, draft=True)
    upgraded.refresh()

    assert upgraded.answer() == names(*TEN)
    assert upgraded.known().hold is None


def test_an_edit_with_a_new_program_is_held_with_the_old_answer(upgrade: Any) -> None:
    upgraded = upgrade()
    edit(upgraded, {"payments": {}})

    assert upgraded.answer() == names(*TEN)
    assert held(upgraded) == keys(*TEN)
    acknowledge(upgraded)
    assert upgraded.answer() == []

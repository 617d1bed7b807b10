"""The guide to the life of previews: its states, numbers, costs and commands are the plugin's."""

import re
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest
import yaml

from plugin.core.config.catalog import load_catalog
from plugin.core.config.lifecycle import AWAKE, WARN, CheckGate
from plugin.core.config.lifecycle_file import LifecycleFile
from plugin.core.facts.agreement import MOST
from plugin.core.facts.lives import State
from plugin.core.life.paused import SPREAD
from tests.docs.pages import COMMANDS, examples, read, section, tables
from tests.docs.test_operations import PAGE as COSTS
from tests.docs.test_operations import quantity, volumes
from tools.picture import PICTURE
from tools.rendering import ROOT, build

PAGE = "docs/lifecycle.md"
WORDS = 900  # without the diagram
LINKED_FROM = ("README.md", "docs/reference.md", "docs/for-developers.md", "docs/operations.md")
EXAMPLE, OF_TESTS = "examples/acme/catalog.yaml", "tests/acme/catalog.yaml"


@pytest.fixture(name="states", scope="module")
def _states() -> dict[str, list[str]]:
    """The table of states: its other cells by state."""
    (rows,) = tables(section(PAGE, "States"))
    return {state.strip("`"): cells for state, *cells in rows}


def diagram() -> str:
    (found,) = examples("mermaid", PAGE)
    return found.text


def test_the_guide_is_short_and_found() -> None:
    assert len(read(PAGE).replace(diagram(), "").split()) <= WORDS
    for page in LINKED_FROM:
        assert "lifecycle.md" in read(page), page


def test_the_table_has_every_state_and_which_are_in_argo_cd(states: dict[str, list[str]]) -> None:
    assert [*states] == ["skipped", "expired", "waiting", "queued", "paused", "active"], "in the order of the rules"
    assert {State(state): emitted.startswith("yes") for state, (_, emitted, _, _) in states.items()} == {
        state: state.live for state in State
    }


def test_the_diagram_has_every_state_and_leads_out_of_each() -> None:
    steps = re.findall(r"^ *(\S+) --> ([a-z]+|\[\*\])(?:: .+)?$", diagram(), re.MULTILINE)

    assert {name for step in steps for name in step} - {"live", "[*]"} == {state.value for state in State}
    assert {start for start, _ in steps} - {"[*]"} == {state.value for state in State} | {"live"}
    assert len(steps) == diagram().count("-->")


def test_a_paused_preview_costs_what_the_table_says(states: dict[str, list[str]]) -> None:
    """That is, its volumes: tests/manifests/test_paused.py shows that nothing runs."""
    said = states["paused"][2]
    found = {
        path.parents[2].name: volumes(build(path.parent))
        for path in ROOT.glob("manifests/apps/*/overlays/preview/kustomization.yaml")
    }
    (size,) = re.findall(r"\[(\w+)\]\(operations.md", said)

    assert "`backend`, none for the others" in said
    assert {name for name, size in found.items() if size} == {"backend"}
    assert found["backend"] == quantity(size)
    assert "## What a preview costs" in read(COSTS)


def test_the_example_has_every_important_key() -> None:
    (block,) = examples("yaml", PAGE)
    plan = yaml.safe_load(block.text)["defaults"]["lifecycle"]

    assert {*LifecycleFile.model_fields} - {*plan} == {"awake", "extend", "warn"}, "which have defaults of their own"
    for key in ("warn", "awake"):
        assert f"`{key}` (" in read(PAGE)


def test_the_numbers_are_those_of_the_plugin() -> None:
    text = " ".join(read(PAGE).split())

    assert timedelta(hours=4) == WARN
    assert "at least `warn` (4 hours)" in text
    assert timedelta(hours=2) == AWAKE
    assert "`awake` (2 hours)" in text
    assert timedelta(minutes=10) == SPREAD
    assert "within the first ten minutes of their hours" in text
    assert timedelta(minutes=2) == MOST
    assert "differ by more than two minutes" in text


def test_every_command_for_people_is_in_the_guide() -> None:
    (rows,) = tables(section(PAGE, "By command"))

    assert [row[0].split()[1] for row in rows] == ["pause", "resume", "extend", "ask", "acknowledge"]
    assert {row[0].split()[1] for row in rows} <= {*COMMANDS}


def test_the_check_is_the_one_that_the_reusable_workflow_makes() -> None:
    """GitHub names the check of a called workflow's job after the calling job and that job."""
    caller = yaml.safe_load(read("examples/acme/preview-workflow.yaml"))["jobs"]["preview"]
    called = yaml.safe_load(read(".github/workflows/preview.yaml"))["jobs"]["image"]
    catalog = load_catalog(read(EXAMPLE), EXAMPLE)

    assert caller["uses"].partition("@")[0].endswith("/.github/workflows/preview.yaml")
    check = CheckGate(f"{caller.get('name', 'preview')} / {called['name']}")
    assert {service.lifecycle.ready_when for service in catalog.services.values()} == {check}
    assert f"`{check.name}`" in read(PAGE)


def test_the_demo_shows_every_state_with_its_reason() -> None:
    """The picture is what the demo prints: tests/docs/test_readme.py."""
    texts = [text.text or "" for text in ET.parse(PICTURE).getroot().iter("{http://www.w3.org/2000/svg}text")]
    printed = " ".join(" ".join(texts).split())  # a sentence may go on in the next line

    for state in State:
        assert re.search(rf"#\d+ {state.value}\b", printed), state
    for reason in (
        "it is outside Mon-Fri 08:00-17:00 Europe/Berlin, until ",
        "nobody has used it since ",
        "It ends at ",
        "has not succeeded for commit ",
        "may have previews at a time",
        "so it ended at",
        "it is a draft",
    ):
        assert reason in printed


def test_the_catalog_of_the_tests_is_the_example_without_what_time_changes_and_reports() -> None:
    expected, found = yaml.safe_load(read(EXAMPLE)), yaml.safe_load(read(OF_TESTS))
    for key in ("limits", "report", "commands"):
        del expected[key]
    del expected["defaults"]["lifecycle"], expected["services"]["search"]
    for service in expected["services"].values():
        service.pop("lifecycle", None)

    assert found == expected

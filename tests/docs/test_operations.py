"""What the plugin costs is computed from the manifests, and the messages that people look up are those it prints."""

import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from plugin.metrics import Metrics
from tests.docs.pages import read, section, tables
from tests.manifests.pods import owners, pod
from tools.rendering import ROOT, Objects, build

PAGE = "docs/operations.md"
UNITS = {"m": Fraction(1, 1000), "": Fraction(1), "Mi": Fraction(2**20), "Gi": Fraction(2**30)}
NODE = 16 * 2**30  # bytes


def quantity(text: str) -> Fraction:
    number, unit = re.fullmatch(r"([\d.]+)(\w*)", str(text)).groups()  # type: ignore[union-attr]
    return Fraction(Decimal(number)) * UNITS[unit]


def requested(objects: Objects, kind: str) -> dict[str, Fraction]:
    """Return what the pods of all Deployments, or Jobs, request together."""
    return {
        resource: sum(
            (
                _of_pod(pod(owner), resource) * owner["spec"].get("replicas", 1)
                for owner in owners(objects)
                if owner["kind"] == kind
            ),
            Fraction(),
        )
        for resource in ("cpu", "memory")
    }


def _of_pod(spec: dict[str, Any], resource: str) -> Fraction:
    """As the scheduler counts: all containers together, or the largest init container."""
    each = [quantity(one["resources"]["requests"][resource]) for one in spec["containers"]]
    before = [quantity(one["resources"]["requests"][resource]) for one in spec.get("initContainers", [])]
    return max(sum(each, Fraction()), *before, Fraction())


def volumes(objects: Objects) -> Fraction:
    claims = [found for found in objects if found["kind"] == "PersistentVolumeClaim"]
    return sum((quantity(claim["spec"]["resources"]["requests"]["storage"]) for claim in claims), Fraction())


def costs() -> dict[str, list[Fraction]]:
    (rows,) = tables(section(PAGE, "What a preview costs"))
    names = [(re.findall(r"profile `(\w+)`", what) or [what])[0] for what, *_ in rows]
    return {name: [quantity(cell or "0") for cell in cells] for name, (_, *cells) in zip(names, rows, strict=True)}


@pytest.mark.parametrize(
    "profile",
    sorted(path.parents[2].name for path in ROOT.glob("manifests/apps/*/overlays/preview/kustomization.yaml")),
)
def test_a_preview_requests_what_the_table_says(profile: str) -> None:
    objects = build(ROOT / f"manifests/apps/{profile}/overlays/preview")
    pods, jobs = requested(objects, "Deployment"), requested(objects, "Job")

    assert costs()[profile] == [pods["cpu"], pods["memory"], volumes(objects)]
    assert costs()["each of them while it syncs, for its smoke test"] == [jobs["cpu"], jobs["memory"], 0]


@pytest.mark.parametrize(
    ("what", "folder"), [("the plugin", "base"), ("the plugin with two replicas and Redis", "overlays/ha")]
)
def test_the_plugin_requests_what_the_table_says(what: str, folder: str) -> None:
    objects = build(ROOT / "manifests/plugin" / folder)
    pods = requested(objects, "Deployment")

    assert costs()[what] == [pods["cpu"], pods["memory"], volumes(objects)]
    if folder == "base":
        assert f"{pods['cpu'] * 1000}m CPU and {pods['memory'] / 2**20}Mi of memory" in read("README.md")


def test_the_previews_on_a_node_are_computed() -> None:
    (counted,) = re.findall(r"16 GiB of allocatable memory hold (\d+) previews of profile `backend`", read(PAGE))

    assert int(counted) == NODE // costs()["backend"][1]


NOT_OURS = {"connection refused", "complete: false"}  # what Argo CD says, and a field of the read routes


def test_every_message_that_people_look_up_is_one_that_the_plugin_prints() -> None:
    code = "\n".join(path.read_text("utf-8") for path in ROOT.glob("plugin/**/*.py"))
    code = re.sub(r'"\s*\n\s*f?"', "", code)  # strings that are written in two lines
    (rows,) = tables(section(PAGE, "When something is wrong"))
    messages = {quoted for row in rows for quoted in re.findall(r"`([^`]+)`", row[0]) if " " in quoted} - NOT_OURS

    assert len(messages) > 10
    assert [one for one in messages if not all(part.strip() in code for part in one.split("..."))] == []


def test_every_metric_that_people_look_up_exists() -> None:
    metrics = {family.name for family in Metrics().registry.collect()}
    text = section(PAGE, "When something is wrong")

    assert {name.removesuffix("_total") for name in re.findall(r"\bpreview_\w+", text)} - metrics == set()

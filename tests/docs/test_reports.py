"""The page about reports shows what the code writes, and names the permissions that it needs."""

import json
import re
from pathlib import Path

from plugin.core.config.catalog import load_catalog
from plugin.core.decision.decide import decide
from plugin.core.facts.deployments import Deployed, Reported
from plugin.core.facts.model import Repository, Snapshot
from plugin.core.reports.content import Comment, Kind, Target
from plugin.core.reports.naming import naming
from plugin.core.reports.said import Pages, Place
from plugin.core.reports.wanted import Around, callers_of, wanted
from plugin.report.github import PERMISSIONS
from plugin.sources import Wanted
from plugin.sources.file import FileSource
from plugin.sources.github.client import IF_GRANTED, READ_ONLY
from tests.builders import MONDAY
from tests.docs.pages import section, tables

PAGE = "docs/reports.md"
ACME = Path("examples/acme")
REPORT = "\nreport: {deployments: true, comment: auto}\n"


def test_the_comment_on_the_page_is_that_of_the_demo() -> None:
    catalog = load_catalog((ACME / "catalog.yaml").read_text("utf-8") + REPORT, "catalog.yaml")
    asked = [Wanted(name, labels) for name, labels in catalog.listed_labels.items()]
    found = FileSource(ACME / "organisation.yaml").read(asked)
    repositories = {name: each for name, each in found.items() if isinstance(each, Repository)}
    decision = decide(catalog, Snapshot(repositories))
    ready = {
        preview.name: (Reported(Deployed.READY, preview.deploy_sha, "", MONDAY, MONDAY),)
        for preview in decision.previews
    }
    place = Place(catalog, naming(catalog, repositories, "acme/orders"), Pages())
    said = wanted(decision.parts["acme/orders"], place, Around(ready, {}, callers_of(decision.previews)))
    comment = said[Target(Kind.COMMENT, "acme/orders", 15)]
    shown = re.findall(r"^> ?(.*)$", section(PAGE, "What a developer sees"), re.MULTILINE)

    assert isinstance(comment, Comment)
    assert comment.create
    assert "\n".join(shown) == comment.body.partition("\n\n")[2].strip()


def test_the_manifest_of_the_app_has_the_permissions_that_are_used_and_no_others() -> None:
    manifest = json.loads(Path("manifests/github-app.json").read_text("utf-8"))
    read = READ_ONLY | dict.fromkeys(IF_GRANTED, "read")

    # GitHub refuses a manifest with the event issue_comment that does not also read issues.
    assert manifest["default_permissions"] == read | dict.fromkeys(PERMISSIONS.values(), "write") | {"issues": "read"}
    assert set(manifest["default_events"]) == {"pull_request", "label", "repository", "issue_comment"}


def test_the_table_of_permissions_is_complete() -> None:
    (rows,) = tables(section(PAGE, "What each target needs"))
    named = {target.strip("`"): permission for target, permission in rows}

    assert named["deployments"] == "Deployments: write"
    assert named["status"] == "Commit statuses: write"
    assert named["comment"] == "Pull requests: write"
    assert "PREVIEW_JIRA_TOKEN" in named["jira"]
    assert {
        permission.split(":")[0].lower().removeprefix("commit ").replace(" ", "_") for permission in named.values()
    } >= {*PERMISSIONS.values()}

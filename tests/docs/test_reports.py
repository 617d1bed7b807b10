"""The page about reports shows what is really written, and asks for the permissions that are used."""

import json
import re
from html import unescape
from pathlib import Path
from xml.etree import ElementTree as ET

import cmarkgfm  # type: ignore[import-untyped]
import pytest

from plugin.report.github import PERMISSIONS
from plugin.sources.github.client import IF_GRANTED, READ_ONLY
from tests.docs.pages import section, tables
from tools.comment_picture import COMMENT, comment_picture
from tools.demo_comments import SHOWN
from tools.picture import demo_comment
from tools.rendering import ROOT

PAGE = "docs/reports.md"


@pytest.mark.parametrize("source", ["file", "github"])
def test_the_picture_shows_the_comment_that_the_demo_prints(source: str) -> None:
    comment = demo_comment(source)
    text = re.sub(r"<[^>]*>", "", cmarkgfm.github_flavored_markdown_to_html(comment))
    picture = ET.parse(COMMENT).getroot()
    shown = [each.text or "" for each in picture.findall("{http://www.w3.org/2000/svg}text")]

    assert "".join(shown).replace(" ", "") == "".join(unescape(text).split())
    assert COMMENT.read_text("utf-8") == comment_picture(comment), "draw it again: make pictures"


def test_the_page_shows_the_picture() -> None:
    assert f"]({COMMENT.relative_to(ROOT / 'docs')})" in section(PAGE, "What a developer sees")


def test_the_other_comment_of_the_demo_is_about_a_mistake() -> None:
    _, other = SHOWN

    assert "`.preview.yaml:3`: `dependencies.paymints`" in demo_comment(where=other)


def test_the_manifest_of_the_app_has_the_permissions_that_are_used_and_no_others() -> None:
    manifest = json.loads(Path("manifests/github-app.json").read_text("utf-8"))
    read = READ_ONLY | dict.fromkeys(IF_GRANTED, "read")

    # GitHub refuses a manifest with the event issue_comment that does not also read issues.
    assert manifest["default_permissions"] == read | dict.fromkeys(PERMISSIONS.values(), "write") | {"issues": "read"}
    events = {"pull_request", "label", "repository", "issue_comment", "check_run", "check_suite", "status"}
    assert set(manifest["default_events"]) == events


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

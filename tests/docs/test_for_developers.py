"""What developers read: names, commands and files are those of a real preview."""

import json
import re
import shlex
from pathlib import Path

from plugin.core.config.description import read_description
from tests.docs.pages import ACME, examples, run, section, tables
from tests.manifests.pods import containers, owners
from tools.rendering import ROOT, build

PAGE = "docs/for-developers.md"


def test_the_url_and_the_namespace_are_those_of_a_preview() -> None:
    (rows,) = tables(section(PAGE, "Get a preview"))
    found = json.loads(run("preview-plugin params --service orders", ACME).stdout)["output"]["parameters"]
    (orders,) = (one for one in found if one["number"] == "15")
    said = {what: re.findall(r"for example `([^`]+)`", meaning) for what, meaning in rows}

    assert said["the URL"] == [orders["url"]]
    assert said["the namespace"] == [orders["namespace"]]


def test_check_prints_what_the_guide_shows(tmp_path: Path) -> None:
    (block,) = (one for one in examples("console", PAGE) if "check" in one.text)
    command, *expected = block.text.splitlines()
    (tmp_path / ".preview.yaml").write_text("version: 1\ndependencies:\n  payments: 123\n")
    result = run(command.removeprefix("$ "), cwd=tmp_path)

    assert result.returncode == 1
    assert result.stderr.splitlines() == expected


def test_the_line_in_a_description_is_a_link() -> None:
    (block,) = (one for one in examples("", PAGE) if "Depends-On" in one.text)
    description = read_description(f"Refunds.\n\n{block.text}\nSee the ticket.")

    assert [str(link.locator) for link in description.links] == ["acme/payments#123"]
    assert not description.near_misses


def test_logs_and_shells_are_of_containers_that_exist() -> None:
    pods = {
        owner["metadata"]["name"]: {one["name"] for one in containers(owner)}
        for owner in owners(build(ROOT / "manifests/apps/backend/overlays/preview"))
    }
    (script,) = examples("sh", PAGE)
    commands = [shlex.split(line) for line in script.text.splitlines()]

    assert len(commands) == 5
    for _, _, pod, *options in commands:
        name = pod.removeprefix("deployment/")
        container = options[options.index("--container") + 1] if "--container" in options else name
        assert container in pods[name]

"""The front door: short, with a picture of what the demo really prints."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

from plugin.sources.file import load_organisation
from tests.docs.pages import ACME, examples, read, run
from tests.fakes.github import GitHub
from tools.picture import PICTURE, demo, picture, wrapped
from tools.rendering import ROOT

WORDS = 1300


def test_the_readme_is_short() -> None:
    assert len(read("README.md").split()) <= WORDS


def test_the_readme_shows_the_picture() -> None:
    assert f"]({PICTURE.relative_to(ROOT)})" in read("README.md")


@pytest.mark.parametrize("source", ["file", "github"])
def test_the_picture_shows_what_the_demo_prints(source: str) -> None:
    lines = [*wrapped(demo(source))]
    namespace = "{http://www.w3.org/2000/svg}"
    shown = [text.text for text in ET.parse(PICTURE).getroot().iter(f"{namespace}text")]

    assert shown == [*filter(None, lines)]
    assert PICTURE.read_text("utf-8") == picture(lines), "draw it again: make pictures"


def test_the_readme_counts_the_parameters() -> None:
    result = run("preview-plugin params", ACME)
    (counted,) = re.findall(r"\[(\d+) parameters\]", read("README.md"))

    assert {len(one) for one in json.loads(result.stdout)["output"]["parameters"]} == {int(counted)}


def test_the_generator_of_the_readme_is_that_of_the_guide() -> None:
    (shown,) = (yaml.safe_load(one.text) for one in examples("yaml", "README.md") if "generators:" in one.text)
    first, *_ = examples("yaml", "docs/migrate-from-pr-generator.md")

    assert yaml.safe_load(first.text) == shown


def test_the_commands_to_try_on_own_repositories_work(tmp_path: Path) -> None:
    """With an organisation at a fake GitHub, and answers to what `init` asks."""
    (block,) = (one for one in examples("console", "README.md") if "gh auth token" in one.text)
    script = "\n".join(line.removeprefix("$ ") for line in block.text.splitlines())
    with GitHub(load_organisation(ROOT / "examples/acme/organisation.yaml")) as github:
        gh = tmp_path / "bin/gh"
        gh.parent.mkdir()
        gh.write_text(f"#!/bin/sh\n[ \"$*\" = 'auth token' ] && echo {github.token}\n")
        gh.chmod(0o755)
        path = f"{gh.parent}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {"PATH": path, "HOME": str(tmp_path), "PREVIEW_GITHUB_URL": github.url}
        result = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path,
            env=environment,
            input="acme\npreview.example.com\n",
            capture_output=True,
            text=True,
            check=False,
        )

    assert result.returncode == 0, result.stderr
    assert "orders-15" in result.stdout
    assert "it is not in the catalog" not in result.stdout

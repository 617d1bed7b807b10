"""The README is right: its commands, tables and examples are run and compared."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic.fields import FieldInfo

from plugin.core.config.catalog import load_catalog
from plugin.core.config.catalog_file import CatalogFile, DefaultsFile, ServiceFile
from plugin.core.config.references import parse_reference
from plugin.core.config.repo_config import read_config
from plugin.core.decision.links import LinkRule
from plugin.settings import SECRETS, Settings, variable

README = Path("README.md").read_text("utf-8")
ACME = {
    "PREVIEW_CATALOG": "examples/acme/catalog.yaml",
    "PREVIEW_SOURCE": "file:examples/acme/organisation.yaml",
}


def section(title: str) -> str:
    """Return the text under a heading, up to the next heading."""
    match = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#+ |\Z)", README, re.MULTILINE | re.DOTALL)
    assert match, f"README.md has no section {title}"
    return match[1]


def tables(text: str) -> list[list[list[str]]]:
    """Return the cells of each table, without its heading."""
    found = re.findall(r"^\|.*\n\|[-|]*\n((?:\|.*\n)*)", text, re.MULTILINE)
    return [[[cell.strip() for cell in row.strip("|").split("|")] for row in rows.splitlines()] for rows in found]


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def run(*command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | environment | {"PATH": path}
    )


def test_every_make_target_in_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", Path("Makefile").read_text("utf-8"), re.MULTILINE))

    assert set(re.findall(r"[`$] ?make ([a-z-]+)", README)) - targets == set()


@pytest.mark.parametrize("source", ["file", "github"])
def test_the_demo_prints_what_the_readme_shows(source: str) -> None:
    (shown,) = (block for block in blocks("console") if "make demo" in block)
    result = run(sys.executable, "-m", "tools.demo", "--source", source)

    assert result.returncode == 0, result.stderr
    printed = [line.rstrip() for line in result.stdout.splitlines()]
    assert [line for line in shown.splitlines()[1:-1] if line.rstrip() not in printed] == []


def test_explain_prints_what_the_readme_shows() -> None:
    (block,) = (block for block in blocks("console") if "explain" in block)
    _, command, *expected = block.splitlines()
    result = run(*command.removeprefix("$ ").split(), **ACME)

    assert result.stdout.splitlines() == expected


def test_check_prints_what_the_readme_shows(tmp_path: Path) -> None:
    (block,) = (block for block in blocks("console") if "preview-plugin check" in block)
    (tmp_path / ".preview.yaml").write_text("version: 1\ndependencies:\n  payments: 123\n")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        block.splitlines()[0].removeprefix("$ "),
        shell=True,
        cwd=tmp_path,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 1
    assert result.stderr.splitlines() == block.splitlines()[1:]


def test_the_settings_table_matches_the_settings() -> None:
    expected = [
        [f"`{variable(name)}`", f"{field.description}{' (secret)' if name in SECRETS else ''}", default(field)]
        for name, field in Settings.model_fields.items()
    ]

    assert tables(section("Settings")) == [expected]


def default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    return "none" if field.default is None else f"`{field.default}`"


def test_the_parameter_table_matches_the_parameters() -> None:
    result = run("preview-plugin", "params", "--service", "orders", **ACME)
    (parameters,) = (p for p in json.loads(result.stdout)["output"]["parameters"] if p["number"] == "15")
    (rows,) = tables(section("Parameters"))

    assert [name for name, _ in rows] == [f"`{name}`" for name in parameters]
    assert {name: example for name, example in rows if example.startswith("`") and " as a patch" not in example} == {
        f"`{name}`": shown(value)
        for name, value in parameters.items()
        if name != "environment_patch" and (isinstance(value, str) or name == "labels")
    }


def shown(value: Any) -> str:
    return f"`{value or ' '}`" if isinstance(value, str) else f"`{json.dumps(value)}`"


def test_the_example_of_a_repository_config_is_valid() -> None:
    catalog = load_catalog(Path(ACME["PREVIEW_CATALOG"]).read_text("utf-8"), "catalog.yaml")
    (example,) = (block for block in blocks("yaml") if "dependencies:" in block and "version: 1" in block)
    config = read_config(example, catalog, "acme/orders")["orders"]

    assert {name: str(target) for name, target in config.dependencies.items()} == {
        "payments": "staging",
        "users": "branch:new-auth",
    }
    assert config.dataset == "minimal"


def test_every_target_and_every_rule_is_explained() -> None:
    targets, rules = tables(section("For developers: `.preview.yaml`"))

    assert [row[0].strip("`") for row in rules] == [rule.value for rule in LinkRule]
    assert [type(parse_reference(row[0].strip("`"))).__name__ for row in targets] == [
        "Staging",
        "PullRequestReference",
        "PullRequestReference",
        "Branch",
        "SameBranch",
        "Url",
    ]


def test_every_key_of_the_catalog_is_explained() -> None:
    text = section("For platform teams: the catalog")
    keys = {*CatalogFile.model_fields, *DefaultsFile.model_fields, *ServiceFile.model_fields} - {"version", "services"}

    assert {key for key in keys if not re.search(rf"\b{key}\b", text)} == set()

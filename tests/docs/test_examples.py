"""Every example works: files are valid, commands exist with their options, and what they print is what is shown."""

import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from plugin import __version__
from plugin.core.config.catalog import load_catalog
from plugin.core.config.repo_config import read_config
from plugin.settings import SECRETS, Settings, variable
from plugin.sources.file import Organisation
from tests.docs.pages import ACME, COMMANDS, PAGES, Example, examples, read, run, run_in_the_demo
from tests.manifests.conftest import PROJECT, copy_of_the_tree, released
from tools.rendering import ROOT, argocd_module, build, tool

YAML = examples("yaml")
SHELL = [*examples("sh"), *examples("console")]
CALL = r"preview-plugin ([a-z]+)((?: --[a-z-]+)*)"


def kind(example: Example) -> str:
    """Say what an example in YAML is, by its keys."""
    found = yaml.safe_load(example.text)
    if "kind" in found:
        return "kustomization" if found["apiVersion"].startswith("kustomize") else "object"
    if "repositories" in found:
        return "organisation"
    if "repos" in found:
        return "pre-commit"
    if "generators" in found:
        return "ApplicationSet"
    return "catalog" if "domain" in found else ".preview.yaml"


def those(wanted: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("example", [one for one in YAML if kind(one) == wanted], ids=str)


@those("catalog")
def test_a_catalog_is_valid(example: Example) -> None:
    assert load_catalog(example.text, str(example)).services


@those("organisation")
def test_an_organisation_file_is_valid(example: Example) -> None:
    found = Organisation.model_validate(yaml.safe_load(example.text))
    (repository,) = found.repositories.values()
    (pull_request,) = repository.pull_requests

    for shown in (found, repository, pull_request):
        assert shown.model_fields_set == type(shown).model_fields.keys()


@those(".preview.yaml")
def test_a_repository_config_is_valid(example: Example) -> None:
    """With the catalog on the same page if it is a recipe, with the demo organisation's otherwise."""
    own = [one.text for one in YAML if one.page == example.page and kind(one) == "catalog"]
    catalog = load_catalog(own[0] if "recipes" in example.page else read(ACME["PREVIEW_CATALOG"]), "catalog.yaml")
    content = yaml.safe_load(example.text)
    callers = {
        service.repository
        for service in catalog.services.values()
        if content.get("dependencies", {}).keys() <= {one.service for one in service.dependencies}
        and content.get("services", {}).keys() <= {service.name}
    }

    assert callers
    for repository in callers:
        read_config(example.text, catalog, repository)


@those("kustomization")
def test_a_kustomization_builds(
    example: Example, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A component with the objects of every app, anything else as the base of another app."""
    if PROJECT in example.text:
        for name, value in released(tmp_path_factory.mktemp("previews")).items():
            monkeypatch.setenv(name, value)
    root = copy_of_the_tree(tmp_path)
    shared, own = root / "manifests/apps/shared", root / "manifests/apps/example/base"
    own.mkdir(parents=True)
    (own / "kustomization.yaml").write_text(example.text, "utf-8")
    if yaml.safe_load(example.text)["kind"] == "Kustomization":
        assert build(own)
        return
    before = build(shared)
    kustomization = shared / "kustomization.yaml"
    kustomization.write_text(f"{kustomization.read_text('utf-8')}components: [../example/base]\n", "utf-8")

    assert build(shared) != before


@those("object")
def test_an_object_is_valid(example: Example) -> None:
    kubernetes_validate.validate(yaml.safe_load(example.text), kubernetes_validate.latest_version(), strict=True)


@those("ApplicationSet")
def test_a_part_of_an_applicationset_fits_argocds_schema(example: Example) -> None:
    schema = applicationset_schema()
    content = yaml.safe_load(example.text)

    assert list(unknown_fields(schema, content)) == []
    for key, value in content.items():  # each part as far as it is shown: what the rest requires is not
        errors = Draft202012Validator(schema["properties"][key]).iter_errors(value)
        assert [error.message for error in errors if error.validator != "required"] == []
    for generator in (one["plugin"] for one in content["generators"] if "plugin" in one):
        assert generator["input"]["parameters"].keys() <= {"services", "profile", "origin"}


@those("pre-commit")
def test_a_hook_exists(example: Example) -> None:
    hooks = {hook["id"] for hook in yaml.safe_load(read(".pre-commit-hooks.yaml"))}

    for repository in yaml.safe_load(example.text)["repos"]:
        assert {hook["id"] for hook in repository["hooks"]} <= hooks
        assert repository["rev"] == f"v{__version__}"


@cache
def applicationset_schema() -> Any:
    """Read what an ApplicationSet may be from Argo CD's source, after downloading that if need be."""
    environment = {"GOTOOLCHAIN": "local", "GOFLAGS": "-modcacherw", "GOPATH": str(ROOT / ".cache/gopath")}
    command = [str(tool("get-go")), "-C", argocd_module(), "mod", "download", "-json", "github.com/argoproj/argo-cd/v3"]
    result = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)
    file = Path(json.loads(result.stdout)["Dir"], "manifests/crds/applicationset-crd.yaml")
    definition = yaml.load(file.read_text("utf-8"), yaml.CSafeLoader)
    return definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]


def unknown_fields(schema: Any, value: Any, path: str = "") -> Iterator[str]:
    """Find what an API server would drop."""
    if isinstance(value, list):
        for one in value:
            yield from unknown_fields(schema["items"], one, f"{path}[]")
    elif isinstance(value, dict) and "properties" in schema:
        for key, one in value.items():
            if key in schema["properties"]:
                yield from unknown_fields(schema["properties"][key], one, f"{path}.{key}")
            else:
                yield f"{path}.{key}"


@pytest.mark.parametrize("example", SHELL, ids=str)
def test_commands_are_shell(example: Example) -> None:
    lines = example.text.splitlines()
    if example.language == "console":
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    result = subprocess.run(["bash", "-n"], input="\n".join(lines), capture_output=True, text=True, check=False)

    assert lines
    assert (result.returncode, result.stderr) == (0, "")
    for words in (shlex.split(line, comments=True) for line in "\n".join(lines).replace("\\\n", "").splitlines()):
        paths = [word for word in words if word.startswith(("manifests/", "applicationsets/", "examples/"))]
        assert [path for path in paths if not list(ROOT.glob(path.rstrip(";")))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_options_targets_and_settings_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    shown = re.findall(rf"(?:`|^\$ |\| ){CALL}", text, re.MULTILINE)
    targets = set(re.findall(r"^([a-z0-9-]+):", read("Makefile"), re.MULTILINE))
    settings = {variable(name) for name in Settings.model_fields} | {f"{variable(name)}_FILE" for name in SECRETS}
    own = {"PREVIEW_DOMAIN", "PREVIEW_LOCATOR"}  # what an app gets

    assert {name for name, _ in shown} <= {*COMMANDS}
    for name, options in shown:
        known = {option for parameter in COMMANDS[name].params for option in parameter.opts} | {"--help"}
        assert set(options.split()) <= known
    assert set(re.findall(r"(?:`|^\$ )make ([a-z0-9-]+)", text, re.MULTILINE)) <= targets
    if page.name != "CHANGELOG.md":
        assert set(re.findall(r"\bPREVIEW_[A-Z_]*[A-Z]\b", text)) <= settings | own


def test_the_checks_of_the_guide_accept_the_wrapper() -> None:
    commands = [line for example in examples("console", "docs/install.md") for line in example.text.splitlines()]
    checks = [command.removeprefix("$ ") for command in commands if "check" in command]

    assert len(checks) == 2
    for command in checks:
        result = run(command, cwd=ROOT / "examples/wrapper")
        assert (result.returncode, result.stderr) == (0, "")


def test_explain_prints_what_the_reference_shows() -> None:
    (block,) = examples("console", "docs/reference.md")
    exported, command, *expected = block.text.splitlines()
    environment = dict(word.split("=", 1) for word in exported.removeprefix("$ export ").split())
    result = run_in_the_demo(command.removeprefix("$ "))

    assert result.stdout.splitlines() == expected
    assert environment == ACME

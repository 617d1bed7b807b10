"""The workflows: what a pull request from anywhere may reach, and what their steps do when they run."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.rendering import ROOT, tool

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yaml"))
CALLER = ROOT / "examples/acme/preview-workflow.yaml"
LINKS = "version: 1\ndependencies:\n  payments: pr:123\n"


def read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(file.read_text("utf-8"), yaml.BaseLoader)  # on: is a key, not a truth
    return found


PREVIEW = read(ROOT / ".github/workflows/preview.yaml")


def jobs(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return list(workflow["jobs"].values())


def step(job: str, name: str) -> dict[str, Any]:
    (found,) = (step for step in PREVIEW["jobs"][job]["steps"] if step.get("name") == name)
    assert isinstance(found, dict)
    return found


def run(command: list[str | Path], **options: Any) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def test_actionlint_finds_nothing() -> None:
    # Without the checkers that it would start if the machine had them.
    result = run([tool("get-actionlint"), "-shellcheck=", "-pyflakes=", *WORKFLOWS, CALLER], cwd=ROOT)

    assert (result.returncode, result.stdout) == (0, "")


def test_zizmor_finds_nothing() -> None:
    files = [*WORKFLOWS, CALLER, ROOT / ".github/dependabot.yml"]
    result = run([tool("get-zizmor"), "--offline", "--quiet", "--no-progress", *files])

    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("file", [*WORKFLOWS, CALLER], ids=lambda file: file.name)
def test_every_action_is_pinned_to_a_commit_whose_version_is_named(file: Path) -> None:
    lines = [line for line in file.read_text("utf-8").splitlines() if re.search(r"\buses:", line)]

    assert lines
    for line in lines:
        if file != CALLER:
            assert re.search(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line
        else:
            assert re.search(r"uses: acme/previews/\.github/workflows/preview\.yaml@[0-9a-f]{40}$", line), line


@pytest.mark.parametrize("file", [*WORKFLOWS, CALLER], ids=lambda file: file.name)
def test_permissions_are_given_to_single_jobs_only(file: Path) -> None:
    workflow = read(file)

    assert workflow["permissions"] == {}
    assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(workflow["on"])
    assert [job for job in jobs(workflow) if "permissions" not in job] == []


def test_a_token_that_may_write_is_for_the_image_of_our_own_branches() -> None:
    writers = [
        job for workflow in map(read, WORKFLOWS) for job in jobs(workflow) if "write" in job["permissions"].values()
    ]
    image = PREVIEW["jobs"]["image"]

    assert writers == [image]
    assert image["permissions"] == {"contents": "read", "packages": "write"}
    assert [part.strip() for part in image["if"].split("&&")] == [
        "github.event_name == 'pull_request'",
        "github.event.pull_request.head.repo.full_name == github.repository",
        "contains(github.event.pull_request.labels.*.name, inputs.label)",
    ]


def test_secrets_are_for_reading_the_workflows_own_repository_and_for_pushing() -> None:
    assert set(PREVIEW["on"]["workflow_call"]["secrets"]) == {
        "registry-username",
        "registry-password",
        "repository-token",
    }
    for name, job in PREVIEW["jobs"].items():
        used = set(re.findall(r"secrets\.([\w-]+)", str(job)))
        expected = {"config": {"repository-token"}, "image": {"registry-username", "registry-password"}}
        assert used == expected.get(name, set()), name


def test_no_checkout_leaves_its_token_behind() -> None:
    for workflow in map(read, WORKFLOWS):
        for job in jobs(workflow):
            checkouts = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
            assert checkouts
            assert all(step["with"]["persist-credentials"] == "false" for step in checkouts)


def test_the_image_is_built_from_the_commit_that_is_its_tag() -> None:
    head = "${{ github.event.pull_request.head.sha }}"
    steps = PREVIEW["jobs"]["image"]["steps"]
    (checkout,) = (step for step in steps if step["uses"].startswith("actions/checkout@"))
    (build,) = (step for step in steps if step["uses"].startswith("docker/build-push-action@"))

    assert checkout["with"]["ref"] == head
    assert build["with"]["tags"] == f"${{{{ inputs.image }}}}:{head}"
    assert build["with"]["push"] == "true"


def test_there_is_one_run_for_each_pull_request_and_image() -> None:
    group = PREVIEW["concurrency"]["group"]

    assert set(re.findall(r"\$\{\{ (.*?) \}\}", group)) == {
        "inputs.image",
        "github.event.pull_request.number || github.ref",
    }


def test_no_script_contains_what_somebody_else_writes() -> None:
    for workflow in map(read, WORKFLOWS):
        for job in jobs(workflow):
            assert [step["run"] for step in job["steps"] if "${{" in step.get("run", "")] == []


def test_the_checker_comes_from_the_commit_of_the_workflow() -> None:
    _, checker = (step for step in PREVIEW["jobs"]["config"]["steps"] if "uses" in step)

    assert checker["with"]["repository"] == "${{ job.workflow_repository }}"
    assert checker["with"]["ref"] == "${{ job.workflow_sha }}"
    for file in re.findall(r"--requirement (\S+)", step("config", "Install preview-plugin")["run"]):
        assert (ROOT / file).exists()


@pytest.mark.parametrize(
    ("config", "no_links", "catalog", "expected"),
    [
        (LINKS, "false", "", ""),
        (LINKS, "true", "", "must not reach the default branch"),
        ("version: 1\n", "true", "", ""),
        (LINKS, "false", "examples/acme/catalog.yaml", ""),
        (LINKS.replace("payments", "paymants"), "false", "", ""),
        (LINKS.replace("payments", "paymants"), "false", "examples/acme/catalog.yaml", "paymants"),
        ("version: 2\n", "false", "", ".preview.yaml:1"),
    ],
)
def test_the_step_refuses_what_is_wrong(
    tmp_path: Path, config: str, no_links: str, catalog: str, expected: str
) -> None:
    application, previews = tmp_path / "application", tmp_path / "previews"
    application.mkdir()
    (application / ".preview.yaml").write_text(config, "utf-8")
    (previews / ".venv").mkdir(parents=True)
    (previews / ".venv/bin").symlink_to(Path(sys.executable).parent)
    (previews / "examples").symlink_to(ROOT / "examples")
    check = step("config", "Check .preview.yaml")
    environment = {"NO_LINKS": no_links, "CATALOG": catalog, "GITHUB_REPOSITORY": "acme/orders"}
    assert set(check["env"]) | {"GITHUB_REPOSITORY"} == set(environment)

    # As GitHub starts a step that names no shell.
    result = run(["bash", "-e", "-c", check["run"]], cwd=application, env=os.environ | environment)

    assert (result.returncode == 0) == (expected == "")
    assert expected in result.stderr


@pytest.mark.parametrize("name", ["Format", "Lint", "Test"])
@pytest.mark.parametrize(("command", "good"), [("true", True), ("false | true", False), ("false\ntrue", False)])
def test_a_hook_fails_with_its_command(name: str, command: str, good: bool) -> None:  # noqa: FBT001
    hook = step("code", name)
    assert hook["env"]["COMMAND"] == f"${{{{ inputs.{name.lower()} }}}}"

    result = run(["bash", "-e", "-c", hook["run"]], env=os.environ | {"COMMAND": command})

    assert (result.returncode == 0) == good


def test_the_example_of_a_caller_fits() -> None:
    caller = read(CALLER)
    (job,) = jobs(caller)
    declared = PREVIEW["on"]["workflow_call"]["inputs"]
    needed = {name for name, about in declared.items() if about.get("required") == "true"}

    assert needed <= set(job["with"]) <= set(declared)
    for called in jobs(PREVIEW):
        assert called["permissions"].items() <= job["permissions"].items()
    # The label may come later, and each push asks for another image.
    assert set(caller["on"]["pull_request"]["types"]) == {"opened", "reopened", "synchronize", "labeled"}
    assert set(caller["on"]) == {"pull_request", "push"}
    # The image is pushed to where the catalog says.
    catalog = yaml.safe_load((ROOT / "manifests/plugin/base/catalog.yaml").read_text("utf-8"))
    assert job["with"]["image"] == catalog["services"]["orders"]["image"]["name"]
    assert declared["label"]["default"] == "preview"


def test_dependabot_renews_what_is_pinned_by_commit_or_digest() -> None:
    updates = read(ROOT / ".github/dependabot.yml")["updates"]
    renewed = {update["package-ecosystem"]: update.get("directories", [update.get("directory")]) for update in updates}
    dockerfiles = {f"/{file.parent.relative_to(ROOT)}".removesuffix(".") for file in ROOT.glob("*/Dockerfile")} | {"/"}

    assert renewed["github-actions"] == ["/"]
    assert dockerfiles <= set(renewed["docker"])


def test_ci_builds_both_images() -> None:
    steps = read(ROOT / ".github/workflows/ci.yaml")["jobs"]["image"]["steps"]
    builds = [step["run"].split()[-1] for step in steps if step.get("run", "").startswith("docker build ")]

    assert builds == [".", "seed-db"]


def test_ci_runs_what_a_change_must_pass() -> None:
    steps = read(ROOT / ".github/workflows/ci.yaml")["jobs"]["tests"]["steps"]

    assert steps[-1] == {"run": ".ci/run"}
    assert os.access(ROOT / ".ci/run", os.X_OK)

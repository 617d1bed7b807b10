"""The workflows: what any pull request may reach, and what their steps do when they run."""

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml

from tools.rendering import ROOT, tool

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yaml"))
CALLER = ROOT / "examples/acme/preview-workflow.yaml"
LINKS = "version: 1\ndependencies:\n  payments: pr:123\n"


def read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(
        file.read_text("utf-8"), yaml.BaseLoader
    )  # YAML 1.1 would read the key `on` as true
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


def script(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    file.chmod(0o755)


def output(step: dict[str, Any], folder: Path, environment: dict[str, str]) -> str:
    """Return the outputs of a step, started as GitHub starts a step without a shell."""
    file = folder / "output"
    file.write_text("", "utf-8")
    result = run(
        ["bash", "-e", "-c", step["run"]],
        cwd=folder,
        env=os.environ | environment | {"GITHUB_OUTPUT": str(file)},
    )
    assert result.returncode == 0, result.stderr
    return file.read_text("utf-8")


@contextlib.contextmanager
def answering(found: Any) -> Iterator[tuple[str, list[str]]]:
    """Serve an API with this answer (None: 404); yield its address and the paths of its requests."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = json.dumps(found).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def pushed(address: str) -> dict[str, str]:
    return {
        "GITHUB_API_URL": address,
        "GITHUB_REPOSITORY": "acme/orders",
        "GITHUB_REPOSITORY_OWNER": "acme",
        "GITHUB_REF_NAME": "fix/ä&b",
        "TOKEN": "not-a-secret",
        "LABEL": "preview",
    }


def test_actionlint_finds_nothing() -> None:
    # Without shellcheck and pyflakes, which it would run where they are installed.
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


def test_only_the_image_job_of_own_branches_and_releases_have_a_write_token() -> None:
    writers = [
        job for workflow in map(read, WORKFLOWS) for job in jobs(workflow) if "write" in job["permissions"].values()
    ]
    image = PREVIEW["jobs"]["image"]

    assert [job for job in writers if job not in jobs(read(ROOT / ".github/workflows/release.yaml"))] == [image]
    assert image["permissions"] == {"contents": "read", "packages": "write"}
    # A push and workflow_dispatch need the right to write to the repository; a pull request may be a fork's.
    assert image["if"].split() == [
        *("!cancelled()", "&&", "("),
        *("github.event_name", "==", "'workflow_dispatch'", "||"),
        *("github.event_name", "==", "'push'", "&&", "needs.wanted.outputs.image", "==", "'true'", "||"),
        *("github.event_name", "==", "'pull_request'", "&&"),
        *("github.event.pull_request.head.repo.full_name", "==", "github.repository", "&&"),
        *("contains(github.event.pull_request.labels.*.name,", "inputs.label)"),
        ")",
    ]


def test_workflow_secrets_read_their_repository_and_push_images() -> None:
    assert set(PREVIEW["on"]["workflow_call"]["secrets"]) == {
        "registry-username",
        "registry-password",
        "repository-token",
    }
    for name, job in PREVIEW["jobs"].items():
        used = set(re.findall(r"secrets\.([\w-]+)", str(job)))
        expected = {"config": {"repository-token"}, "image": {"registry-username", "registry-password"}}
        assert used == expected.get(name, set()), name


def test_each_secret_says_what_it_may_do_where_it_is_set() -> None:
    secrets = PREVIEW["on"]["workflow_call"]["secrets"]
    rights = {name: re.findall(r"May [\w ]+|No [\w ]+", about["description"]) for name, about in secrets.items()}

    assert all(about["required"] == "false" for about in secrets.values())
    assert rights["registry-password"][:2] == ["May pull and push the input ", "No other image"]
    assert rights["repository-token"][0].startswith("May read the contents of this workflow")
    assert "No other" in rights["repository-token"][1]
    guide = (ROOT / "docs/install.md").read_text("utf-8")
    assert [name for name in secrets if f"`{name}`" not in guide] == []


def test_no_checkout_leaves_its_token_behind() -> None:
    for workflow in map(read, WORKFLOWS):
        for job in jobs(workflow):
            checkouts = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
            assert checkouts or "contents" not in job["permissions"]
            assert all(step["with"]["persist-credentials"] == "false" for step in checkouts)


def test_the_image_is_built_from_the_commit_that_is_its_tag() -> None:
    # For a pull request github.sha is its merge with the base; for other events it is the commit of the branch.
    head = "${{ github.event.pull_request.head.sha || github.sha }}"
    steps = PREVIEW["jobs"]["image"]["steps"]
    (checkout,) = (step for step in steps if step.get("uses", "").startswith("actions/checkout@"))
    (build,) = (step for step in steps if step.get("uses", "").startswith("docker/build-push-action@"))

    assert checkout["with"]["ref"] == head
    assert PREVIEW["jobs"]["image"]["env"]["IMAGE"] == f"${{{{ inputs.image }}}}:{head}"
    assert build["with"]["tags"] == "${{ env.IMAGE }}"
    assert build["with"]["push"] == "true"


def test_there_is_one_run_for_each_pull_request_and_image() -> None:
    group = PREVIEW["concurrency"]["group"]

    assert set(re.findall(r"\$\{\{ (.*?) \}\}", group)) == {
        "inputs.image",
        "github.event.pull_request.number || github.ref",
    }


def test_an_image_is_built_once_for_a_push_and_again_on_request(tmp_path: Path) -> None:
    image = PREVIEW["jobs"]["image"]
    (build,) = (step for step in image["steps"] if step.get("uses", "").startswith("docker/build-push-action@"))
    look = step("image", "Look for the image")

    assert "github.event.pull_request.head.sha || github.sha" in image["concurrency"]["group"]
    assert look["if"] == "github.event_name != 'workflow_dispatch'"
    assert build["if"] == "steps.image.outputs.found != 'true'"
    for exit_code, expected in [(0, "found=true\n"), (1, "")]:
        script(tmp_path / "docker", f'[ "$*" = "buildx imagetools inspect image:sha" ]; exit {exit_code}')
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "IMAGE": "image:sha"}
        assert output(look, tmp_path, environment) == expected


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["feature", "preview"], "image=true\n"),
        (["Preview"], "image=true\n"),
        (["preview-2", "no preview"], ""),
        ([], ""),
        (None, ""),
    ],
)
def test_a_push_asks_for_an_image_by_its_pull_requests_label(
    tmp_path: Path, labels: list[str] | None, expected: str
) -> None:
    found = [] if labels is None else [{"number": 12, "labels": [{"name": label} for label in labels]}]
    wanted = PREVIEW["jobs"]["wanted"]
    assert wanted["permissions"] == {"pull-requests": "read"}
    assert wanted["if"] == "github.event_name == 'push'"

    with answering(found) as (address, asked):
        assert output(step("wanted", "Look for a pull request with the label"), tmp_path, pushed(address)) == expected
    assert [unquote(path) for path in asked] == ["/repos/acme/orders/pulls?head=acme:fix/ä&b"]
    assert "&" not in asked[0]


def test_a_push_fails_when_github_does_not_say_who_wants_an_image(tmp_path: Path) -> None:
    with answering(None) as (address, _), pytest.raises(AssertionError, match="404"):
        output(step("wanted", "Look for a pull request with the label"), tmp_path, pushed(address))


def test_no_script_contains_untrusted_expressions() -> None:
    for workflow in map(read, WORKFLOWS):
        for job in jobs(workflow):
            assert [step["run"] for step in job["steps"] if "${{" in step.get("run", "")] == []


def test_the_checker_comes_from_the_commit_of_the_workflow() -> None:
    _, checker, _ = (step for step in PREVIEW["jobs"]["config"]["steps"] if "uses" in step)

    assert checker["with"]["repository"] == "${{ job.workflow_repository }}"
    assert checker["with"]["ref"] == "${{ job.workflow_sha }}"
    for file in re.findall(r"--requirement (\S+)", step("config", "Install preview-plugin")["run"]):
        assert (ROOT / file).exists()


def test_names_are_checked_with_the_newest_catalog() -> None:
    inputs = PREVIEW["on"]["workflow_call"]["inputs"]
    _, _, catalog = (step for step in PREVIEW["jobs"]["config"]["steps"] if "uses" in step)

    # The default is the catalog that the plugin's installation applies, on its default branch: no ref.
    assert (ROOT / inputs["catalog"]["default"]).exists()
    assert catalog["with"] == {
        "repository": "${{ inputs.catalog-repository || job.workflow_repository }}",
        "token": "${{ secrets.repository-token || github.token }}",
        "path": "catalog",
        "sparse-checkout": "${{ inputs.catalog }}",
        "sparse-checkout-cone-mode": "false",
        "persist-credentials": "false",
    }


@pytest.fixture(name="application")
def _application(tmp_path: Path) -> Path:
    """Create what the steps before the check leave: the application, the checker in a venv, and the catalog."""
    (tmp_path / "previews/.venv").mkdir(parents=True)
    (tmp_path / "previews/.venv/bin").symlink_to(Path(sys.executable).parent)
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog/catalog.yaml").write_bytes((ROOT / "tests/acme/catalog.yaml").read_bytes())
    (tmp_path / "catalog/newer.yaml").write_text("version: 2\n", "utf-8")
    (tmp_path / "application").mkdir()
    return tmp_path / "application"


def check(application: Path, catalog: str = "", no_links: str = "false") -> "subprocess.CompletedProcess[str]":
    found = step("config", "Check .preview.yaml")
    environment = {"NO_LINKS": no_links, "CATALOG": catalog, "GITHUB_REPOSITORY": "acme/orders"}
    assert set(found["env"]) | {"GITHUB_REPOSITORY"} == set(environment)
    # The checker of this folder, even if the environment has installed another one.
    environment["PYTHONPATH"] = str(ROOT)
    return run(["bash", "-e", "-c", found["run"]], cwd=application, env=os.environ | environment)


@pytest.mark.parametrize(
    ("config", "no_links", "catalog", "expected"),
    [
        (LINKS, "false", "", ""),
        (LINKS, "true", "", "must not reach the default branch"),
        ("version: 1\n", "true", "", ""),
        (LINKS, "false", "catalog.yaml", ""),
        (LINKS.replace("payments", "paymants"), "false", "", ""),
        (LINKS.replace("payments", "paymants"), "false", "catalog.yaml", "paymants"),
        ("version: 2\n", "false", "", ".preview.yaml:1"),
    ],
)
def test_the_check_step_refuses_invalid_files(
    application: Path, config: str, no_links: str, catalog: str, expected: str
) -> None:
    (application / ".preview.yaml").write_text(config, "utf-8")
    result = check(application, catalog, no_links)

    assert (result.returncode == 0) == (expected == "")
    assert expected in result.stderr


@pytest.mark.parametrize("catalog", ["newer.yaml", "missing.yaml"])
def test_an_unreadable_catalog_is_not_reported_as_a_mistake_in_the_file(application: Path, catalog: str) -> None:
    (application / ".preview.yaml").write_text(LINKS.replace("payments", "paymants"), "utf-8")
    result = check(application, catalog)

    assert result.returncode == 0
    assert "::warning::The catalog cannot be read" in result.stdout


def test_a_wrong_file_name_is_refused_beside_a_valid_file(application: Path) -> None:
    (application / ".preview.yml").write_text(LINKS, "utf-8")
    (application / ".preview.yaml").write_text(LINKS, "utf-8")
    result = check(application)

    assert result.returncode == 1
    assert ".preview.yml" in result.stderr
    assert ".preview.yaml: valid" in result.stdout


@pytest.mark.parametrize("name", [".preview.yaml", ".preview.yml"])
def test_the_check_receives_a_symbolic_link_as_it_is(application: Path, name: str) -> None:
    (application / name).symlink_to("nowhere")
    checker = application.parent / "previews/.venv/bin"
    checker.unlink()
    script(checker / "preview-plugin", f'[ -L {name} ] && echo "$*" && exit 1')
    found = output(step("config", "Look for the file"), application, {})
    result = check(application)

    assert found == "found=true\n"
    assert (result.returncode, result.stdout) == (1, f"check {name}\n")


def test_nothing_is_installed_without_a_file(application: Path) -> None:
    assert output(step("config", "Look for the file"), application, {}) == ""
    steps = PREVIEW["jobs"]["config"]["steps"]
    assert {"steps.file.outputs.found == 'true'" in step.get("if", "") for step in steps[2:]} == {True}


@pytest.mark.parametrize("name", ["Format", "Lint", "Test"])
@pytest.mark.parametrize(("command", "good"), [("true", True), ("false | true", False), ("false\ntrue", False)])
def test_a_hook_fails_with_its_command(name: str, command: str, good: bool) -> None:  # noqa: FBT001
    hook = step("code", name)
    assert hook["env"]["COMMAND"] == f"${{{{ inputs.{name.lower()} }}}}"

    result = run(["bash", "-e", "-c", hook["run"]], env=os.environ | {"COMMAND": command})

    assert (result.returncode == 0) == good


def test_the_example_of_a_caller_matches_the_reusable_workflow() -> None:
    caller = read(CALLER)
    declared = PREVIEW["on"]["workflow_call"]["inputs"]
    needed = {name for name, about in declared.items() if about.get("required") == "true"}
    catalog = yaml.safe_load((ROOT / "manifests/plugin/base/catalog.yaml").read_text("utf-8"))

    for job in jobs(caller):
        assert needed <= set(job["with"]) <= set(declared)
        for called in jobs(PREVIEW):
            assert called["permissions"].items() <= job["permissions"].items()
        # The image is pushed to the place that the catalog names.
        assert job["with"]["image"] == catalog["services"]["orders"]["image"]["name"]
    assert declared["label"]["default"] == "preview"


def test_an_image_is_built_when_no_pull_request_workflow_runs() -> None:
    caller = read(CALLER)
    on, called = caller["on"], caller["jobs"]

    # The label may be set later, and each push needs another image.
    assert set(on["pull_request"]["types"]) == {"opened", "reopened", "synchronize", "labeled"}
    # A push runs although the pull request conflicts with its base; workflow_dispatch always runs.
    assert set(on) == {"pull_request", "push", "merge_group", "workflow_dispatch"}
    assert on["push"] == {"branches": ["**"]}
    # Skipped checks count as passed, so a check that branches skip must not have the name of a required one.
    default = "github.ref_name == github.event.repository.default_branch"
    assert called["preview"]["if"] == f"github.event_name != 'push' || {default}"
    assert called["pushed"]["if"] == f"github.event_name == 'push' && {default.replace('==', '!=')}"
    assert set(called["pushed"]["with"]) == {"image"}


def test_dependabot_updates_what_is_pinned_by_commit_or_digest() -> None:
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

"""Renders the manifests: with kustomize, with Argo CD's code (tests/conformance/argocd), or without it (renderer/)."""

import fcntl
import json
import os
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
PROJECTS = {
    "previews": "manifests/argocd/previews-project.yaml",
    "previews-forks": "manifests/argocd/previews-forks-project.yaml",
    "previews-helm": "examples/helm/project.yaml",
}

Objects = list[dict[str, Any]]


@cache
def tool(*command: str) -> Path:
    """Get or build an outside tool with its script in tools/, and return its path.

    Tests run in several processes: one at a time gets tools.
    """
    cache = ROOT / ".cache"
    cache.mkdir(exist_ok=True)
    with (cache / "tools.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = subprocess.run(
            [ROOT / "tools" / command[0], *command[1:]], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
        )
    return Path(result.stdout.strip())


def render(application_set: str, parameters: list[dict[str, Any]], root: Path = ROOT) -> list[dict[str, Any]]:
    """Render each preview as Argo CD does: {application, objects, error, refused}. `root` holds the manifests."""
    file = root / "applicationsets" / application_set
    project = yaml.safe_load(file.read_text("utf-8"))["spec"]["template"]["spec"]["project"]
    rendered: list[dict[str, Any]] = json.loads(
        _argocd(_answer(parameters), project, "render", root, root / PROJECTS[project], file)
    )
    return rendered


def render_without_argocd(
    application_set: str, parameters: list[dict[str, Any]], root: Path = ROOT
) -> list[dict[str, Any]]:
    """Render like `render`, but with a program that compiles within a minute and judges nothing: no `refused`."""
    command = [tool("get-program", "tools/renderer"), root, root / "applicationsets" / application_set]
    rendered: list[dict[str, Any]] = json.loads(_run(command, json.dumps(_answer(parameters))))
    return rendered


def render_applications(applications: list[dict[str, Any]], root: Path = ROOT) -> list[dict[str, Any]]:
    """Render Applications of one project that Argo CD's controller has made, like `render`."""
    (project,) = {application["spec"]["project"] for application in applications}
    arguments = ("applications", root, root / PROJECTS[project])
    rendered: list[dict[str, Any]] = json.loads(_argocd(applications, project, *arguments))
    return rendered


def argocd_module() -> str:
    """Return the folder of the Go module with the version of Argo CD to test against (`make conformance ARGOCD=`)."""
    version = os.environ.get("ARGOCD", "")
    return str(tool("get-argocd-module", *([version] if version else [])))


def refused(objects: Objects) -> list[str]:
    """Return what the API server and Pod Security would refuse."""
    mistakes: list[str] = json.loads(_argocd(objects, "", "admit"))
    return mistakes


def build(folder: Path) -> Objects:
    """Build a kustomization as it is."""
    return list(yaml.load_all(_run([tool("get-kustomize"), "build", folder]), yaml.CSafeLoader))


def _answer(parameters: list[dict[str, Any]]) -> object:
    return {"output": {"parameters": parameters}}


def _argocd(content: object, project: str, *arguments: str | Path) -> str:
    program = tool("get-program", argocd_module(), "offline")
    # Argo CD runs it. Helm takes minutes to build, so only the project that uses it does that.
    helper = tool("get-helm" if project == "previews-helm" else "get-kustomize")
    path = f"{helper.parent}{os.pathsep}{os.environ['PATH']}"
    with TemporaryDirectory() as scratch:  # it leaves files in its folder for temporary ones
        return _run([program, *arguments], json.dumps(content), PATH=path, TMPDIR=scratch)


def _run(command: Sequence[str | Path], content: str = "", **environment: str) -> str:
    result = subprocess.run(
        command, env=os.environ | environment, input=content, capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise RuntimeError(result.stderr)
    return result.stdout

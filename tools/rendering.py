"""What the manifests become: by kustomize, and by Argo CD's own code (tests/manifests/offline-argocd)."""

import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
PROJECTS = {
    "previews": "manifests/argocd/previews-project.yaml",
    "previews-forks": "manifests/argocd/previews-forks-project.yaml",
}


@cache
def tool(*command: str) -> Path:
    """Get or build an outside tool, for example tool("get-kustomize"); returns its path."""
    script = ROOT / "tools" / command[0]
    result = subprocess.run([script, *command[1:]], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return Path(result.stdout.strip())


def render(application_set: Path, parameters: list[dict[str, Any]], root: Path = ROOT) -> list[dict[str, Any]]:
    """Render each preview: {application, objects, error, refused}; `root` holds the manifests."""
    project = yaml.safe_load(application_set.read_text("utf-8"))["spec"]["template"]["spec"]["project"]
    program = tool("get-program", "tests/manifests/offline-argocd")
    environment = os.environ | {"PATH": f"{tool('get-kustomize').parent}{os.pathsep}{os.environ['PATH']}"}
    answer = json.dumps({"output": {"parameters": parameters}})
    result = subprocess.run(
        [program, root, root / PROJECTS[project], application_set],
        env=environment,
        input=answer,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise RuntimeError(result.stderr)
    rendered: list[dict[str, Any]] = json.loads(result.stdout)
    return rendered


def build(folder: Path) -> list[dict[str, Any]]:
    """Build a kustomization as it is."""
    result = subprocess.run(
        [tool("get-kustomize"), "build", folder], capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise RuntimeError(result.stderr)
    return list(yaml.load_all(result.stdout, yaml.CSafeLoader))

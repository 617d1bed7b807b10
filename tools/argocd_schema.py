"""Updates the tests' copy of Argo CD's API description: tests/fakes/argocd/swagger.json.

    .venv/bin/python -m tools.argocd_schema

The description comes with Argo CD's Go module (version in tools/versions.env). It is reduced to the properties that the
fake answers with, so that a review can read it.
"""

import json
import os
import subprocess
from pathlib import Path

from tools.prune_openapi import prune_swagger

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "tests" / "fakes" / "argocd" / "swagger.json"


def inside(name: str, properties: list[str]) -> list[str]:
    return [f"{name}.{inner}" for inner in properties]


SOURCE = ["repoURL", "targetRevision", "path", *inside("kustomize", ["images", "namespace"])]
SYNCED = [*inside("source", SOURCE), "sources"]
OPERATION = [*inside("sync", ["revision", *SYNCED]), "initiatedBy.automated", "retry.limit"]
ERROR = ["code", "error", "message"]
# The properties that the fake answers with, by method, path and status.
ANSWERS = {
    "GET /api/v1/applications/{name} 200": [
        *inside("metadata", ["name", "namespace", "deletionTimestamp"]),
        *inside("spec", ["project", *SYNCED]),
        *inside("operation", OPERATION),
        *inside("status.operationState", ["phase", "message", "startedAt", "finishedAt"]),
        *inside("status.operationState.operation", OPERATION),
        *inside("status.operationState.syncResult", ["revision", *SYNCED]),
    ],
    "GET /api/v1/applications/{name} default": ERROR,
    "DELETE /api/v1/applications/{name}/operation 200": [],
    "DELETE /api/v1/applications/{name}/operation default": ERROR,
}


def module(version: str) -> Path:
    go = subprocess.run(["tools/get-go"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S607
    command = [go, "mod", "download", "-json", f"github.com/argoproj/argo-cd/v3@v{version}"]
    environment = os.environ | {"GOPATH": str(ROOT / ".cache" / "gopath"), "GOFLAGS": "-modcacherw"}
    answer = subprocess.run(command, cwd="/", env=environment, check=True, capture_output=True)  # outside any module
    return Path(json.loads(answer.stdout)["Dir"])


def main() -> None:
    lines = (ROOT / "tools" / "versions.env").read_text().splitlines()
    version = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))["ARGOCD"]
    swagger = json.loads((module(version) / "assets" / "swagger.json").read_text("utf-8"))
    answers: dict[str, object] = {
        "//": f"Cut from Argo CD {version} (Apache-2.0), assets/swagger.json, by tools/argocd_schema.py. Do not edit."
    }
    for answer, used in ANSWERS.items():
        method, path, status = answer.split()
        answers[answer] = prune_swagger(swagger, method, path, status, used)
    TARGET.write_text(json.dumps(answers, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Argo CD's ApplicationSet controller as a process (tests/conformance/argocd) that reconciles on request."""

import json
import subprocess
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import yaml

from tests.server import TOKEN
from tools.rendering import PROJECTS, ROOT, argocd_module, tool

Object = dict[str, Any]
REFRESH = "argocd.argoproj.io/application-set-refresh"
VALIDATION_ERROR = timedelta(minutes=3)  # after which Argo CD asks again when a generator failed


@dataclass(frozen=True)
class Reconciled:
    """What one reconcile did."""

    created: Mapping[str, Object]
    updated: Mapping[str, tuple[Object, Object]]  # before and after
    deleted: Mapping[str, Object]
    refused: list[str]  # by the API server
    error: str  # returned by the reconciler: it retries at once, and later steps were skipped
    conditions: Mapping[str, Object]
    requeue_after: timedelta
    seconds: float
    generator_seconds: float

    @property
    def touched(self) -> set[str]:
        return {*self.created, *self.updated, *self.deleted}

    @property
    def problem(self) -> str:
        """The message in the ApplicationSet's conditions, or ""."""
        condition = self.conditions["ErrorOccurred"]
        return str(condition["message"]) if condition["status"] == "True" else ""

    @property
    def fine(self) -> bool:
        return not self.problem and not self.error and not self.refused


class ArgoCD:
    """One controller with its fake API server."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def apply(self, *objects: Object) -> None:
        self._ask({"apply": objects})

    def apply_file(self, path: str) -> Object:
        """Apply a file of this repository, and return its content."""
        content: Object = yaml.safe_load((ROOT / path).read_text("utf-8"))
        self.apply(content)
        return content

    def point_at(self, url: str, timeout: str = "30") -> None:
        """Apply this repository's ConfigMap with the address of the plugin under test."""
        content = yaml.safe_load((ROOT / "manifests/argocd/generator-configmap.yaml").read_text("utf-8"))
        self.apply({**content, "data": {**content["data"], "baseUrl": url, "requestTimeout": timeout}})

    def reconcile(self, name: str) -> Reconciled:
        answer = self._ask({"reconcile": name})
        return Reconciled(
            created=_by_name(answer["created"]),
            updated={one["after"]["metadata"]["name"]: (one["before"], one["after"]) for one in answer["updated"]},
            deleted=_by_name(answer["deleted"]),
            refused=answer["refused"],
            error=answer["error"],
            conditions={condition["type"]: condition for condition in answer["conditions"] or []},
            requeue_after=timedelta(seconds=answer["requeue_after"]),
            seconds=answer["seconds"],
            generator_seconds=answer["generator_seconds"],
        )

    def parameters(self, name: str) -> list[dict[str, Any]]:
        """Return what the generators of an ApplicationSet return."""
        found: list[dict[str, Any]] = self._ask({"parameters": name})
        return found

    def applications(self) -> dict[str, Object]:
        """Return every Application with its resourceVersion, which changes with each write."""
        return _by_name(self._ask({"applications": True}))

    @property
    def webhook(self) -> str:
        """The URL of Argo CD's webhook for ApplicationSets."""
        return str(self._ask({"webhook": True})["url"])

    def to_refresh(self) -> set[str]:
        """Return the names of the ApplicationSets that the webhook has marked for a reconcile."""
        sets = _by_name(self._ask({"sets": True}))
        return {name for name, one in sets.items() if REFRESH in one["metadata"].get("annotations", {})}

    def _ask(self, request: object) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(request), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        assert line, "Argo CD's controller has stopped; what it said is above"
        answer = json.loads(line)
        if isinstance(answer, dict) and "failed" in answer:
            raise RuntimeError(answer["failed"])
        return answer


@contextmanager
def start(webhook_secret: str = "") -> Iterator[ArgoCD]:
    """Start a controller in a cluster with this repository's AppProjects and the plugin's token.

    `webhook_secret` is Argo CD's own `webhook.github.secret`, "" for none.
    """
    program = tool("get-program", argocd_module(), "controller")
    command = [str(program), "-modules", str(ROOT / ".cache/gopath/pkg/mod")]
    command += ["-webhook-secret", webhook_secret]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        argocd = ArgoCD(process)
        for project in PROJECTS.values():
            argocd.apply_file(project)
        argocd.apply(secret("preview-plugin", token=TOKEN))
        yield argocd
        assert process.stdin
        process.stdin.close()


def secret(name: str, **values: str) -> Object:
    metadata = {"name": name, "labels": {"app.kubernetes.io/part-of": "argocd"}}
    data = {key: b64encode(value.encode()).decode() for key, value in values.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}


def _by_name(objects: list[Object]) -> dict[str, Object]:
    return {one["metadata"]["name"]: one for one in objects}

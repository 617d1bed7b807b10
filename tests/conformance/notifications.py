"""Argo CD's notifications controller as a process (tests/conformance/argocd), with our triggers and templates."""

import json
import subprocess
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import yaml

from tools.rendering import ROOT, argocd_module, tool

Object = dict[str, Any]
FOLDER = ROOT / "manifests/argocd/notifications"
CONFIG, SECRET = "argocd-notifications-cm", "argocd-notifications-secret"
SERVICE = "service.webhook.preview-plugin"
ADDRESS = "http://preview-plugin.previews-system.svc.cluster.local"
NOTIFIED = "notified.notifications.argoproj.io"


@dataclass(frozen=True)
class Outcome:
    """What the controller made of an Application."""

    annotations: Mapping[str, str]
    skipped: str  # why it did not look at it, or ""
    errors: list[str]  # what it logged

    @property
    def remembered(self) -> list[str]:
        """What it will not send again."""
        return sorted(json.loads(self.annotations.get(NOTIFIED, "{}")))


class Notifications:
    """One controller, and the ConfigMaps and Secrets that it reads."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def merge(self, data: Mapping[str, str], name: str = CONFIG) -> Object:
        """`kubectl patch configmap --type merge`; return the data that is stored then."""
        return self._patch("merge", "ConfigMap", name, {"data": data})

    def add(self, patch: list[Object], name: str = CONFIG) -> Object:
        """`kubectl patch configmap --type json`; return the data that is stored then. Raises RuntimeError."""
        return self._patch("json", "ConfigMap", name, patch)

    def set_secrets(self, **values: str) -> None:
        data = {key.replace("_", "-"): b64encode(value.encode()).decode() for key, value in values.items()}
        self._patch("merge", "Secret", SECRET, {"data": data})

    def install(self, who: str = "plugin") -> Object:
        """Install everything as docs/install.md does; `who` is told. Return the data of the ConfigMap."""
        for file in ("service.yaml", "triggers/*.yaml", "templates/*.yaml"):
            for found in sorted(FOLDER.glob(file)):
                self.merge(yaml.safe_load(found.read_text("utf-8"))["data"])
        return self.add(yaml.safe_load((FOLDER / who / "subscriptions.yaml").read_text("utf-8")))

    def point_at(self, port: int) -> None:
        """Let the webhook lead to this port of the machine instead of to the plugin's Service."""
        service = yaml.safe_load((FOLDER / "service.yaml").read_text("utf-8"))["data"][SERVICE]
        assert service.count(ADDRESS) == 1
        self.merge({SERVICE: service.replace(ADDRESS, f"http://127.0.0.1:{port}")})

    def process(self, application: Object) -> Outcome:
        """Let the controller see an Application as Argo CD's other controllers wrote it."""
        answer = self._ask({"application": application})
        return Outcome(answer["annotations"] or {}, answer["skipped"], answer["errors"] or [])

    def links(self, application: Object) -> list[Object]:
        """Return the deep links of an Application."""
        answer = self._ask({"links": application})
        assert not answer["problems"], answer["problems"]
        found: list[Object] = answer["links"]
        return found

    def _patch(self, kind: str, of: str, name: str, content: object) -> Object:
        answer = self._ask({"patch": content, "type": kind, "kind": of, "name": name})
        data: Object = answer.get("data", {})
        return data

    def _ask(self, request: object) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(request), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        assert line, "Argo CD's notifications controller has stopped; what it said is above"
        answer = json.loads(line)
        if "failed" in answer:
            raise RuntimeError(answer["failed"])
        return answer


@contextmanager
def start() -> Iterator[Notifications]:
    """Start a controller in a cluster where Argo CD is installed and nothing is configured."""
    program = tool("get-program", argocd_module(), "notifications")
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Notifications(process)
        assert process.stdin
        process.stdin.close()

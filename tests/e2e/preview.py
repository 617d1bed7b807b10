"""One preview on the cluster, as its developer and its platform team see it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from tests.e2e.cluster.argocd import Application
from tests.e2e.cluster.cluster import Cluster
from tests.e2e.cluster.processes import until
from tests.e2e.commits import build, commit
from tests.e2e.layout import DOMAIN
from tests.e2e.times import Stopwatch


@dataclass(frozen=True)
class Preview:
    cluster: Cluster
    service: str
    number: int

    @property
    def name(self) -> str:
        return f"preview-{self.service}-{self.number}"

    @property
    def repository(self) -> str:
        return f"acme/{self.service}"

    @property
    def locator(self) -> str:
        """What developers and the plugin call it."""
        return f"{self.repository}#{self.number}"

    @property
    def url(self) -> str:
        return f"https://{self.service}-{self.number}.{DOMAIN}"

    @property
    def application(self) -> Application | None:
        return self.cluster.argocd.application(self.name)

    @property
    def namespace(self) -> dict[str, Any] | None:
        return self.cluster.kubernetes.get(f"/api/v1/namespaces/{self.name}")

    def ask(self, path: str = "/") -> Any:
        """Return what the public URL answers, or None if it does not answer well (yet)."""
        with self._session() as session:
            try:
                answer = session.get(self.url + path, timeout=15)
                return answer.json() if answer.ok else None
            except requests.RequestException:
                return None

    def page(self, path: str) -> str:
        """Return what a browser gets from the public URL."""
        with self._session() as session:
            answer = session.get(self.url + path, timeout=15)
        answer.raise_for_status()
        return answer.text

    def post(self, path: str, body: str) -> None:
        """Send something to the public URL, which must take it."""
        with self._session() as session:
            answer = session.post(self.url + path, body, timeout=15)
        assert answer.ok, answer.text[:1000]

    def _session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False  # REQUESTS_CA_BUNDLE would win over `verify`
        session.verify = str(self.cluster.authority.certificate)
        return session

    def build(self, files: Mapping[str, bytes] | None = None) -> str:
        """Publish the image of a new commit, with these files changed in it, and return the commit."""
        return build(self.cluster, self.service, commit(), files)

    def open(
        self,
        *,
        built: bool = True,
        files: Mapping[str, bytes] | None = None,
        config: str | None = None,
        deliver: bool = True,
    ) -> None:
        """Open its pull request with the label; without `deliver`, GitHub sends no webhook."""
        head = self.build(files) if built else commit()
        self.cluster.developers.open(
            self.repository, self.number, head_sha=head, labels=["preview"], config=config, deliver=deliver
        )

    @property
    def is_open(self) -> bool:
        return self.cluster.developers.is_open(self.repository, self.number)

    def push(self, head_sha: str, config: str | None = None) -> None:
        self.cluster.developers.push(self.repository, self.number, head_sha, config)

    def close(self, state: str = "closed") -> None:
        self.cluster.developers.close(self.repository, self.number, state)

    def pause(self) -> None:
        self.cluster.plugin.tell("pause", self.locator)

    def resume(self) -> None:
        self.cluster.plugin.tell("resume", self.locator)

    def status(self, head_sha: str) -> tuple[str, str]:
        """Return what GitHub shows beside a commit, and where that leads."""
        return self.cluster.developers.status(self.repository, head_sha, f"preview/{self.service}")

    @property
    def deployments(self) -> dict[str, str]:
        """Return what GitHub shows of each commit that is deployed."""
        return self.cluster.developers.deployments(self.repository, f"preview:{self.service}:{self.number}")

    def wait(self, seconds: float = 180) -> Application:
        """Wait until it runs and its smoke test has passed."""
        return self.cluster.argocd.wait_for(self.name, seconds)

    def wait_for_version(self, version: str, seconds: float = 180) -> None:
        """Wait until the public URL answers from this commit."""
        until(f"{self.url} answers from {version}", lambda: self.version == version, seconds)

    def wait_until_gone(self, seconds: float = 180) -> None:
        """Wait until nothing is left: Application, namespace and volumes."""
        until(f"nothing is left of {self.name}", lambda: not self.remains, seconds)

    @property
    def version(self) -> str:
        answer = self.ask()
        return str(answer["version"]) if answer else ""

    @property
    def running(self) -> list[str]:
        """Return its pods that have not ended."""
        pods = self.cluster.kubernetes.list(f"/api/v1/namespaces/{self.name}/pods")
        return [pod["metadata"]["name"] for pod in pods if pod["status"]["phase"] not in {"Succeeded", "Failed"}]

    @property
    def events(self) -> str:
        """Return the messages of its events. What a pod cannot do is in its status up to ten seconds later."""
        events = self.cluster.kubernetes.list(f"/api/v1/namespaces/{self.name}/events")
        return "\n".join(str(event.get("message")) for event in events)

    @property
    def remains(self) -> list[str]:
        """Return what is left of it."""
        volumes = self.cluster.kubernetes.list("/api/v1/persistentvolumes")
        claims = [volume["spec"]["claimRef"]["namespace"] for volume in volumes]
        found = {"Application": self.application, "namespace": self.namespace, "volumes": claims.count(self.name)}
        return [what for what, there in found.items() if there]

    def timed_rise(self, stopwatch: Stopwatch) -> None:
        """Note when each step of its way up was seen, until its smoke test has passed."""
        until(f"Application {self.name}", lambda: self.application, 60, every=0.1)
        stopwatch.lap("Application")
        until(f"namespace {self.name}", lambda: self.namespace, 60, every=0.1)
        stopwatch.lap("namespace")
        self.wait()
        for step, moment in self._moments():
            stopwatch.note(step, moment)
        stopwatch.lap("healthy, smoke test passed")

    def _moments(self) -> Iterator[tuple[str, str]]:
        """Return what happened in its pods, and when."""
        pods = {
            pod["metadata"]["labels"]["app.kubernetes.io/name"]: pod["status"]
            for pod in self.cluster.kubernetes.list(f"/api/v1/namespaces/{self.name}/pods")
        }
        for store in ("postgres", "redis"):
            if store in pods:
                yield f"{store} is ready", _ready(pods[store])
        for container in pods["app"].get("initContainerStatuses", []):
            if container["name"] == "migrate":
                yield "the migration starts", container["state"]["terminated"]["startedAt"]
                yield "the migration ends", container["state"]["terminated"]["finishedAt"]
        yield "the app is ready", _ready(pods["app"])
        (smoke,) = pods["smoke-test"]["containerStatuses"]
        yield "the smoke test starts", smoke["state"]["terminated"]["startedAt"]
        yield "the smoke test ends", smoke["state"]["terminated"]["finishedAt"]

    def timed_end(self, stopwatch: Stopwatch) -> None:
        """Note when each step of its end was seen, until nothing is left."""
        until(f"{self.name} is being deleted", lambda: (app := self.application) is None or app.deleting, every=0.1)
        stopwatch.lap("Application is being deleted")
        self.wait_until_gone()
        stopwatch.lap("nothing is left")


def _ready(status: dict[str, Any]) -> str:
    (found,) = (str(one["lastTransitionTime"]) for one in status["conditions"] if one["type"] == "Ready")
    return found

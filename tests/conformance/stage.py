"""Everything together, as in a company: a fake GitHub, the plugin as users run it, and Argo CD's controller."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from plugin.sources.file import LONG_AGO, Organisation, PullRequestEntry
from tests import acme
from tests.acme import CATALOG
from tests.conformance import argocd
from tests.conformance.argocd import VALIDATION_ERROR, ArgoCD, Object, Reconciled
from tests.contract.conftest import changed, with_pull_requests
from tests.fakes.github import GitHub
from tests.server import READ_TOKEN, SERVE, Server, serve, wait_for
from tools.rendering import render_applications

SET = "previews"
DEMO = 12  # previews of the demo organisation
ORDERS, PUSHED = "acme/orders", "preview-orders-12"  # where `Stage.push` pushes to
PLUGIN_ERROR = f"error listing params: error get api '{SET}': API error with status code "
NEVER_READ = f"{PLUGIN_ERROR}503: these repositories have never been read: "
SETTINGS = {"PREVIEW_REFRESH": "1s"}


@dataclass
class Stage:
    """One of each. After a change, call `settle` before looking at the result."""

    folder: Path
    github: GitHub
    argocd: ArgoCD
    settings: dict[str, str]
    running: ExitStack = field(default_factory=ExitStack)  # other things that run until the end
    command: tuple[str, ...] = SERVE
    state: Path = Path()  # the file that the plugin keeps
    _server: Server | None = None
    _plugin: ExitStack = field(default_factory=ExitStack)
    _minutes: int = 0

    @property
    def server(self) -> Server:
        assert self._server, "the plugin does not run"
        return self._server

    def start_plugin(self, *, remembers: bool = False) -> None:
        """Restart the plugin, with the state that it has stored or without."""
        self.stop_plugin()
        if not remembers:
            self.state = Path(mkdtemp(dir=self.folder)) / "state.db"
        self._server = self._plugin.enter_context(serve(self.folder, self.command, **self.environment))
        self.point_argocd_at_plugin()

    @property
    def environment(self) -> dict[str, str]:
        """The plugin's settings."""
        github = {"PREVIEW_GITHUB_URL": self.github.url, "PREVIEW_GITHUB_TOKEN": self.github.token}
        return {**github, "PREVIEW_STATE": f"sqlite:{self.state}", **self.settings}

    def point_argocd_at_plugin(self) -> None:
        self.argocd.point_at(f"http://127.0.0.1:{self.server.port}")

    def stop_plugin(self) -> None:
        """Kill the plugin: a clean stop takes two seconds, because gunicorn waits for idle connections."""
        if self._server and self._server.process.poll() is None:
            self._server.kill()
        self._plugin.close()

    def reconcile(self, name: str = SET) -> Reconciled:
        return self.argocd.reconcile(name)

    def settle(self, name: str = SET) -> Reconciled:
        """Let the plugin refresh, then let Argo CD reconcile."""
        self.server.refreshed()
        return self.reconcile(name)

    def change(self, repository: str, number: int, **changes: Any) -> None:
        """Change a pull request on GitHub."""
        changes["updated_at"] = self._later()
        self.github.organisation = changed(self.github.organisation, repository, number, **changes)

    def push(self) -> str:
        """Push to a pull request, and return the new head."""
        (entry,) = (one for one in self.github.organisation.repositories[ORDERS].pull_requests if one.number == 12)
        head = f"{int(entry.head_sha, 16) + 1:040x}"
        self.change(ORDERS, 12, head_sha=head)
        return head

    def ready(self) -> None:
        """Wait until the plugin has read everything once."""
        wait_for(lambda: self.server.ask("GET", "/readyz", None).status == 200)

    def recovers(self) -> None:
        """Check that nothing was lost, and that a new push arrives."""
        self.push()
        reconciled = self.settle()
        assert reconciled.fine
        assert reconciled.updated.keys() == {PUSHED} == reconciled.touched

    def open(self, repository: str, entry: PullRequestEntry) -> None:
        """Open a pull request on GitHub."""
        entries = self.github.organisation.repositories[repository].pull_requests
        entry = entry.model_copy(update={"updated_at": self._later()})
        self.github.organisation = with_pull_requests(self.github.organisation, repository, *entries, entry)

    def _later(self) -> datetime:
        """Return the time of the next change: long enough ago that a listing is sure to include it."""
        self._minutes += 1
        return LONG_AGO + timedelta(minutes=self._minutes)

    @property
    def catalog(self) -> Path:
        """The catalog of a stage made by `well`, for editing."""
        return Path(self.settings["PREVIEW_CATALOG"])

    def deployed(self) -> str:
        """Return the commit that Argo CD deploys of what `push` pushes to."""
        annotations = self.argocd.applications()[PUSHED]["metadata"]["annotations"]
        return str(annotations["preview.example.com/deploy-sha"])

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run one of the plugin's commands beside the server, as a platform team does, with the server's clock."""
        python = [sys.executable, *self.command[1:]]
        program = [Path(sys.executable).parent / SERVE[0]] if self.command == SERVE else python
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PREVIEW_")}
        environment |= self.environment
        return subprocess.run([*program, *arguments], env=environment, capture_output=True, text=True, check=False)

    def reported(self) -> Any:
        """Return what the plugin reports: `GET /api/v1/previews`."""
        return self.server.ask("GET", "/api/v1/previews", None, READ_TOKEN).json

    def rendered(self, application: Object) -> list[Object]:
        (result,) = render_applications([application])
        assert result["error"] == ""
        objects: list[Object] = result["objects"]
        return objects


@contextmanager
def stage(
    folder: Path,
    organisation: Organisation | None = None,
    sets: tuple[str, ...] = (SET,),
    command: tuple[str, ...] = SERVE,
    argocd_secret: str | None = None,
    **settings: str,
) -> Iterator[Stage]:
    """Start all three, with this repository's ApplicationSets.

    With `argocd_secret` the plugin nudges Argo CD, whose `webhook.github.secret` it is; "" for none.
    """
    with GitHub(organisation or acme.organisation()) as github, argocd.start(argocd_secret or "") as controller:
        nudging = {} if argocd_secret is None else {"PREVIEW_ARGOCD_WEBHOOK": controller.webhook}
        if argocd_secret:
            nudging["PREVIEW_ARGOCD_WEBHOOK_SECRET"] = argocd_secret
        made = Stage(folder, github, controller, SETTINGS | nudging | settings, command=command)
        try:
            made.start_plugin()
            for name in sets:
                controller.apply_file(f"applicationsets/{name}.yaml")
            yield made
        finally:
            made.stop_plugin()
            made.running.close()


@contextmanager
def well(folder: Path, organisation: Organisation | None = None) -> Iterator[Stage]:
    """Start all three and reconcile once without errors. The catalog in the folder may be edited."""
    catalog = Path(shutil.copy(CATALOG, folder))
    with stage(folder, organisation, PREVIEW_CATALOG=str(catalog)) as staged:
        staged.ready()
        assert len(staged.reconcile().created) >= DEMO
        yield staged


def refused(reconciled: Reconciled, message: str) -> None:
    """Check that nothing was touched, and that the condition says why."""
    assert reconciled.touched == set()
    assert message in reconciled.problem
    assert reconciled.requeue_after == VALIDATION_ERROR


def differences(before: Any, after: Any, place: str = "") -> dict[str, tuple[Any, Any]]:
    """Return where two objects differ, by path, apart from what every write changes."""
    found: dict[str, tuple[Any, Any]] = {}
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after} - {"resourceVersion"}):
            found |= differences(before.get(key), after.get(key), f"{place}.{key}".lstrip("."))
        return found
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for i, (old, new) in enumerate(zip(before, after, strict=True)):
            found |= differences(old, new, f"{place}[{i}]")
        return found
    return {} if before == after else {place: (before, after)}

import shutil
import subprocess
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from plugin.app import make_plugin
from plugin.core.config.catalog import Catalog
from plugin.core.decision.parameters import parameters
from plugin.core.decision.preview import Preview
from plugin.core.decision.verdicts import Verdict
from plugin.core.facts.lives import State
from plugin.settings import StateSettings, load_settings
from plugin.state.opening import open_state
from tools.rendering import ROOT, Objects, build, render

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
BASE = "manifests/plugin/base"
OPTIONAL = ("external-secrets", "registry-credentials", "auth")
INSTEAD = ("gateway", "network-private")  # not with auth, which needs an Ingress
PROFILES = ("web", "backend", "frontend")
PROJECT = "https://github.com/acme/previews"
RELEASE = "v0.1.0"


@dataclass(frozen=True)
class Rendered:
    parameters: dict[str, Any]
    application: dict[str, Any]
    objects: Objects
    error: str
    refused: list[str]

    def all(self, kind: str) -> Objects:
        return [found for found in self.objects if found["kind"] == kind]

    def one(self, kind: str, name: str) -> dict[str, Any]:
        """Find an object by its name, without a generator's hash."""
        (found,) = (
            found for found in self.all(kind) if found["metadata"]["name"] == name or base_name(found) == (kind, name)
        )
        return found


def base_name(found: dict[str, Any]) -> tuple[str, str]:
    """Kind and name, without the hash that kustomize adds to what it generates."""
    kind, name = found["kind"], found["metadata"]["name"]
    if kind in {"ConfigMap", "Secret"}:
        name = name.rpartition("-")[0] or name
    return kind, name


def render_all(application_set: str, given: list[dict[str, Any]], root: Path = ROOT) -> list[Rendered]:
    return [
        Rendered(
            parameters=parameter,
            application=result.get("application", {}),
            objects=result["objects"] or [],
            error=result["error"],
            refused=result["refused"] or [],
        )
        for parameter, result in zip(given, render(application_set, given, root), strict=True)
    ]


@dataclass(frozen=True)
class Acme:
    """The demo organisation, decided by the plugin's core; what the plugin does not emit yet is written by hand."""

    catalog: Catalog
    previews: dict[str, Preview]

    def live(self) -> list[dict[str, Any]]:
        return [self.parameters(preview) for preview in self.previews.values() if preview.verdict.live]

    def parameters(self, preview: Preview) -> dict[str, Any]:
        return parameters(preview, self.catalog)

    def paused(self, name: str) -> dict[str, Any]:
        return self.parameters(replace(self.previews[name], verdict=Verdict(State.PAUSED, "nobody used it")))

    def fork(self, name: str) -> dict[str, Any]:
        preview = self.previews[name]
        return self.parameters(
            replace(
                preview,
                name=f"fork-{preview.name.removeprefix('fork-')}",
                verdict=Verdict(State.ACTIVE, "a maintainer approved this commit"),
                pull_request=replace(preview.pull_request, fork=True),
            )
        )

    def ugly(self, name: str) -> dict[str, Any]:
        preview = self.previews[name]
        return self.parameters(
            replace(
                preview,
                config_error='line 3: "{{ .secret }}" \'\\ # % $HOME',
                pull_request=replace(
                    preview.pull_request,
                    title='"}}\n{{ fail "no" }} # $(whoami) \\',
                    branch="日本語/___{{ .name }}'\"",
                    author="dependabot[bot]",
                    labels=("preview", *(f"kind/{number}: {{{{ .x }}}} '\"" for number in range(300))),
                ),
            )
        )


@pytest.fixture(scope="session", name="acme")
def _acme() -> Acme:
    settings = load_settings(
        StateSettings,
        {
            "PREVIEW_CATALOG": str(ROOT / "tests/acme/catalog.yaml"),
            "PREVIEW_SOURCE": f"file:{ROOT / 'examples/acme/organisation.yaml'}",
        },
    )
    plugin = make_plugin(settings, open_state("memory"), now=lambda: NOW)
    plugin.refresher.refresh()
    current = plugin.answers.current()
    assert current.known.catalog
    return Acme(current.known.catalog, {preview.name: preview for preview in current.previews})


@pytest.fixture(scope="session", name="previews")
def _previews(acme: Acme) -> dict[str, Rendered]:
    """What the plugin emits for the demo organisation today."""
    return by_name(render_all("previews.yaml", acme.live()))


@pytest.fixture(scope="session", name="paused")
def _paused(acme: Acme) -> dict[str, Rendered]:
    return by_name(render_all("previews.yaml", [acme.paused("preview-orders-15"), acme.paused("preview-shop-31")]))


@pytest.fixture(scope="session", name="forks")
def _forks(acme: Acme) -> dict[str, Rendered]:
    given = [acme.fork("fork-preview-payments-124"), acme.fork("preview-shop-31"), as_web(acme.fork("preview-users-7"))]
    return by_name(render_all("forks.yaml", given))


@pytest.fixture(scope="session", name="complete")
def _complete(acme: Acme, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rendered]:
    """Previews with every optional component switched on, as the comment in the overlay says."""
    root = copy_of_the_tree(tmp_path_factory.mktemp("complete"))
    for profile in PROFILES:
        switch_on(root / f"manifests/apps/{profile}/overlays/preview/kustomization.yaml", OPTIONAL)
    live = {given["name"]: given for given in acme.live()}
    given = [live["preview-orders-15"], live["preview-shop-31"], as_web(live["preview-payments-123"])]
    return by_name(render_all("previews.yaml", given, root))


@pytest.fixture(scope="session", name="web")
def _web(acme: Acme) -> dict[str, Rendered]:
    """The profile that is only an app, active and paused."""
    (active,) = (given for given in acme.live() if given["name"] == "preview-orders-15")
    return by_name(render_all("previews.yaml", [as_web(active), as_web(acme.paused("preview-payments-123"))]))


@pytest.fixture(scope="session", name="gateway")
def _gateway(acme: Acme, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rendered]:
    """Previews behind a Gateway, which call private networks."""
    root = copy_of_the_tree(tmp_path_factory.mktemp("gateway"))
    for profile in PROFILES:
        switch_on(root / f"manifests/apps/{profile}/overlays/preview/kustomization.yaml", INSTEAD)
    live = {given["name"]: given for given in acme.live()}
    given = [live["preview-orders-15"], live["preview-shop-31"], as_web(live["preview-payments-123"])]
    return by_name(render_all("previews.yaml", given, root))


@pytest.fixture(scope="session", name="staging")
def _staging() -> dict[str, Objects]:
    """Staging by service."""
    folders = sorted(
        folder.parent
        for folder in ROOT.glob("manifests/apps/*/overlays/staging/*/kustomization.yaml")
        if folder.parent.name != "common"
    )
    return {folder.name: build(folder) for folder in folders}


@pytest.fixture(scope="session", name="monitored")
def _monitored(tmp_path_factory: pytest.TempPathFactory) -> Objects:
    """The plugin with its component switched on, as its comment says."""
    root = copy_of_the_tree(tmp_path_factory.mktemp("monitored"))
    uncomment(root, "../components/monitoring")
    return build(root / BASE)


@pytest.fixture(scope="session", name="once")
def _once(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Objects]:
    """What is applied once per cluster, by folder."""
    root = copy_of_the_tree(tmp_path_factory.mktemp("once"))
    uncomment(root, "../components/monitoring")
    folders = {
        found.parent
        for found in root.glob("manifests/*/**/kustomization.yaml")
        if yaml.safe_load(found.read_text("utf-8"))["kind"] == "Kustomization" and "apps" not in found.parts
    }
    return {str(folder.relative_to(root)): build(folder) for folder in sorted(folders)}


@pytest.fixture(scope="session", name="environments")
def _environments(request: pytest.FixtureRequest, staging: dict[str, Objects]) -> dict[str, Objects]:
    """Everything that can be applied, by a name for messages."""
    rendered: dict[str, Objects] = {}
    for group in ("previews", "paused", "forks", "complete", "web", "gateway"):
        members: dict[str, Rendered] = request.getfixturevalue(group)
        rendered |= {f"{group} {name}": preview.objects for name, preview in members.items()}
    return rendered | {f"staging {service}": objects for service, objects in staging.items()}


def as_web(given: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of the same service with the profile web, and without a seed."""
    path = given["path"].replace(f"/{given['profile']}/", "/web/")
    return given | {"profile": "web", "path": path, "dataset": "", "seed_image": ""}


def by_name(rendered: list[Rendered]) -> dict[str, Rendered]:
    return {preview.parameters["name"]: preview for preview in rendered}


def copy_of_the_tree(folder: Path) -> Path:
    for part in ("manifests", "applicationsets"):
        shutil.copytree(ROOT / part, folder / part)
    return folder


def released(folder: Path) -> dict[str, str]:
    """Release this repository in a folder, and return the variables that lead Git there instead of to GitHub."""
    root = copy_of_the_tree(folder)
    author = ("-c", "user.name=test", "-c", "user.email=test@example.com")
    for command in (("init", "--quiet"), ("add", "."), (*author, "commit", "--quiet", "--message=x"), ("tag", RELEASE)):
        subprocess.run(["git", *command], cwd=root, check=True)
    rewrite = ("GIT_CONFIG_KEY_0", f"url.file://{root}.insteadOf"), ("GIT_CONFIG_VALUE_0", PROJECT)
    return {"GIT_CONFIG_COUNT": "1", **dict(rewrite)}


def uncomment(root: Path, component: str) -> None:
    """Switch on a component of the plugin."""
    kustomization = root / BASE / "kustomization.yaml"
    text = kustomization.read_text("utf-8")
    assert text.count(f"  # - {component}") == 1
    kustomization.write_text(text.replace(f"  # - {component}", f"  - {component}"), "utf-8")


def switch_on(kustomization: Path, components: tuple[str, ...]) -> None:
    text = kustomization.read_text("utf-8")
    mark = "  # After everything that has pods:\n"
    assert text.count(mark) == 1
    lines = "".join(f"  - ../../../../components/{component}\n" for component in components)
    kustomization.write_text(text.replace(mark, lines + mark), "utf-8")

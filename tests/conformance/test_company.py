"""A company sets itself up from the documentation alone, and changes no file of this repository.

globex/ has what it writes itself: files of `previews`, its own repository, and the chart of `search`. The rest comes
from `init`, from examples/wrapper and from the recipes.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from plugin.sources.file import load_organisation
from tests.conformance.argocd import Object
from tests.conformance.stage import stage
from tests.docs.pages import examples
from tests.fakes.github import GitHub
from tests.manifests.conftest import released
from tests.manifests.installed import one
from tests.manifests.pods import containers
from tools.rendering import PROJECTS, ROOT, Objects, build, render_applications

GLOBEX = Path(__file__).parent / "globex"
WRAPPER = ROOT / "examples/wrapper"
ORGANISATION = load_organisation(GLOBEX / "organisation.yaml")
THEIRS = "https://github.com/globex/previews.git"
KIT = {
    "preview-billing-8",
    "preview-catalogue-40",
    "preview-checkout-40",
    "preview-checkout-41",
    "preview-mailer-3",
    "preview-portal-21",
}
HELM = {"preview-search-5"}
ENVIRONMENT = ("environment", "app")  # a ConfigMap: the kit's name, and that of the chart


@dataclass(frozen=True)
class Company:
    """Its repository, what it applies from there, and what Argo CD makes of its pull requests."""

    repository: Path
    listed: set[str]  # the repositories that `init` found
    plugin: Objects
    argocd: Objects
    sets: dict[str, set[str]]  # of an ApplicationSet, the names of its Applications
    applications: dict[str, Object]
    rendered: dict[str, dict[str, Any]]

    def objects(self, name: str, kind: str) -> Objects:
        return [found for found in self.rendered[name]["objects"] if found["kind"] == kind]

    def environment(self, name: str) -> dict[str, str]:
        (found,) = (one for one in self.objects(name, "ConfigMap") if one["metadata"]["name"].startswith(ENVIRONMENT))
        data: dict[str, str] = found["data"]
        return data


@pytest.fixture(name="company", scope="module")
def _company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    repository = tmp_path_factory.mktemp("globex")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in released(tmp_path_factory.mktemp("previews")).items():
            patch.setenv(name, value)
        listed = set_up(repository)
        plugin, argocd = build(repository), build(repository / "argocd")
        with stage(
            tmp_path_factory.mktemp("stage"), ORGANISATION, sets=(), PREVIEW_CATALOG=str(repository / "catalog.yaml")
        ) as staged:
            staged.ready()
            sets: dict[str, set[str]] = {}
            applications: dict[str, Object] = {}
            for found in (found for found in argocd if found["kind"] == "ApplicationSet"):
                staged.argocd.apply(found)
                reconciled = staged.reconcile(found["metadata"]["name"])
                assert reconciled.fine, reconciled.problem
                sets[found["metadata"]["name"]] = {*reconciled.created}
                applications |= reconciled.created
        checkout(repository, argocd)
        rendered = {
            name: result
            for names in sets.values()
            for name, result in zip(
                names, render_applications([applications[name] for name in names], repository), strict=True
            )
        }
        yield Company(repository, listed, plugin, argocd, sets, applications, rendered)


def set_up(repository: Path) -> set[str]:
    """Follow docs/install.md, and return the repositories that `init` has found."""
    with GitHub(ORGANISATION) as github:
        access = {"PREVIEW_GITHUB_URL": github.url, "PREVIEW_GITHUB_TOKEN": github.token}
        run(repository, "init", "--owner", "globex", "--domain", "preview.globex.example", **access)
    services = yaml.safe_load((repository / "catalog.yaml").read_text("utf-8"))["services"]
    shutil.copytree(GLOBEX / "previews", repository, dirs_exist_ok=True)
    shutil.copytree(WRAPPER / "manifests/components", repository / "manifests/components")
    kustomization = (WRAPPER / "argocd/kustomization.yaml").read_text("utf-8")
    (repository / "argocd/kustomization.yaml").write_text(
        kustomization.replace("resources:\n", "resources:\n  - applicationset.yaml\n  - project.yaml\n"), "utf-8"
    )
    (worker,) = (one.text for one in examples("yaml", "docs/recipes/worker.md") if "manifests/apps/shared" in one.text)
    (repository / "manifests/apps/worker/overlays/preview").mkdir(parents=True)
    (repository / "manifests/apps/worker/overlays/preview/kustomization.yaml").write_text(worker, "utf-8")
    project = (ROOT / "examples/helm/project.yaml").read_text("utf-8")
    ours = "https://github.com/acme/previews.git"
    assert project.count(ours) == 1
    search = project.replace(ours, "https://github.com/globex/search")
    (repository / "argocd/project.yaml").write_text(search, "utf-8")
    run(repository, "check", "--manifests", "manifests", "catalog.yaml")
    return {service["repository"] for service in services.values()}


def run(folder: Path, *arguments: str, **variables: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREVIEW_")} | variables
    command = [str(Path(sys.executable).parent / "preview-plugin"), *arguments]
    subprocess.run(command, cwd=folder, env=environment, check=True)


def checkout(repository: Path, argocd: Objects) -> None:
    """Put the chart and the projects where the tests' renderer looks for them."""
    shutil.copytree(GLOBEX / "search/chart", repository / "chart")
    for name in ("previews", "previews-helm"):
        file = repository / PROJECTS[name]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(one(argocd, "AppProject", name)), "utf-8")


def test_init_has_found_the_repositories_of_its_catalog(company: Company) -> None:
    catalog = one(company.plugin, "ConfigMap")["data"]["catalog.yaml"]

    assert len(company.listed) == 6
    assert company.listed == {service["repository"] for service in yaml.safe_load(catalog)["services"].values()}


def test_each_service_gets_its_application_from_one_set_and_the_library_none(company: Company) -> None:
    assert company.sets == {"previews": KIT, "previews-helm": HELM}


def test_argocd_reads_no_repository_but_the_companys(company: Company) -> None:
    sources = {name: one["spec"]["source"]["repoURL"] for name, one in company.applications.items()}

    assert sources == {**dict.fromkeys(KIT, THEIRS), "preview-search-5": "https://github.com/globex/search"}
    for found in (found for found in company.argocd if found["kind"] == "AppProject"):
        assert {*found["spec"]["sourceRepos"]} <= {*sources.values()}


def test_everything_renders_and_is_admitted(company: Company) -> None:
    for name, result in company.rendered.items():
        assert (result["error"], result["refused"] or []) == ("", []), name
    rendered = [found for result in company.rendered.values() for found in result["objects"]]
    for found in (*company.plugin, *company.argocd, *rendered):
        if not found["apiVersion"].startswith("argoproj.io/"):
            kubernetes_validate.validate(found, kubernetes_validate.latest_version(), strict=True)


def test_each_preview_runs_its_image_and_no_other_is_unset(company: Company) -> None:
    for name, result in company.rendered.items():
        _, service, number = name.split("-")
        sha = one_pull_request(company, service, int(number)).head_sha
        images = {
            container["image"]
            for found in result["objects"]
            if found["kind"] in {"Deployment", "StatefulSet", "Job"}
            for container in containers(found)
        }
        assert f"registry.globex.example/{service}:{sha}" in images
        assert not any("unset" in image for image in images)


def one_pull_request(company: Company, service: str, number: int) -> Any:
    catalog = yaml.safe_load(one(company.plugin, "ConfigMap")["data"]["catalog.yaml"])
    entries = ORGANISATION.repositories[catalog["services"][service]["repository"]].pull_requests
    (found,) = (entry for entry in entries if entry.number == number)
    return found


def test_the_worker_has_no_address(company: Company) -> None:
    assert [found["metadata"]["name"] for found in company.objects("preview-mailer-3", "Deployment")] == ["worker"]
    for kind in ("Service", "Ingress"):
        assert company.objects("preview-mailer-3", kind) == []


def test_the_service_with_two_databases_gets_both(company: Company) -> None:
    deployments = {found["metadata"]["name"]: found for found in company.objects("preview-billing-8", "Deployment")}
    wait, app = containers(deployments["app"])
    sources = {next(iter(source.values()))["name"].partition("-")[0] for source in app["envFrom"]}

    assert (wait["name"], app["name"]) == ("wait-for-postgres", "app")
    assert deployments.keys() == {"app", "postgres", "mongodb"}
    assert sources == {"environment", "postgres", "mongodb"}


@pytest.mark.parametrize(
    ("name", "variable", "url"),
    [
        ("preview-mailer-3", "BILLING_URL", "http://app.preview-billing-8.svc.cluster.local"),
        ("preview-portal-21", "BILLING_URL", "https://billing-8.preview.globex.example"),
        ("preview-checkout-40", "CATALOGUE_URL", "http://app.preview-catalogue-40.svc.cluster.local"),
        ("preview-checkout-41", "CATALOGUE_URL", "http://app.staging-catalogue.svc.cluster.local"),
        ("preview-search-5", "PUBLIC_URL", "https://search-5.preview.globex.example"),
    ],
)
def test_each_preview_knows_whom_to_call(company: Company, name: str, variable: str, url: str) -> None:
    assert company.environment(name)[variable] == url

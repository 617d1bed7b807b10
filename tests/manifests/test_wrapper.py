"""A company that copies nothing: examples/wrapper, built with this repository behind its URLs."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.manifests.conftest import (
    PROJECT,
    RELEASE,
    Acme,
    Rendered,
    as_web,
    by_name,
    released,
    render_all,
)
from tests.manifests.installed import deployment, one
from tools.rendering import ROOT, Objects, build

WRAPPER = ROOT / "examples/wrapper"
THEIRS = "https://github.com/globex/previews.git"
FILES = [file for file in sorted(WRAPPER.rglob("*")) if file.is_file()]


@pytest.fixture(scope="module", name="release")
def _release(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return released(tmp_path_factory.mktemp("previews"))


@pytest.fixture(autouse=True)
def _git(release: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in release.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(name="plugin")
def _plugin() -> Objects:
    return build(WRAPPER)


@pytest.fixture(name="repository")
def _repository(tmp_path: Path) -> Path:
    """The company's repository, and beside it what its argocd/ renders, where the tests' renderer reads both."""
    shutil.copytree(WRAPPER / "manifests", tmp_path / "manifests")
    (tmp_path / "manifests/argocd").mkdir()
    (tmp_path / "applicationsets").mkdir()
    objects = build(WRAPPER / "argocd")
    for place, found in (
        ("manifests/argocd/previews-project.yaml", one(objects, "AppProject", "previews")),
        ("applicationsets/previews.yaml", one(objects, "ApplicationSet")),
    ):
        (tmp_path / place).write_text(yaml.safe_dump(found), "utf-8")
    return tmp_path


def rendered(repository: Path, *given: dict[str, Any]) -> dict[str, Rendered]:
    return by_name(render_all("previews.yaml", list(given), repository))


def test_the_plugin_differs_from_the_base_in_what_the_wrapper_sets(plugin: Objects) -> None:
    base = build(ROOT / "manifests/plugin/base")
    catalog = one(plugin, "ConfigMap")

    assert catalog["data"] == {"catalog.yaml": (WRAPPER / "catalog.yaml").read_text("utf-8")}
    assert catalog["metadata"] == one(base, "ConfigMap")["metadata"]
    assert [found for found in plugin if found["kind"] != "ConfigMap"] == [
        found for found in base if found["kind"] != "ConfigMap"
    ]
    lines = (WRAPPER / "kustomization.yaml").read_text("utf-8").splitlines()
    assert len([line for line in lines if not line.startswith("#")]) <= 15


def test_the_wrapper_sets_the_tag_of_the_image(tmp_path: Path) -> None:
    shutil.copytree(WRAPPER, tmp_path, dirs_exist_ok=True)
    kustomization = tmp_path / "kustomization.yaml"
    kustomization.write_text(kustomization.read_text("utf-8").replace("newTag: 0.1.0", "newTag: 0.2.7"), "utf-8")

    _, container = deployment(build(tmp_path))

    assert container["image"] == "ghcr.io/acme/preview-plugin:0.2.7"


def test_the_catalog_is_valid_and_its_profiles_have_overlays() -> None:
    command = Path(sys.executable).parent / "preview-plugin"
    result = subprocess.run([command, "check", WRAPPER / "catalog.yaml"], capture_output=True, text=True, check=False)
    services = yaml.safe_load((WRAPPER / "catalog.yaml").read_text("utf-8"))["services"]

    assert result.returncode == 0, result.stderr
    for service in services.values():
        assert (WRAPPER / f"manifests/apps/{service['profile']}/overlays/preview/kustomization.yaml").is_file()


def test_argocd_reads_the_companys_repository_and_permits_no_other() -> None:
    objects = build(WRAPPER / "argocd")
    sources = [found["spec"]["sourceRepos"] for found in objects if found["kind"] == "AppProject"]

    assert sources == [[THEIRS], [THEIRS]]
    assert one(objects, "ApplicationSet")["spec"]["template"]["spec"]["source"]["repoURL"] == THEIRS


def test_overlays_by_url_render_as_the_same_profile_does_here(
    repository: Path, acme: Acme, web: dict[str, Rendered]
) -> None:
    (given,) = (given for given in acme.live() if given["name"] == "preview-orders-15")
    theirs = rendered(repository, as_web(given))["preview-orders-15"]

    assert (theirs.error, theirs.refused) == ("", [])
    assert theirs.application["spec"]["source"]["repoURL"] == THEIRS
    (route,) = theirs.all("HTTPRoute")
    assert route["spec"]["hostnames"] == [given["host"]]
    assert route["spec"]["parentRefs"] == [{"name": "public", "namespace": "envoy-gateway-system"}]
    ours = web["preview-orders-15"].objects
    assert [found for found in theirs.objects if found is not route] == [
        found for found in ours if found["kind"] != "Ingress"
    ]


def test_a_pause_works_from_the_companys_repository(repository: Path, acme: Acme) -> None:
    (paused,) = rendered(repository, as_web(acme.paused("preview-orders-15"))).values()

    assert (paused.error, paused.refused) == ("", [])
    assert paused.all("Job") == []
    assert [found["spec"]["replicas"] for found in paused.all("Deployment")] == [0]


@pytest.mark.parametrize(
    "what",
    [
        "preview.globex.example",  # the domain
        "globex/tickets",  # the owner, with the only repository in the catalog
        "registry.globex.example",  # the registry
        THEIRS,
    ],
)
def test_what_belongs_to_the_company_is_set_in_one_place(what: str) -> None:
    assert sum(file.read_text("utf-8").count(what) for file in FILES) == 1


def test_nothing_else_belongs_to_the_company() -> None:
    named = [word for file in FILES for word in re.findall(r"[\w./:-]*globex[\w./:-]*", file.read_text("utf-8"))]

    assert len(named) == 5, "the four places, and the public address of staging in the catalog"


def test_every_url_names_the_release_that_the_image_is_from() -> None:
    urls = [url for file in FILES for url in re.findall(rf"{PROJECT}//\S+", file.read_text("utf-8"))]

    assert urls
    for url in urls:
        folder, _, release = url.removeprefix(f"{PROJECT}//").partition("?ref=")
        assert release == RELEASE
        assert (ROOT / folder / "kustomization.yaml").is_file()
    assert f"newTag: {RELEASE.removeprefix('v')}" in (WRAPPER / "kustomization.yaml").read_text("utf-8")

"""`preview-plugin check --manifests`: a catalog and the folder that Argo CD renders."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.builders import catalog_text
from tests.unit.cli.commands import run

SEED = {"image": "ghcr.io/acme/seed-db", "datasets": {"default": "1"}}


@pytest.fixture(name="manifests")
def _manifests(tmp_path: Path) -> Path:
    """The profile `web` without a seed, and the profile `backend`, whose component `postgres` uses one."""
    folder = tmp_path / "manifests"
    write(
        folder,
        {
            "apps/web/base/kustomization.yaml": "resources: [deployment.yaml, https://example.com/remote.yaml]",
            "apps/web/base/deployment.yaml": "spec: {containers: [{name: app, image: app}, {image: seedling}]}",
            "apps/web/overlays/preview/kustomization.yaml": "resources: [../../base]",
            "apps/web/overlays/preview-fork/kustomization.yml": "resources: [../../base]",
            "apps/web/overlays/small/Kustomization": "resources: [../../base]",
            "apps/backend/overlays/preview/kustomization.yaml": "components: [../../../../components/postgres]",
            "apps/backend/overlays/preview-fork/kustomization.yaml": "resources: [../preview]",
            "components/postgres/kustomization.yaml": "resources: [service.yaml, deployment.yaml]",
            "components/postgres/service.yaml": "kind: Service\n---\nkind: Secret",
            "components/postgres/deployment.yaml": "spec: {initContainers: [{name: seed, image: seed}]}",
        },
    )
    return folder


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")


def mistakes(manifests: Path, **orders: object) -> list[str]:
    """The mistakes of a catalog with this service, with FOLDER for the folder `manifests`."""
    catalog = manifests.parent / "catalog.yaml"
    catalog.write_text(catalog_text({"orders": orders}), "utf-8")
    result = run("check", str(catalog), "--manifests", str(manifests))
    assert result.exit_code == (1 if result.stderr else 0)
    return result.stderr.replace(str(catalog), "CATALOG").replace(str(manifests), "FOLDER").splitlines()


@pytest.mark.parametrize(
    "orders",
    [
        {"profile": "web"},
        {"profile": "web", "overlay": "small"},
        {"profile": "web", "seed": SEED},
        {"profile": "backend", "seed": SEED},
        {"profile": None},
    ],
)
def test_what_a_catalog_names_is_there(manifests: Path, orders: dict[str, object]) -> None:
    assert mistakes(manifests, **orders) == []


def test_a_profile_that_does_not_exist(manifests: Path) -> None:
    assert mistakes(manifests, profile="backends") == [
        'CATALOG:7: services.orders.profile: there is no folder FOLDER/apps/backends; did you mean "backend"?'
    ]


def test_a_folder_without_apps(manifests: Path) -> None:
    assert mistakes(manifests / "components", profile="web") == ["FOLDER:1: has no folder apps, where profiles are"]


def test_an_overlay_that_does_not_exist(manifests: Path) -> None:
    assert mistakes(manifests, profile="web", overlay="smal") == [
        "CATALOG:16: services.orders.overlay: there is no kustomization in FOLDER/apps/web/overlays/smal"
    ]


def test_without_previews_of_forks_their_overlay_may_be_missing(manifests: Path) -> None:
    (manifests / "apps/web/overlays/preview-fork/kustomization.yml").unlink()

    assert mistakes(manifests, profile="web") == []


def test_the_overlay_of_forks_is_checked_where_it_exists(manifests: Path) -> None:
    forks = "apps/web/overlays/preview-fork/kustomization.yml"
    write(manifests, {forks: "components: [../../../../components/postgres]"})

    (mistake,) = mistakes(manifests, profile="web")
    assert "FOLDER/apps/web/overlays/preview-fork needs a seed" in mistake


def test_a_seed_that_is_needed(manifests: Path) -> None:
    assert mistakes(manifests, profile="backend") == [
        (
            "CATALOG:5: services.orders.seed: FOLDER/apps/backend/overlays/preview needs a seed, because "
            'FOLDER/components/postgres/deployment.yaml uses the image "seed"'
        )
    ]


@pytest.mark.parametrize("image", ["seed:1", "seed@sha256:0"])
def test_a_seed_with_a_tag_is_one_too(manifests: Path, image: str) -> None:
    write(manifests, {"components/postgres/deployment.yaml": f'spec: {{containers: [{{image: "{image}"}}]}}'})

    assert len(mistakes(manifests, profile="backend")) == 1


def test_kustomizations_that_include_each_other_end(manifests: Path) -> None:
    write(manifests, {"apps/web/base/kustomization.yaml": "resources: [../overlays/preview, nowhere.yaml]"})

    assert mistakes(manifests, profile="web") == []


def test_what_is_not_yaml_is_named(manifests: Path) -> None:
    write(manifests, {"apps/web/base/deployment.yaml": "a: ["})

    assert mistakes(manifests, profile="web") == ["FOLDER/apps/web/base/deployment.yaml:1: is not valid YAML"]


def test_a_repository_config_does_not_need_them(manifests: Path) -> None:
    file = manifests.parent / ".preview.yaml"
    file.write_text("version: 1\n", "utf-8")

    assert run("check", str(file), "--manifests", str(manifests)).exit_code == 0


@pytest.mark.parametrize("catalog", ["examples/acme/catalog.yaml", "manifests/plugin/base/catalog.yaml"])
def test_the_catalogs_of_this_repository_fit_its_manifests(catalog: str) -> None:
    assert run("check", catalog, "--manifests", "manifests").exit_code == 0

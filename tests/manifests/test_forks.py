import copy
from typing import Any

import pytest
import yaml

from tests.manifests.conftest import Acme, Rendered, render_all
from tests.manifests.pods import owners, pod
from tools.rendering import PROJECTS, ROOT


def test_a_preview_of_a_fork_renders_and_is_admitted(forks: dict[str, Rendered]) -> None:
    assert len(forks) == 3
    for name, fork in forks.items():
        assert name.startswith("fork-preview-")
        assert (fork.error, fork.refused) == ("", [])
        assert fork.application["spec"]["project"] == "previews-forks"
        assert fork.application["spec"]["source"]["path"].endswith("/overlays/preview-fork")


def test_a_fork_gets_no_external_secret_and_no_smoke_test(forks: dict[str, Rendered]) -> None:
    for fork in forks.values():
        assert not fork.all("ExternalSecret")
        assert not fork.all("Job")
        for owner in owners(fork.objects):
            assert "imagePullSecrets" not in pod(owner)
        # The only Secret is a throwaway password from a generator.
        assert all(secret["metadata"]["name"].startswith("postgres-") for secret in fork.all("Secret"))


@pytest.mark.parametrize(("application_set", "origin"), [("previews.yaml", "fork"), ("forks.yaml", "same-repository")])
def test_neither_set_may_deploy_what_belongs_to_the_other(acme: Acme, application_set: str, origin: str) -> None:
    given = acme.fork("fork-preview-payments-124") if origin == "fork" else acme.live()[1]

    (preview,) = render_all(application_set, [given])

    assert any("does not permit the destination" in refusal for refusal in preview.refused)
    assert any(refusal.startswith("Namespace ") for refusal in preview.refused)


def test_the_fork_project_does_not_even_permit_external_secrets() -> None:
    kinds = {
        name: {(entry["group"], entry["kind"]) for entry in _project(name)["spec"]["namespaceResourceWhitelist"]}
        for name in ("previews", "previews-forks")
    }

    assert kinds["previews"] - kinds["previews-forks"] == {("external-secrets.io", "ExternalSecret")}
    assert kinds["previews-forks"] < kinds["previews"]


def test_each_project_permits_one_repository_and_its_namespace_prefix() -> None:
    sources = [
        found["spec"]["template"]["spec"]["source"]["repoURL"]
        for found in (yaml.safe_load(file.read_text("utf-8")) for file in (ROOT / "applicationsets").glob("*.yaml"))
        if found["kind"] == "ApplicationSet"
    ]
    assert len(sources) == len(PROJECTS)
    assert len(set(sources)) == 1
    prefixes = {"previews": "preview-*", "previews-forks": "fork-preview-*", "previews-helm": "preview-*"}
    for name, pattern in prefixes.items():
        spec = yaml.safe_load((ROOT / PROJECTS[name]).read_text("utf-8"))["spec"]
        assert spec["sourceRepos"] == [sources[0]]
        assert [destination["namespace"] for destination in spec["destinations"]] == [pattern]
        assert spec["clusterResourceWhitelist"] == [{"group": "", "kind": "Namespace", "name": pattern}]


def test_the_forks_set_differs_from_the_previews_set_in_origin_and_project() -> None:
    previews, forks = (
        yaml.safe_load((ROOT / "applicationsets" / name).read_text("utf-8")) for name in ("previews.yaml", "forks.yaml")
    )
    expected = copy.deepcopy(previews)
    expected["metadata"]["name"] = "previews-forks"
    expected["spec"]["generators"][0]["plugin"]["input"]["parameters"]["origin"] = "fork"
    expected["spec"]["template"]["spec"]["project"] = "previews-forks"

    assert previews["spec"]["generators"][0]["plugin"]["input"]["parameters"] == {"origin": "same-repository"}
    assert forks == expected


def _project(name: str) -> dict[str, Any]:
    project: dict[str, Any] = yaml.safe_load((ROOT / f"manifests/argocd/{name}-project.yaml").read_text("utf-8"))
    return project

"""The component that lets the plugin end syncs: an account of Argo CD, its token, and a way through the network."""

from typing import Any

import pytest
import yaml

from plugin.settings import Settings, load_settings
from tests.manifests.conftest import BASE, copy_of_the_tree, uncomment
from tests.manifests.installed import PLUGIN, deployment, one, references, variables
from tools.rendering import PROJECTS, ROOT, Objects, build

COMPONENT = ROOT / "manifests/plugin/components/argocd-api"


@pytest.fixture(name="plugin", scope="module")
def _plugin() -> Objects:
    return build(ROOT / BASE)


@pytest.fixture(name="with_api", scope="module")
def _with_api(tmp_path_factory: pytest.TempPathFactory) -> Objects:
    root = copy_of_the_tree(tmp_path_factory.mktemp("tree"))
    uncomment(root, "../components/argocd-api")
    return build(root / BASE)


def patch(name: str) -> dict[str, str]:
    content: dict[str, Any] = yaml.safe_load((COMPONENT / name).read_text("utf-8"))
    assert set(content) == {"data"}, "a patch of the data, which adds to what is there"
    data: dict[str, str] = content["data"]
    return data


def test_the_plugin_starts_with_the_token_and_not_without(with_api: Objects) -> None:
    _, container = deployment(with_api)
    assert references(container)["preview-plugin-argocd", "token"], "the pod must not start without its token"
    secrets = {
        "preview-plugin": {"token": "argocd-token"},
        "preview-plugin-github": {"token": "github-token"},
        "preview-plugin-argocd": {"token": "token-of-the-account"},
    }

    settings = load_settings(Settings, variables(container, secrets))

    assert settings.argocd_token
    assert settings.argocd_token.get_secret_value() == "token-of-the-account"
    # One of the names in the certificate that Argo CD makes for itself: util/settings/settings.go
    assert settings.argocd_api == "https://argocd-server.argocd.svc.cluster.local"


def test_only_the_component_opens_the_way_to_argocd_server(plugin: Objects, with_api: Objects) -> None:
    before, allowed = (one(found, "NetworkPolicy", PLUGIN)["spec"]["egress"] for found in (plugin, with_api))
    server = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "argocd"}},
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "argocd-server"}},
    }

    # The port of the pods: argocd-server's Service leads from 80 and 443 to it.
    assert allowed == [*before, {"to": [server], "ports": [{"port": 8080, "protocol": "TCP"}]}]


def test_the_account_may_read_and_sync_previews_and_nothing_else() -> None:
    ((account, capabilities),) = patch("argocd-cm.yaml").items()
    ((key, policy),) = patch("argocd-rbac-cm.yaml").items()
    lines = [tuple(part.strip() for part in line.split(",")) for line in policy.splitlines()]

    assert (account, capabilities) == ("accounts.preview-plugin", "apiKey"), "a token, and no login"
    assert key == "policy.preview-plugin.csv", (
        "Argo CD joins it with policy.csv, which is the user's: util/rbac/rbac.go"
    )
    assert sorted(lines) == sorted(
        ("p", "preview-plugin", "applications", action, f"{project}/*", "allow")
        for project in PROJECTS
        for action in ("get", "sync")
    )

"""The component that lets the plugin end syncs: an account of Argo CD, its token, and a way through the network."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from plugin.report.argocd_api import ApiError, ArgoApi
from plugin.settings import Settings, load_settings
from tests.fakes.argocd import TOKEN, application, listening, source
from tests.manifests.conftest import BASE, copy_of_the_tree, uncomment
from tests.manifests.installed import PLUGIN, deployment, one, references, variables
from tests.manifests.tls import certificate, tls_in_front_of
from tools.rendering import ROOT, Objects, build

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


@pytest.mark.parametrize("trusted", [True, False])
def test_the_token_is_sent_only_to_a_server_with_a_trusted_certificate(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trusted: bool,  # noqa: FBT001
) -> None:
    shown = certificate(tmp_path, "localhost")
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    if trusted:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(shown.crt))

    with (
        listening() as argocd,
        tls_in_front_of(argocd.port, shown) as port,
        closing(ArgoApi(f"https://localhost:{port}", TOKEN)) as api,
    ):
        argocd.applications["preview-orders-12"] = application("preview-orders-12", source("new"))
        if trusted:
            assert api.operation("preview-orders-12") is not None
        else:
            with pytest.raises(ApiError, match=r"^SSLError$"):
                api.operation("preview-orders-12")

    assert argocd.asked == (["GET preview-orders-12"] if trusted else [])


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
        for project in ("previews", "previews-forks")
        for action in ("get", "sync")
    )

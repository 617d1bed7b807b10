"""The components for what the plugin asks beside GitHub: logins of registries, and a way to Prometheus."""

import json
from pathlib import Path

import pytest

from plugin.core.config.registries import Login, parse_docker_config, parse_image
from plugin.settings import Settings, load_settings
from tests.manifests.conftest import BASE, copy_of_the_tree, uncomment
from tests.manifests.installed import PLUGIN, Secrets, deployment, environment, one, peers
from tests.manifests.pods import pod
from tools.rendering import ROOT, Objects, build, refused

OVERLAYS = (BASE, "manifests/plugin/overlays/ha")
LOGIN = {"username": "acme-bot", "password": "token-of-the-bot", "auth": "YWNtZS1ib3Q6dG9rZW4tb2YtdGhlLWJvdA=="}
SECRETS: Secrets = {
    "preview-plugin": {"token": "argocd-token"},
    "preview-plugin-github": {"token": "github-token"},
    # As `kubectl create secret docker-registry` writes it.
    "preview-plugin-registry": {".dockerconfigjson": json.dumps({"auths": {"ghcr.io": LOGIN}})},
}


def with_component(folder: Path, component: str, overlay: str = BASE) -> Objects:
    root = copy_of_the_tree(folder)
    uncomment(root, f"../components/{component}")
    return build(root / overlay)


def test_the_plugin_starts_with_the_logins_of_the_secret(tmp_path: Path) -> None:
    plugin = with_component(tmp_path / "tree", "registry")

    settings = load_settings(Settings, environment(plugin, tmp_path / "pod", SECRETS))

    assert settings.registry_config
    logins = parse_docker_config(settings.registry_config.read_text("utf-8"))
    assert logins.of(parse_image("ghcr.io/acme/orders:1")) == Login("acme-bot", "token-of-the-bot")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_logins_are_a_file_that_follows_the_secret(tmp_path: Path, overlay: str) -> None:
    plugin = with_component(tmp_path, "registry", overlay)
    spec = pod(one(plugin, "Deployment", PLUGIN))
    (volume,) = (each["secret"] for each in spec["volumes"] if each["name"] == "registry")
    (mount,) = (each for each in deployment(plugin)[1]["volumeMounts"] if each["name"] == "registry")

    assert volume == {
        "secretName": "preview-plugin-registry",
        "items": [{"key": ".dockerconfigjson", "path": "config.json"}],
    }, "not optional: without its Secret the pod must not start"
    assert mount["readOnly"] is True
    assert "subPath" not in mount, "it would never be updated"
    assert refused(plugin) == []


def test_registries_need_no_way_of_their_own(tmp_path: Path) -> None:
    plugin, before = with_component(tmp_path, "registry"), build(ROOT / BASE)
    allowed, as_before = (one(found, "NetworkPolicy", PLUGIN) for found in (plugin, before))

    assert allowed == as_before
    assert allowed["spec"]["egress"][0] == {"ports": [{"port": 443, "protocol": "TCP"}]}, "to any address"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_only_the_component_opens_the_way_to_prometheus(tmp_path: Path, overlay: str, monitored: Objects) -> None:
    plugin, before = with_component(tmp_path, "traffic", overlay), build(ROOT / overlay)
    allowed, as_before = (one(found, "NetworkPolicy", PLUGIN)["spec"]["egress"] for found in (plugin, before))
    prometheus = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}},
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}},
    }

    # The port of the pods, which is that of the operator's Services, too.
    assert allowed == [*as_before, {"to": [prometheus], "ports": [{"port": 9090, "protocol": "TCP"}]}]
    assert peers(one(monitored, "NetworkPolicy", "preview-plugin-metrics")) == [("monitoring", {"prometheus"})], (
        "the same"
    )
    assert [found for found in plugin if found["kind"] != "NetworkPolicy"] == [
        found for found in before if found["kind"] != "NetworkPolicy"
    ]

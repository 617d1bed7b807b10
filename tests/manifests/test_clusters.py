"""Kinds of clusters: each has a row in manifests/README.md, and what the row says is right."""

import re
from pathlib import Path

import pytest

from plugin.core.config.names import internal_url
from tests.manifests.conftest import Rendered, copy_of_the_tree
from tests.manifests.installed import deployment
from tests.manifests.pods import pod
from tools.rendering import ROOT, Objects, build

MANIFESTS = ROOT / "manifests"
TEXT = (MANIFESTS / "README.md").read_text("utf-8").partition("\n## Clusters that differ\n")[2].partition("\n## ")[0]
ROWS: dict[str, str] = dict(re.findall(r"^\| (.*?) \| (.*) \|$", TEXT, re.MULTILINE))


def row(word: str) -> str:
    """Return the instructions in the row whose first column contains this word."""
    (found,) = (answer for kind, answer in ROWS.items() if word in kind)
    return found


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("NodeLocal DNSCache", ["components/network-dns/dns.yaml"]),
        ("OpenShift", ["components/network-dns/dns.yaml"]),
        ("cluster domain", ["`cluster.local`", "CoreDNS"]),
        ("IPv6 addresses only", ["components/network-links/internet.yaml"]),
        (
            "no IPv6",
            ["plugin/base/deployment.yaml", "apps/frontend/base/nginx.conf", "components/mongodb/deployment.yaml"],
        ),
        ("StorageClass", ["components/storage-class/kustomization.yaml"]),
        ("proxy", ["plugin/components/proxy/kustomization.yaml", "components/network-private/private.yaml"]),
        ("RDS", ["components/network-private/private.yaml"]),
        ("Gateway API", ["components/gateway/httproute.yaml", "plugin/components/gateway/httproute.yaml"]),
        ("certificate authority", ["plugin/components/private-ca/kustomization.yaml", "`SSL_CERT_FILE`"]),
        ("another ingress controller", ["components/network-links/public-urls.yaml"]),
        ("`.mjs`", ["apps/frontend/base/nginx.conf"]),
    ],
)
def test_each_kind_of_cluster_has_a_row_and_a_place(kind: str, words: list[str]) -> None:
    for word in words:
        assert word in row(kind)


def test_the_places_exist() -> None:
    links = re.findall(r"\]\(([^)]+)\)", TEXT)

    assert len(links) > 10
    assert [link for link in links if not (MANIFESTS / link).is_file()] == []


@pytest.mark.parametrize("folder", ["apps/backend/overlays/preview", "plugin/base", "plugin/overlays/ha"])
def test_one_place_sets_the_storage_class_of_every_volume(tmp_path: Path, folder: str) -> None:
    root = copy_of_the_tree(tmp_path)
    place = root / "manifests/components/storage-class/kustomization.yaml"
    intro, _, patch = place.read_text("utf-8").partition("patches: []\n")
    place.write_text(intro + re.sub("^# ", "", patch, flags=re.MULTILINE), "utf-8")

    before, after = (
        [found["spec"].get("storageClassName") for found in build(path) if found["kind"] == "PersistentVolumeClaim"]
        for path in (MANIFESTS / folder, root / "manifests" / folder)
    )
    assert before == [None], "the cluster's default"
    assert after == ["gp3"]


def test_the_cluster_domain_is_the_one_that_the_plugin_writes() -> None:
    (domain,) = re.findall(r"`kubernetes (\S+) your\.domain ", row("cluster domain"))

    assert internal_url("preview-orders-12").endswith(f".svc.{domain}")


def test_what_listens_does_so_on_ipv6_too(previews: dict[str, Rendered], once: dict[str, Objects]) -> None:
    (mongodb,) = pod(previews["preview-orders-15"].one("Deployment", "mongodb"))["containers"]
    nginx = previews["preview-shop-31"].one("ConfigMap", "nginx")["data"]["nginx.conf"]
    _, login = deployment(once["manifests/login"], "oauth2-proxy")
    _, plugin = deployment(once["manifests/plugin/base"])

    assert {"--bind_ip_all", "--ipv6"} <= set(mongodb["args"])
    assert re.findall(r"listen (.*);", nginx) == ["8080", "[::]:8080"]
    assert "--http-address=:4180" in login["args"]
    assert {"name": "PREVIEW_BIND", "value": "[::]:8080"} in plugin["env"]
    for switch, place in (("--ipv6", mongodb["args"]), ("[::]", nginx), ("PREVIEW_BIND", str(plugin["env"]))):
        assert f"`{switch}`" in row("no IPv6")
        assert switch in place

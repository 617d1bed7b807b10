from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from tests.manifests.conftest import Rendered
from tests.manifests.pods import owners

NOT_FOR_PREVIEWS = [
    "169.254.169.254",  # the cloud's metadata service
    "169.254.170.2",  # and that of a container on AWS
    "fd00:ec2::254",
    "fd20:ce::254",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "172.16.0.1",
    "172.31.255.254",
    "192.168.1.1",
    "::1",
    "fe80::1",
]
ENVIRONMENT = "preview.example.com/environment"
CONTROLLER = {"preview.example.com/ingress-controller": "true"}


@pytest.fixture(name="every")
def _every(previews: dict[str, Rendered], forks: dict[str, Rendered], paused: dict[str, Rendered]) -> list[Rendered]:
    return [*previews.values(), *forks.values(), *paused.values()]


def test_every_pod_is_denied_everything_that_no_other_policy_allows(every: list[Rendered]) -> None:
    for preview in every:
        spec = preview.one("NetworkPolicy", "default-deny")["spec"]
        assert spec == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_policies_are_there_before_the_pods(every: list[Rendered]) -> None:
    for preview in every:
        waves = [_wave(policy) for policy in preview.all("NetworkPolicy")]
        assert max(waves) < min(_wave(owner) for owner in owners(preview.objects))


def test_private_networks_and_the_metadata_service_are_out_of_reach(every: list[Rendered]) -> None:
    for preview in every:
        blocks = [peer["ipBlock"] for peer in _peers(preview, "egress") if "ipBlock" in peer]
        assert blocks
        for address in NOT_FOR_PREVIEWS:
            assert not any(_holds(block, address) for block in blocks), address


def test_public_addresses_are_in_reach_by_https_only(previews: dict[str, Rendered], forks: dict[str, Rendered]) -> None:
    for address in ("140.82.112.3", "2606:50c0:8000::154"):
        for preview in previews.values():
            rules = [
                rule
                for rule in _rules(preview, "egress")
                if any(_holds(peer["ipBlock"], address) for peer in rule["to"] if "ipBlock" in peer)
            ]
            assert [rule["ports"] for rule in rules] == [[{"port": 443, "protocol": "TCP"}]]
        for fork in forks.values():
            assert not any(_holds(peer["ipBlock"], address) for peer in _peers(fork, "egress") if "ipBlock" in peer)


def test_a_fork_reaches_itself_dns_and_staging_and_nothing_else(forks: dict[str, Rendered]) -> None:
    for fork in forks.values():
        reached = {_who(peer) for peer in _peers(fork, "egress")}
        assert reached == {"itself", "kube-system", "169.254.20.10/32", "staging"}
        assert {_who(peer) for peer in _peers(fork, "ingress")} == {"itself", "ingress controller"}


def test_a_preview_reaches_staging_and_other_previews(previews: dict[str, Rendered]) -> None:
    for preview in previews.values():
        reached = {_who(peer) for peer in _peers(preview, "egress")}
        assert reached >= {"itself", "kube-system", "staging", "preview", "ingress controller"}
        assert {_who(peer) for peer in _peers(preview, "ingress")} == {"itself", "ingress controller", "preview"}


def test_only_the_app_itself_is_reached_from_another_namespace(every: list[Rendered]) -> None:
    app = {"matchLabels": {"app.kubernetes.io/name": "app"}}
    for preview in every:
        for policy in preview.all("NetworkPolicy"):
            for rule in policy["spec"].get("ingress", []):
                if any("namespaceSelector" in peer for peer in rule["from"]):
                    assert policy["spec"]["podSelector"] == app
                    assert rule["ports"] == [{"port": "http"}]
        for peer in _peers(preview, "egress"):
            if _who(peer) in {"staging", "preview"}:
                assert peer["podSelector"] == app


def test_namespaces_carry_the_label_that_policies_ask_for(
    previews: dict[str, Rendered], forks: dict[str, Rendered], staging: dict[str, list[dict[str, Any]]]
) -> None:
    for preview in previews.values():
        assert _label(preview.objects) == "preview"
    for fork in forks.values():
        assert _label(fork.objects) == "fork"
    for objects in staging.values():
        assert _label(objects) == "staging"


def _label(objects: list[dict[str, Any]]) -> str:
    (namespace,) = (found for found in objects if found["kind"] == "Namespace")
    label: str = namespace["metadata"]["labels"][ENVIRONMENT]
    return label


def _rules(preview: Rendered, direction: str) -> list[dict[str, Any]]:
    return [rule for policy in preview.all("NetworkPolicy") for rule in policy["spec"].get(direction, [])]


def _peers(preview: Rendered, direction: str) -> list[dict[str, Any]]:
    """List who is named; a rule without peers would mean everybody, which is a KeyError here."""
    return [peer for rule in _rules(preview, direction) for peer in rule["to" if direction == "egress" else "from"]]


def _who(peer: dict[str, Any]) -> str:
    if "ipBlock" in peer:
        return str(peer["ipBlock"]["cidr"])
    if "namespaceSelector" not in peer:
        return "itself"
    labels = peer["namespaceSelector"]["matchLabels"]
    if labels == CONTROLLER:
        return "ingress controller"
    ((_, value),) = labels.items()
    return str(value)


def _holds(block: dict[str, Any], address: str) -> bool:
    networks = [block["cidr"], *block.get("except", [])]
    inside, *without = [ip_address(address) in ip_network(network) for network in networks]
    return inside and not any(without)


def _wave(found: dict[str, Any]) -> int:
    return int(found["metadata"].get("annotations", {}).get("argocd.argoproj.io/sync-wave", "0"))

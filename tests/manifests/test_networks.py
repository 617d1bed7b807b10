from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from tests.manifests.conftest import Rendered
from tests.manifests.installed import one
from tests.manifests.pods import owners, pod
from tools.rendering import Objects

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
    "168.63.129.16",  # what Azure serves to its machines
    "192.0.0.170",
    "198.18.0.1",
    "198.19.255.254",
    "::1",
    "fe80::1",
    "64:ff9b::a9fe:a9fe",  # the metadata service, and a private address, as IPv6
    "2001:0:a00:1::1",
    "2002:a9fe:a9fe::1",
]
ENVIRONMENT = "preview.example.com/environment"
NAME = "kubernetes.io/metadata.name"
LINK_LOCAL = {"cidr": "169.254.0.0/16"}
CONTROLLER = {"preview.example.com/ingress-controller": "true"}


@pytest.fixture(name="every")
def _every(previews: dict[str, Rendered], forks: dict[str, Rendered], paused: dict[str, Rendered]) -> list[Rendered]:
    return [*previews.values(), *forks.values(), *paused.values()]


def test_a_default_policy_denies_all_traffic_of_every_pod(every: list[Rendered]) -> None:
    for preview in every:
        spec = preview.one("NetworkPolicy", "default-deny")["spec"]
        assert spec == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_network_policies_are_applied_before_pods(every: list[Rendered]) -> None:
    """In one wave, Argo CD applies them before everything that has pods."""
    for preview in every:
        waves = [_wave(policy) for policy in preview.all("NetworkPolicy")]
        assert max(waves) <= min(_wave(owner) for owner in owners(preview.objects))


def test_private_networks_and_the_metadata_service_are_blocked(every: list[Rendered]) -> None:
    for preview in every:
        for rule in _rules(preview, "egress"):
            ports = {port["port"] for port in rule.get("ports", [])}
            for peer in rule["to"]:
                reached = [
                    address for address in NOT_FOR_PREVIEWS if "ipBlock" in peer and _holds(peer["ipBlock"], address)
                ]
                # GKE's Cloud DNS answers at the metadata service's address.
                assert reached == [] or (peer == {"ipBlock": {"cidr": "169.254.0.0/16"}} and ports == {53}), peer


def test_public_addresses_are_reached_by_https_only(previews: dict[str, Rendered], forks: dict[str, Rendered]) -> None:
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


def test_a_fork_reaches_only_itself_and_dns(forks: dict[str, Rendered]) -> None:
    for fork in forks.values():
        reached = {_who(peer) for peer in _peers(fork, "egress")}
        assert reached == {"itself", "kube-system", "169.254.0.0/16", "openshift-dns"}
        assert {_who(peer) for peer in _peers(fork, "ingress")} == {"itself", "ingress controller"}


def test_a_preview_reaches_staging_and_other_previews(previews: dict[str, Rendered]) -> None:
    for preview in previews.values():
        reached = {_who(peer) for peer in _peers(preview, "egress")}
        assert reached >= {"itself", "kube-system", "staging", "preview", "ingress controller"}
        assert {_who(peer) for peer in _peers(preview, "ingress")} == {"itself", "ingress controller", "preview"}


def test_only_the_app_is_reached_from_other_namespaces(every: list[Rendered]) -> None:
    app = {"matchLabels": {"app.kubernetes.io/name": "app"}}
    for preview in every:
        for policy in preview.all("NetworkPolicy"):
            for rule in policy["spec"].get("ingress", []):
                if any("namespaceSelector" in peer for peer in rule["from"]):
                    assert policy["spec"]["podSelector"] == app
                    # A number: AWS's network plugin does not resolve the name.
                    assert rule["ports"] == [{"port": int(preview.parameters["port"])}]
        for peer in _peers(preview, "egress"):
            if _who(peer) in {"staging", "preview"}:
                assert peer["podSelector"] == app


def test_a_preview_reaches_only_the_http_port_of_staging(
    previews: dict[str, Rendered], staging: dict[str, list[dict[str, Any]]]
) -> None:
    for objects in staging.values():
        (app,) = (owner for owner in owners(objects) if owner["metadata"]["name"] == "app")
        (port,) = pod(app)["containers"][0]["ports"]
        for preview in previews.values():
            labels = {"app.kubernetes.io/name": "app"}
            assert _reaches(preview, {ENVIRONMENT: "staging"}, labels, port["containerPort"])
            for other in (9090, 5432, 22):
                assert not _reaches(preview, {ENVIRONMENT: "staging"}, labels, other)


@pytest.mark.parametrize(
    ("name", "component", "open_ports", "closed_ports"),
    [
        ("ingress-nginx", "controller", [80, 443], [8443, 10254, 8080]),  # the admission webhook, the metrics
        ("traefik", "", [8000, 8443], [9100, 8080, 9000]),  # the metrics, the dashboard
        ("envoy", "proxy", [10080, 10443], [80, 443, 19001, 19003]),  # Envoy Gateway; its readiness and admin ports
        ("metrics-server", "", [], [80, 443, 8000, 8443, 10250]),  # k3s has Traefik in kube-system, beside others
    ],
)
def test_a_preview_reaches_only_http_and_https_of_the_ingress_controller(
    previews: dict[str, Rendered], name: str, component: str, open_ports: list[int], closed_ports: list[int]
) -> None:
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/component": component}
    for preview in previews.values():
        reached = [port for port in [*open_ports, *closed_ports] if _reaches(preview, CONTROLLER, labels, port)]
        assert reached == open_ports


def test_a_preview_reaches_only_http_and_https_of_gateways(previews: dict[str, Rendered]) -> None:
    labels = {"gateway.networking.k8s.io/gateway-name": "public"}
    for preview in previews.values():
        assert [port for port in (80, 443, 8080, 15020) if _reaches(preview, CONTROLLER, labels, port)] == [80, 443]
        assert not _reaches(preview, {NAME: "elsewhere"}, labels, 443)


def test_only_previews_that_list_it_reach_private_networks(
    gateway: dict[str, Rendered], previews: dict[str, Rendered]
) -> None:
    for preview in gateway.values():
        (rule,) = preview.one("NetworkPolicy", "private")["spec"]["egress"]
        assert rule["ports"], "without ports it would be all of them"
    for preview in previews.values():
        assert not [policy for policy in preview.all("NetworkPolicy") if policy["metadata"]["name"] == "private"]


def test_a_preview_reaches_only_the_previews_it_is_linked_to(previews: dict[str, Rendered]) -> None:
    linked = 0
    for preview in previews.values():
        links = {link["namespace"] for link in preview.parameters["dependencies"] if link["target"] == "preview"}
        linked += len(links)
        for other in previews.values():
            namespace = {ENVIRONMENT: "preview", NAME: other.parameters["namespace"]}
            reached = _reaches(preview, namespace, {"app.kubernetes.io/name": "app"}, int(other.parameters["port"]))
            assert reached == (other.parameters["namespace"] in links or other is preview)
            assert not _reaches(preview, namespace, {"app.kubernetes.io/name": "postgres"}, 5432)
        fork = {ENVIRONMENT: "fork", NAME: "fork-preview-orders-12"}
        assert not _reaches(preview, fork, {"app.kubernetes.io/name": "app"}, 8000)
    assert linked > 3


@pytest.mark.parametrize(
    ("namespace", "pod_label", "port"),
    [
        ("kube-system", {"k8s-app": "kube-dns"}, 53),
        ("kube-system", {"k8s-app": "node-local-dns"}, 53),
        ("openshift-dns", {"dns.operator.openshift.io/daemonset-dns": "default"}, 5353),
    ],
)
def test_dns_is_reached_in_every_kind_of_cluster(
    every: list[Rendered], namespace: str, pod_label: dict[str, str], port: int
) -> None:
    for preview in every:
        assert _reaches(preview, {NAME: namespace}, pod_label, port)
        assert not _reaches(preview, {NAME: namespace}, pod_label, 443)
        assert not _reaches(preview, {NAME: namespace}, {"k8s-app": "metrics-server"}, port)
        (on_the_node,) = (rule for rule in _rules(preview, "egress") if {"ipBlock": LINK_LOCAL} in rule["to"])
        assert on_the_node["ports"] == [{"port": 53, "protocol": protocol} for protocol in ("UDP", "TCP")]


def test_the_plugin_and_the_login_use_the_same_dns_as_previews(
    previews: dict[str, Rendered], once: dict[str, Objects]
) -> None:
    expected = previews["preview-orders-15"].one("NetworkPolicy", "dns")["spec"]["egress"]
    for folder in ("manifests/plugin/base", "manifests/plugin/overlays/ha", "manifests/login"):
        assert one(once[folder], "NetworkPolicy", "dns")["spec"]["egress"] == expected
    for folder in ("manifests/plugin/base", "manifests/plugin/overlays/ha"):
        selected = one(once[folder], "NetworkPolicy", "dns")["spec"]["podSelector"]
        assert selected == {"matchLabels": {"app.kubernetes.io/name": "preview-plugin"}}, "not Redis"


def test_the_login_is_reached_by_the_ingress_controller_and_reaches_github(once: dict[str, Objects]) -> None:
    objects = once["manifests/login"]
    spec = one(objects, "NetworkPolicy", "oauth2-proxy")["spec"]
    (container,) = pod(one(objects, "Deployment"))["containers"]
    (port,) = container["ports"]

    assert (spec["podSelector"], spec["policyTypes"]) == ({}, ["Ingress", "Egress"])
    assert spec["ingress"] == [
        {
            "from": [{"namespaceSelector": {"matchLabels": CONTROLLER}}],
            "ports": [{"port": port["containerPort"], "protocol": "TCP"}],
        }
    ]
    assert spec["egress"] == [{"ports": [{"port": 443, "protocol": "TCP"}]}]


def test_namespaces_have_the_label_that_policies_select(
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
    """Return the peers; a rule without peers would mean everybody, and is a KeyError here."""
    return [peer for rule in _rules(preview, direction) for peer in rule["to" if direction == "egress" else "from"]]


def _reaches(preview: Rendered, namespace: dict[str, str], pod_labels: dict[str, str], port: int) -> bool:
    """Whether a preview may connect to a pod in another namespace, by the labels of both."""
    for rule in _rules(preview, "egress"):
        assert all(isinstance(found["port"], int) for found in rule.get("ports", [])), "a name is of another pod"
        if "ports" in rule and port not in {found["port"] for found in rule["ports"]}:
            continue
        for peer in rule["to"]:
            named = "namespaceSelector" in peer and _selects(peer["namespaceSelector"], namespace)
            if named and _selects(peer.get("podSelector", {}), pod_labels):
                return True
    return False


def _selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    matches = {
        "In": lambda rule: labels.get(rule["key"]) in rule["values"],
        "Exists": lambda rule: rule["key"] in labels,
    }
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        matches[rule["operator"]](rule) for rule in selector.get("matchExpressions", [])
    )


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

"""The plugin as `kubectl apply --kustomize manifests/plugin/base` installs it."""

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from plugin.core.config.catalog import load_catalog
from plugin.settings import Settings, unknown_variables
from plugin.sources.file import load_organisation
from tests.fakes.github import App, GitHub
from tests.manifests.conftest import copy_of_the_tree, uncomment
from tests.manifests.installed import PLUGIN, Secrets, deployment, environment, names, one, peers, put, references
from tests.manifests.pods import containers, owners, pod
from tests.manifests.tls import certificate, tls_in_front_of
from tests.server import READ_TOKEN, TOKEN, free_port, start, wait_for
from tools.rendering import ROOT, Objects, build, refused, tool

BASE = ROOT / "manifests/plugin/base"
WEBHOOK_SECRET = "webhook-secret-of-github"


@pytest.fixture(name="plugin", scope="module")
def _plugin() -> Objects:
    return build(BASE)


def image() -> dict[str, str]:
    """Return the last instruction of each kind in the Dockerfile: USER, EXPOSE, ENTRYPOINT, ENV..."""
    return dict(re.findall(r"^([A-Z]+) (.*)$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE))


def test_every_setting_of_the_container_exists(plugin: Objects) -> None:
    _, container = deployment(plugin)
    names = [entry["name"] for entry in container["env"]]

    assert unknown_variables(dict.fromkeys(names, "")) == []
    assert all(name.startswith("PREVIEW_") for name in names)


def test_no_service_link_variables_look_like_settings(plugin: Objects) -> None:
    # Kubernetes would set PREVIEW_PLUGIN_SERVICE_HOST and six more, because of the Service's name.
    assert unknown_variables({"PREVIEW_PLUGIN_SERVICE_HOST": ""})
    assert pod(one(plugin, "Deployment"))["enableServiceLinks"] is False


def test_the_pod_has_only_the_rights_it_needs(plugin: Objects) -> None:
    (owner,) = owners(plugin)
    (container,) = containers(owner)

    assert refused(plugin) == []
    assert one(plugin, "Namespace")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    for part in ("requests", "limits"):
        assert set(container["resources"][part]) == {"cpu", "memory"}
    assert pod(owner)["automountServiceAccountToken"] is False
    assert "serviceAccountName" not in pod(owner)
    assert sorted(found["kind"] for found in plugin) == [
        *("ConfigMap", "Deployment", "Ingress", "Namespace", "NetworkPolicy", "NetworkPolicy", "PersistentVolumeClaim"),
        "Service",
    ]


def test_the_pod_uses_the_user_and_port_of_the_dockerfile(plugin: Objects) -> None:
    _, container = deployment(plugin)
    security = pod(one(plugin, "Deployment"))["securityContext"]

    assert re.fullmatch(r"[a-z.]+/acme/preview-plugin:\d+\.\d+\.\d+", container["image"])
    assert image()["USER"] == f"{security['runAsUser']}:{security['runAsGroup']}"
    assert {"command", "args"} & set(container) == set()
    assert [str(port["containerPort"]) for port in container["ports"]] == [image()["EXPOSE"]]
    (bind,) = (entry["value"] for entry in container["env"] if entry["name"] == "PREVIEW_BIND")
    for address in (bind, str(Settings.model_fields["bind"].default)):
        assert address.endswith(f":{image()['EXPOSE']}")


def test_an_old_and_a_new_pod_never_answer_side_by_side(plugin: Objects) -> None:
    spec, _ = deployment(plugin)

    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}


def test_a_webhook_needs_a_secret_but_the_pod_starts_without(plugin: Objects) -> None:
    _, container = deployment(plugin)
    needed = references(container)

    assert needed["preview-plugin", "token"] is True
    assert [key for (name, key), need in needed.items() if name == "preview-plugin-webhook" and not need] == [
        *("secret", "secret-previous", "argocd-secret")
    ]


def test_the_state_is_on_a_persistent_volume_that_the_user_can_write_to(plugin: Objects) -> None:
    spec, container = deployment(plugin)
    security = spec["template"]["spec"]["securityContext"]
    (state,) = (entry["value"] for entry in container["env"] if entry["name"] == "PREVIEW_STATE")
    kind, _, file = state.partition(":")
    (mount,) = (mount for mount in container["volumeMounts"] if Path(file).is_relative_to(mount["mountPath"]))
    (volume,) = (volume for volume in spec["template"]["spec"]["volumes"] if volume["name"] == mount["name"])
    claim = one(plugin, "PersistentVolumeClaim")

    assert kind == "sqlite"
    assert volume["persistentVolumeClaim"] == {"claimName": claim["metadata"]["name"]}
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert not mount.get("readOnly")
    assert security["fsGroup"] == security["runAsGroup"]


def test_sqlite_can_write_temporary_files_to_tmp(plugin: Objects) -> None:
    spec, container = deployment(plugin)
    (mount,) = (mount for mount in container["volumeMounts"] if mount["mountPath"] == "/tmp")
    (volume,) = (volume for volume in spec["template"]["spec"]["volumes"] if volume["name"] == mount["name"])

    assert set(volume) == {"name", "emptyDir"}


def test_a_changed_catalog_reaches_the_pod_without_a_restart(plugin: Objects) -> None:
    spec, container = deployment(plugin)
    changed = one(plugin, "ConfigMap")["metadata"]["name"]

    volumes = spec["template"]["spec"]["volumes"]
    assert [volume["configMap"]["name"] for volume in volumes if "configMap" in volume] == [changed]
    assert changed == "preview-catalog", "a hash in its name would start a new pod"
    assert all("subPath" not in mount for mount in container["volumeMounts"])


def test_the_catalog_is_valid_and_matches_what_is_installed(plugin: Objects) -> None:
    command = Path(sys.executable).parent / "preview-plugin"
    result = subprocess.run([command, "check", BASE / "catalog.yaml"], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr

    (text,) = one(plugin, "ConfigMap")["data"].values()
    catalog = load_catalog(text, "catalog.yaml")
    for name, fork in (("previews", ""), ("previews-forks", "fork-")):
        project = yaml.safe_load((ROOT / f"manifests/argocd/{name}-project.yaml").read_text("utf-8"))
        assert [place["namespace"] for place in project["spec"]["destinations"]] == [f"{fork}{catalog.prefix}-*"]
    for service in catalog.services.values():
        assert (ROOT / f"manifests/apps/{service.profile}/overlays/{service.overlay}/kustomization.yaml").exists()


def test_argocd_finds_the_plugin_and_shows_the_same_token(plugin: Objects) -> None:
    generator = yaml.safe_load((ROOT / "manifests/argocd/generator-configmap.yaml").read_text("utf-8"))["data"]
    service, (_, container) = one(plugin, "Service"), deployment(plugin)
    (port,) = service["spec"]["ports"]
    metadata = service["metadata"]

    assert generator["baseUrl"] == f"http://{metadata['name']}.{metadata['namespace']}.svc.cluster.local"
    assert (port["port"], port["targetPort"]) == (80, container["ports"][0]["name"])
    assert service["spec"]["selector"].items() <= deployment(plugin)[0]["template"]["metadata"]["labels"].items()
    # Not $preview-plugin:token of argocd, but the plugin's Secret, which has the same names.
    assert references(container)[tuple(generator["token"].removeprefix("$").split(":"))] is True


def test_only_a_ready_pod_receives_requests(plugin: Objects) -> None:
    _, container = deployment(plugin)

    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    # This would keep the pod of a lost node in the Service beside its successor.
    assert "publishNotReadyAddresses" not in one(plugin, "Service")["spec"]


def test_only_argocd_and_the_ingress_controller_reach_the_plugin(plugin: Objects) -> None:
    policy = one(plugin, "NetworkPolicy", "preview-plugin")
    labels = deployment(plugin)[0]["template"]["metadata"]["labels"]

    assert policy["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert peers(policy) == [
        ("argocd", {"argocd-applicationset-controller", "argocd-server", "argocd-notifications-controller"}),
        ("preview.example.com/ingress-controller=true", set()),
    ]


def test_nothing_but_the_webhook_is_reachable_from_outside(plugin: Objects) -> None:
    ingress, service = one(plugin, "Ingress")["spec"], one(plugin, "Service")
    (rule,) = ingress["rules"]
    (path,) = rule["http"]["paths"]

    assert set(ingress) == {"rules"}, "no backend for all other paths"
    assert set(rule) == {"http"}, "no host: every name that has no Ingress of its own"
    assert (path["path"], path["pathType"]) == ("/webhooks/github", "Exact")
    assert path["backend"]["service"]["name"] == service["metadata"]["name"]
    assert path["backend"]["service"]["port"] == {"name": service["spec"]["ports"][0]["name"]}


def test_a_gateway_leads_to_the_webhook_as_the_ingress_does(plugin: Objects, tmp_path: Path) -> None:
    root = copy_of_the_tree(tmp_path)
    uncomment(root, "../components/gateway")
    behind = build(root / "manifests/plugin/base")
    (rule,) = one(behind, "HTTPRoute")["spec"]["rules"]
    ((path,),) = (host["http"]["paths"] for host in one(plugin, "Ingress")["spec"]["rules"])
    service = one(plugin, "Service")

    assert rule["matches"] == [{"path": {"type": path["pathType"], "value": path["path"]}}]
    assert rule["backendRefs"] == [{"name": service["metadata"]["name"], "port": service["spec"]["ports"][0]["port"]}]
    assert [found for found in behind if found["kind"] != "HTTPRoute"] == [
        found for found in plugin if found["kind"] != "Ingress"
    ]


def test_the_plugin_reaches_only_dns_https_and_argocds_webhook(plugin: Objects) -> None:
    https, argocd = one(plugin, "NetworkPolicy", "preview-plugin")["spec"]["egress"]
    _, container = deployment(plugin)
    (webhook,) = (entry["value"] for entry in container["env"] if entry["name"] == "PREVIEW_ARGOCD_WEBHOOK")
    (peer,) = argocd["to"]
    (namespace,) = peer["namespaceSelector"]["matchLabels"].values()
    (name,) = names(peer)
    (port,) = argocd["ports"]

    assert https == {"ports": [{"port": 443, "protocol": "TCP"}]}
    assert webhook == f"http://{name}.{namespace}.svc.cluster.local:{port['port']}/api/webhook"


def test_only_the_monitoring_component_admits_prometheus(plugin: Objects, monitored: Objects) -> None:
    (policy,) = (found for found in monitored if found["kind"] == "NetworkPolicy" and found not in plugin)
    (endpoint,) = one(monitored, "ServiceMonitor")["spec"]["endpoints"]
    service = one(monitored, "Service")

    assert peers(policy) == [("monitoring", {"prometheus"})]
    assert policy["spec"]["policyTypes"] == ["Ingress"]
    assert endpoint["port"] in [port["name"] for port in service["spec"]["ports"]]
    selector = one(monitored, "ServiceMonitor")["spec"]["selector"]["matchLabels"]
    assert selector.items() <= service["metadata"]["labels"].items()
    added = {found["kind"] for found in monitored if found not in plugin}
    assert added == {"ConfigMap", "NetworkPolicy", "PrometheusRule", "ServiceMonitor"}
    assert [found for found in plugin if found not in monitored] == []


def keys() -> tuple[str, str]:
    key = rsa.generate_private_key(65537, 2048)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return public.decode(), private.decode()


def with_token(_: App, __: str) -> Secrets:
    return {"preview-plugin": {"token": TOKEN}, "preview-plugin-github": {"token": "fake-token"}}


def with_app(app: App, private: str) -> Secrets:
    return {
        "preview-plugin": {"token": TOKEN, "read-token": READ_TOKEN},
        "preview-plugin-webhook": {"secret": WEBHOOK_SECRET},
        "preview-plugin-github": {"app-id": str(app.id), "private-key": private},
    }


def launcher() -> list[str]:
    """Return the command that starts the plugin in its image, without the plugin, from a package of Debian."""
    *command, plugin = json.loads(image()["ENTRYPOINT"])
    assert plugin == "preview-plugin"
    return [str(tool("get-debian", command[0], command[0])), *command[1:]]


def test_process_1_of_the_container_handles_sigterm_before_the_plugin_does() -> None:
    """The kernel discards a signal that process 1 does not handle; Python handles none while it starts, like sleep.

    https://man7.org/linux/man-pages/man7/pid_namespaces.7.html
    """
    program = ["sh", "-c", "echo started; exec sleep 60"]
    with subprocess.Popen([*launcher(), *program], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "started\n"
            process.terminate()
            assert process.wait(10) == 128 + signal.SIGTERM, "the signal ended it, so nothing handled it"
        finally:
            process.kill()


@pytest.mark.parametrize("credentials", [with_token, with_app])
def test_the_server_starts_as_installed_and_answers(
    plugin: Objects, tmp_path: Path, credentials: Callable[[App, str], Secrets]
) -> None:
    public, private = keys()
    app = App(42, public)
    secrets = credentials(app, private)
    settings = environment(plugin, tmp_path, secrets)
    del settings["PREVIEW_BIND"]  # start() chooses the port
    settings |= dict(re.findall(r'(GUNICORN_CMD_ARGS)="([^"]*)"', image()["ENV"]))
    command = [*launcher(), str(Path(sys.executable).with_name("preview-plugin")), *json.loads(image()["CMD"])]
    _, container = deployment(plugin)

    # In the cluster this is GitHub's address; everything else is as installed.
    with GitHub(load_organisation(ROOT / "examples/acme/organisation.yaml"), app=app) as github:
        settings |= {"PREVIEW_GITHUB_URL": github.url}
        with start(tmp_path, settings, command) as server:
            wait_for(lambda: server.ask("GET", container["readinessProbe"]["httpGet"]["path"], None).status == 200)
            for probe in ("livenessProbe", "startupProbe"):
                assert server.ask("GET", container[probe]["httpGet"]["path"], None).status == 200
            names = [parameters["name"] for parameters in server.ask().json["output"]["parameters"]]
            delivered = server.ask("POST", "/webhooks/github", b"{}").status
            read = server.ask("GET", "/api/v1/previews", None, READ_TOKEN).status
            metrics = server.ask("GET", "/metrics", None).body
            log = server.log.read_text("utf-8")

    assert "preview-orders-15" in names
    assert {name.rpartition("-")[0] for name in names} == {"preview-orders"}
    assert read == (200 if "read-token" in secrets["preview-plugin"] else 404)
    assert delivered == (403 if "preview-plugin-webhook" in secrets else 404)
    assert (tmp_path / "var/lib/preview-plugin/state.db").stat().st_size
    assert b"preview_repositories_in_doubt 0.0" in metrics
    assert "unknown setting" not in log
    assert not any(value in log for value in (TOKEN, READ_TOKEN, WEBHOOK_SECRET, "fake-token", private))


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_the_server_answers_on_ipv4_and_on_ipv6(
    plugin: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    port = free_port()
    monkeypatch.setattr("tests.server.free_port", lambda: port)
    settings = environment(plugin, tmp_path, with_token(App(42, ""), ""))
    settings["PREVIEW_BIND"] = settings["PREVIEW_BIND"].replace("8080", str(port))

    with GitHub(load_organisation(ROOT / "examples/acme/organisation.yaml")) as github:
        settings |= {"PREVIEW_GITHUB_URL": github.url}
        with start(tmp_path, settings), closing(HTTPConnection(address, port, timeout=5)) as connection:
            connection.request("GET", "/healthz")
            assert connection.getresponse().status == 200


@pytest.mark.parametrize("trusted", [True, False])
def test_the_private_ca_component_trusts_a_certificate_authority(tmp_path: Path, trusted: bool) -> None:  # noqa: FBT001
    root = copy_of_the_tree(tmp_path / "tree")
    shown = certificate(tmp_path, "localhost")
    if trusted:
        shutil.copy(shown.crt, root / "manifests/plugin/components/private-ca/ca.crt")
        uncomment(root, "../components/private-ca")
    plugin = build(root / "manifests/plugin/base")
    settings = environment(plugin, tmp_path / "pod", with_token(App(42, ""), ""))
    del settings["PREVIEW_BIND"]

    with (
        GitHub(load_organisation(ROOT / "examples/acme/organisation.yaml")) as github,
        tls_in_front_of(urlsplit(github.url).port or 0, shown) as port,
    ):
        settings |= {"PREVIEW_GITHUB_URL": f"https://localhost:{port}{urlsplit(github.url).path}"}
        with start(tmp_path, settings) as server:
            if trusted:
                wait_for(lambda: server.ask("GET", "/readyz", None).status == 200)
            else:
                wait_for(lambda: "(SSLError)" in server.log.read_text("utf-8"))
                assert server.ask("GET", "/readyz", None).status == 503


def test_a_missing_private_certificate_authority_fails_the_build(tmp_path: Path) -> None:
    root = copy_of_the_tree(tmp_path)
    uncomment(root, "../components/private-ca")

    with pytest.raises(RuntimeError, match=r"ca\.crt"):
        build(root / "manifests/plugin/base")


def test_only_the_proxy_component_sets_and_reaches_a_proxy(plugin: Objects, tmp_path: Path) -> None:
    root = copy_of_the_tree(tmp_path)
    uncomment(root, "../components/proxy")
    behind = build(root / "manifests/plugin/base")
    _, container = deployment(behind)
    (address,) = (entry["value"] for entry in container["env"] if entry["name"] == "HTTPS_PROXY")
    allowed, before = (one(found, "NetworkPolicy", PLUGIN)["spec"]["egress"] for found in (behind, plugin))

    assert allowed == [*before, {"ports": [{"port": urlsplit(address).port, "protocol": "TCP"}]}]


def test_a_new_catalog_is_seen_where_the_kubelet_puts_it(plugin: Objects, tmp_path: Path) -> None:
    settings = environment(plugin, tmp_path, with_token(App(42, ""), ""))
    del settings["PREVIEW_BIND"]
    text = one(plugin, "ConfigMap")["data"]["catalog.yaml"]

    with GitHub(load_organisation(ROOT / "examples/acme/organisation.yaml")) as github:
        settings |= {"PREVIEW_GITHUB_URL": github.url, "PREVIEW_REFRESH": "1s"}
        with start(tmp_path, settings) as server:
            wait_for(lambda: b"orders-15.preview.example.com" in server.ask().body)
            catalog = Path(settings["PREVIEW_CATALOG"]).parent
            put(catalog, {"catalog.yaml": text.replace("preview.example.com", "other.example.com")})
            wait_for(lambda: b"orders-15.other.example.com" in server.ask().body)
            put(catalog, {"catalog.yaml": "broken"})
            wait_for(lambda: b"preview_catalog_broken 1.0" in server.ask("GET", "/metrics", None).body)
            assert b"orders-15.other.example.com" in server.ask().body

"""The plugin as `kubectl apply --kustomize manifests/plugin/overlays/ha` installs it: two replicas and their Redis."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from plugin.settings import Settings, load_settings
from tests.manifests.installed import deployment, expanded, one, references, variables
from tests.manifests.pods import owners, pod
from tests.manifests.test_pods import quantity
from tests.server import TOKEN, free_port, wait_for
from tools.rendering import ROOT, Objects, build, refused, tool

REDIS = "preview-plugin-redis"
PASSWORD = "0123456789abcdef"


@pytest.fixture(name="installed", scope="module")
def _installed() -> Objects:
    return build(ROOT / "manifests/plugin/overlays/ha")


def labels(owner: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = owner["spec"]["template"]["metadata"]["labels"]
    return found


def test_one_of_two_replicas_always_answers(installed: Objects) -> None:
    spec, _ = deployment(installed)
    budget = one(installed, "PodDisruptionBudget")["spec"]

    assert spec["replicas"] == 2
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    assert budget["minAvailable"] == 1
    assert budget["selector"] == spec["selector"]


def test_replicas_keep_apart_where_they_can(installed: Objects) -> None:
    spec, _ = deployment(installed)
    (spread,) = spec["template"]["spec"]["topologySpreadConstraints"]

    assert spread["topologyKey"] == "kubernetes.io/hostname"
    assert spread["whenUnsatisfiable"] == "ScheduleAnyway"
    assert spread["labelSelector"] == spec["selector"]


def test_replicas_share_their_state_and_have_no_volume_that_only_one_could_have(installed: Objects) -> None:
    spec, container = deployment(installed)

    assert [volume["name"] for volume in spec["template"]["spec"]["volumes"]] == ["catalog"]
    assert [mount["name"] for mount in container["volumeMounts"]] == ["catalog"]
    assert [claim["metadata"]["name"] for claim in installed if claim["kind"] == "PersistentVolumeClaim"] == [REDIS]


def test_one_password_opens_the_redis_that_is_installed(installed: Objects) -> None:
    secrets = {
        "preview-plugin": {"token": TOKEN},
        "preview-plugin-github": {"token": "fake-token"},
        REDIS: {"password": PASSWORD},
    }
    environment = variables(deployment(installed)[1], secrets)
    settings = {name: value for name, value in environment.items() if name.startswith("PREVIEW_")}
    state = urlsplit(load_settings(Settings, settings).state.get_secret_value())
    service = one(installed, "Service", REDIS)
    _, redis = deployment(installed, REDIS)

    assert (state.scheme, state.hostname, state.password) == ("redis", REDIS, PASSWORD)
    assert [port["port"] for port in service["spec"]["ports"]] == [state.port]
    assert set(environment) - set(settings) == {"REDIS_PASSWORD"}
    assert references(redis) == {(REDIS, "password"): True}
    assert references(deployment(installed)[1])[REDIS, "password"] is True


def test_the_plugin_and_nobody_else_reaches_redis_which_reaches_nobody(installed: Objects) -> None:
    policies = {found["metadata"]["name"]: found["spec"] for found in installed if found["kind"] == "NetworkPolicy"}
    theirs, ours = policies[REDIS], policies["preview-plugin-state"]
    plugin, redis = (one(installed, "Deployment", name) for name in ("preview-plugin", REDIS))
    (rule,) = theirs["ingress"]
    (way,) = ours["egress"]

    assert theirs["policyTypes"] == ["Ingress", "Egress"]
    assert theirs["egress"] == []
    for selector, owner in (
        (theirs["podSelector"], redis),
        (ours["podSelector"], plugin),
        *((peer["podSelector"], plugin) for peer in rule["from"]),
        *((peer["podSelector"], redis) for peer in way["to"]),
    ):
        assert selector["matchLabels"]
        assert selector["matchLabels"].items() <= labels(owner).items()
        others = [other for other in (plugin, redis) if other != owner]
        assert not any(selector["matchLabels"].items() <= labels(other).items() for other in others)
    assert [set(peer) for peer in (*rule["from"], *way["to"])] == [{"podSelector"}] * 2
    assert [port["port"] for port in rule["ports"]] == ["redis"]
    assert [port["port"] for port in way["ports"]] == [6379]
    assert ours["policyTypes"] == ["Egress"]


def test_services_and_selectors_find_their_own_pods_only(installed: Objects) -> None:
    for name in ("preview-plugin", REDIS):
        selector = one(installed, "Service", name)["spec"]["selector"]
        found = [owner["metadata"]["name"] for owner in owners(installed) if selector.items() <= labels(owner).items()]
        assert found == [name]
        assert one(installed, "Deployment", name)["spec"]["selector"] == {"matchLabels": selector}


def test_redis_may_do_nothing_but_its_work(installed: Objects) -> None:
    spec, container = deployment(installed, REDIS)
    arguments = container["args"]

    assert refused(installed) == []
    assert spec["strategy"] == {"type": "Recreate"}
    assert spec["progressDeadlineSeconds"] <= 600
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod(one(installed, "Deployment", REDIS))["automountServiceAccountToken"] is False
    for part in ("requests", "limits"):
        assert set(container["resources"][part]) == {"cpu", "memory"}
    options = dict(pairwise(arguments))
    assert (options["--appendfsync"], options["--maxmemory-policy"]) == ("always", "noeviction")
    # Its own limit comes first: an error, where the kernel would kill it; twice, while it writes its file anew.
    most = quantity(container["resources"]["limits"]["memory"])
    assert 2 * quantity(options["--maxmemory"].replace("mb", "Mi")) < most


def test_previews_and_the_plugin_run_the_same_redis(installed: Objects) -> None:
    component = (ROOT / "manifests/components/redis/deployment.yaml").read_text("utf-8")
    _, container = deployment(installed, REDIS)

    assert f"image: {container['image']}\n" in component


@contextmanager
def redis_server(command: list[str], port: int) -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()


def test_redis_wants_the_password_and_forgets_nothing_when_it_is_killed(installed: Objects, tmp_path: Path) -> None:
    _, container = deployment(installed, REDIS)
    environment = variables(container, {REDIS: {"password": PASSWORD}})
    (volume,) = container["volumeMounts"]
    server = tool("get-redis")
    port = free_port()
    assert container["args"][0] == server.name
    arguments = [expanded(argument, environment) for argument in container["args"][1:]]
    command = [str(server), *(str(tmp_path) if argument == volume["mountPath"] else argument for argument in arguments)]

    def cli(words: list[str], **variables: str) -> tuple[int, str]:
        program = [str(server.parent / words[0]), "-p", str(port), *words[1:]]
        result = subprocess.run(program, env=os.environ | variables, capture_output=True, text=True, check=False)
        return result.returncode, result.stdout.strip()

    ready, alive = (container[probe]["exec"]["command"] for probe in ("readinessProbe", "livenessProbe"))
    with redis_server(command, port) as process:
        wait_for(lambda: cli(ready, **environment) == (0, "PONG"))
        assert cli(alive, **environment) == (0, "PONG")
        assert cli(ready)[0] != 0, "without a password"
        assert cli(["redis-cli", "set", "snapshot", "7"], **environment) == (0, "OK")
        process.send_signal(signal.SIGKILL)
        process.wait()
    with redis_server(command, port):
        wait_for(lambda: cli(ready, **environment) == (0, "PONG"))
        assert cli(["redis-cli", "get", "snapshot"], **environment) == (0, "7")

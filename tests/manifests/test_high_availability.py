"""The plugin as `kubectl apply --kustomize manifests/plugin/overlays/ha` installs it: two replicas and their Redis."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis import Redis, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoPermissionError

from plugin.settings import Settings, load_settings
from plugin.state import NOTHING, Unreachable
from plugin.state.entries import SCHEMA
from plugin.state.redis import RedisStore
from plugin.state.redis_board import RedisBoard
from plugin.state.redis_client import connect
from plugin.state.redis_keys import STATES
from plugin.state.redis_lease import RedisLease
from tests.knowledge import FULL, acknowledgement, later
from tests.manifests.installed import deployment, expanded, one, references, variables
from tests.manifests.pods import owners, pod
from tests.manifests.test_pods import quantity
from tests.manifests.tls import certificate, tls_in_front_of
from tests.redis_server import RedisServer, serve_redis
from tests.server import TOKEN, free_port, wait_for
from tools.rendering import ROOT, Objects, build, refused, tool

REDIS = "preview-plugin-redis"
TLS = "preview-plugin-redis-tls"
CA = "/etc/preview-plugin-redis/ca.crt"
PASSWORD = "0123456789abcdef"
GIVEN = {"preview-plugin": {"token": TOKEN}, "preview-plugin-github": {"token": "fake-token"}}
LIFE = 3.0  # seconds of the lease
PROBES = ("readinessProbe", "livenessProbe")
LISTENS = {"--port", "--tls-port", "--tls-auth-clients", "--tls-cert-file", "--tls-key-file"}


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


def test_a_replica_that_ends_answers_until_nobody_is_led_to_it(installed: Objects) -> None:
    spec, container = deployment(installed)
    command, seconds = container["lifecycle"]["preStop"]["exec"]["command"]

    assert command == "sleep"
    assert 5 <= int(seconds) < spec["template"]["spec"].get("terminationGracePeriodSeconds", 30) / 2


def test_replicas_are_spread_over_nodes_if_possible(installed: Objects) -> None:
    spec, _ = deployment(installed)
    (spread,) = spec["template"]["spec"]["topologySpreadConstraints"]

    assert spread["topologyKey"] == "kubernetes.io/hostname"
    assert spread["whenUnsatisfiable"] == "ScheduleAnyway"
    assert spread["labelSelector"] == spec["selector"]


def test_replicas_share_their_state_and_mount_no_exclusive_volume(installed: Objects) -> None:
    spec, container = deployment(installed)

    assert {volume["name"] for volume in spec["template"]["spec"]["volumes"]} == {"catalog", "redis-ca"}
    assert {mount["name"] for mount in container["volumeMounts"]} == {"catalog", "redis-ca"}
    assert [claim["metadata"]["name"] for claim in installed if claim["kind"] == "PersistentVolumeClaim"] == [REDIS]


def test_the_plugin_and_redis_use_the_same_password(installed: Objects) -> None:
    secrets = {**GIVEN, REDIS: {"password": PASSWORD}}
    environment = variables(deployment(installed)[1], secrets)
    settings = {name: value for name, value in environment.items() if name.startswith("PREVIEW_")}
    state = urlsplit(load_settings(Settings, settings).state.get_secret_value())
    service = one(installed, "Service", REDIS)
    _, redis = deployment(installed, REDIS)

    assert (state.scheme, state.hostname, state.password) == ("rediss", REDIS, PASSWORD)
    assert [port["port"] for port in service["spec"]["ports"]] == [state.port]
    assert set(environment) - set(settings) == {"REDIS_PASSWORD"}
    assert references(redis) == {(REDIS, "password"): True}
    assert references(deployment(installed)[1])[REDIS, "password"] is True


def test_only_the_plugin_reaches_redis_which_reaches_nothing(installed: Objects) -> None:
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
    assert rule["ports"] == way["ports"] == [{"port": 6379, "protocol": "TCP"}]
    assert ours["policyTypes"] == ["Egress"]


def test_services_and_selectors_match_only_their_pods(installed: Objects) -> None:
    for name in ("preview-plugin", REDIS):
        selector = one(installed, "Service", name)["spec"]["selector"]
        found = [owner["metadata"]["name"] for owner in owners(installed) if selector.items() <= labels(owner).items()]
        assert found == [name]
        assert one(installed, "Deployment", name)["spec"]["selector"] == {"matchLabels": selector}


def test_the_redis_pod_has_only_the_rights_it_needs(installed: Objects) -> None:
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
    # Redis must reach its limit, an error, before the kernel kills it; rewriting its file can take twice the memory.
    most = quantity(container["resources"]["limits"]["memory"])
    assert 2 * quantity(options["--maxmemory"].replace("mb", "Mi")) < most


# TLS: the Redis of these tests lacks it, so its arguments are compared and a proxy in front of it adds TLS.


def test_redis_listens_only_for_tls_on_the_port_of_its_service(installed: Objects) -> None:
    _, container = deployment(installed, REDIS)
    options = dict(pairwise(container["args"]))
    (port,) = container["ports"]

    assert (options["--port"], options["--tls-port"]) == ("0", str(port["containerPort"]))
    assert options["--tls-auth-clients"] == "no"
    assert "--requirepass" not in options
    for probe in ("livenessProbe", "readinessProbe"):
        assert "--tls" in container[probe]["exec"]["command"]


def test_only_redis_can_read_the_key_of_its_certificate(installed: Objects) -> None:
    keys = {"tls.crt", "tls.key", "ca.crt"}  # those of docs/operations.md, and cert-manager's
    for name, expected in ((REDIS, keys), ("preview-plugin", {"ca.crt"})):
        spec, container = deployment(installed, name)
        (volume,) = (
            volume
            for volume in spec["template"]["spec"]["volumes"]
            if volume.get("secret", {}).get("secretName") == TLS
        )
        (mount,) = (mount for mount in container["volumeMounts"] if mount["name"] == volume["name"])
        items = volume["secret"].get("items")
        files = {item["path"] for item in items} if items else keys
        probes = [container.get(probe, {}).get("exec", {}).get("command", []) for probe in PROBES]
        values = [entry.get("value", "") for entry in container["env"]]
        words = [*container.get("args", []), *values, *(word for probe in probes for word in probe)]
        named = re.findall(rf"{mount['mountPath']}/[\w.]+", " ".join(words))

        assert files == expected
        assert {Path(file).name for file in named} == expected
        assert mount["readOnly"] is True


def test_the_plugin_trusts_the_certificate_of_the_readme_and_no_other(
    installed: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("shown", "other"):
        (tmp_path / folder).mkdir()
    shown, other = (certificate(tmp_path / folder) for folder in ("shown", "other"))
    values = variables(deployment(installed)[1], {REDIS: {"password": PASSWORD}, **GIVEN})
    find = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest: find("127.0.0.1" if host == REDIS else host, *rest))

    with as_installed(installed, tmp_path) as server, tls_in_front_of(server.port, shown) as port:
        for trusted, reached in ((shown, True), (other, False)):
            url = values["PREVIEW_STATE"].replace(f"{CA}", str(trusted.crt)).replace(":6379/", f":{port}/")
            with connect(url) as client:
                if reached:
                    assert client.ping()
                else:
                    with pytest.raises(RedisError, match="certificate verify failed"):
                        client.ping()


# What the plugin's user may do


def arguments(installed: Objects, folder: Path) -> list[str]:
    """Return the arguments of Redis, except those for TLS."""
    _, container = deployment(installed, REDIS)
    environment = variables(container, {REDIS: {"password": PASSWORD}})
    program, *words = (expanded(argument, environment) for argument in container["args"])
    assert program == tool("get-redis").name
    without = {index + step for index, word in enumerate(words) if word in LISTENS for step in (0, 1)}
    return [str(folder) if word == "/data" else word for index, word in enumerate(words) if index not in without]


@contextmanager
def as_installed(installed: Objects, folder: Path) -> Iterator[RedisServer]:
    port = free_port()
    command = [str(tool("get-redis")), *arguments(installed, folder), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            wait_for(lambda: _listens(port))
            yield RedisServer(port, process)
        finally:
            process.kill()


def _listens(port: int) -> bool:
    try:
        with Redis(port=port, password=PASSWORD) as client:
            return bool(client.ping())
    except RedisConnectionError:
        return False


def use(url: str) -> None:
    """Do everything that the plugin ever does with Redis."""
    with ExitStack() as stack:
        first, second = (stack.enter_context(connect(url)) for _ in range(2))
        leases = [RedisLease(client, LIFE) for client in (first, second)]
        for lease in leases:
            lease.compete()
            stack.callback(lease.close)
        store, other = (RedisStore(client, lease) for client, lease in zip((first, second), leases, strict=True))
        other.head()
        store.save(NOTHING, FULL)
        fewer = later(FULL, histories={})
        store.save(FULL, fewer)
        store.act(acknowledgement("fingerprint"))
        assert other.load().acts.keys() > FULL.acts.keys()
        first.delete(STATES[SCHEMA])  # lost: the other replica leaves a floor, this one writes the state again
        with pytest.raises(Unreachable, match="has lost"):
            other.head()
        store.head()
        board = RedisBoard(first)
        board.hint(["acme/orders"])
        assert board.take_hints() == {"acme/orders"}
        board.asked(7)
        assert board.newest_asked() == 7
        time.sleep(LIFE / 2)  # after a third of the lease it has been extended once
        leases[0].close()
        wait_for(lambda: leases[1].held)


def test_the_redis_acl_allows_what_the_plugin_uses(installed: Objects, tmp_path: Path) -> None:
    granted = {word[1:] for word in arguments(installed, tmp_path) if word.startswith("+")}
    with as_installed(installed, tmp_path) as server:
        use(f"redis://:{PASSWORD}@127.0.0.1:{server.port}/0")
    with serve_redis(tmp_path) as free, free.client() as client:
        use(free.url)
        # In a script too. Each user may AUTH and say HELLO.
        used = {name.removeprefix("cmdstat_") for name in client.info("commandstats")} - {"auth", "hello", "info"}

    assert {name.partition("|")[0] for name in granted} - {"ping"} == used - {"ping"}
    assert "ping" in granted, "the probes"


@pytest.mark.parametrize(
    "command",
    [
        *("CONFIG GET *", "CONFIG SET dir /tmp", "FLUSHALL", "SHUTDOWN", "DEBUG SLEEP 1", "SAVE", "KEYS *"),
        *("ACL LIST", "CLIENT LIST", "MONITOR", "REPLICAOF 127.0.0.1 1", "MODULE LIST", "SCRIPT FLUSH", "PUBLISH a b"),
        *("GET other", "SET other 1", "EVAL return 0", "MIGRATE 127.0.0.1 1 preview-plugin:1:state 0 1"),
    ],
)
def test_the_redis_acl_refuses_administration_and_other_keys(restricted: RedisServer, command: str) -> None:
    with Redis(port=restricted.port, password=PASSWORD) as client, pytest.raises(NoPermissionError):
        client.execute_command(*command.split())


@pytest.fixture(name="restricted", scope="module")
def _restricted(installed: Objects, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with as_installed(installed, tmp_path_factory.mktemp("restricted")) as server:
        yield server


def test_redis_requires_the_password_and_survives_being_killed(installed: Objects, tmp_path: Path) -> None:
    _, container = deployment(installed, REDIS)
    environment = variables(container, {REDIS: {"password": PASSWORD}})
    programs = tool("get-redis").parent

    def cli(port: int, words: list[str], **variables: str) -> tuple[int, str]:
        words = [word for word in words if word not in {"--tls", "--cacert", "/tls/ca.crt"}]
        program = [str(programs / words[0]), "-p", str(port), *words[1:]]
        result = subprocess.run(program, env=os.environ | variables, capture_output=True, text=True, check=False)
        return result.returncode, result.stdout.strip()

    key = STATES[SCHEMA]
    with as_installed(installed, tmp_path) as server:
        for probe in PROBES:
            command = container[probe]["exec"]["command"]
            assert cli(server.port, command, **environment) == (0, "PONG")
        assert cli(server.port, command)[1] != "PONG", "without a password"
        assert cli(server.port, ["redis-cli", "set", key, "7"], **environment) == (0, "OK")
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
    with as_installed(installed, tmp_path) as server:
        assert cli(server.port, ["redis-cli", "get", key], **environment) == (0, "7")

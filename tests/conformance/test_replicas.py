"""Two replicas and one Redis: whichever Argo CD asks and whatever is killed, no Application is deleted."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from plugin.state.redis_keys import LEASE
from tests.conformance.argocd import Reconciled
from tests.conformance.stage import DEMO, PLUGIN_ERROR, PUSHED, Stage, refused, stage
from tests.fakes.github import faults
from tests.redis_server import RedisServer, serve_redis
from tests.server import Server, serve, wait_for


@dataclass
class Replicas:
    """Two servers, of which Argo CD asks either, as through a Service."""

    staged: Stage
    redis: RedisServer
    running: ExitStack
    servers: list[Server]

    @property
    def poller(self) -> Server:
        (found,) = (server for server in self.servers if server.metric("preview_polls") == 1)
        return found

    @property
    def follower(self) -> Server:
        (found,) = (server for server in self.servers if server.metric("preview_polls") == 0)
        return found

    def start_one(self) -> None:
        server = self.running.enter_context(serve(self.staged.folder, **self.staged.environment))
        self.running.callback(kill, server)  # a clean stop would take two seconds
        self.servers.append(server)

    def reconcile(self, server: Server) -> Reconciled:
        """Let Argo CD ask this replica."""
        self.staged.argocd.point_at(f"http://127.0.0.1:{server.port}")
        return self.staged.reconcile()

    def agree(self) -> bool:
        answers = {server.ask().body for server in self.servers}
        return len(answers) == 1 and {server.ask().status for server in self.servers} == {200}


def kill(server: Server) -> None:
    if server.process.poll() is None:
        server.kill()


@pytest.fixture(name="replicas")
def _replicas(tmp_path: Path) -> Iterator[Replicas]:
    with ExitStack() as running:
        redis = running.enter_context(serve_redis(tmp_path))
        staged = running.enter_context(stage(tmp_path, PREVIEW_STATE=redis.url))
        replicas = Replicas(staged, redis, running, [staged.server])
        replicas.start_one()
        staged.ready()
        wait_for(replicas.agree)
        assert len(replicas.reconcile(replicas.poller).created) == DEMO
        yield replicas


def unchanged(reconciled: Reconciled) -> bool:
    return reconciled.fine and reconciled.touched == set()


def test_replicas_answer_the_same_and_a_killed_one_is_replaced(replicas: Replicas) -> None:
    poller, follower = replicas.poller, replicas.follower
    assert unchanged(replicas.reconcile(follower))
    replicas.staged.push()
    poller.refreshed()
    assert replicas.reconcile(follower).updated.keys() == {PUSHED}
    assert unchanged(replicas.reconcile(poller))

    poller.kill()
    refused(replicas.reconcile(poller), "error listing params")  # may use the old connection
    refused(replicas.reconcile(poller), "connect: connection refused")
    assert unchanged(replicas.reconcile(follower))
    with replicas.redis.client() as client:
        client.pexpire(LEASE, 1)  # as if its fifteen seconds were over
    wait_for(lambda: follower.metric("preview_polls") == 1)
    replicas.servers.remove(poller)
    replicas.start_one()
    replicas.staged.push()
    follower.refreshed()
    assert replicas.reconcile(replicas.follower).updated.keys() == {PUSHED}
    assert unchanged(replicas.reconcile(follower))


def test_restarted_replicas_remember_everything_while_github_is_down(replicas: Replicas) -> None:
    for server in replicas.servers:
        kill(server)
    replicas.servers.clear()
    replicas.staged.github.intercept = faults.server_error(503)
    for _ in range(2):
        replicas.start_one()
        assert unchanged(replicas.reconcile(replicas.servers[-1]))
    assert replicas.agree()


def test_replicas_without_redis_answer_503_and_delete_nothing(replicas: Replicas) -> None:
    poller, follower = replicas.poller, replicas.follower
    unreachable = f"{PLUGIN_ERROR}503: Redis at 127.0.0.1:{replicas.redis.port} cannot be used: "
    with replicas.redis.paused():
        for server in (poller, follower):
            reconciled = replicas.reconcile(server)
            refused(reconciled, unreachable)
            assert reconciled.generator_seconds < 5
    wait_for(replicas.agree)

    replicas.redis.process.kill()
    replicas.redis.process.wait()
    replicas.staged.push()
    for server in (poller, follower):
        refused(replicas.reconcile(server), unreachable)
        assert replicas.reconcile(server).problem.endswith("until then it is not known which answer is the newest")
        assert server.metric("preview_state_errors_total") > 0

    # Redis returns empty while GitHub is down: only the replicas know the state.
    replicas.staged.github.intercept = faults.server_error(503)
    replicas.running.enter_context(serve_redis(replicas.staged.folder, port=replicas.redis.port))
    wait_for(replicas.agree)
    for server in (poller, follower):
        reconciled = replicas.reconcile(server)
        assert reconciled.fine
        assert reconciled.touched == {*reconciled.updated} <= {PUSHED}

"""Two replicas as users run them, with a real Redis between them and a fake GitHub that counts."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.contract.conftest import changed
from tests.fakes.github import GitHub
from tests.redis_server import RedisServer, serve_redis
from tests.server import READ_TOKEN, Server, run, serve, wait_for

NOTIFICATIONS_TOKEN = "notifications-token"
HANDOVER = 30.0  # seconds; the lease expires after 15
SOON = 3.0  # seconds; an act is noticed within one, and then there are two answers to wait for on a busy machine


@pytest.fixture(name="redis", scope="module")
def _redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with serve_redis(tmp_path_factory.mktemp("redis")) as redis:
        yield redis


@pytest.fixture(name="replicas")
def _replicas(tmp_path: Path, github: GitHub, redis: RedisServer) -> Iterator[tuple[Server, Server]]:
    """The first of them polls."""
    redis.flush()
    with replica(tmp_path, github, redis) as first:
        wait_for(lambda: first.ask("GET", "/readyz", None).status == 200)
        with replica(tmp_path, github, redis) as second:
            yield first, second


@contextmanager
def replica(folder: Path, github: GitHub, redis: RedisServer) -> Iterator[Server]:
    settings = settings_of(github, redis) | {"PREVIEW_REFRESH": "1s"}
    settings["PREVIEW_NOTIFICATIONS_TOKEN"] = NOTIFICATIONS_TOKEN
    with serve(folder, **settings) as server:
        yield server


def push(github: GitHub, sha: str) -> bytes:
    now = datetime.now(UTC)
    github.organisation = changed(github.organisation, "acme/orders", 12, head_sha=sha, updated_at=now)
    return sha.encode()


def polls(server: Server) -> float:
    return server.metric("preview_polls")


def test_one_replica_polls_and_all_give_its_newest_answer(github: GitHub, replicas: tuple[Server, Server]) -> None:
    first, second = replicas
    assert [polls(server) for server in replicas] == [1, 0]
    assert first.ask().body == second.ask().body
    assert second.metric("preview_source_requests_total", source="github") == 0

    for i in range(1, 6):
        sha = push(github, f"{i:040x}")
        wait_for(lambda sha=sha: sha in first.ask().body)  # type: ignore[misc]
        assert sha in second.ask().body  # at once


def test_what_argocd_tells_any_replica_all_show_at_once(github: GitHub, replicas: tuple[Server, Server]) -> None:
    first, second = replicas
    delivery = {
        "application": "preview-orders-12",
        "started_at": "2026-11-29T09:00:00Z",
        "sync": "Synced",
        "health": "Healthy",
        "phase": "Succeeded",
        "message": "",
    }
    for server, other, commit in ((second, first, "1"), (first, second, "2")):
        body = json.dumps(delivery | {"sha": commit * 40}).encode()
        assert server.ask("POST", "/webhooks/argocd", body, NOTIFICATIONS_TOKEN).status == 202
        for each in (server, other):
            (preview,) = each.ask("GET", "/api/v1/previews/orders/12", None, READ_TOKEN).json["previews"]
            assert preview["deployments"][-1]["sha"] == commit * 40

    push(github, "f" * 40)  # what is stored with a new version does not undo it
    wait_for(lambda: b"f" * 40 in first.ask().body)
    (preview,) = second.ask("GET", "/api/v1/previews/orders/12", None, READ_TOKEN).json["previews"]
    assert [one["sha"][0] for one in preview["deployments"]] == ["1", "2"]


def test_a_stopped_replica_hands_over_at_once_a_killed_one_in_time(
    tmp_path: Path, github: GitHub, redis: RedisServer, replicas: tuple[Server, Server]
) -> None:
    first, second = replicas
    before = second.ask().body
    first.process.terminate()
    first.process.wait(30)
    assert second.ask().body == before
    wait_for(lambda: polls(second) == 1, 10)  # sooner than the lease expires

    with replica(tmp_path, github, redis) as third:
        second.kill()
        sha = push(github, "f" * 40)
        assert third.ask().body == before
        wait_for(lambda: sha in third.ask().body, HANDOVER)
        assert len(third.ask().json["output"]["parameters"]) == 12


def settings_of(github: GitHub, redis: RedisServer) -> dict[str, str]:
    return {"PREVIEW_GITHUB_URL": github.url, "PREVIEW_GITHUB_TOKEN": github.token, "PREVIEW_STATE": redis.url}


def tell(settings: Mapping[str, str], *words: str) -> None:
    """Say something at one of the replicas: their settings are the same, and the state is where acts go."""
    told = run(settings, *words)
    assert (told.returncode, told.stderr) == (0, "")


def replicas_of(server: Server, number: int = 12) -> str:
    """What templates get: "0" while the preview sleeps."""
    (found,) = [one for one in server.ask().json["output"]["parameters"] if one["name"] == f"preview-orders-{number}"]
    shown: str = found["replicas"]
    return shown


def acts_of(server: Server) -> list[str]:
    """What the history says that people did with it."""
    shown = server.ask("GET", "/api/v1/previews/orders/12", None, READ_TOKEN).json
    return [event["kind"] for event in shown["history"] if event["kind"] in ("paused", "resumed")]


def test_an_act_is_carried_out_once_by_the_replica_that_polls_and_shown_by_all(
    github: GitHub, redis: RedisServer, replicas: tuple[Server, Server]
) -> None:
    settings = settings_of(github, redis)
    for word, shown, acts in (("pause", "0", ["paused"]), ("resume", "1", ["paused", "resumed"])):
        tell(settings, word, "orders-12")
        wait_for(lambda shown=shown: [replicas_of(each) for each in replicas] == [shown, shown], SOON)  # type: ignore[misc]
        assert [acts_of(each) for each in replicas] == [acts, acts]


def test_no_act_is_lost_or_carried_out_twice_if_the_replica_that_polls_dies(
    tmp_path: Path, github: GitHub, redis: RedisServer, replicas: tuple[Server, Server]
) -> None:
    (first, second), settings = replicas, settings_of(github, redis)
    tell(settings, "pause", "orders-12")
    first.kill()  # it may have carried that out or not
    tell(settings, "resume", "orders-12")  # while nobody polls
    tell(settings, "pause", "orders-17")

    with replica(tmp_path, github, redis) as third:
        left = (second, third)
        wait_for(lambda: [(replicas_of(each), replicas_of(each, 17)) for each in left] == [("1", "0")] * 2, HANDOVER)
        assert [acts_of(each) for each in left] == [["paused", "resumed"]] * 2
        push(github, "f" * 40)
        wait_for(lambda: all(b"f" * 40 in each.ask().body for each in left))
        assert [acts_of(each) for each in left] == [["paused", "resumed"]] * 2
        assert sum(polls(each) for each in left) == 1


def test_replicas_answer_503_while_redis_does_not_respond(redis: RedisServer, replicas: tuple[Server, Server]) -> None:
    before = replicas[0].ask().body
    with redis.paused():
        for server in replicas:
            answer = server.ask()
            assert answer.status == 503
            assert "until then it is not known which answer is the newest" in answer.json["message"]
            assert server.metric("preview_state_errors_total") > 0
    for server in replicas:
        wait_for(lambda server=server: server.ask().status == 200)  # type: ignore[misc]
        assert server.ask().body == before


def test_an_emptied_redis_is_written_again_and_no_answer_shrinks(
    redis: RedisServer, replicas: tuple[Server, Server]
) -> None:
    before = replicas[0].ask().body
    redis.flush()
    statuses: set[int] = set()
    for _ in range(50):
        answers = [server.ask() for server in replicas]
        statuses.update(answer.status for answer in answers)
        assert {answer.body for answer in answers if answer.status == 200} <= {before}
    wait_for(lambda: all(server.ask().status == 200 for server in replicas), HANDOVER)
    assert {server.ask().body for server in replicas} == {before}
    assert statuses <= {200, 503}

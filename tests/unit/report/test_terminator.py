"""Which syncs are ended, how often Argo CD is asked, and what ends the asking."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from structlog.testing import capture_logs

from plugin.metrics import Metrics
from plugin.report import terminator as module
from plugin.report.argocd_api import ArgoApi
from plugin.report.terminator import Terminator
from tests.builders import make_pull_request, make_repository, make_snapshot
from tests.fakes.argocd import TOKEN, FakeArgoCD, Json, Reply, application, begin, end, hanging, listening, source
from tests.server import wait_for
from tests.unit.report.reports import CATALOG, current, report

NAME = "preview-orders-12"
OLD, NEW = source("old"), source("new")


@pytest.fixture(name="argocd")
def _argocd() -> Iterator[FakeArgoCD]:
    with listening() as argocd:
        yield argocd


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = {"PACE": 0.001, "FIRST": 0.01, "SHORTEST": 0.01, "LONGEST": 0.02, "SETTLES": 0.0, "STOPS_WITHIN": 0.01}
    for name, value in quick.items():
        monkeypatch.setattr(module, name, value)


@pytest.fixture(name="terminator")
def _terminator(argocd: FakeArgoCD, metrics: Metrics) -> Terminator:
    return Terminator(partial(ArgoApi, argocd.url, TOKEN), metrics)


@contextmanager
def running(terminator: Terminator, workers: int = 1) -> Iterator[None]:
    stop = threading.Event()
    threads = [threading.Thread(target=terminator.run, args=(stop,)) for _ in range(workers)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()


def counted(metrics: Metrics) -> dict[str, float]:
    (family,) = metrics.terminations.collect()
    return {s.labels["result"]: s.value for s in family.samples if s.name.endswith("_total")}


def idle(argocd: FakeArgoCD, name: str = NAME) -> bool:
    return "operation" not in argocd.applications[name]


def settled(terminator: Terminator) -> bool:
    return terminator.watched == 0


# What is ended


def test_an_outdated_sync_is_ended(argocd: FakeArgoCD, terminator: Terminator, metrics: Metrics) -> None:
    argocd.applications[NAME] = application(NAME, NEW, OLD)
    with capture_logs() as lines, running(terminator):
        terminator.changed([NAME], 1)
        wait_for(lambda: settled(terminator))

    assert argocd.asked == [f"GET {NAME}", f"DELETE {NAME}", f"GET {NAME}"]
    assert counted(metrics) == {"ended": 1}
    assert [(line["log_level"], line["application"]) for line in lines] == [("info", NAME)]
    assert TOKEN not in str(lines)


def test_the_sync_of_what_is_deleted_is_ended(argocd: FakeArgoCD, terminator: Terminator) -> None:
    argocd.applications[NAME] = application(NAME, OLD, OLD, deleting=True)
    with running(terminator):
        terminator.changed([NAME], 1)
        wait_for(lambda: idle(argocd))


def test_argocd_may_take_its_time_to_change_the_application(argocd: FakeArgoCD, terminator: Terminator) -> None:
    argocd.applications[NAME] = application(NAME, OLD, OLD)
    with running(terminator):
        terminator.changed([NAME], 1)
        wait_for(lambda: argocd.times("GET", NAME) >= 3)
        assert argocd.times("DELETE", NAME) == 0
        with argocd.lock:
            argocd.applications[NAME]["spec"]["source"] = NEW
        wait_for(lambda: idle(argocd))


def test_a_sync_that_begins_a_moment_too_late_is_ended_too(
    argocd: FakeArgoCD, terminator: Terminator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SETTLES", 60.0)
    argocd.applications[NAME] = application(NAME, OLD)
    with running(terminator):
        terminator.changed([NAME], 1)
        wait_for(lambda: argocd.times("GET", NAME) >= 2)
        with argocd.lock:
            begin(argocd.applications[NAME], OLD, "2026-11-21T09:05:00Z")
            argocd.applications[NAME]["spec"]["source"] = NEW
        wait_for(lambda: idle(argocd))


def test_the_controller_may_overwrite_it_once(argocd: FakeArgoCD, terminator: Terminator, metrics: Metrics) -> None:
    tries: list[Json] = []

    def overwritten(made: Json) -> None:
        tries.append(made)
        if len(tries) == 1:
            made["status"]["operationState"]["phase"] = "Running"
        else:
            end(made)

    argocd.terminated = overwritten
    argocd.applications[NAME] = application(NAME, NEW, OLD)
    with running(terminator):
        terminator.changed([NAME], 1)
        wait_for(lambda: settled(terminator))

    assert counted(metrics) == {"ended": 2}


def test_the_new_sync_is_left_alone(argocd: FakeArgoCD, terminator: Terminator) -> None:
    def next_begins(made: Json) -> None:
        end(made)
        begin(made, NEW, "2026-11-21T09:05:00Z")

    argocd.terminated = next_begins
    argocd.applications[NAME] = application(NAME, NEW, OLD)
    with running(terminator):
        terminator.changed([NAME], 1)
        wait_for(lambda: argocd.times("GET", NAME) >= 5)
        with argocd.lock:
            end(argocd.applications[NAME], "Succeeded", "successfully synced")
        wait_for(lambda: settled(terminator))

    assert argocd.times("DELETE", NAME) == 1


def test_a_new_sync_that_was_hit_is_named(argocd: FakeArgoCD, terminator: Terminator) -> None:
    def hits_the_next(made: Json) -> None:
        end(made)
        begin(made, NEW, "2026-11-21T09:05:00Z")
        end(made)

    argocd.terminated = hits_the_next
    argocd.applications[NAME] = application(NAME, NEW, OLD)
    with capture_logs() as lines, running(terminator):
        terminator.changed([NAME], 1)
        wait_for(lambda: settled(terminator))

    (line,) = (line for line in lines if line["log_level"] == "warning")
    assert "argocd app sync" in line["event"]
    assert line["application"] == NAME


def test_a_sync_that_somebody_else_terminated_is_no_concern(argocd: FakeArgoCD, terminator: Terminator) -> None:
    argocd.applications[NAME] = application(NAME, NEW, NEW)
    end(argocd.applications[NAME])
    with capture_logs() as lines, running(terminator):
        terminator.changed([NAME], 1)
        wait_for(lambda: settled(terminator))

    assert lines == []


# Who is asked about


def test_only_what_a_refresh_changed_or_dropped_is_asked_about(argocd: FakeArgoCD, terminator: Terminator) -> None:
    pushed = make_pull_request(2, head_sha="5" * 40)
    before = current(
        make_snapshot(CATALOG, make_repository("acme/orders", *map(make_pull_request, (1, 2, 3)))),
    )
    after = current(
        make_snapshot(CATALOG, make_repository("acme/orders", make_pull_request(1), pushed, make_pull_request(4)))
    )
    names = [f"preview-orders-{number}" for number in (1, 2, 3, 4)]
    argocd.applications = {name: application(name, NEW) for name in names}
    with running(terminator):
        terminator.observe(report(after, before=before, changed=False))
        terminator.observe(report(after, before=before))
        wait_for(lambda: len(argocd.asked) >= 2 and settled(terminator))

    assert set(argocd.asked) == {"GET preview-orders-2", "GET preview-orders-3"}


def test_of_what_is_gone_nothing_is_asked_again(
    argocd: FakeArgoCD, terminator: Terminator, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SETTLES", 60.0)
    argocd.applications[NAME] = application(NAME, OLD, OLD, deleting=True)
    with capture_logs() as lines, running(terminator):
        terminator.changed([NAME], 1)
        wait_for(lambda: idle(argocd))
        with argocd.lock:
            del argocd.applications[NAME]
        wait_for(lambda: settled(terminator))

    assert counted(metrics) == {"ended": 1}
    assert [line["log_level"] for line in lines] == ["info"]


def test_what_changed_last_is_asked_about_first(argocd: FakeArgoCD, terminator: Terminator) -> None:
    names = [f"preview-orders-{number}" for number in range(20)]
    argocd.applications = {name: application(name, NEW) for name in [*names, NAME]}
    terminator.changed(names, 1)
    terminator.changed([NAME], 2)
    threading.Event().wait(0.02)  # until all are due
    with running(terminator):
        wait_for(lambda: settled(terminator))

    assert argocd.asked[0] == f"GET {NAME}"


def test_a_change_starts_over(argocd: FakeArgoCD, terminator: Terminator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST", 3600.0)
    monkeypatch.setattr(module, "SHORTEST", 3600.0)
    argocd.applications[NAME] = application(NAME, OLD, OLD)
    with running(terminator):
        terminator.changed([NAME], 1)
        wait_for(lambda: argocd.times("GET", NAME) == 1)
        with argocd.lock:
            argocd.applications[NAME]["spec"]["source"] = NEW
        terminator.changed([NAME], 2)
        wait_for(lambda: idle(argocd))


def test_a_change_during_a_look_is_not_lost(argocd: FakeArgoCD, terminator: Terminator) -> None:
    def changes(asked: str) -> None:
        if argocd.times("GET", NAME) == 1:
            terminator.changed([NAME], 2)
        assert asked

    argocd.instead = changes
    argocd.applications[NAME] = application(NAME, NEW)
    with running(terminator):
        terminator.changed([NAME], 1)
        wait_for(lambda: argocd.times("GET", NAME) >= 2)
        wait_for(lambda: settled(terminator))


# What is bounded


def test_thousands_of_changes_at_once_stay_bounded(
    argocd: FakeArgoCD, terminator: Terminator, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 50)
    at_once, most, lock = Counter[str](), [0], threading.Lock()

    def busy(_: str) -> None:
        with lock:
            at_once["now"] += 1
            most[0] = max(most[0], at_once["now"])
        threading.Event().wait(0.002)
        with lock:
            at_once["now"] -= 1

    argocd.instead = busy
    names = [f"preview-orders-{number}" for number in range(5000)]
    argocd.applications = {name: application(name, NEW) for name in names}
    with capture_logs() as lines, running(terminator, module.WORKERS):
        terminator.changed(names, 1)
        assert terminator.watched == 50
        wait_for(lambda: settled(terminator))

    assert most[0] <= module.WORKERS
    assert counted(metrics) == {"left": 4950}
    assert len(lines) == 1
    assert set(argocd.asked) == {f"GET {name}" for name in names[:50]}


@pytest.mark.parametrize("hostile", [Reply(500), Reply(302, b"", {"Location": "/elsewhere"}), Reply(200, b"<html>")])
def test_a_failing_api_is_asked_again_and_logged_once(
    argocd: FakeArgoCD, terminator: Terminator, metrics: Metrics, hostile: Reply
) -> None:
    argocd.applications[NAME] = application(NAME, NEW, OLD)
    argocd.instead = lambda _: hostile if len(argocd.asked) < 4 else None
    with capture_logs() as lines, running(terminator):
        terminator.changed([NAME], 1)
        wait_for(lambda: idle(argocd))

    assert counted(metrics) == {"failed": 3, "ended": 1}
    assert [line["log_level"] for line in lines] == ["warning", "info"]
    assert TOKEN not in str(lines)


def test_it_gives_up(
    argocd: FakeArgoCD, terminator: Terminator, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GIVES_UP", 0.1)
    argocd.instead = lambda _: Reply(503)
    with capture_logs() as lines, running(terminator):
        terminator.changed([NAME], 1)
        wait_for(lambda: settled(terminator))

    assert counted(metrics)["left"] == 1
    assert {line["problem"] for line in lines} == {"it answered 503", "it was not done within 0 seconds"}


def test_it_gives_up_silently_if_a_current_sync_just_takes_long(
    argocd: FakeArgoCD, terminator: Terminator, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GIVES_UP", 0.1)
    argocd.applications[NAME] = application(NAME, NEW, NEW)
    with capture_logs() as lines, running(terminator):
        terminator.changed([NAME], 1)
        wait_for(lambda: settled(terminator))

    assert (counted(metrics), lines) == ({}, [])


def test_an_account_without_rights_is_named(argocd: FakeArgoCD, terminator: Terminator, metrics: Metrics) -> None:
    argocd.applications[NAME] = application(NAME, NEW, OLD)
    argocd.refused = {"GET"}
    with capture_logs() as lines, running(terminator):
        terminator.changed([NAME], 1)
        wait_for(lambda: settled(terminator))

    assert argocd.asked == [f"GET {NAME}"]
    assert counted(metrics) == {"failed": 1}
    assert [line["problem"] for line in lines] == ["it shows no such Application to the account of the token"]


def test_a_cause_is_logged_again_after_a_while(
    argocd: FakeArgoCD, terminator: Terminator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "QUIET", 0.0)
    argocd.instead = lambda _: Reply(503)
    with capture_logs() as lines, running(terminator):
        terminator.changed([NAME], 1)
        wait_for(lambda: len(lines) >= 3)


def test_an_unexpected_error_does_not_end_the_thread(argocd: FakeArgoCD, metrics: Metrics) -> None:
    mistakes = [ZeroDivisionError()]

    class Mistaken(ArgoApi):
        def terminate(self, name: str) -> bool:
            if mistakes:
                raise mistakes.pop()
            return super().terminate(name)

    terminator = Terminator(lambda: Mistaken(argocd.url, TOKEN), metrics)
    argocd.applications[NAME] = application(NAME, NEW, OLD)
    with capture_logs() as lines, running(terminator):
        terminator.changed([NAME], 1)
        wait_for(lambda: bool(lines) and settled(terminator))
        terminator.changed([NAME], 2)
        wait_for(lambda: idle(argocd))

    assert lines[0]["log_level"] == "error"


def test_nothing_waits_for_argocd(argocd: FakeArgoCD, terminator: Terminator) -> None:
    release = threading.Event()
    argocd.instead = hanging(release)
    argocd.applications[NAME] = application(NAME, NEW)
    with running(terminator):
        terminator.changed([NAME], 1)
        wait_for(lambda: bool(argocd.asked))
        terminator.changed([NAME, "preview-orders-13"], 2)
        assert not release.is_set()
        release.set()

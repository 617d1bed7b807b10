"""`preview-plugin ask`, `pause`, `resume` and `extend`, beside the server that carries them out."""

from datetime import timedelta
from pathlib import Path

import pytest

from plugin.core.config.references import Locator
from plugin.core.facts.acts import ActKind
from tests.builders import catalog_text, make_look_up
from tests.lives import asked
from tests.stage import Stage
from tests.unit.cli import commands
from tests.unit.cli.commands import DEMO, run

PLAN = {"expire_after": "7d", "max_age": "30d", "extend": "8d"}


@pytest.fixture(name="one_clock")
def _one_clock(stored: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """People's clock is the server's."""
    monkeypatch.setattr("plugin.cli.acting.datetime", _Clock(stored))


@pytest.fixture(name="begun")
def _begun(stored: Stage, one_clock: None, monkeypatch: pytest.MonkeyPatch) -> Stage:  # noqa: ARG001
    """One preview of orders, an hour old."""
    text = catalog_text({"orders": {}, "payments": {}}, defaults={"lifecycle": PLAN})
    stored.path.write_text(text, "utf-8")
    stored.source.listed["acme/orders"] = [asked(at=stored.clock.now - timedelta(hours=1))]
    stored.clock.step = timedelta(0)
    stored.refresh()
    monkeypatch.setenv("LOGNAME", "ada")
    return stored


class _Clock:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def now(self, _: object) -> object:
        return self._stage.clock.now


def state(stage: Stage) -> str:
    stage.refresh(only=())
    return next(preview.verdict.state.value for preview in stage.current().previews)


def test_a_pause_and_a_resume_are_stored_with_who_and_when(begun: Stage) -> None:
    result = run("pause", "orders-1")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "orders-1: it is paused. To wake it, push a commit, or run preview-plugin resume\n"
    act = begun.state.store.load().acts[ActKind.PAUSE, "orders/1"]
    assert (act.by, act.at) == ("ada", begun.clock.now)
    assert state(begun) == "paused"

    result = run("resume", "acme/orders#1")
    assert (result.exit_code, result.stdout) == (0, "orders-1: it is resumed\n")
    assert state(begun) == "active"
    assert [(event.kind, event.reason) for event in begun.known().histories["orders/1"]][1:] == [
        ("paused", "ada paused it"),
        (
            "updated",
            "paused: ada paused it at 2026-11-21T09:00:00Z. To wake it, push a commit, or run preview-plugin resume",
        ),
        ("resumed", "ada resumed it"),
        ("updated", 'active: it has the label "preview"'),
    ]


def test_an_extension_says_until_when_the_preview_stays(begun: Stage) -> None:
    assert run("extend", "orders-1", "10d").stdout == "orders-1: it stays until 2026-12-01T09:00:00Z at least\n"
    assert state(begun) == "active"
    assert next(begun.current().previews).verdict.ends_at == begun.clock.now + timedelta(days=10)


@pytest.mark.usefixtures("begun")
def test_an_extension_without_a_time_is_as_long_as_the_catalog_plans() -> None:
    assert run("extend", "orders-1").stdout == "orders-1: it stays until 2026-11-29T09:00:00Z at least\n"


@pytest.mark.parametrize(
    ("time", "message"),
    [
        ("9s", '"9s" must be at least 10s and at most 365d\n'),
        ("366d", '"366d" must be at least 10s and at most 365d\n'),
        ("tomorrow", '"tomorrow" is not a duration: write a whole number and one of s, m, h, d, w, for example 30s\n'),
    ],
)
def test_a_time_that_no_preview_can_have_is_refused(begun: Stage, time: str, message: str) -> None:
    result = run("extend", "orders-1", time)

    assert (result.exit_code, result.stdout, result.stderr) == (1, "", message)
    assert begun.state.store.load().acts == {}


def test_what_would_mean_nothing_is_refused_with_a_sentence(begun: Stage) -> None:
    for words, message in {
        ("resume", "orders-1"): "orders-1: it is not paused, so there is nothing to resume\n",
        ("ask", "orders-1"): "orders-1: it is active already. To keep it for longer, run preview-plugin extend\n",
        ("extend", "orders-1", "1h"): "orders-1: it stays until 2026-11-28T08:00:00Z anyway, which is not before "
        "2026-11-21T10:00:00Z. Name a longer time\n",
        ("pause", "basket-1"): 'the catalog has no service "basket"\n',
    }.items():
        result = run(*words)
        assert (result.exit_code, result.stdout, result.stderr) == (1, "", message)
    assert begun.state.store.load().acts == {}


def test_an_expired_preview_comes_back_when_somebody_asks_for_it(begun: Stage) -> None:
    (pull_request,) = begun.source.listed["acme/orders"]
    begun.source.elsewhere[Locator("acme/orders", 1)] = make_look_up(
        labels=frozenset({"preview"}), head_sha=pull_request.head_sha, updated_at=pull_request.updated_at
    )
    for _ in range(2):  # it is announced, and it ends
        begun.clock.now += timedelta(days=7)
        begun.refresh()
    while state(begun) != "expired":
        begun.clock.now += timedelta(minutes=10)
        begun.refresh()

    assert run("pause", "orders-1").stderr.startswith("orders-1: it is expired, so there is nothing to pause: nobody")
    assert run("ask", "orders-1").stdout == "orders-1: it was asked for again, which starts a new age\n"
    assert state(begun) == "active"


@pytest.mark.usefixtures("one_clock")
def test_a_pull_request_with_several_previews_is_told_as_a_whole(stored: Stage) -> None:
    services = {"orders": {}, "worker": {"repository": "acme/orders", "drafts": False}, "payments": {}}
    stored.write_catalog(services)
    stored.source.listed["acme/orders"] = [asked(draft=True)]
    stored.refresh()
    result = run("pause", "acme/orders#1")

    assert result.exit_code == 0
    assert result.stdout.startswith("orders-1: it is paused.")
    assert result.stderr == "worker-1: it is skipped, so there is nothing to pause: it is a draft\n"
    assert list(stored.state.store.load().acts) == [(ActKind.PAUSE, "orders/1")]


def test_a_pull_request_without_the_label_is_told_how_to_get_it(begun: Stage) -> None:
    begun.source.elsewhere[Locator("acme/orders", 2)] = make_look_up()
    result = run("pause", "acme/orders#2")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        'acme/orders#2 has no preview: it lacks the label "preview". '
        "Add it: gh pr edit 2 --repo acme/orders --add-label preview\n"
    )


@pytest.mark.usefixtures("one_clock")
def test_while_the_breaker_holds_it_says_when_an_act_takes_effect(stored: Stage) -> None:
    fingerprint = commands.hold(stored)
    stored.source.listed["acme/orders"] = [asked(number) for number in range(1, 8)]
    stored.refresh()
    result = run("pause", "orders-1")

    assert result.exit_code == 0
    assert result.stdout.splitlines()[1] == (
        f"The breaker holds every answer as it is, so this takes effect after: preview-plugin acknowledge {fingerprint}"
    )


@pytest.mark.parametrize("setting", ["memory", "sqlite:{}/nothing.db"])
def test_without_a_server_there_is_nothing_to_tell(tmp_path: Path, setting: str) -> None:
    result = run("pause", "orders-1", PREVIEW_STATE=setting.format(tmp_path), **DEMO)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "no server has stored a catalog in PREVIEW_STATE; run this where the server runs, with its settings\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_while_the_clocks_disagree_nothing_is_stored(begun: Stage) -> None:
    """Otherwise a pause that is said while the clock is days ahead would outlive every push once it is set right."""
    right = begun.clock.now
    begun.clock.now, begun.source.ahead = right + timedelta(days=10), timedelta(days=10)
    begun.refresh()
    for words in (("pause", "orders-1"), ("extend", "orders-1"), ("ask", "orders-1")):
        result = run(*words)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("the server's clock and the source's differ by more than two minutes")
    assert begun.state.store.load().acts == {}

    begun.clock.now, begun.source.ahead = right, timedelta(0)
    begun.refresh()
    assert run("pause", "orders-1").exit_code == 0
    assert state(begun) == "paused"


def test_a_clock_that_was_set_since_the_last_refresh_stores_nothing_either(begun: Stage) -> None:
    begun.clock.now += timedelta(days=1)
    result = run("pause", "orders-1")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(
        "the clock here says 2026-11-22T09:00:00Z, and the source's said 2026-11-21T09:00:0"
    )
    assert begun.state.store.load().acts == {}

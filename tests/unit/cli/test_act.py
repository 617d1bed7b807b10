from plugin.state import Unreachable
from tests.stage import Stage
from tests.unit.cli.commands import hold, run


def test_acknowledge_releases_previews_at_the_next_refresh(stored: Stage) -> None:
    fingerprint = hold(stored)
    result = run("acknowledge", fingerprint)

    assert (result.exit_code, result.stdout) == (
        0,
        f"{fingerprint}: acknowledged; the next refresh releases the previews that this catalog removes\n",
    )
    assert len(stored.answer()) == 7
    stored.mirror.refresh()
    assert stored.answer() == []


def test_acknowledge_with_another_fingerprint_is_refused(stored: Stage) -> None:
    result = run("acknowledge", "0123456789ab")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "the breaker waits for nothing, not for 0123456789ab\n"

    fingerprint = hold(stored)
    result = run("acknowledge", "0123456789ab")
    assert result.exit_code == 1
    assert result.stderr == f"the breaker waits for {fingerprint}, not for 0123456789ab\n"
    assert stored.state.store.load().acknowledged == set()


def test_acknowledge_while_the_state_is_unreachable(stored: Stage) -> None:
    def vanish() -> None:
        raise Unreachable("the state cannot be reached")

    stored.state.store.load = vanish  # type: ignore[assignment,method-assign]
    result = run("acknowledge", "0123456789ab")

    assert (result.exit_code, result.stderr) == (1, "the state cannot be reached\n")

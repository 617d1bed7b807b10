"""Commands from a comment on GitHub to what becomes of it."""

from pathlib import Path

from plugin.core.facts.acts import ActKind
from tests.contract.commands.stage import UNLABELLED, staged


def test_a_preview_is_asked_for(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        comment = stage.say("/preview", UNLABELLED)

        assert stage.labels(UNLABELLED) == ["preview"]
        assert stage.reactions(comment) == ["rocket"]
        assert stage.replies(UNLABELLED) == []
        assert stage.state("orders/2") == "active"


def test_a_preview_is_paused(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        comment = stage.say("/preview pause")

        (act,) = stage.acts()
        assert (act.kind, act.by, act.subject) == (ActKind.PAUSE, "ada", "orders/1")
        assert stage.reactions(comment) == ["rocket"]
        assert stage.state() == "paused"

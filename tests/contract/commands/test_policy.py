"""What the catalog has to do with commands: where there are none, which labels they set, what may be named."""

import json
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from structlog.testing import capture_logs

from plugin.core.facts.acts import ActKind
from tests.contract.commands.stage import FORK, LABELLED, UNLABELLED, Stage, edit, staged
from tests.fakes.github import App
from tests.fakes.github.wire import Response, error
from tests.keys import PRIVATE_KEY
from tests.rendered import rendered

SEVERAL: dict[str, dict[str, Any]] = {
    "api": {"repository": "acme/orders"},
    "web": {"repository": "acme/orders", "labels": {"require": ["preview", "with-web"]}},
}
HOSTILE = (
    "@ada",
    "<img/src=x/onerror=alert(1)>",
    "[x](https://evil.example.com)",
    "https://evil.example.com",
    "acme/payments#7",
    "<!--",
    "`x`<b>",
    "0123456789abcdef0123456789abcdef01234567",
    "|",
    "$x$",
    ":rocket:",
    "\u202etxet",
)


def app(*writes: str) -> App:
    public = load_pem_private_key(PRIVATE_KEY.encode(), None).public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return App(42, pem, writes=frozenset(writes), token_seconds=10**8)  # PyGithub has the real clock


# Without the key


def test_without_the_key_no_comment_is_read_and_nothing_is_asked(tmp_path: Path) -> None:
    with staged(tmp_path, commands=False) as stage:
        stage.say("/preview stop")

        assert {call.operation for call in stage.github.log} <= {"Probe", "List", "Details"}
        assert stage.plugin.newest.synchronised().known.snapshot.repositories["acme/orders"].heard is None


def test_with_the_key_only_what_has_changed_costs_a_request(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        stage.settle()
        stage.github.log.clear()
        stage.passes(30)
        stage.refresh()
        assert [call.operation for call in stage.github.log] == ["Probe"]

        stage.github.log.clear()
        stage.github.comment("acme/orders", LABELLED, "What do you think?")
        stage.refresh()
        stage.work()
        assert [call.operation for call in stage.github.log] == ["Probe", "List", "Details", "Comments"]
        assert sum(call.cost for call in stage.github.log) == 4


def test_commands_that_are_switched_off_are_forgotten(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        stage.github.comment("acme/orders", LABELLED, "/preview stop")
        stage.refresh()
        stage.work()
        edit(stage, commands=False)
        stage.settle()

        assert stage.labels() == ["preview"]
        assert stage.outbox.load().notes == {}


def test_commands_that_are_switched_off_and_on_are_not_repeated(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        stage.say("/preview stop")
        stage.passes(30)
        stage.say("/preview")
        edit(stage, commands=False)
        stage.settle()
        stage.say("/preview stop")
        edit(stage, commands=True)
        stage.settle()
        assert (stage.labels(), stage.replies()) == (["preview"], [])

        stage.passes(1)
        stage.say("/preview stop")
        assert stage.labels() == []


def test_commands_of_a_repository_that_leaves_the_catalog_and_returns_are_not_repeated(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        stage.say("/preview stop")
        stage.passes(30)
        stage.say("/preview")
        services = json.loads(stage.file.read_text("utf-8"))["services"]
        edit(stage, services={"payments": services["payments"]})
        stage.work()
        edit(stage, services=services)
        stage.settle()

        assert (stage.labels(), stage.replies()) == (["preview"], [])


# Labels and acts


def test_each_label_that_a_service_requires_is_set(tmp_path: Path) -> None:
    with staged(tmp_path, services=SEVERAL) as stage:
        stage.say("/preview", UNLABELLED)
        assert stage.labels(UNLABELLED) == ["preview", "with-web"]

        stage.say("/preview stop", UNLABELLED)
        assert stage.labels(UNLABELLED) == ["with-web"]


def test_an_act_is_for_all_services_of_the_repository(tmp_path: Path) -> None:
    with staged(tmp_path, services=SEVERAL) as stage:
        stage.github.relabel("acme/orders", LABELLED, ["with-web"])
        stage.settle()
        stage.say("/preview pause")
        assert {(act.kind, act.subject) for act in stage.acts()} == {
            (ActKind.PAUSE, "api/1"),
            (ActKind.PAUSE, "web/1"),
        }

        stage.say("/preview pause")
        (reply,) = stage.replies()
        assert "- api: it is paused already" in reply
        assert "- web: it is paused already" in reply


def test_where_a_preview_is_asked_for_already_it_is_asked_for_again(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        stage.say("/preview pause")
        stage.passes(60)
        comment = stage.say("/preview")

        assert stage.kinds() == [ActKind.PAUSE, ActKind.ASK]
        assert stage.state() == "active"
        assert stage.reactions(comment) == ["rocket"]


def test_an_ended_preview_is_asked_for_again(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        for _ in range(8 * 24 * 6):
            stage.passes(590)
            stage.refresh()
            if stage.state() == "expired":
                break
        assert stage.state() == "expired"
        stage.say("/preview")

        assert stage.state() == "active"


def test_an_extension_shows_who_gave_it(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        stage.say("/preview extend 10d", login="grace")
        history = stage.store.load().histories["orders/1"]

        assert "grace extended it to 2026-11-26T09:00:11Z" in [event.reason for event in history]


def test_stop_is_refused_where_no_label_is_required(tmp_path: Path) -> None:
    with staged(tmp_path, services={"orders": {"labels": {"require": []}}}) as stage:
        stage.say("/preview stop")
        (reply,) = stage.replies()

        assert "its previews need no label, so there is none to remove. Comment `/preview pause` instead." in reply


def test_keep_is_refused_where_the_catalog_has_no_such_label(tmp_path: Path) -> None:
    with staged(tmp_path, defaults={}) as stage:
        stage.say("/preview keep")
        (reply,) = stage.replies()

        assert "the catalog has no label that keeps a preview. Comment `/preview extend` instead." in reply


def test_keep_is_done_where_the_label_is_set(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        stage.github.relabel("acme/orders", LABELLED, ["Preview/Keep"])
        stage.passes(1)
        comment = stage.say("/preview keep")

        assert (stage.reactions(comment), stage.labels()) == (["rocket"], ["preview", "Preview/Keep"])


def test_the_comment_of_the_reports_names_the_commands(tmp_path: Path) -> None:
    with staged(tmp_path, report={"comment": "always"}) as stage:
        stage.settle()

        assert any("Comment `/preview help` to see what you can do." in each for each in stage.replies())
        assert not any("/preview help" in each for each in stage.replies(FORK))


# What may be named


def linked(stage: Stage) -> None:
    """Let the labelled pull request call the one of payments."""
    stage.github.change_entry("acme/orders", LABELLED, body="Depends-On: acme/payments#7")
    stage.settle()


def test_why_names_whom_a_preview_calls(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        linked(stage)
        stage.say("/preview why")
        (reply,) = stage.replies()

        assert "- `payments` at `acme/payments#7`" in reply


def test_why_names_nothing_private_on_a_public_repository(tmp_path: Path) -> None:
    with staged(tmp_path, visibility="public") as stage:
        linked(stage)
        stage.say("/preview why")
        stage.say("/preview resume")

        assert len(stage.replies()) == 2
        assert not any("payments" in each for each in stage.replies())
        assert "1 service of private repositories" in stage.replies()[0]


def test_a_reply_is_deleted_once_everybody_can_read_it(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        linked(stage)
        stage.say("/preview why")
        stage.passes(5 * 3600)
        stage.settle()
        assert len(stage.replies()) == 1

        stage.github.set_repository("acme/orders", visibility="public")
        stage.passes(600)
        stage.settle()
        assert stage.replies() == []
        assert stage.outbox.load().notes == {}


def test_only_replies_that_may_name_something_are_deleted_and_they_for_thirty_days(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        for line in ("/preview help", "/preview why", "/preview resume"):
            stage.say(line)
            stage.passes(5)
        stage.passes(29 * 86400)
        stage.settle()
        assert len(stage.outbox.load().notes) == 2

        stage.say("/preview why")
        stage.passes(2 * 86400)
        stage.settle()
        (note,) = stage.outbox.load().notes.values()
        assert note.comment.line == "/preview why"
        stage.github.set_repository("acme/orders", visibility="public")
        stage.passes(600)
        stage.settle()
        assert len(stage.replies()) == 3


@pytest.mark.parametrize("word", HOSTILE)
def test_what_people_write_after_a_command_comes_out_inert(tmp_path: Path, word: str) -> None:
    with staged(tmp_path) as stage:
        stage.say(f"/preview {word}")
        stage.say(f"/preview extend {word}")
        replies = stage.replies()

        assert len(replies) == 2
        for reply in replies:
            shown = rendered(reply)
            assert shown.links == []
            assert shown.woken() == {}
            assert {tag for tag, _ in shown.tags} <= {"p", "code"}
            assert all("\u202e" not in each for each in (*shown.text, *shown.code))


# Permissions


def test_an_app_needs_one_permission_to_write(tmp_path: Path) -> None:
    with staged(tmp_path, app("pull_requests")) as stage:
        asking, pausing = stage.say("/preview", UNLABELLED), stage.say("/preview pause")
        stage.say("/preview help")

        assert stage.labels(UNLABELLED) == ["preview"]
        assert stage.reactions(asking) == stage.reactions(pausing) == ["rocket"]
        assert len(stage.replies()) == 1


def test_without_the_permission_nobody_is_obeyed_and_everything_else_goes_on(tmp_path: Path) -> None:
    with staged(tmp_path, app()) as stage:
        comment = stage.say("/preview pause")

        assert (stage.acts(), stage.reactions(comment)) == ([], [])
        assert stage.plugin.newest.synchronised().known.snapshot.doubts == {}
        forbidden = stage.metrics.registry.get_sample_value(
            "preview_reports_total", {"report": "command", "result": "forbidden"}
        )
        assert forbidden == 1


FORBIDDEN = error(HTTPStatus.FORBIDDEN, "Must have push access to view collaborator permission.")


@pytest.mark.parametrize(
    ("credentials", "answer"), [(app(), None), (None, FORBIDDEN)], ids=["an App", "a personal token"]
)
def test_a_missing_permission_is_logged_once_with_what_is_needed(
    tmp_path: Path, credentials: App | None, answer: Response | None
) -> None:
    with staged(tmp_path, credentials) as stage, capture_logs() as logs:
        stage.github.intercept = lambda request: answer if "/collaborators/" in request.operation else None
        for line in ("/preview pause", "/preview stop"):
            stage.say(line)
            stage.passes(60)
        stage.settle()

        (problem,) = [each for each in logs if each["log_level"] == "error"]
        assert problem["event"] == "commands cannot be carried out; they are switched off for an hour"
        assert problem["needs"] == "pull_requests: write"
        assert not [each for each in logs if each["event"] == "a command waits"]
        assert (stage.labels(), stage.acts()) == (["preview"], [])

        stage.github.intercept = None
        stage.passes(3600)
        stage.settle()
        stage.say("/preview pause")
        assert stage.kinds() == ([] if credentials else [ActKind.PAUSE])

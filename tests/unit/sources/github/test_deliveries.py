"""What a delivery says about where to look. Payloads are checked with GitHub's own schemas."""

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.core.config.references import REPOSITORY
from plugin.sources.github.deliveries import ACTIONS, signature
from plugin.sources.github.deliveries import hinted as hinted_if
from tests.fakes import github

IMAGE = "preview / Image"
SCHEMAS = json.loads(Path(github.__file__).with_name("webhooks.json").read_text("utf-8"))
ABOUT_A_REPOSITORY = [
    (event, action) for event in ("pull_request", "label", "repository") for action in sorted(ACTIONS[event])
]
# What only one action of an event has, and requires.
ALSO: dict[str, dict[str, Any]] = {
    "renamed": {"changes": {"repository": {"name": {"from": "orders-old"}}}},
    "transferred": {"changes": {"owner": {"from": {"user": {"login": "ada"}}}}},
}


def hinted(event: str, payload: object, *, waits: str = IMAGE, listens: bool = True) -> frozenset[str]:
    """The hints while previews of acme/orders wait for a check."""

    def waiting(name: str, check: str) -> bool:
        return name.casefold() == "acme/orders" and check in {waits, ""}

    return hinted_if(event, payload, waiting, lambda: listens)


def delivery(event: str, action: str, **content: Any) -> dict[str, Any]:
    """A payload as GitHub sends it, without fields that are never read."""
    payload = {"action": action, **content} if action else content
    jsonschema.Draft202012Validator(SCHEMAS[f"{event} {action}".strip()]).validate(payload)
    return payload


def repository(event: str, name: str = "acme/orders") -> dict[str, Any]:
    owner, _, short = name.partition("/")
    more = {"name": short, "owner": {"login": owner}} if event == "repository" else {}
    return {"full_name": name, **more}


def listed(*names: str) -> list[dict[str, str]]:
    return [{"full_name": name} for name in names]


def test_every_action_that_counts_exists_at_github() -> None:
    assert {
        f"{event} {action}".strip() for event, actions in ACTIONS.items() for action in actions
    } == SCHEMAS.keys() - {"//"}


@pytest.mark.parametrize(("event", "action"), ABOUT_A_REPOSITORY)
def test_events_that_can_change_an_answer_name_the_repository(event: str, action: str) -> None:
    payload = delivery(event, action, repository=repository(event), **ALSO.get(action, {}))

    assert "acme/orders" in hinted(event, payload)


def test_a_renamed_repository_is_named_as_before_and_as_now() -> None:
    payload = delivery("repository", "renamed", repository=repository("repository"), **ALSO["renamed"])

    assert hinted("repository", payload) == {"acme/orders", "acme/orders-old"}


@pytest.mark.parametrize("kind", ["user", "organization"])
def test_a_transferred_repository_is_named_with_both_owners(kind: str) -> None:
    changes = {"owner": {"from": {kind: {"login": "ada"}}}}
    payload = delivery("repository", "transferred", repository=repository("repository"), changes=changes)

    assert hinted("repository", payload) == {"acme/orders", "ada/orders"}


@pytest.mark.parametrize("action", sorted(ACTIONS["installation"]))
def test_an_installation_names_the_repositories_that_it_lists(action: str) -> None:
    payload = delivery("installation", action, repositories=listed("acme/orders", "acme/payments"))

    assert hinted("installation", payload) == {"acme/orders", "acme/payments"}


def test_an_installation_that_lists_nothing_names_nothing() -> None:
    assert hinted("installation", delivery("installation", "suspend")) == frozenset()


@pytest.mark.parametrize("action", ["added", "removed"])
def test_repositories_that_an_installation_gains_or_loses_are_named(action: str) -> None:
    gained = listed("acme/orders") if action == "added" else []
    payload = delivery(
        "installation_repositories", action, repositories_added=gained, repositories_removed=listed("acme/payments")
    )

    assert hinted("installation_repositories", payload) == {repository["full_name"] for repository in gained} | {
        "acme/payments"
    }


def check_run(conclusion: str | None = "success", name: str = IMAGE, of: str = "acme/orders") -> dict[str, Any]:
    run = {"name": name, "conclusion": conclusion}
    return delivery("check_run", "completed", check_run=run, repository={"full_name": of})


def check_suite(conclusion: str | None = "success", of: str = "acme/orders") -> dict[str, Any]:
    suite = {"conclusion": conclusion}
    return delivery("check_suite", "completed", check_suite=suite, repository={"full_name": of})


def status(state: str = "success", context: str = IMAGE, of: str = "acme/orders") -> dict[str, Any]:
    return delivery("status", "", context=context, state=state, repository={"full_name": of})


def test_a_check_that_succeeded_is_worth_a_look() -> None:
    assert hinted("check_run", check_run()) == {"acme/orders"}
    assert hinted("check_run", check_run(of="Acme/Orders")) == {"Acme/Orders"}
    assert hinted("check_suite", check_suite()) == {"acme/orders"}
    assert hinted("status", status()) == {"acme/orders"}


@pytest.mark.parametrize("end", ["failure", "neutral", "skipped", "cancelled", "timed_out", "action_required", None])
def test_a_check_that_has_not_succeeded_is_not(end: str | None) -> None:
    assert hinted("check_run", check_run(end)) == frozenset()
    assert hinted("check_suite", check_suite(end)) == frozenset()


@pytest.mark.parametrize("state", ["pending", "failure", "error"])
def test_a_commit_status_that_is_no_success_is_not(state: str) -> None:
    assert hinted("status", status(state)) == frozenset()


def test_only_a_check_that_previews_of_this_repository_wait_for_is_worth_a_look() -> None:
    for event, payload in (
        ("check_run", check_run(name="tests")),
        ("check_run", check_run(of="acme/users")),
        ("check_suite", check_suite(of="acme/users")),
        ("status", status(context="tests")),
        ("status", status(of="acme/users")),
    ):
        assert hinted(event, payload) == frozenset()


@pytest.mark.parametrize("name", ["preview/orders", "preview/"])
def test_nothing_of_ours_wakes_us(name: str) -> None:
    assert hinted("check_run", check_run(name=name), waits=name) == frozenset()
    assert hinted("status", status(context=name), waits=name) == frozenset()


def comment(body: str) -> dict[str, Any]:
    issue: dict[str, Any] = {"pull_request": {}}
    return delivery(
        "issue_comment", "created", comment={"body": body}, issue=issue, repository={"full_name": "acme/orders"}
    )


@pytest.mark.parametrize("body", ["/preview", "/preview pause\r\n\r\nIt is late.", "/PREVIEW stop "])
def test_a_command_is_worth_a_look(body: str) -> None:
    assert hinted("issue_comment", comment(body)) == {"acme/orders"}


@pytest.mark.parametrize("body", ["", "Please /preview this", "> /preview", "/previews", f"/preview {'x' * 300}"])
def test_any_other_comment_is_not(body: str) -> None:
    assert hinted("issue_comment", comment(body)) == frozenset()


def test_a_command_is_not_worth_a_look_where_there_are_none_or_on_an_issue() -> None:
    assert hinted("issue_comment", comment("/preview"), listens=False) == frozenset()
    assert hinted("issue_comment", comment("/preview") | {"issue": {}}) == frozenset()
    assert hinted("issue_comment", comment("/preview") | {"action": "edited"}) == frozenset()


@pytest.mark.parametrize("action", ["created", "rerequested", "requested_action", None])
def test_a_check_that_has_not_completed_is_not_worth_a_look(action: str | None) -> None:
    assert hinted("check_run", {**check_run(), "action": action}) == frozenset()


def test_names_stay_as_the_delivery_spells_them() -> None:
    payload = delivery("label", "deleted", repository=repository("label", "ACME/Orders"))

    assert hinted("label", payload) == {"ACME/Orders"}


def test_unlabeled_counts_even_without_the_deleted_label() -> None:
    # https://github.com/octokit/webhooks/issues/639
    assert hinted("pull_request", {"action": "unlabeled", "repository": {"full_name": "acme/orders"}}) == {
        "acme/orders"
    }


@pytest.mark.parametrize(
    ("event", "action"),
    [
        ("ping", None),
        ("push", None),  # a branch's pull request has a `synchronize` of its own
        ("pull_request", "assigned"),
        ("pull_request", "merged"),  # is no action of GitHub's: it says `closed`
        ("pull_request", None),
        ("pull_request", ["opened"]),
        ("label", "created"),
        ("repository", "created"),
        ("issue_comment", "created"),
        ("", "opened"),
        ("no_such_event", "opened"),
    ],
)
def test_anything_else_names_nothing(event: str, action: object) -> None:
    payload = {"action": action, "ref": "refs/heads/main", "repository": {"full_name": "acme/orders"}}

    assert hinted(event, payload) == frozenset()


@pytest.mark.parametrize(
    "name",
    [
        "",
        "orders",
        "acme/",
        "/orders",
        "acme/orders/x",
        "acme/..",
        "acme/orders\n",
        "acme/ör",
        "a" * 300 + "/x",
        7,
        None,
    ],
)
def test_invalid_repository_names_are_left_out(name: object) -> None:
    payload = {"action": "created", "repositories": [{"full_name": name}, {"full_name": "acme/orders"}]}

    assert hinted("installation", payload) == {"acme/orders"}


@pytest.mark.parametrize("wrong", [None, True, 7, 1.5, "acme/orders", {"name": "acme/orders"}, [["acme/orders"]]])
def test_a_payload_of_another_shape_names_nothing(wrong: object) -> None:
    for key in ("repository", "repositories", "repositories_added", "changes"):
        payload = {"action": "created", key: wrong}

        assert hinted("installation", payload) == frozenset()


def test_a_field_that_is_missing_never_becomes_part_of_a_name() -> None:
    payload = {
        "action": "renamed",
        "repository": {"full_name": "acme/orders", "name": "orders", "owner": {"login": "acme"}},
    }

    assert hinted("repository", payload) == {"acme/orders"}


KEYS = ["action", "repository", "full_name", "name", "owner", "login", "changes", "from", "user", "repositories"]
KEYS += ["check_run", "check_suite", "conclusion", "context", "state"]
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["acme/orders", "acme", "success", IMAGE]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner),
    max_leaves=12,
)
EVENTS_AND_ACTIONS = st.sampled_from([(event, action) for event in ACTIONS for action in sorted(ACTIONS[event])])


@given(EVENTS_AND_ACTIONS, st.dictionaries(st.sampled_from(KEYS), ANYTHING) | ANYTHING)
def test_any_json_gives_only_repository_names(event_and_action: tuple[str, str], payload: object) -> None:
    event, action = event_and_action
    for content in (payload, {**payload, "action": action}) if isinstance(payload, dict) else (payload,):
        assert all(REPOSITORY.fullmatch(name) for name in hinted(event, content))


def test_the_signature_is_that_of_githubs_example() -> None:
    # https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
    assert signature("It's a Secret to Everybody", b"Hello, World!") == (
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    )

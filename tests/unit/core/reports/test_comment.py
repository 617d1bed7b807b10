"""The comment: what a developer reads, and that nobody can make it do anything."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.core.facts.lives import Announcement, Life, State
from plugin.core.reports.comment import LONGEST, is_confidential, is_ours
from plugin.core.reports.content import Comment
from plugin.core.reports.said import Pages
from tests.builders import MONDAY, SHA, make_pull_request, make_repository
from tests.rendered import rendered
from tests.unit.core.reports.reports import NEWER, catalog, in_life, of, said, told
from tests.unit.core.reports.test_markdown import texts

LINKED = "version: 1\ndependencies: {payments: pr:123}\n"


def comment(*repositories: Any, **given: Any) -> Comment:
    found = of("comment", said(given.pop("catalog", catalog()), *repositories, **given))
    assert isinstance(found, Comment)
    return found


def orders(*pull_requests: Any, **given: Any) -> Any:
    return make_repository("acme/orders", *pull_requests, **{"public": False} | given)


def payments(*pull_requests: Any, **given: Any) -> Any:
    return make_repository("acme/payments", *pull_requests, **{"public": False} | given)


def test_the_whole_comment_of_a_linked_preview() -> None:
    found = comment(
        orders(make_pull_request(12, config=LINKED)),
        payments(make_pull_request(123)),
        reported={"preview-orders-12": (told(),)},
        lives=in_life("acme/orders", "orders/12", Life(State.ACTIVE, "it is used", ends_at=MONDAY)),
    )

    assert found.body == (
        "<!-- preview-plugin v1 confidential -->\n\n"
        "**The preview:** [orders-12.preview.example.com](https://orders-12.preview.example.com)\n\n"
        "| Service | Preview | State | Commit | Until |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| `orders` | [orders-12.preview.example.com](https://orders-12.preview.example.com) "
        "| works | `0123456` | `2026-11-16 09:00 UTC` |\n\n"
        "**Calls**\n\n"
        "- `payments` at `acme/payments#123`: `acme/payments#123` is live\n"
        "- everything else on staging\n"
    )


@pytest.mark.parametrize(
    ("commands", "way"), [(True, "comment `/preview resume`"), (False, "run preview-plugin resume")]
)
def test_a_developer_is_told_what_to_comment_where_that_is_possible(commands: Any, way: str) -> None:
    paused = Life(State.PAUSED, "ada paused it. To wake it, push a commit, or run preview-plugin resume")
    found = comment(
        orders(make_pull_request(12)),
        catalog=catalog(commands=commands),
        lives=in_life("acme/orders", "orders/12", paused),
    )

    assert f"To wake it, push a commit, or {way}." in found.body
    assert ("Comment `/preview help` to see what you can do." in found.body) == commands


def test_an_address_is_not_shown_before_it_works() -> None:
    found = comment(orders(make_pull_request(12)), reported={"preview-orders-12": (told("deploying"),)})

    assert "**The preview is being deployed**" in found.body
    assert "https://" not in found.body


def test_a_newer_commit_on_its_way_changes_nothing_until_it_works() -> None:
    """The deployment shows the way; the comment says what people use. So a push is one edit."""
    lives = in_life("acme/orders", "orders/12", Life(State.ACTIVE, "it is used"))
    pushed = orders(make_pull_request(12, head_sha=NEWER))
    before = comment(orders(make_pull_request(12)), reported={"preview-orders-12": (told(),)}, lives=lives)
    queued = comment(pushed, reported={"preview-orders-12": (told(),)}, lives=lives)
    deploying = comment(pushed, reported={"preview-orders-12": (told(), told("deploying", NEWER))}, lives=lives)
    works = comment(pushed, reported={"preview-orders-12": (told(), told("ready", NEWER))}, lives=lives)

    assert before == queued == deploying
    assert "`fedcba9`" in works.body


def test_what_failed_is_said_with_what_argo_cd_says_and_what_to_do() -> None:
    failed = (told(), told("failed", NEWER, 'Back-off pulling image "ghcr.io/acme/orders:fedcba9"'))
    found = comment(
        orders(make_pull_request(12, head_sha=NEWER)),
        reported={"preview-orders-12": failed},
        pages=Pages("https://argocd.example.com"),
    )

    assert "- `fedcba9` does not work: The sync failed: Back-off pulling image " in found.body
    assert "`0123456` may still run. Push a commit that fixes it, or look at [its Application]" in found.body
    assert "(https://argocd.example.com/applications/preview-orders-12)" in found.body


def test_what_never_worked_and_failed_has_no_address() -> None:
    found = comment(orders(make_pull_request(12)), reported={"preview-orders-12": (told("failed"),)})

    assert "**The preview failed**" in found.body
    assert "https://" not in found.body


def test_a_preview_that_was_deleted_and_comes_again_has_no_address_yet() -> None:
    reported = {"preview-orders-12": (told("gone"), told("gone", NEWER))}
    found = comment(orders(make_pull_request(12, head_sha=NEWER)), reported=reported)

    assert "https://" not in found.body


@pytest.mark.parametrize(
    ("state", "headline"),
    [
        (State.PAUSED, "**The preview sleeps:** [orders-12"),
        (State.WAITING, "**No preview yet**"),
        (State.QUEUED, "**No preview yet**"),
        (State.EXPIRED, "**No preview**"),
    ],
)
def test_a_state_is_said_with_its_reason(state: State, headline: str) -> None:
    life = Life(state, "nobody has used it since Monday; push, or comment /preview resume")
    found = comment(
        orders(make_pull_request(12)),
        reported={"preview-orders-12": (told(),)},
        lives=in_life("acme/orders", "orders/12", life),
    )

    assert headline in found.body
    assert f"- It is {state}: nobody has used it since Monday; push, or comment `/preview` resume." in found.body


def test_a_mistake_is_said_with_its_line() -> None:
    found = comment(orders(make_pull_request(12, config="version: 1\ndependencies: {paymints: staging}\n")))

    assert "- `.preview.yaml:2`: `dependencies.paymints`: is not a dependency of orders; did you mean" in found.body


def test_a_call_that_fell_back_says_what_was_asked_for() -> None:
    found = comment(orders(make_pull_request(12, config=LINKED)), payments(looked_up={}))

    assert "- `payments` at staging: `acme/payments#123` could not be looked up yet (asked for: `pr:123`)" in found.body


def test_callers_are_named() -> None:
    found = said(catalog(), orders(make_pull_request(12, config=LINKED)), payments(make_pull_request(123)))

    assert "**Called by**\n\n- `orders` of `acme/orders#12`\n" in of("comment", found, "acme/payments").body


def test_an_announced_end_and_a_hold_are_said() -> None:
    life = Life(State.ACTIVE, "it is used", ends_at=MONDAY, announced=Announcement(MONDAY, MONDAY))
    found = comment(
        orders(make_pull_request(12)),
        lives=in_life("acme/orders", "orders/12", life),
        held={"orders/12": "it is no longer listed, and could not be looked up"},
    )

    assert "- It ends at `2026-11-16 09:00 UTC`." in found.body
    assert "- It stays as it was: it is no longer listed, and could not be looked up." in found.body


def test_several_services_share_one_comment() -> None:
    two = catalog({"api": {"repository": "acme/orders"}, "web": {"repository": "acme/orders", "depends_on": ["api"]}})
    found = comment(orders(make_pull_request(12)), catalog=two, reported={"preview-web-12": (told(),)})

    assert "**1 of 2 previews can be reached**" in found.body
    assert "| `api` |  | being deployed |" in found.body
    assert "**`web`: Calls**\n\n- `api` at `acme/orders#12`: `acme/orders#12` is live\n" in found.body
    assert "Called by" not in found.body  # its own pull request is no news


def test_a_fork_gets_nothing_but_its_refusal() -> None:
    found = said(catalog(), orders(make_pull_request(12, fork=True, title="PAY-1")), payments(make_pull_request(123)))

    mine = {target.kind: each for target, each in found.items() if target.repository == "acme/orders"}
    assert list(mine) == ["comment"]
    assert of("comment", found).body == (
        "<!-- preview-plugin v1 confidential -->\n\n"
        "**No preview:** it comes from a fork, and a label does not approve a fork's code.\n"
    )


def test_the_comment_is_recognised_by_how_it_begins() -> None:
    secret, shown = (comment(orders(make_pull_request(12), public=public)).body for public in (False, True))

    assert is_ours(secret)
    assert is_confidential(secret)
    assert is_ours(shown)
    assert not is_confidential(shown)
    assert not is_ours(f"> {shown}")
    assert not is_ours(f"\n{shown}")


def test_a_list_without_end_is_cut() -> None:
    callers = [make_pull_request(number, config=LINKED) for number in range(1, 60)]
    found = of("comment", said(catalog(), orders(*callers), payments(make_pull_request(123))), "acme/payments")

    assert found.body.count("- `orders` of") == 20
    assert "- and 39 more\n" in found.body


def test_a_huge_comment_is_cut_between_two_lines() -> None:
    names = [f"service-{number}" for number in range(300)]
    many = catalog({name: {"repository": "acme/orders"} for name in names})
    warning = "Depends-On: `" + "` `" * 100
    found = comment(orders(make_pull_request(12, body="\n".join([warning] * 20))), catalog=many)

    assert len(found.body) <= LONGEST + 100
    assert found.body.endswith("\n\nMore does not fit here.\n")
    assert rendered(found.body).woken() == {}


@given(texts, texts, texts, texts, st.sampled_from(["deploying", "failed", "degraded", "ready"]))
def test_whatever_people_write_the_comment_links_to_our_pages_only(
    title: str, branch: str, config: str, message: str, state: str
) -> None:
    pull_request = make_pull_request(
        12,
        title=title,
        branch=branch or "b",
        author=title or "a",
        config=f"version: 1\n{config}",
        body=f"Depends-On: {branch}",
    )
    life = Life(State.ACTIVE, f"because {title} said {branch}")
    found = comment(
        orders(pull_request),
        reported={"preview-orders-12": (told(state, message=message),)},
        lives=in_life("acme/orders", "orders/12", life),
        held={"orders/12": config},
        pages=Pages("https://argocd.example.com"),
    )
    shown = rendered(found.body)

    assert set(shown.links) <= {
        "https://orders-12.preview.example.com",
        "https://argocd.example.com/applications/preview-orders-12",
    }
    assert {tag for tag, _ in shown.tags} <= {"p", "strong", "a", "table", "thead", "tbody", "tr", "th", "td"} | {
        "ul",
        "li",
        "code",
    }
    assert shown.comments == [" preview-plugin v1 confidential "]
    assert shown.woken() == {}
    assert found.body.count("\n<!--") == 0
    assert SHA not in "".join(shown.text)

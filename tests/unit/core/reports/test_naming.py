"""Nothing of a private repository is named on a public one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.core.facts.lives import Life, State
from plugin.core.reports.content import Comment, Deployment, Link, Status
from plugin.core.reports.naming import HIDDEN, Naming, naming
from tests.builders import make_pull_request, make_repository
from tests.unit.core.reports.reports import catalog, in_life, of, said, told

LINKED = "version: 1\ndependencies: {payments: pr:123, users: pr:7}\n"
CATALOG = catalog(
    {"orders": {"depends_on": ["payments", "users"]}, "payments": {"repository": "acme/billing"}, "users": {}}
)
VISIBLE = {"acme/orders": True, "acme/users": True, "acme/billing": False}


def on(name: str = "acme/orders", **visible: bool | None) -> Naming:
    public = VISIBLE | {f"acme/{short}": each for short, each in visible.items()}
    return naming(CATALOG, {each: make_repository(each, public=public[each]) for each in public}, name)


@pytest.mark.parametrize(
    ("on_this", "other", "may"),
    [
        (True, True, True),
        (True, False, False),
        (True, None, False),
        (False, True, True),
        (False, False, True),
        (False, None, True),
        (None, True, True),
        (None, False, False),
        (None, None, False),
    ],
)
def test_what_is_not_known_counts_as_what_is_safe(on_this: bool | None, other: bool | None, may: bool) -> None:  # noqa: FBT001  a table
    found = on(orders=on_this, billing=other)

    assert found.names("acme/billing") is may
    assert (found.sentence("acme/billing#1 was merged") == HIDDEN) is not may


def test_a_repository_may_always_name_itself() -> None:
    assert on(orders=None).names("acme/orders")
    assert on(orders=None).sentence("acme/orders#12 of orders is live") == "acme/orders#12 of orders is live"


@pytest.mark.parametrize(
    "text",
    [
        "acme/billing#123 was merged",
        "ACME/Billing#123 was merged",
        "payments goes to staging",
        "http://app.preview-payments-123.svc.cluster.local",
        "https://payments-123.preview.example.com",
        'did you mean "payments"?',
        "pull ghcr.io/acme/billing:latest",
    ],
)
def test_a_sentence_that_names_what_is_private_is_replaced(text: str) -> None:
    assert on().sentence(text) == HIDDEN


@pytest.mark.parametrize(
    "text", ["", 'it has the label "preview"', "acme/users#7 was merged", "repayments are prepayments"]
)
def test_other_sentences_stay(text: str) -> None:
    assert on().sentence(text) == text


def test_a_mistake_keeps_its_line() -> None:
    assert on().mistake(".preview.yaml:3: dependencies.payments: is wrong") == f".preview.yaml:3: {HIDDEN}"
    assert on().mistake(".preview.yaml:3: version: is wrong") == ".preview.yaml:3: version: is wrong"


def test_a_repository_that_was_never_read_is_private() -> None:
    assert not naming(CATALOG, {}, "acme/orders").names("acme/users")


def everything(found: Any) -> str:
    texts = []
    for target, each in found.items():
        if target.repository == "acme/orders":
            assert isinstance(each, Comment | Deployment | Status | Link)
            texts.append(repr(each))
    return "\n".join(texts)


@pytest.mark.parametrize("visible", [True, None])
def test_a_public_comment_counts_what_it_does_not_name(visible: bool | None) -> None:  # noqa: FBT001  a table
    found = said(
        CATALOG,
        make_repository("acme/orders", make_pull_request(12, config=LINKED), public=visible),
        make_repository("acme/billing", make_pull_request(123), public=False),
        make_repository("acme/users", make_pull_request(7), public=True),
        reported={"preview-orders-12": (told(),)},
    )
    body = of("comment", found).body

    assert "- `users` at `acme/users#7`: `acme/users#7` is live\n- 1 service of private repositories\n" in body
    assert "payments" not in everything(found)
    assert "billing" not in everything(found)


def test_private_callers_are_only_counted() -> None:
    calls = catalog({"orders": {}, "secret": {"depends_on": ["orders"]}, "shop": {"depends_on": ["orders"]}})
    linked = make_pull_request(5, config="version: 1\ndependencies: {orders: pr:12}\n")
    found = said(
        calls,
        make_repository("acme/orders", make_pull_request(12), public=True),
        make_repository("acme/secret", linked, public=False),
        make_repository("acme/shop", linked, public=True),
    )

    assert "- `shop` of `acme/shop#5`\n- 1 preview of private repositories\n" in of("comment", found).body
    assert "secret" not in everything(found)


@given(
    st.sampled_from(["config", "body", "reason", "held", "message"]),
    st.sampled_from(["payments", "acme/billing#123", "Billing"]),
)
def test_whichever_text_names_it_a_public_repository_does_not_show_it(where: str, name: str) -> None:
    text = f"because {name} is there"
    pull_request = make_pull_request(
        12,
        config=f"version: 1\ndependencies: {{{name.partition('#')[0]}: staging, x: y}}\n"
        if where == "config"
        else None,
        body=f"Depends-On: {name}" if where == "body" else "",
    )
    found = said(
        CATALOG,
        make_repository("acme/orders", pull_request, public=True),
        make_repository("acme/billing", make_pull_request(123), public=False),
        reported={"preview-orders-12": (told("failed", message=text if where == "message" else "it failed"),)},
        lives=in_life("acme/orders", "orders/12", Life(State.ACTIVE, text if where == "reason" else "it is used")),
        held={"orders/12": text} if where == "held" else {},
    )

    assert "billing" not in everything(found).casefold()
    assert "payments" not in everything(found).casefold()

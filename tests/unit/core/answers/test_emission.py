import json

from plugin.core.answers.breaker import Emitted
from plugin.core.answers.emission import body, emission
from plugin.core.answers.filters import Filters
from plugin.core.decision.decide import decide
from plugin.core.decision.preview import EmittedPreview
from tests.builders import make_catalog, make_pull_request, make_repository, make_snapshot

CATALOG = make_catalog({"orders": {"drafts": False}, "payments": {}})
ORDERS = make_repository("acme/orders", make_pull_request(1), make_pull_request(2, draft=True), make_pull_request(11))
DECISION = decide(CATALOG, make_snapshot(CATALOG, ORDERS, make_repository("acme/payments", make_pull_request(3))))


def test_what_is_remembered_are_the_live_previews_that_the_filters_admit() -> None:
    assert emission(7, DECISION, Filters(services=frozenset({"orders"}))) == Emitted(
        7,
        CATALOG.fingerprint,
        {
            "preview-orders-1": EmittedPreview("orders", "acme/orders", 1),
            "preview-orders-11": EmittedPreview("orders", "acme/orders", 11),
        },
    )


def test_the_answer_holds_the_same_previews_in_their_order() -> None:
    answer = json.loads(body(DECISION, Filters()))

    assert list(answer) == ["output"]
    assert list(answer["output"]) == ["parameters"]
    names = [one["name"] for one in answer["output"]["parameters"]]
    assert names == ["preview-orders-1", "preview-orders-11", "preview-payments-3"]
    assert names == list(emission(1, DECISION, Filters()).previews)


def test_none_at_all_is_an_empty_list() -> None:
    assert body(DECISION, Filters(origin="fork")) == b'{"output":{"parameters":[]}}'

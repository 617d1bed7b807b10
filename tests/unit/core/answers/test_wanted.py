"""Every way in which people name a preview."""

import pytest

from plugin.core.answers.wanted import FORMS, Wanted, parse_wanted
from plugin.core.config.references import Locator
from plugin.errors import InvalidRequest
from tests.builders import make_catalog

CATALOG = make_catalog(
    {
        "orders": {},
        "orders-2": {"repository": "acme/orders"},
        "preview-tool": {},
        "fork-lift": {},
        "reports": {"repository": "acme/office"},
    }
)
ORDERS = Wanted(Locator("acme/orders", 12), "orders")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("acme/orders#12", Wanted(Locator("acme/orders", 12))),
        ("ACME/Nothing#12", Wanted(Locator("ACME/Nothing", 12))),
        ("https://github.com/acme/orders/pull/12/files", Wanted(Locator("acme/orders", 12))),
        ("orders-12", ORDERS),
        ("preview-orders-12", ORDERS),
        ("fork-preview-orders-12", ORDERS),
        ("orders-12.preview.example.com", ORDERS),
        ("https://orders-12.preview.example.com", ORDERS),
        ("https://Orders-12.Preview.example.com:443/cart?item=1#top", ORDERS),
        ("orders-2-12", Wanted(Locator("acme/orders", 12), "orders-2")),
        ("preview-tool-1", Wanted(Locator("acme/preview-tool", 1), "preview-tool")),
        ("preview-preview-tool-1", Wanted(Locator("acme/preview-tool", 1), "preview-tool")),
        ("fork-lift-1", Wanted(Locator("acme/fork-lift", 1), "fork-lift")),
        ("reports-9999999", Wanted(Locator("acme/office", 9_999_999), "reports")),
    ],
)
def test_every_way_to_name_a_preview(text: str, expected: Wanted) -> None:
    assert parse_wanted(text, CATALOG) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "orders", "12", "-12", "orders-0", "orders-012", "orders-10000000", "orders_12", "orders-1٣"),
        *(
            "https://orders-12.example.com",
            "https://a.orders-12.preview.example.com",
            "https://[",
            "preview.example.com",
        ),
    ],
)
def test_what_names_no_preview(text: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        parse_wanted(text, CATALOG)
    assert str(error.value) == f'"{text}" names no preview: {FORMS}'


def test_a_misspelt_service_gets_a_suggestion() -> None:
    for text in ("ordrs-12", "preview-ordrs-12", "https://ordrs-12.preview.example.com"):
        with pytest.raises(InvalidRequest) as error:
            parse_wanted(text, CATALOG)
        assert str(error.value) == 'the catalog has no service "ordrs"; did you mean "orders"?'


def test_a_long_text_makes_a_short_message() -> None:
    with pytest.raises(InvalidRequest) as error:
        parse_wanted("x\n" * 1000, CATALOG)
    assert len(str(error.value)) <= 300
    assert str(error.value).isprintable()


def test_a_pull_request_means_all_of_its_previews() -> None:
    assert [Wanted(ORDERS.locator).admits(name) for name in ("orders", "orders-2")] == [True, True]
    assert [ORDERS.admits(name) for name in ("orders", "orders-2")] == [True, False]

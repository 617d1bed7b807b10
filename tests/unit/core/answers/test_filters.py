"""Which previews an ApplicationSet asks for, and which input parameters are refused."""

from typing import Any

import pytest

from plugin.core.answers.filters import EVERYTHING, Filters, parse_filters
from plugin.core.decision.preview import Preview
from plugin.errors import InvalidRequest
from tests.builders import make_catalog, make_pull_request, make_repository, previews_of

CATALOG = make_catalog(
    {"orders": {}, "payments": {}, "shop": {"profile": "frontend"}, "admin": {"profile": "frontend"}}
)
PREVIEWS = previews_of(
    CATALOG,
    make_repository("acme/orders", make_pull_request(1), make_pull_request(2, fork=True)),
    make_repository("acme/payments", make_pull_request(3)),
    make_repository("acme/shop", make_pull_request(4), make_pull_request(5, fork=True)),
)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, ["preview-orders-1", "preview-payments-3", "preview-shop-4"]),
        ({"origin": "same-repository"}, ["preview-orders-1", "preview-payments-3", "preview-shop-4"]),
        ({"origin": "fork"}, ["fork-preview-orders-2", "fork-preview-shop-5"]),
        ({"services": ["orders", "shop", "orders"]}, ["preview-orders-1", "preview-shop-4"]),
        ({"profile": "frontend"}, ["preview-shop-4"]),
        ({"profile": "frontend", "origin": "any"}, ["preview-shop-4", "fork-preview-shop-5"]),
        ({"services": ["orders", "shop"], "profile": "frontend"}, ["preview-shop-4"]),
        ({"services": ["admin"]}, []),
    ],
)
def test_filters_are_combined_with_and(parameters: dict[str, Any], expected: list[str]) -> None:
    filters = parse_filters(parameters, CATALOG)

    assert [name for name, preview in PREVIEWS.items() if admits(filters, preview)] == expected


def admits(filters: Filters, preview: Preview) -> bool:
    return filters.admits(preview.service.name, preview.service.profile, preview.origin)


def test_the_filter_everything_restricts_nothing() -> None:
    assert all(admits(EVERYTHING, preview) for preview in PREVIEWS.values())


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"service": ["orders"]},
            'unknown input parameter "service"; known are services, profile, origin; did you mean "services"?',
        ),
        ({"x": 1}, 'unknown input parameter "x"; known are services, profile, origin'),
        ({"services": "orders"}, "services must be a list of service names"),
        ({"services": [1]}, "services must be a list of service names"),
        ({"services": None}, "services must be a list of service names"),
        ({"services": []}, "services is an empty list; leave it out to ask for all services"),
        ({"services": ["orders", "order"]}, 'services: the catalog has no service "order"; did you mean "orders"?'),
        ({"profile": ["backend"]}, "profile must be a string"),
        (
            {"profile": "front"},
            'profile: no service of the catalog has the profile "front"; there are backend, frontend',
        ),
        ({"services": ["orders"], "profile": "frontend"}, 'none of these services has the profile "frontend"'),
        ({"profile": ""}, 'profile: no service of the catalog has the profile ""; there are backend, frontend'),
        ({"origin": "forks"}, "origin must be one of same-repository, fork, any"),
        ({"origin": ["any"]}, "origin must be one of same-repository, fork, any"),
        ({"a\nb": 1}, 'unknown input parameter "a b"; known are services, profile, origin'),
    ],
)
def test_a_filter_that_the_catalog_does_not_know_is_refused(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        parse_filters(parameters, CATALOG)
    assert str(error.value) == message


def test_services_without_a_profile_are_found_by_name_only() -> None:
    catalog = make_catalog({"library": {"profile": None}, "orders": {}})

    assert parse_filters({"services": ["library"]}, catalog).admits("library", "", "same-repository")
    assert not parse_filters({"profile": "backend"}, catalog).admits("library", "", "same-repository")
    with pytest.raises(InvalidRequest, match=r'has the profile ""; there are backend$'):
        parse_filters({"profile": ""}, catalog)


def test_a_catalog_without_profiles_refuses_each_of_them() -> None:
    with pytest.raises(InvalidRequest, match=r'^profile: no service of the catalog has the profile "backend"$'):
        parse_filters({"profile": "backend"}, make_catalog({"library": {"profile": None}}))


def test_equal_filters_are_one_key() -> None:
    one = parse_filters({"services": ["orders", "shop"]}, CATALOG)

    assert {one: 1}[parse_filters({"services": ["shop", "orders"], "origin": "same-repository"}, CATALOG)] == 1
    assert parse_filters({}, CATALOG) == Filters()

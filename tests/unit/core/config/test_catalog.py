import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from plugin.core.config.catalog import DependencyOf, Policy, Seed, load_catalog
from plugin.core.config.catalog_file import CatalogFile, ServiceFile
from plugin.core.config.validation import MAX_PROBLEMS, MAX_SUGGESTIONS
from plugin.errors import InvalidFile
from tests.builders import WORST_INPUT, catalog_text, make_catalog, service_entry

ROOT = Path(__file__).parents[4]

NO_DNS_LABEL = "is not a DNS label (a-z, 0-9 and -)"
NO_DNS_NAME = "is not a DNS name in lower case, for example preview.example.com"
IN_CLUSTER = "is a name inside the cluster; only public host names are allowed"
NO_IMAGE = "is not an image without a tag, for example ghcr.io/acme/orders"
NO_URL = "is not an http or https URL that consists of a host and, optionally, a port and a path"
NO_KEY = "is not a known key; there are"
NO_HOST = "has an invalid host name"
NO_VARIABLE = "is not an environment variable in capitals, for example PAYMENTS_API"
RESERVED = "is reserved for what the plugin itself sets"
NO_PLACEHOLDER = "has an unknown placeholder; the placeholders are {sha}, {short_sha} and {number}"


def mistakes(text: str) -> list[str]:
    with pytest.raises(InvalidFile) as error:
        load_catalog(text, "catalog.yaml")
    return [str(problem) for problem in error.value.problems]


def mistakes_of(services: Mapping[str, Mapping[str, Any]], **given: Any) -> list[str]:
    """The mistakes without file and line: `field: message`."""
    return [mistake.split(":", 2)[2].strip() for mistake in mistakes(catalog_text(services, **given))]


def test_each_mistake_is_reported_with_file_line_and_field() -> None:
    text = """\
version: 1
domain: Preview.example.com
services:
  orders:
    repository: acme/orders/more
    profile: backend
    image: {name: ghcr.io/acme/orders, tag: "{branch}"}
    port: "8000"
    staging: {internal: "http://app.staging-orders.svc.cluster.local", public: "https://orders.staging.example.com"}
    depends_on: [paymints]
  payments:
    repository: acme/payments
    profile: backend
    image: {name: ghcr.io/acme/payments}
    port: 8000
    staging: {internal: "http://app.staging-payments.svc.cluster.local", public: "https://payments.staging.example.com"}
"""

    assert mistakes(text) == [
        f'catalog.yaml:2: domain: "Preview.example.com" {NO_DNS_NAME}',
        'catalog.yaml:5: services.orders.repository: "acme/orders/more" is not a repository, for example acme/orders',
        f'catalog.yaml:7: services.orders.image.tag: "{{branch}}" {NO_PLACEHOLDER}',
        "catalog.yaml:8: services.orders.port: must be a whole number",
        (
            "catalog.yaml:10: services.orders.depends_on.paymints: is not a service of this catalog; "
            'did you mean "payments"?'
        ),
    ]


def test_defaults_of_the_smallest_catalog() -> None:
    catalog = make_catalog({"orders": {}})
    orders = catalog.services["orders"]

    assert (catalog.domain, catalog.prefix, catalog.allowed_hosts) == ("preview.example.com", "preview", frozenset())
    assert catalog.extra_keys == ()
    assert orders.policy == Policy(require=("preview",), skip=(), drafts=True, same_branch=False)
    assert (orders.overlay, orders.image_tag, orders.health_path) == ("preview", "{sha}", "/")
    assert (orders.dependencies, orders.extra, orders.seed) == ((), {}, None)


def test_a_service_needs_only_a_repository() -> None:
    text = "version: 1\ndomain: preview.example.com\nservices: {library: {repository: acme/library}}\n"
    library = load_catalog(text, "catalog.yaml").services["library"]

    assert (library.profile, library.image_name, library.image_tag, library.port) == ("", "", "", None)
    assert library.staging == {}


def test_a_service_may_have_one_endpoint_on_staging() -> None:
    catalog = make_catalog({"orders": {"staging": {"public": "https://orders.staging.example.com"}}})

    assert catalog.services["orders"].staging == {"public": "https://orders.staging.example.com"}


PUBLIC_ONLY = {"staging": {"public": "https://users.staging.example.com"}}


@pytest.mark.parametrize(
    ("caller", "called", "expected"),
    [
        (
            {"depends_on": ["users"]},
            {"staging": None},
            "calls users, which has no internal URL on staging: add staging.internal there",
        ),
        (
            {"depends_on": ["users"], "endpoint": "public"},
            {"staging": {}},
            "calls users, which has no public URL on staging: add staging.public there",
        ),
        (
            {"depends_on": {"users": {"endpoint": "internal"}}, "endpoint": "public"},
            PUBLIC_ONLY,
            (
                "calls users, which has no internal URL on staging: add staging.internal there, "
                'or call its endpoint "public"'
            ),
        ),
    ],
)
def test_a_call_that_could_not_go_to_staging_is_refused(
    caller: dict[str, Any], called: dict[str, Any], expected: str
) -> None:
    assert mistakes_of({"orders": caller, "users": called}) == [f"services.orders.depends_on.users: {expected}"]


def test_a_call_that_could_not_go_to_staging_is_refused_at_its_line() -> None:
    text = """\
version: 1
domain: preview.example.com
services:
  orders:
    repository: acme/orders
    depends_on:
      users:
        endpoint: public
      payments:
  payments: {repository: acme/payments, staging: {internal: "http://payments.example.com"}}
  users: {repository: acme/users, staging: {internal: "http://users.example.com"}}
"""

    assert mistakes(text) == [
        (
            "catalog.yaml:7: services.orders.depends_on.users: calls users, which has no public URL on staging: "
            'add staging.public there, or call its endpoint "internal"'
        )
    ]


def test_a_call_to_an_endpoint_that_staging_has_is_accepted() -> None:
    catalog = make_catalog({"orders": {"depends_on": {"users": {"endpoint": "public"}}}, "users": PUBLIC_ONLY})

    assert catalog.services["orders"].dependencies == (DependencyOf("users", "USERS_URL", "public"),)


def test_a_catalog_with_every_key() -> None:
    catalog = make_catalog(
        {
            "orders": {
                "overlay": "small",
                "image": {"name": "registry.example.com:5000/acme/orders", "tag": "pr-{number}-{sha}"},
                "health_path": "/healthz/deep",
                "extra": {"team": "checkout"},
                "endpoint": "public",
                "depends_on": {"users": {"env": "USERS_API", "endpoint": "internal"}, "payments": {}},
                "seed": {"image": "ghcr.io/acme/seed", "datasets": {"default": "2026.11", "minimal": "2026.11-min"}},
            },
            "payments": {"extra": {"tier": "1"}},
            "users": {},
        },
        prefix="pre",
        allowed_hosts=["users.dev.example.com", "b.example.com:8443"],
    )
    orders = catalog.services["orders"]

    assert catalog.prefix == "pre"
    assert catalog.allowed_hosts == {"users.dev.example.com", "b.example.com:8443"}
    assert catalog.extra_keys == ("team", "tier")
    assert (orders.overlay, orders.health_path, orders.extra) == ("small", "/healthz/deep", {"team": "checkout"})
    assert (orders.image_name, orders.image_tag) == ("registry.example.com:5000/acme/orders", "pr-{number}-{sha}")
    assert orders.dependencies == (
        DependencyOf("payments", "PAYMENTS_URL", "public"),
        DependencyOf("users", "USERS_API", "internal"),
    )
    assert orders.seed == Seed("ghcr.io/acme/seed", {"default": "2026.11", "minimal": "2026.11-min"})
    assert orders.staging == {
        "internal": "http://app.staging-orders.svc.cluster.local",
        "public": "https://orders.staging.example.com",
    }


def test_the_text_of_a_catalog_is_kept() -> None:
    text = catalog_text({"orders": {"profile": "frontend", "port": 8080}})
    catalog = load_catalog(text, "catalog.yaml")
    orders = catalog.services["orders"]

    assert (orders.profile, orders.port, orders.repository) == ("frontend", 8080, "acme/orders")
    assert catalog.text == text


def test_the_longest_domain() -> None:
    domain = ".".join(["d" * 63, "e" * 63, "f" * 61])

    assert len(domain) == 189
    assert make_catalog({"orders": {}}, domain=domain).domain == domain
    assert mistakes_of({"orders": {}}, domain=f"{domain}g") == [f'domain: "{domain}g" {NO_DNS_NAME}']


def test_services_and_repositories_are_sorted_by_name() -> None:
    catalog = make_catalog(
        {"shop": {}, "reports": {"repository": "acme/office"}, "admin": {"repository": "acme/office"}}
    )

    assert list(catalog.services) == ["admin", "reports", "shop"]
    assert {name: [service.name for service in services] for name, services in catalog.repositories.items()} == {
        "acme/office": ["admin", "reports"],
        "acme/shop": ["shop"],
    }
    assert list(catalog.repositories) == ["acme/office", "acme/shop"]


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({}, Policy(("a", "b"), ("no",), drafts=False, same_branch=True)),
        ({"labels": {"require": ["c"]}}, Policy(("c",), ("no",), drafts=False, same_branch=True)),
        ({"labels": {"skip": []}}, Policy(("a", "b"), (), drafts=False, same_branch=True)),
        ({"labels": {"require": []}}, Policy((), ("no",), drafts=False, same_branch=True)),
        ({"drafts": True}, Policy(("a", "b"), ("no",), drafts=True, same_branch=True)),
        ({"link": "none"}, Policy(("a", "b"), ("no",), drafts=False, same_branch=False)),
    ],
)
def test_a_service_overrides_each_default_by_itself(own: dict[str, Any], expected: Policy) -> None:
    defaults = {"labels": {"require": ["a", "b"], "skip": ["no"]}, "drafts": False, "link": "same-branch"}

    assert make_catalog({"orders": own}, defaults=defaults).services["orders"].policy == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"version": 2}, "version: must be 1, the only version there is"),
        ({"version": 0}, "version: must be 1, the only version there is"),
        ({"domain": "preview..example.com"}, f'domain: "preview..example.com" {NO_DNS_NAME}'),
        ({"domain": "preview_example.com"}, f'domain: "preview_example.com" {NO_DNS_NAME}'),
        ({"domain": f"{'a' * 64}.com"}, f'domain: "{"a" * 64}.com" {NO_DNS_NAME}'),
        ({"prefix": "Pre"}, f'prefix: "Pre" {NO_DNS_LABEL}'),
        ({"prefix": "fork"}, 'prefix: "fork" must not start with "fork", which marks the previews of forks'),
        ({"prefix": "fork-a"}, 'prefix: "fork-a" must not start with "fork", which marks the previews of forks'),
        ({"prefix": 1}, "prefix: must be a string; put it in quotes"),
        ({"allowed_hosts": "a.example.com"}, "allowed_hosts: must be a list"),
        ({"allowed_hosts": ["10.0.0.1"]}, 'allowed_hosts.0: "10.0.0.1" is an IP address; write a host name'),
        ({"allowed_hosts": ["2130706433"]}, 'allowed_hosts.0: "2130706433" is an IP address; write a host name'),
        ({"allowed_hosts": ["a.svc"]}, f'allowed_hosts.0: "a.svc" {IN_CLUSTER}'),
        ({"allowed_hosts": ["a.svc.cluster.local"]}, f'allowed_hosts.0: "a.svc.cluster.local" {IN_CLUSTER}'),
        ({"allowed_hosts": ["localhost"]}, f'allowed_hosts.0: "localhost" {IN_CLUSTER}'),
        ({"allowed_hosts": ["a.com:x"]}, 'allowed_hosts.0: "a.com:x" has an invalid port'),
        ({"allowed_hosts": ["*.example.com"]}, f'allowed_hosts.0: "*.example.com" {NO_DNS_NAME}'),
        ({"allowed_hosts": ["A.example.com"]}, f'allowed_hosts.0: "A.example.com" {NO_DNS_NAME}'),
        ({"defaults": {"link": "branch"}}, "defaults.link: must be 'same-branch' or 'none'"),
        ({"defaults": {"drafts": "no"}}, "defaults.drafts: must be true or false"),
        ({"defaults": {"labels": {"require": "preview"}}}, "defaults.labels.require: must be a list"),
        ({"defaults": {"labels": {"skip": [""]}}}, "defaults.labels.skip.0: must not be empty"),
        ({"defaults": {"label": {}}}, 'defaults.label: is not a known key; did you mean "labels"?'),
        *(
            # these are not implemented yet
            (
                {key: {}},
                f"{key}: {NO_KEY} {', '.join(CatalogFile.model_fields)}",
            )
            for key in ("ttl", "pause", "budgets", "ready_when", "forks", "groups")
        ),
    ],
)
def test_invalid_values_at_the_top_level(given: dict[str, Any], expected: str) -> None:
    assert mistakes_of({"orders": {}}, **given) == [expected]


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({"repository": "orders"}, 'repository: "orders" is not a repository, for example acme/orders'),
        ({"repository": "acme/.."}, 'repository: "acme/.." is not a repository, for example acme/orders'),
        ({"repository": "-a/b"}, 'repository: "-a/b" is not a repository, for example acme/orders'),
        ({"profile": "../x"}, f'profile: "../x" {NO_DNS_LABEL}'),
        ({"overlay": "a/b"}, f'overlay: "a/b" {NO_DNS_LABEL}'),
        ({"image": {"name": "ghcr.io/acme/Orders"}}, f'image.name: "ghcr.io/acme/Orders" {NO_IMAGE}'),
        ({"image": {"name": "ghcr.io/acme/orders:1"}}, f'image.name: "ghcr.io/acme/orders:1" {NO_IMAGE}'),
        ({"image": {"name": "a b"}}, f'image.name: "a b" {NO_IMAGE}'),
        ({"image": {}}, "image.name: is missing"),
        (
            {"image": {"name": "a", "tag": "{branch}"}},
            f'image.tag: "{{branch}}" {NO_PLACEHOLDER}',
        ),
        ({"image": {"name": "a", "tag": "{sha"}}, f'image.tag: "{{sha" {NO_PLACEHOLDER}'),
        ({"image": {"name": "a", "tag": "sha}"}}, f'image.tag: "sha}}" {NO_PLACEHOLDER}'),
        ({"image": {"name": "a", "tag": "-{sha}"}}, 'image.tag: "-{sha}" is not a valid image tag'),
        # 88 characters, and the commit's 40, and one more
        (
            {"image": {"name": "a", "tag": "x" * 89 + "{sha}"}},
            f'image.tag: "{"x" * 89}{{sha}}" is not a valid image tag',
        ),
        # 121 characters, and the seven digits that a number can have, and one more
        (
            {"image": {"name": "a", "tag": "x" * 122 + "{number}"}},
            f'image.tag: "{"x" * 122}{{number}}" is not a valid image tag',
        ),
        ({"port": 0}, "port: must be greater than or equal to 1"),
        ({"port": 65536}, "port: must be less than or equal to 65535"),
        ({"port": "8000"}, "port: must be a whole number"),
        ({"health_path": "healthz"}, 'health_path: "healthz" is not a path that starts with a single "/"'),
        ({"extra": {"team": 1}}, "extra.team: must be a string; put it in quotes"),
        ({"extra": {"a-b": "c"}}, 'extra.a-b: "a-b" is not a name that a template can use (letters, digits and _)'),
        ({"endpoint": "private"}, "endpoint: must be 'internal' or 'public'"),
        ({"ttl": "7d"}, f"ttl: {NO_KEY} {', '.join(ServiceFile.model_fields)}"),
        ({"depend_on": []}, 'depend_on: is not a known key; did you mean "depends_on"?'),
        ({"depends_on": ["userz"]}, 'depends_on.userz: is not a service of this catalog; did you mean "users"?'),
        ({"depends_on": ["users", "users"]}, 'depends_on: "users" is listed more than once'),
        ({"depends_on": "users"}, "depends_on: must be a map (name: value)"),
        ({"depends_on": {"users": {"env": "users_url"}}}, f'depends_on.users.env: "users_url" {NO_VARIABLE}'),
        ({"depends_on": {"users": {"env": "1_URL"}}}, f'depends_on.users.env: "1_URL" {NO_VARIABLE}'),
        ({"depends_on": {"users": {"envs": "A"}}}, 'depends_on.users.envs: is not a known key; did you mean "env"?'),
        (
            {"depends_on": {"users": {"env": "PAYMENTS_URL"}, "payments": {}}},
            "depends_on: users and payments both use the variable PAYMENTS_URL; name another with env",
        ),
        (
            {"depends_on": ["public"]},
            f'depends_on: "PUBLIC_URL", the variable for public, {RESERVED}; name another with env',
        ),
        (
            {"depends_on": ["2fa"]},
            f'depends_on: "2FA_URL", the variable for 2fa, {NO_VARIABLE}; name another with env',
        ),
        *(
            ({"depends_on": {"users": {"env": variable}}}, f'depends_on.users.env: "{variable}" {RESERVED}')
            for variable in ("PUBLIC_URL", "PREVIEW_X", "DATABASE_URL", "REDIS_URL", "MONGODB_URL")
        ),
        ({"seed": {"image": "a", "datasets": {"minimal": "1"}}}, 'seed.datasets: the dataset "default" is missing'),
        (
            {"seed": {"image": "a", "datasets": {"default": "a b"}}},
            'seed.datasets.default: "a b" is not a valid image tag',
        ),
        ({"seed": {"image": "a"}}, "seed.datasets: is missing"),
        ({"labels": {"requires": []}}, 'labels.requires: is not a known key; did you mean "require"?'),
        ({"drafts": 1}, "drafts: must be true or false"),
        ({"link": "yes"}, "link: must be 'same-branch' or 'none'"),
        *(
            ({"staging": service_entry("orders")["staging"] | {"public": url}}, f'staging.public: "{url}" {NO_URL}')
            for url in (
                "orders.example.com",
                "ftp://orders.example.com",
                "https://orders.example.com?a=b",
                "https://orders.example.com/#a",
                "https://me@orders.example.com",
                "https://",
                "https://a.example.com/a b",
            )
        ),
        *(
            ({"staging": service_entry("orders")["staging"] | {"public": url}}, f'staging.public: "{url}" {NO_HOST}')
            for url in ("https://a..b", "https://-a.example.com", f"https://{'a' * 64}.example.com/")
        ),
        (
            {"staging": service_entry("orders")["staging"] | {"public": "https://a:65536/http://b"}},
            'staging.public: "https://a:65536/http://b" has a port above 65535',
        ),
    ],
)
def test_invalid_values_of_a_service(own: dict[str, Any], expected: str) -> None:
    services = {"orders": own, "payments": {}, "users": {}, "public": {}, "2fa": {}}

    assert mistakes_of(services) == [f"services.orders.{expected}"]


@pytest.mark.parametrize(
    "url", ["http://a", "https://Orders.example.com", "http://a.b:8080/V2/x(1)", "https://a:65535/%C3%A9/"]
)
def test_staging_urls_are_used_as_written(url: str) -> None:
    staging = make_catalog({"orders": {"staging": {"internal": url, "public": url}}}).services["orders"].staging

    assert staging == {"internal": url, "public": url}


@pytest.mark.parametrize("tag", ["x" * 88 + "{sha}", "x" * 121 + "{number}"])
def test_the_longest_image_tag_after_filling_in_placeholders(tag: str) -> None:
    assert make_catalog({"orders": {"image": {"name": "a", "tag": tag}}}).services["orders"].image_tag == tag


def test_reserved_and_colliding_variables_can_be_renamed() -> None:
    catalog = make_catalog({"orders": {"depends_on": {"public": {"env": "WEBSITE_URL"}}}, "public": {}})

    assert catalog.services["orders"].dependencies == (DependencyOf("public", "WEBSITE_URL", "internal"),)


@pytest.mark.parametrize("name", ["Orders", "or_ders", "-orders", "orders-", "or.ders", "", "bücher"])
def test_a_service_name_must_be_a_dns_label(name: str) -> None:
    # The builder makes the repository and image from the name, so they are given.
    entry = {"repository": "acme/orders", "image": {"name": "a"}, "staging": service_entry("orders")["staging"]}

    assert mistakes_of({name: entry}) == [f'services.{name}: "{name}" {NO_DNS_LABEL}']


def test_a_repository_must_be_spelt_alike_everywhere() -> None:
    assert mistakes_of({"orders": {"repository": "acme/shop"}, "users": {"repository": "Acme/Shop"}}) == [
        "services.users.repository: Acme/Shop is the same repository on GitHub as acme/shop; spell them alike"
    ]


def test_a_service_name_that_makes_preview_names_too_long_is_refused() -> None:
    good, bad = "s" * 42, "s" * 43

    assert list(make_catalog({good: {}}).services) == [good]
    assert mistakes_of({bad: {}}) == [
        f"services.{bad}: the name is too long: fork-preview-{bad}-9999999 would have more than 63 characters"
    ]
    # A prefix that is not a string is one mistake; names are measured as if there were none.
    assert len(mistakes_of({good: {}}, prefix=1)) == 1
    assert mistakes_of({bad: {}}, prefix=1) == [
        f"services.{bad}: the name is too long: fork-preview-{bad}-9999999 would have more than 63 characters",
        "prefix: must be a string; put it in quotes",
    ]
    assert mistakes_of({good: {}}, prefix="preview1") == [
        f"services.{good}: the name is too long: fork-preview1-{good}-9999999 would have more than 63 characters"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [f"catalog.yaml:1: {key}: is missing" for key in ("domain", "services", "version")]),
        ("version: 1", ["catalog.yaml:1: domain: is missing", "catalog.yaml:1: services: is missing"]),
        ("version: 1\ndomain: a.example.com\nservices: {}", ["catalog.yaml:3: services: must not be empty"]),
        ("version: 1\ndomain: a.example.com\nservices: []", ["catalog.yaml:3: services: must be a map (name: value)"]),
        ("- version: 1", ["catalog.yaml:1: must be a map (name: value)"]),
        ("version: &a 1", ["catalog.yaml:1: anchors (&) and aliases (*) are not allowed"]),
        ("services:\n  orders: hello", ["catalog.yaml:1: domain: is missing", "catalog.yaml:1: version: is missing"]),
    ],
)
def test_files_that_are_not_a_catalog(text: str, expected: list[str]) -> None:
    found = mistakes(text)

    assert found[: len(expected)] == expected


def test_duplicate_keys_are_reported_beside_other_mistakes() -> None:
    text = catalog_text({"orders": {"port": 0}}).replace('"version": 1,', '"version": 1,\n "version": 1,')

    assert mistakes(text) == [
        "catalog.yaml:3: version: duplicate key, first on line 2",
        "catalog.yaml:12: services.orders.port: must be greater than or equal to 1",
    ]


def test_a_large_catalog_is_accepted() -> None:
    names = [f"service-{number}" for number in range(400)]
    catalog = make_catalog({name: {"depends_on": names[:5]} for name in names})

    assert len(catalog.services) == 400


def test_the_demo_catalog_is_valid() -> None:
    catalog = load_catalog((ROOT / "examples/acme/catalog.yaml").read_text("utf-8"), "catalog.yaml")

    assert list(catalog.services) == ["admin", "orders", "payments", "reports", "search", "shop", "users"]


@pytest.mark.parametrize(
    "key",
    [
        *("prefix", "allowed_hosts", "defaults", "defaults.labels", "defaults.labels.require", "defaults.labels.skip"),
        *(
            "defaults.drafts",
            "defaults.link",
            "defaults.target_branches",
            "overlay",
            "health_path",
            "extra",
            "endpoint",
        ),
        *("defaults.lifecycle", "defaults.lifecycle.ready_when", "lifecycle", "lifecycle.hours", "lifecycle.warn"),
        *("depends_on", "seed", "labels", "labels.require", "labels.skip", "drafts", "link", "target_branches"),
        "image.tag",
    ],
)
def test_a_key_without_a_value_means_the_default(key: str) -> None:
    entry = service_entry("orders")
    content = {"version": 1, "domain": "a.example.com", "services": {"orders": entry}}
    *parents, last = key.split(".")
    place: dict[str, Any] = content if key.startswith(("prefix", "allowed_hosts", "defaults")) else entry
    for parent in parents:
        place = place.setdefault(parent, {})
    expected = load_catalog(json.dumps(content), "catalog.yaml").services["orders"]
    place[last] = None
    catalog = load_catalog(json.dumps(content), "catalog.yaml")

    assert (catalog.prefix, catalog.allowed_hosts) == ("preview", frozenset())
    assert catalog.services["orders"] == expected


def test_entries_without_a_value_mean_their_defaults() -> None:
    catalog = make_catalog(
        {
            "orders": {
                "depends_on": {"payments": None, "users": {"env": None, "endpoint": None}},
                "extra": {"team": None, "tier": "1"},
                "seed": {"image": "a", "datasets": {"default": "1", "minimal": None}},
            },
            "payments": {},
            "users": {},
        }
    )
    orders = catalog.services["orders"]

    assert [(each.service, each.variable) for each in orders.dependencies] == [
        ("payments", "PAYMENTS_URL"),
        ("users", "USERS_URL"),
    ]
    assert (orders.extra, orders.seed) == ({"tier": "1"}, Seed("a", {"default": "1"}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "version:\ndomain:\nservices:",
            ["1: version: is missing", "2: domain: is missing", "3: services: is missing"],
        ),
        (
            "version: 1\ndomain: a.example.com\nservices:\n  orders:",
            ["4: services.orders.repository: is missing"],
        ),
        (
            catalog_text({"orders": {"image": None, "seed": {"image": "a", "datasets": None}}}),
            ["16: services.orders.seed.datasets: is missing"],
        ),
        (
            catalog_text({"orders": {"seed": {"image": "a", "datasets": {"default": None}}}}),
            ['18: services.orders.seed.datasets: the dataset "default" is missing'],
        ),
        (
            catalog_text({"orders": {"labels": {"require": [None]}}}),
            ["18: services.orders.labels.require.0: must not be empty"],
        ),
        (
            catalog_text({"orders": {"dependson": None}}),
            ['16: services.orders.dependson: is not a known key; did you mean "depends_on"?'],
        ),
    ],
)
def test_a_required_key_without_a_value_is_missing(text: str, expected: list[str]) -> None:
    assert [mistake.removeprefix("catalog.yaml:") for mistake in mistakes(text)] == expected


NO_REPOSITORY = "is not a repository, for example acme/orders"


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        *(
            (written, 'is not a repository; did you mean "acme/orders"?')
            for written in (
                "acme/orders.git",
                "acme/orders.GIT",
                "acme/orders.wiki",
                "https://github.com/acme/orders",
                "https://github.com/acme/orders/",
                "https://github.com/acme/orders.git",
                "https://ghe.example.com:8443/acme/orders/tree/main",
                "git@github.com:acme/orders.git",
                "ssh://git@github.com/acme/orders.git",
                "github.com/acme/orders",
            )
        ),
        *(
            (written, NO_REPOSITORY)
            for written in ("acme/.", "acme/..", "acme/.git", "acme/", "/orders", "a b/c", "a//b")
        ),
        ("acme/" + "x" * 101, NO_REPOSITORY),
        ("x" * 40 + "/orders", NO_REPOSITORY),
    ],
)
def test_a_repository_that_cannot_exist_is_refused(written: str, complaint: str) -> None:
    assert mistakes_of({"orders": {"repository": written}}) == [f'services.orders.repository: "{written}" {complaint}']


@pytest.mark.parametrize(
    "name", ["acme/.github", "acme/git", "acme/my.git.repo", "acme_corp/a", "acme/...", "acme/wiki"]
)
def test_unusual_names_of_repositories_are_allowed(name: str) -> None:
    assert list(make_catalog({"orders": {"repository": name}}).repositories) == [name]


SAME_LABEL = "are the same label on GitHub, which ignores case; spell them alike"


@pytest.mark.parametrize(
    ("own", "defaults", "expected"),
    [
        ({"require": ["a", "A"]}, {}, f'services.orders.labels.require: "a" and "A" {SAME_LABEL}'),
        ({"skip": ["a", "b", "A"]}, {}, f'services.orders.labels.skip: "a" and "A" {SAME_LABEL}'),
        ({}, {"require": ["a", "A"]}, f'defaults.labels.require: "a" and "A" {SAME_LABEL}'),
        ({"skip": ["Maße", "MASSE"]}, {}, f'services.orders.labels.skip: "Maße" and "MASSE" {SAME_LABEL}'),
        ({"require": ["a"], "skip": ["A"]}, {}, f'services.orders.labels: "a" and "A" {SAME_LABEL}'),
        ({"skip": ["PREVIEW"]}, {}, f'services.orders.labels: "preview" and "PREVIEW" {SAME_LABEL}'),
        ({"require": ["No"]}, {"skip": ["no"]}, f'services.orders.labels: "No" and "no" {SAME_LABEL}'),
        ({}, {"require": ["a"], "skip": ["A"]}, f'services.orders.labels: "a" and "A" {SAME_LABEL}'),
    ],
)
def test_labels_that_differ_only_by_case_are_refused(own: Any, defaults: Any, expected: str) -> None:
    assert mistakes_of({"orders": {"labels": own}}, defaults={"labels": defaults}) == [expected]


@pytest.mark.parametrize(
    "tag", ["{short_sha}", "sha-{short_sha}", "{number}-{sha}-{short_sha}", "x" * 121 + "{short_sha}"]
)
def test_an_image_tag_with_a_short_sha(tag: str) -> None:
    assert make_catalog({"orders": {"image": {"name": "a", "tag": tag}}}).services["orders"].image_tag == tag


@pytest.mark.parametrize(
    ("default", "own", "expected"),
    [
        (None, None, ()),
        (["main", "release/*"], None, ("main", "release/*")),
        (["main"], ["develop"], ("develop",)),
        (["main"], [], ()),
    ],
)
def test_target_branches(default: Any, own: Any, expected: tuple[str, ...]) -> None:
    catalog = make_catalog({"orders": {"target_branches": own}}, defaults={"target_branches": default})

    assert catalog.services["orders"].policy.target_branches == expected


@pytest.mark.parametrize("pattern", ["", "a b", "release/", "!main", "refs/heads/main", "a?", "[ab]", "a..b", "a\\*"])
def test_a_target_branch_that_no_branch_can_match_is_refused(pattern: str) -> None:
    (mistake,) = mistakes_of({"orders": {"target_branches": [pattern]}})

    assert mistake == (
        f'services.orders.target_branches.0: "{pattern}" is not a branch or a pattern, '
        'for example main or "release/*"; * and ** are the only wildcards'
    )


def test_thousands_of_mistakes_are_bounded() -> None:
    names = [f"service-{number}" for number in range(1000)]
    text = catalog_text({name: {"depends_on": [f"x{name}"], "image": {"name": "A"}} for name in names})
    start = time.process_time()
    found = mistakes(text)

    assert time.process_time() - start < WORST_INPUT
    assert len(found) == MAX_PROBLEMS + 1
    assert found[-1].endswith("further problems are not shown")
    assert len([mistake for mistake in found if "did you mean" in mistake]) <= MAX_SUGGESTIONS


def test_which_checks_previews_of_a_repository_wait_for() -> None:
    catalog = make_catalog(
        {
            "orders": {"lifecycle": {"ready_when": {"check": "image"}}},
            "worker": {"repository": "acme/orders", "lifecycle": {"ready_when": {"check": "worker image"}}},
            "payments": {"lifecycle": {"ready_when": {"image": True}}, "image": {"name": "x", "tag": "{sha}"}},
        }
    )

    assert catalog.waits("Acme/Orders", "image")
    assert catalog.waits("acme/orders", "worker image")
    assert catalog.waits("acme/orders", "")
    assert not catalog.waits("acme/orders", "tests")
    for check in ("", "image"):
        assert not catalog.waits("acme/payments", check)
        assert not catalog.waits("acme/users", check)

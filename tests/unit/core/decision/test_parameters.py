"""What a template gets for one preview."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from plugin.core.config.catalog import load_catalog
from plugin.core.decision.decide import decide
from plugin.core.decision.parameters import parameters
from plugin.core.decision.verdicts import Verdict
from plugin.core.facts.lives import State
from tests.builders import SHA, make_catalog, make_pull_request, make_repository, previews_of
from tests.strategies import EXAMPLES, World, worlds

LISTS, MAPS = {"labels", "dependencies"}, {"environment", "extra"}


def every_parameter(world: World) -> list[dict[str, Any]]:
    """All objects, also of previews that are not live: what is promised must not depend on the verdict."""
    catalog = world.catalog
    return [parameters(preview, catalog) for preview in decide(catalog, world.snapshot).previews]


@settings(max_examples=EXAMPLES)
@given(worlds())
def test_every_object_has_the_same_keys_in_the_same_order(world: World) -> None:
    objects = every_parameter(world)

    for one in objects:
        assert list(one) == list(objects[0])
        assert list(one["extra"]) == list(objects[0]["extra"])
        for dependency in one["dependencies"]:
            assert list(dependency) == ["service", "env", "url", "target", "namespace", "locator", "rule", "reason"]


@settings(max_examples=EXAMPLES)
@given(worlds())
def test_scalars_are_strings_and_lists_and_maps_hold_strings(world: World) -> None:
    for one in every_parameter(world):
        for key, value in one.items():
            assert isinstance(value, list if key in LISTS else dict if key in MAPS else str), key
        texts = [*one["labels"], *one["environment"].values(), *one["extra"].values()]
        texts += [text for dependency in one["dependencies"] for text in dependency.values()]
        for text in texts:
            assert isinstance(text, str)


@settings(max_examples=EXAMPLES)
@given(worlds())
def test_the_environment_patch_has_the_environment_in_one_line(world: World) -> None:
    for one in every_parameter(world):
        assert json.loads(one["environment_patch"]) == {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "environment"},
            "data": one["environment"],
        }
        assert "\n" not in one["environment_patch"]
        calls = {dependency["env"]: dependency["url"] for dependency in one["dependencies"]}
        about_itself = {
            "PUBLIC_URL": one["url"],
            "PREVIEW_DOMAIN": "preview.example.com",
            "PREVIEW_LOCATOR": one["locator"],
        }
        assert one["environment"] == calls | about_itself


def test_every_parameter_of_one_preview() -> None:
    catalog = make_catalog(
        {
            "orders": {
                "depends_on": {"payments": {}, "users": {"env": "USERS_API"}},
                "image": {"name": "ghcr.io/acme/orders", "tag": "pr-{number}-{sha}"},
                "health_path": "/healthz",
                "extra": {"team": "checkout"},
                "seed": {"image": "ghcr.io/acme/seed-db", "datasets": {"default": "2026.11", "minimal": "2026.11-min"}},
            },
            "payments": {"extra": {"tier": "1"}},
            "users": {},
        }
    )
    config = "version: 1\ndependencies: {payments: pr:123}\ndataset: minimal"
    pull_request = make_pull_request(
        12, branch="feature/ABC-1_x", labels=("preview", "it's odd"), author="dependabot[bot]", config=config
    )
    orders = make_repository("acme/orders", pull_request)
    payments = make_repository("acme/payments", make_pull_request(123))

    assert parameters(previews_of(catalog, orders, payments)["preview-orders-12"], catalog) == {
        "number": "12",
        "title": "Faster checkout",
        "branch": "feature/ABC-1_x",
        "branch_slug": "feature-abc-1-x",
        "target_branch": "main",
        "target_branch_slug": "main",
        "head_sha": SHA,
        "head_short_sha": SHA[:8],
        "head_short_sha_7": SHA[:7],
        "author": "dependabot[bot]",
        "labels": ["preview", "it's odd"],
        "name": "preview-orders-12",
        "namespace": "preview-orders-12",
        "service": "orders",
        "profile": "backend",
        "path": "manifests/apps/backend/overlays/preview",
        "port": "8000",
        "health_path": "/healthz",
        "repository": "acme/orders",
        "repository_owner": "acme",
        "repository_name": "orders",
        "repository_url": "https://github.com/acme/orders",
        "pull_request_url": "https://github.com/acme/orders/pull/12",
        "locator": "acme/orders#12",
        "author_slug": "dependabot-bot",
        "origin": "same-repository",
        "host": "orders-12.preview.example.com",
        "url": "https://orders-12.preview.example.com",
        "deploy_sha": SHA,
        "image_name": "ghcr.io/acme/orders",
        "image_tag": f"pr-12-{SHA}",
        "image": f"ghcr.io/acme/orders:pr-12-{SHA}",
        "state": "active",
        "state_reason": 'it has the label "preview"',
        "replicas": "1",
        "expires_at": "",
        "dependencies": [
            {
                "service": "payments",
                "env": "PAYMENTS_URL",
                "url": "http://app.preview-payments-123.svc.cluster.local",
                "target": "preview",
                "namespace": "preview-payments-123",
                "locator": "acme/payments#123",
                "rule": "config",
                "reason": "acme/payments#123 is live",
            },
            {
                "service": "users",
                "env": "USERS_API",
                "url": "http://app.staging-users.svc.cluster.local",
                "target": "staging",
                "namespace": "",
                "locator": "",
                "rule": "default",
                "reason": "nothing else was asked for",
            },
        ],
        "environment": {
            "PAYMENTS_URL": "http://app.preview-payments-123.svc.cluster.local",
            "USERS_API": "http://app.staging-users.svc.cluster.local",
            "PUBLIC_URL": "https://orders-12.preview.example.com",
            "PREVIEW_DOMAIN": "preview.example.com",
            "PREVIEW_LOCATOR": "acme/orders#12",
        },
        "environment_patch": (
            '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"environment"},"data":'
            '{"PAYMENTS_URL":"http://app.preview-payments-123.svc.cluster.local",'
            '"USERS_API":"http://app.staging-users.svc.cluster.local",'
            '"PUBLIC_URL":"https://orders-12.preview.example.com",'
            '"PREVIEW_DOMAIN":"preview.example.com","PREVIEW_LOCATOR":"acme/orders#12"}}'
        ),
        "dataset": "minimal",
        "seed_image": "ghcr.io/acme/seed-db:2026.11-min",
        "extra": {"team": "checkout", "tier": ""},
        "config_error": "",
    }


def test_the_dataset_is_empty_without_a_seed_and_default_with_one() -> None:
    seed = {"image": "ghcr.io/acme/seed-db", "datasets": {"default": "2026.11"}}
    catalog = make_catalog({"orders": {"seed": seed}, "users": {}})
    repositories = [make_repository(f"acme/{name}", make_pull_request(1)) for name in ("orders", "users")]
    found = {name: parameters(preview, catalog) for name, preview in previews_of(catalog, *repositories).items()}

    assert {name: (one["dataset"], one["seed_image"]) for name, one in found.items()} == {
        "preview-orders-1": ("default", "ghcr.io/acme/seed-db:2026.11"),
        "preview-users-1": ("", ""),
    }


def test_parameters_made_of_what_a_service_lacks_are_empty() -> None:
    text = "version: 1\ndomain: preview.example.com\nservices: {library: {repository: acme/library}}\n"
    catalog = load_catalog(text, "catalog.yaml")
    same, fork = make_pull_request(1), make_pull_request(2, fork=True)
    found = previews_of(catalog, make_repository("acme/library", same, fork))

    for preview in found.values():
        one = parameters(preview, catalog)
        assert [name for name, value in one.items() if value == ""] == [
            *("profile", "path", "port", "image_name", "image_tag", "image"),
            *("expires_at", "dataset", "seed_image", "config_error"),
        ]


def test_a_paused_preview_has_no_replicas() -> None:
    catalog = make_catalog({"orders": {}})
    active = previews_of(catalog, make_repository("acme/orders", make_pull_request(1)))["preview-orders-1"]
    paused = parameters(replace(active, verdict=Verdict(State.PAUSED, "nobody works at night")), catalog)

    assert (paused["state"], paused["state_reason"], paused["replicas"]) == ("paused", "nobody works at night", "0")


def test_a_fork_has_its_own_name_overlay_and_approved_commit() -> None:
    catalog = make_catalog({"orders": {"overlay": "special"}})
    fork = make_repository("acme/orders", make_pull_request(12, fork=True))
    approved = "f" * 40
    preview = previews_of(catalog, fork)["fork-preview-orders-12"]
    one = parameters(replace(preview, verdict=Verdict(State.ACTIVE, "somebody approved it", approved)), catalog)

    assert (one["origin"], one["namespace"]) == ("fork", "fork-preview-orders-12")
    assert one["path"] == "manifests/apps/backend/overlays/preview-fork"
    assert one["image"] == f"ghcr.io/acme/orders:{approved}"
    assert {one[key] for key in ("head_sha", "deploy_sha")} == {approved}
    assert SHA[:7] not in json.dumps(one)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("{sha}", SHA),
        ("sha-{short_sha}", f"sha-{SHA[:7]}"),  # the default of docker/metadata-action
        ("pr-{number}-{short_sha}-{sha}", f"pr-12-{SHA[:7]}-{SHA}"),
    ],
)
def test_an_image_tag_is_filled_in(tag: str, expected: str) -> None:
    catalog = make_catalog({"orders": {}})
    orders = previews_of(catalog, make_repository("acme/orders", make_pull_request(12)))["preview-orders-12"]
    one = parameters(replace(orders, service=replace(orders.service, image_tag=tag)), catalog)

    assert (one["image_tag"], one["image"]) == (expected, f"ghcr.io/acme/orders:{expected}")


def test_an_approved_commit_is_in_the_image_tag_of_a_fork() -> None:
    catalog = make_catalog({"orders": {}})
    fork = previews_of(catalog, make_repository("acme/orders", make_pull_request(12, fork=True)))
    service = replace(catalog.services["orders"], image_tag="{short_sha}")
    verdict = Verdict(State.ACTIVE, "somebody approved it", "f" * 40)
    one = parameters(replace(fork["fork-preview-orders-12"], service=service, verdict=verdict), catalog)

    assert one["image_tag"] == "f" * 7

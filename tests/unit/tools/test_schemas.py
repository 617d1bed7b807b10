"""The schemas for editors: current, and in agreement with the models about what is valid."""

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # its stubs would be one more package
import pytest
import yaml

from plugin.sources.file import load_organisation
from tests.builders import catalog_text, service_entry
from tools.schemas import FOLDER, MODELS, schema

ROOT = Path(__file__).parents[3]
ACME = ROOT / "examples/acme"


def complaints(name: str, content: Any) -> list[str]:
    validator = jsonschema.Draft202012Validator(json.loads((FOLDER / name).read_text("utf-8")))
    return [error.message for error in validator.iter_errors(content)]


@pytest.mark.parametrize("name", MODELS)
def test_the_schema_is_current(name: str) -> None:
    assert (FOLDER / name).read_text("utf-8") == schema(name), "run: make schemas"


@pytest.mark.parametrize("name", MODELS)
def test_the_schema_is_one(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(schema(name)))


def test_the_demo_catalog_is_accepted() -> None:
    assert complaints("catalog.schema.json", yaml.safe_load((ACME / "catalog.yaml").read_text("utf-8"))) == []


def test_a_life_is_accepted_with_every_key_and_where_it_is_switched_off() -> None:
    plan: dict[str, Any] = {
        "ready_when": {"check": "preview / Image", "app": "github-actions"},
        "pause_after": "12h",
        "hours": "Mon-Fri 07:00-20:00 Europe/Berlin",
        "awake": "2h",
        "expire_after": "7d",
        "extend": "24h",
        "max_age": "30d",
        "warn": "4h",
        "keep": "preview/keep",
    }
    off: dict[str, Any] = dict.fromkeys(
        ("ready_when", "pause_after", "hours", "expire_after", "max_age", "keep"), "off"
    )
    empty: dict[str, Any] = dict.fromkeys(plan)
    text = catalog_text(
        {"orders": {"lifecycle": off}, "users": {"lifecycle": empty}}
        | {"library": {"lifecycle": {"ready_when": {"image": True}}}},
        defaults={"lifecycle": plan},
        limits={"total": 40, "per_repository": 10, "per_author": None, "per_bot": 0},
        traffic={"prometheus": "http://prometheus.monitoring:9090", "query": "up", "label": "exported_namespace"},
    )

    assert complaints("catalog.schema.json", json.loads(text)) == []
    shorter = {
        "version": 1,
        "lifecycle": {"pause_after": "1h"},
        "services": {"a": {"lifecycle": {"expire_after": None}}},
    }
    assert complaints("preview.schema.json", shorter) == []


def test_both_forms_of_depends_on_are_accepted() -> None:
    short, long = ["users"], {"users": {"env": "USERS_API", "endpoint": "public"}}
    text = catalog_text({"orders": {"depends_on": short}, "shop": {"depends_on": long}, "users": {}})

    assert complaints("catalog.schema.json", json.loads(text)) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("preview.schema.json", "version: 1\ndependencies:\ndataset:\nservices:\n  orders:\n"),
        (
            "catalog.schema.json",
            catalog_text(
                {
                    "orders": {"depends_on": {"users": None}, "labels": None, "seed": None, "drafts": None},
                    "users": {"extra": None, "labels": {"require": None}, "depends_on": None, "link": None},
                },
                defaults=None,
                prefix=None,
                allowed_hosts=None,
            ),
        ),
    ],
)
def test_keys_without_a_value_are_accepted(name: str, text: str) -> None:
    assert complaints(name, yaml.safe_load(text)) == []


def test_the_configs_of_the_demo_are_accepted() -> None:
    organisation = load_organisation(ACME / "organisation.yaml")
    configs = [
        pull_request.config
        for repository in organisation.repositories.values()
        for pull_request in repository.pull_requests
        if pull_request.config
    ]

    assert len(configs) >= 4
    assert [complaints("preview.schema.json", yaml.safe_load(config)) for config in configs] == [[]] * len(configs)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("preview.schema.json", {}),
        ("preview.schema.json", {"version": 2}),
        ("preview.schema.json", {"version": 1, "namespace": "kube-system"}),
        ("preview.schema.json", {"version": 1, "dependencies": {"payments": 123}}),
        ("preview.schema.json", {"version": 1, "lifecycle": {"max_age": "1d"}}),
        ("preview.schema.json", {"version": 1, "lifecycle": {"pause_after": "off"}}),
        ("preview.schema.json", {"version": 1, "lifecycle": {"expire_after": 12}}),
        ("catalog.schema.json", {"version": 1, "domain": "a.example.com", "services": {}}),
        *(
            ("catalog.schema.json", json.loads(catalog_text({"orders": {"lifecycle": life}})))
            for life in ({"warn": "off"}, {"pause_after": "1.5h"}, {"hours": 7}, {"ready_when": {"chek": "a"}})
        ),
        (
            "catalog.schema.json",
            {"version": 1, "domain": "a.example.com", "services": {"orders": service_entry("orders", ttl="7d")}},
        ),
    ],
)
def test_mistakes_are_seen_by_an_editor(name: str, content: Any) -> None:
    assert complaints(name, content) != []

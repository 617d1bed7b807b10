"""The reference is complete and right: its tables are compared with the code."""

import json
import re
from datetime import timedelta
from typing import Any

from prometheus_client import Counter
from pydantic.fields import FieldInfo

from plugin.app import make_app, make_plugin
from plugin.core.config.catalog import load_catalog
from plugin.core.config.catalog_file import CatalogFile, DefaultsFile, ServiceFile
from plugin.core.config.lifecycle import AWAKE, EXTEND, WARN
from plugin.core.config.lifecycle_file import LifecycleFile, LimitsFile, TrafficFile
from plugin.core.config.references import parse_reference
from plugin.core.decision.links import LinkRule
from plugin.metrics import Metrics
from plugin.setting_values import SHORTEST_SECRET
from plugin.settings import SECRETS, Settings, load_settings, variable
from plugin.state.opening import open_state
from tests.docs.pages import ACME, COMMANDS, run_in_the_demo, section, tables

PAGE = "docs/reference.md"


def test_every_key_of_the_catalog_is_explained() -> None:
    (rows,) = tables(section(PAGE, "Catalog"))
    text = "".join(f"{key} {meaning}\n" for key, meaning, _ in rows)
    keys = {*CatalogFile.model_fields, *DefaultsFile.model_fields, *ServiceFile.model_fields} - {"version", "services"}

    assert {key for key in keys if not re.search(rf"\b{key}\b", text)} == set()


def test_every_key_of_the_lifecycle_is_explained() -> None:
    (rows,) = tables(section(PAGE, "Lifecycle"))
    defaults = {"awake": AWAKE, "extend": EXTEND, "warn": WARN}

    assert [key for key, _, _ in rows] == [f"`{key}`" for key in LifecycleFile.model_fields]
    assert {key: default for key, _, default in rows if default != "off"} == {
        f"`{key}`": f"`{time // timedelta(hours=1)}h`" for key, time in defaults.items()
    }


def test_every_limit_and_every_key_of_traffic_is_explained() -> None:
    (rows,) = tables(section(PAGE, "Catalog"))
    meanings = {key: meaning for key, meaning, _ in rows}

    for key, model in (("`limits`", LimitsFile), ("`traffic`", TrafficFile)):
        assert {name for name in model.model_fields if f"`{name}`" not in meanings[key]} == set()


def test_the_example_of_a_lifecycle_is_a_valid_catalog() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", section(PAGE, "Lifecycle"), re.DOTALL)
    catalog = load_catalog(text, PAGE)

    assert catalog.limits.limit
    assert catalog.traffic
    assert catalog.services["orders"].lifecycle.plans
    assert catalog.services["library"].lifecycle.ready_when is None


def test_required_keys_are_marked() -> None:
    (rows,) = tables(section(PAGE, "Catalog"))
    required = {re.sub(r".*\.|`", "", key) for key, _, default in rows if default == "required"}
    fields = {**CatalogFile.model_fields, **ServiceFile.model_fields}

    assert required == {name for name, field in fields.items() if field.is_required()} - {"version", "services"}


def test_every_target_and_every_rule_is_explained() -> None:
    targets, rules = tables(section(PAGE, "`.preview.yaml`"))

    assert [row[0].strip("`") for row in rules] == [rule.value for rule in LinkRule]
    assert [type(parse_reference(row[0].strip("`"))).__name__ for row in targets] == [
        "Staging",
        "PullRequestReference",
        "PullRequestReference",
        "Branch",
        "SameBranch",
        "Url",
    ]


def test_the_parameter_table_matches_the_parameters() -> None:
    result = run_in_the_demo("preview-plugin params --service orders")
    (parameters,) = (p for p in json.loads(result.stdout)["output"]["parameters"] if p["number"] == "15")
    (rows,) = tables(section(PAGE, "Parameters"))

    assert [name for name, _ in rows] == [f"`{name}`" for name in parameters]
    assert {name: example for name, example in rows if example.startswith("`") and " as a patch" not in example} == {
        f"`{name}`": shown(value)
        for name, value in parameters.items()
        if name != "environment_patch" and (isinstance(value, str) or name == "labels")
    }


def shown(value: Any) -> str:
    return f"`{value or ' '}`" if isinstance(value, str) else f"`{json.dumps(value)}`"


def test_the_settings_table_matches_the_settings() -> None:
    expected = [
        [f"`{variable(name)}`", f"{field.description}{' (secret)' if name in SECRETS else ''}", default(field)]
        for name, field in Settings.model_fields.items()
    ]

    assert tables(section(PAGE, "Settings")) == [expected]


def default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    return "none" if field.default is None else f"`{field.default}`"


def test_the_metrics_table_matches_the_metrics() -> None:
    found = [(name, one) for name, one in vars(Metrics()).items() if name != "registry"]
    expected = []
    for _, one in found:
        (family,) = one.describe()
        name = f"{family.name}_total" if isinstance(one, Counter) else family.name
        labels = ", ".join(f"`{label}`" for label in one._labelnames)  # noqa: SLF001  the client has no public way
        expected.append([f"`{name}`", labels, family.documentation])

    assert tables(section(PAGE, "Metrics")) == [expected]


def test_the_routes_are_those_of_the_server() -> None:
    (rows,) = tables(section(PAGE, "HTTP"))
    documented = [path for row in rows for path in re.findall(r"`(?:[A-Z]+ )?(/[^`]+)`", row[0])]
    settings = load_settings(
        Settings,
        ACME
        | {
            "PREVIEW_TOKEN": "token",
            "PREVIEW_READ_TOKEN": "read-token",
            "PREVIEW_WEBHOOK_SECRET": "s" * SHORTEST_SECRET,
            "PREVIEW_NOTIFICATIONS_TOKEN": "notifications-token",
        },
    )
    app = make_app(settings, make_plugin(settings, open_state("memory")), Metrics())
    served = [re.sub(r"<\w+:", "<", str(rule)) for rule in app.url_map.iter_rules()]

    assert sorted(documented) == sorted(served)


def test_the_table_of_commands_is_complete() -> None:
    (rows,) = tables(section(PAGE, "Command line"))

    assert {row[0].split()[1].strip("`") for row in rows} == {*COMMANDS}

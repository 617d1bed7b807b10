"""Alerts and dashboard, checked by promtool and compared with the metrics of the plugin."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from plugin.core.answers.history import EventKind
from plugin.core.config.durations import parse_duration
from plugin.metrics import Metrics
from plugin.settings import Settings, variable
from tests.manifests.installed import one
from tests.server import PATH
from tools.rendering import ROOT, Objects, tool

CASES = ROOT / "tests/manifests/alerts.yaml"
SCRAPED = {"job", "instance"}  # labels that Prometheus itself puts on every series
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}
WIDTH = 24  # columns of a dashboard

Series = dict[str, tuple[str, set[str]]]  # name -> kind of metric, labels


@pytest.fixture(name="rules", scope="module")
def _rules(monitored: Objects) -> list[dict[str, Any]]:
    (group,) = one(monitored, "PrometheusRule")["spec"]["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


@pytest.fixture(name="dashboard", scope="module")
def _dashboard(monitored: Objects) -> dict[str, Any]:
    (text,) = one(monitored, "ConfigMap", "preview-plugin-dashboard")["data"].values()
    dashboard: dict[str, Any] = json.loads(text)
    return dashboard


@pytest.fixture(name="series", scope="module")
def _series() -> Series:
    """What Prometheus scrapes from the plugin."""
    metrics = Metrics()
    families = {family.name: family.type for family in metrics.registry.collect()}
    own = [metric for metric in vars(metrics).values() if isinstance(metric, MetricWrapperBase)]
    labels = {metric._name: set(metric._labelnames) for metric in own}  # noqa: SLF001  nothing public tells
    return {
        f"{name}{suffix}": (kind, labels[name] | ({"le"} if suffix == "_bucket" else set()))
        for name, kind in families.items()
        for suffix in SUFFIXES[kind]
    }


def promtool(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([tool("get-promtool"), *arguments], capture_output=True, text=True, check=False)


def write(file: Path, rules: Iterable[dict[str, Any]]) -> Path:
    file.write_text(yaml.safe_dump({"groups": [{"name": "preview-plugin", "rules": list(rules)}]}), "utf-8")
    return file


def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = dashboard["panels"]
    return found


def shown(dashboard: dict[str, Any]) -> list[str]:
    """Return the expressions of all panels, with Grafana's own variable replaced."""
    return [
        target["expr"].replace("$__rate_interval", "5m") for panel in panels(dashboard) for target in panel["targets"]
    ]


@pytest.fixture(name="expressions", scope="module")
def _expressions(rules: list[dict[str, Any]], dashboard: dict[str, Any]) -> list[str]:
    return [rule["expr"] for rule in rules] + shown(dashboard)


def test_promtool_accepts_the_rules(rules: list[dict[str, Any]], tmp_path: Path) -> None:
    result = promtool("check", "rules", write(tmp_path / "rules.yaml", rules))

    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{len(rules)} rules found" in result.stdout


def test_alerts_fire_as_expected(rules: list[dict[str, Any]], tmp_path: Path) -> None:
    write(
        tmp_path / "rules.yaml",
        [rule | {"annotations": {"summary": rule["annotations"]["summary"]}} for rule in rules],
    )
    shutil.copy(CASES, tmp_path)
    result = promtool("test", "rules", tmp_path / CASES.name)

    assert result.returncode == 0, result.stdout + result.stderr


def test_every_alert_has_a_case_that_fires_and_one_that_does_not(rules: list[dict[str, Any]]) -> None:
    alerts = {(rule["alert"], rule["labels"]["severity"]) for rule in rules}
    checks = [check for case in yaml.safe_load(CASES.read_text("utf-8"))["tests"] for check in case["alert_rule_test"]]
    fire = {(check["alertname"], alert["exp_labels"]["severity"]) for check in checks for alert in check["exp_alerts"]}
    quiet = {(check["alertname"], severity) for check in checks for severity in _missing(check, alerts)}

    assert fire == alerts
    assert quiet == alerts


def _missing(check: dict[str, Any], alerts: set[tuple[str, str]]) -> set[str]:
    """Return the severities of an alert that a check says are quiet."""
    expected = {alert["exp_labels"]["severity"] for alert in check["exp_alerts"]}
    return {severity for alert, severity in alerts if alert == check["alertname"]} - expected


def test_every_alert_has_a_summary_and_a_description(rules: list[dict[str, Any]]) -> None:
    settings = {variable(name) for name in Settings.model_fields}
    for rule in rules:
        summary, description = rule["annotations"]["summary"], rule["annotations"]["description"]
        assert set(rule["annotations"]) == {"summary", "description"}
        assert set(rule["labels"]) == {"severity"}
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert len(summary) <= 100, summary
        assert description.endswith("."), description
        assert set(re.findall(r"PREVIEW_[A-Z_]+", description)) <= settings, description


def test_staleness_alerts_fire_before_answers_end(rules: list[dict[str, Any]]) -> None:
    ages = {
        rule["labels"]["severity"]: int(rule["expr"].rpartition("> ")[2])
        for rule in rules
        if rule["alert"] == "PreviewSnapshotStale"
    }
    end = parse_duration(Settings.model_fields["max_stale"].default).total_seconds()

    assert ages["warning"] < ages["critical"] < end


def test_expressions_use_metrics_that_exist_by_their_type(expressions: list[str], series: Series) -> None:
    for expression in expressions:
        for before, name in re.findall(r"(\w*\(?)\b(preview_\w+)\b", expression):
            assert name in series, expression
            kind, _ = series[name]
            assert (before in {"rate(", "increase("}) == (kind != "gauge"), expression


def test_expressions_use_labels_that_their_metrics_have(expressions: list[str], series: Series) -> None:
    for expression in expressions:
        named = re.findall(r"\b(preview_\w+)(?:\{([^}]*)\})?", expression)
        for name, matchers in named:
            assert set(re.findall(r"(\w+)(?:=|!=|=~|!~)\"", matchers)) <= series[name][1] | SCRAPED, expression
        _, everywhere = series[named[0][0]] if named else ("", set())
        for grouped in re.findall(r"\bby \(([\w, ]+)\)", expression):
            assert set(grouped.split(", ")) <= everywhere | SCRAPED, expression


def test_expressions_use_label_values_that_the_plugin_sets(expressions: list[str], monitored: Objects) -> None:
    values = dict[str, set[str]]()
    for label, value in re.findall(r"(\w+)!?=\"([^\"]*)\"", " ".join(expressions)):
        values.setdefault(label, set()).add(value)

    assert values == {
        "by": {"breaker", "confirm"},
        "event": {EventKind.CREATED.value},
        "job": {one(monitored, "Service")["metadata"]["name"]},  # as the operator names it
        "result": {"accepted", "failed", "forbidden", "refused", "sent", "written"},
        "route": {PATH},
        "status": {"200"},
    }


def test_the_dashboard_has_the_label_of_the_sidecar(monitored: Objects) -> None:
    config = one(monitored, "ConfigMap", "preview-plugin-dashboard")

    assert config["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert [name.endswith(".json") for name in config["data"]] == [True]


def test_promtool_accepts_the_expressions_of_the_dashboard(dashboard: dict[str, Any], tmp_path: Path) -> None:
    recorded = [{"record": f"panel:{index}", "expr": expr} for index, expr in enumerate(shown(dashboard))]
    result = promtool("check", "rules", write(tmp_path / "rules.yaml", recorded))

    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{len(recorded)} rules found" in result.stdout


def test_the_dashboard_works_with_any_data_source_name(dashboard: dict[str, Any]) -> None:
    (chosen,) = dashboard["templating"]["list"]
    reference = {"type": chosen["query"], "uid": f"${{{chosen['name']}}}"}

    assert (chosen["type"], chosen["query"]) == ("datasource", "prometheus")
    for panel in panels(dashboard):
        assert [found["datasource"] for found in (panel, *panel["targets"])] == [reference] * (
            1 + len(panel["targets"])
        )


def test_panels_have_unique_ids_and_do_not_overlap(dashboard: dict[str, Any]) -> None:
    ids = [panel["id"] for panel in panels(dashboard)]

    assert len(set(ids)) == len(ids)
    for panel in panels(dashboard):
        place = panel["gridPos"]
        assert place["x"] >= 0, panel["title"]
        assert place["x"] + place["w"] <= WIDTH, panel["title"]
        assert [target["refId"] for target in panel["targets"]] == sorted({t["refId"] for t in panel["targets"]})
    for left, right in combinations(panels(dashboard), 2):
        assert not set(_cells(left)) & set(_cells(right)), f"{left['title']} and {right['title']}"


def test_every_panel_has_a_title_and_a_description(dashboard: dict[str, Any]) -> None:
    titles = [panel["title"] for panel in panels(dashboard)]

    assert len(set(titles)) == len(titles)
    assert all(panel["description"].endswith(".") for panel in panels(dashboard))
    assert all(panel["fieldConfig"]["defaults"]["unit"] for panel in panels(dashboard))


def _cells(panel: dict[str, Any]) -> Iterator[tuple[int, int]]:
    place = panel["gridPos"]
    for x in range(place["x"], place["x"] + place["w"]):
        for y in range(place["y"], place["y"] + place["h"]):
            yield x, y

import time
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.core.config.catalog import load_catalog
from plugin.core.config.hours import parse_hours
from plugin.core.config.lifecycle import (
    NO_LIFECYCLE,
    NO_LIMITS,
    CheckGate,
    ImageGate,
    Lifecycle,
    Limits,
    Traffic,
)
from plugin.core.config.lifecycle_file import LifecycleFile
from plugin.core.config.validation import MAX_SUGGESTIONS
from plugin.errors import InvalidFile
from tests.builders import WORST_INPUT, catalog_text, make_catalog

HOURS, DAYS = timedelta(hours=1), timedelta(days=1)
OFFICE = "Mon-Fri 07:00-20:00 Europe/Berlin"
EVERYTHING: dict[str, Any] = {
    "ready_when": {"check": "preview / Image"},
    "pause_after": "12h",
    "hours": OFFICE,
    "awake": "3h",
    "expire_after": "7d",
    "extend": "2d",
    "max_age": "30d",
    "warn": "90m",
    "keep": "preview/keep",
}
PLAN = Lifecycle(
    ready_when=CheckGate("preview / Image"),
    pause_after=12 * HOURS,
    hours=parse_hours(OFFICE),
    awake=3 * HOURS,
    expire_after=7 * DAYS,
    extend=2 * DAYS,
    max_age=30 * DAYS,
    warn=timedelta(minutes=90),
    keep="preview/keep",
)
SWITCHED_OFF: dict[str, Any] = {
    **dict.fromkeys(("ready_when", "pause_after", "hours", "expire_after", "max_age")),
    "keep": "",
}
NO_URL = "is not an http or https URL that consists of a host and, optionally, a port and a path"
TRAFFIC = {"prometheus": "http://prometheus.monitoring:9090/main", "query": "sum by (n) (x)\n", "label": "n"}


def planned(own: Any = None, defaults: Any = None) -> Lifecycle:
    catalog = make_catalog({"orders": {"lifecycle": own}}, defaults={"lifecycle": defaults})
    return catalog.services["orders"].lifecycle


def mistakes(own: Any = None, defaults: Any = None, entry: Any = None, **given: Any) -> list[str]:
    """The mistakes without file and line: `field: message`."""
    text = catalog_text({"orders": {"lifecycle": own} | (entry or {})}, defaults={"lifecycle": defaults}, **given)
    with pytest.raises(InvalidFile) as error:
        load_catalog(text, "catalog.yaml")
    return [f"{problem.field}: {problem.message}" for problem in error.value.problems]


def test_without_a_key_every_rule_is_off() -> None:
    catalog = make_catalog({"orders": {}})

    assert (catalog.services["orders"].lifecycle, catalog.limits, catalog.traffic) == (NO_LIFECYCLE, NO_LIMITS, None)
    assert not NO_LIFECYCLE.plans
    assert (NO_LIFECYCLE.awake, NO_LIFECYCLE.extend, NO_LIFECYCLE.warn) == (2 * HOURS, 24 * HOURS, 4 * HOURS)


def test_every_key_of_the_lifecycle() -> None:
    assert EVERYTHING.keys() == LifecycleFile.model_fields.keys()
    assert planned(defaults=EVERYTHING) == planned(EVERYTHING) == PLAN


@pytest.mark.parametrize("key", EVERYTHING)
def test_a_service_overrides_each_key_by_itself(key: str) -> None:
    others = {
        "ready_when": ({"image": True}, ImageGate()),
        "hours": ("Sat 10:00-14:00 UTC", parse_hours("Sat 10:00-14:00 UTC")),
        "keep": ("stay", "stay"),
    }
    written, read = others.get(key, ("5h", 5 * HOURS))

    assert planned({key: written}, EVERYTHING) == replaced({key: read})
    assert planned({key: None}, EVERYTHING) == PLAN


def replaced(values: dict[str, Any]) -> Lifecycle:
    return Lifecycle(**{name: getattr(PLAN, name) for name in EVERYTHING} | values)


@pytest.mark.parametrize("key", SWITCHED_OFF)
def test_off_switches_one_default_off(key: str) -> None:
    assert planned({key: "off"}, EVERYTHING) == replaced({key: SWITCHED_OFF[key]})
    assert planned({key: "off"}) == NO_LIFECYCLE
    assert planned(EVERYTHING, {key: "off"}) == PLAN


@pytest.mark.parametrize("key", sorted(EVERYTHING.keys() - SWITCHED_OFF.keys()))
def test_times_that_are_always_there_cannot_be_switched_off(key: str) -> None:
    (mistake,) = mistakes({key: "off"})

    assert mistake.startswith(f'services.orders.lifecycle.{key}: "off" is not a duration: ')


def test_the_other_services_keep_the_defaults() -> None:
    catalog = make_catalog(
        {"orders": {"lifecycle": {"max_age": "off"}}, "users": {}, "shop": {"lifecycle": None}},
        defaults={"lifecycle": EVERYTHING},
    )

    assert [catalog.services[name].lifecycle == PLAN for name in ("orders", "users", "shop")] == [False, True, True]


@pytest.mark.parametrize(
    ("written", "gate"),
    [
        ({"check": "build"}, CheckGate("build")),
        ({"check": "Build (amd64) / image"}, CheckGate("Build (amd64) / image")),
        ({"check": "preview"}, CheckGate("preview")),
        ({"check": "build", "app": "github-actions"}, CheckGate("build", "github-actions")),
        ({"check": "build", "app": None, "image": None}, CheckGate("build")),
        ({"image": True}, ImageGate()),
    ],
)
def test_gates(written: Any, gate: Any) -> None:
    assert planned({"ready_when": written}).ready_when == gate


OURS = "is what the plugin itself reports; name a check of the application's own workflow"
NO_APP = "is not the name of a GitHub App in its URL, for example github-actions"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({}, "ready_when: must name either check: NAME or image: true"),
        ({"image": False}, "ready_when: must name either check: NAME or image: true"),
        ({"app": "github-actions"}, "ready_when: must name either check: NAME or image: true"),
        ({"check": "a", "image": True}, "ready_when: must name either check: NAME or image: true"),
        ({"image": True, "app": "github-actions"}, "ready_when: app belongs to check; remove it"),
        ({"check": ""}, "ready_when.check: must not be empty"),
        ({"check": 1}, "ready_when.check: must be a string; put it in quotes"),
        ({"check": "preview/orders"}, f'ready_when.check: "preview/orders" {OURS}'),
        ({"check": "Preview/x"}, f'ready_when.check: "Preview/x" {OURS}'),
        ({"check": "a", "app": "GitHub Actions"}, f'ready_when.app: "GitHub Actions" {NO_APP}'),
        ({"image": "yes"}, "ready_when.image: must be true or false"),
        ({"chek": "a"}, 'ready_when.chek: is not a known key; did you mean "check"?'),
        ("image", "ready_when: must be a map (name: value)"),
    ],
)
def test_gates_that_are_refused(written: Any, expected: str) -> None:
    assert mistakes({"ready_when": written}) == [f"services.orders.lifecycle.{expected}"]


NO_IMAGE = "waits for the image, but the service has none: add image, or write ready_when: off"
ONE_TAG = "is no tag of one commit: put {sha} into it"


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (None, NO_IMAGE),
        ({"name": "a", "tag": "{number}"}, f'waits for the image, but "{{number}}" {ONE_TAG}'),
        ({"name": "a", "tag": "latest"}, f'waits for the image, but "latest" {ONE_TAG}'),
    ],
)
def test_waiting_for_an_image_needs_one_for_each_commit(image: Any, expected: str) -> None:
    gate = {"ready_when": {"image": True}}
    expected = f"services.orders.lifecycle.ready_when: {expected}"

    assert mistakes(gate, entry={"image": image}) == [expected]
    assert mistakes(None, gate, entry={"image": image}) == [expected]
    make_catalog(
        {"orders": {"image": image, "lifecycle": {"ready_when": "off"}}, "users": {}}, defaults={"lifecycle": gate}
    )


@pytest.mark.parametrize("tag", ["{sha}", "{short_sha}", "pr-{number}-{short_sha}"])
def test_waiting_for_the_image_of_a_commit(tag: str) -> None:
    entry = {"image": {"name": "a", "tag": tag}, "lifecycle": {"ready_when": {"image": True}}}

    assert make_catalog({"orders": entry}).services["orders"].lifecycle.ready_when == ImageGate()


@pytest.mark.parametrize("keep", ["preview", "Preview", "no-preview", "NO-PREVIEW"])
def test_the_label_that_keeps_must_not_have_another_meaning(keep: str) -> None:
    labels = {"labels": {"skip": ["no-preview"]}}
    expected = f'services.orders.lifecycle.keep: "{keep}" also decides who gets a preview; choose another label'

    assert mistakes({"keep": keep}, entry=labels) == [expected]
    assert mistakes(None, {"keep": keep}, entry=labels) == [expected]


def test_the_label_that_keeps_need_not_be_listed() -> None:
    catalog = make_catalog({"orders": {"lifecycle": {"keep": "stay"}}})

    assert catalog.listed_labels == {"acme/orders": frozenset({"preview"})}


SHORTER = "is shorter than warn (default 4h), so it could not be announced in time; set a shorter warn"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"expire_after": "239m"}, ["expire_after"]),
        ({"expire_after": "2h", "max_age": "3h"}, ["expire_after", "max_age"]),
        ({"expire_after": "1d", "warn": "2d"}, ["expire_after"]),
    ],
)
def test_an_end_that_could_not_be_announced_in_time_is_refused(written: Any, expected: list[str]) -> None:
    assert sorted(mistakes(written)) == [f"services.orders.lifecycle.{key}: {SHORTER}" for key in expected]


@pytest.mark.parametrize("written", [{"expire_after": "4h"}, {"expire_after": "10s", "warn": "10s"}, {"warn": "365d"}])
def test_an_end_that_is_announced_at_once_is_accepted(written: Any) -> None:
    assert planned(written).plans


@given(st.integers(1, 999_999), st.sampled_from("smhdw"), st.sampled_from(["pause_after", "extend"]))
def test_durations_are_bounded(number: int, unit: str, key: str) -> None:
    seconds = number * {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}[unit]
    written = {key: f"{number}{unit}"}
    if 10 <= seconds <= 365 * 86400:
        assert getattr(planned(written), key) == timedelta(seconds=seconds)
    else:
        assert mistakes(written) == [
            f'services.orders.lifecycle.{key}: "{number}{unit}" must be at least 10s and at most 365d'
        ]


@pytest.mark.parametrize(("written", "accepted"), [("10s", True), ("9s", False), ("365d", True), ("366d", False)])
def test_the_shortest_and_the_longest_duration(written: str, *, accepted: bool) -> None:
    try:
        planned({"pause_after": written})
    except InvalidFile:
        assert not accepted
    else:
        assert accepted


NO_DURATION = "is not a duration: write a whole number and one of s, m, h, d, w, for example 30s"


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({"pause_after": 12}, f'pause_after: "12" {NO_DURATION}'),
        ({"pause_after": False}, f'pause_after: "False" {NO_DURATION}'),
        ({"warn": ["4h"]}, f"""warn: "['4h']" {NO_DURATION}"""),
        ({"max_age": "1.5h"}, 'max_age: "1.5h" is not a duration: '),
        ({"hours": 7}, "hours: must be a string, for example Mon-Fri 07:00-20:00 Europe/Berlin"),
        ({"hours": [OFFICE]}, "hours: must be a string, for example Mon-Fri 07:00-20:00 Europe/Berlin"),
        ({"hours": "always"}, 'hours: "always" is not a window: '),
        ({"hours": "Mon 07:00-20:00 Berlin"}, 'hours: "Berlin" is not a time zone; did you mean "Europe/Berlin"?'),
        ({"keep": 3}, "keep: must be a string; put it in quotes"),
        ({"keep": ""}, "keep: must not be empty"),
        ({"expires_after": "7d"}, 'expires_after: is not a known key; did you mean "expire_after"?'),
    ],
)
def test_invalid_values(own: Any, expected: str) -> None:
    for place, found in (("services.orders", mistakes(own)), ("defaults", mistakes(None, own))):
        (mistake,) = found
        assert mistake.startswith(f"{place}.lifecycle.{expected}")


def test_a_mistake_has_its_line() -> None:
    text = """\
version: 1
domain: preview.example.com
defaults:
  lifecycle:
    ready_when: {image: true}
services:
  orders:
    repository: acme/orders
    lifecycle:
      pause_after: 1h
      keep: Preview
"""
    with pytest.raises(InvalidFile) as error:
        load_catalog(text, "catalog.yaml")

    assert str(error.value).splitlines() == [
        f"catalog.yaml:9: services.orders.lifecycle.ready_when: {NO_IMAGE}",
        (
            'catalog.yaml:11: services.orders.lifecycle.keep: "Preview" also decides who gets a preview; '
            "choose another label"
        ),
    ]


def test_limits_and_traffic() -> None:
    catalog = make_catalog({"orders": {}}, limits={"total": 40, "per_bot": 0, "per_author": None}, traffic=TRAFFIC)

    assert catalog.limits == Limits(total=40, per_bot=0)
    assert catalog.traffic == Traffic("http://prometheus.monitoring:9090/main", "sum by (n) (x)", "n")
    full = {"total": 4, "per_repository": 3, "per_author": 2, "per_bot": 1}
    assert make_catalog({"orders": {}}, limits=full).limits == Limits(4, 3, 2, 1)


@pytest.mark.parametrize("given", [{"limits": None, "traffic": None}, {"limits": {}}])
def test_limits_and_traffic_without_a_value(given: Any) -> None:
    catalog = make_catalog({"orders": {}}, **given)

    assert (catalog.limits, catalog.traffic) == (NO_LIMITS, None)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"limits": 40}, "limits: must be a map (name: value)"),
        ({"limits": {"total": -1}}, "limits.total: must be greater than or equal to 0"),
        ({"limits": {"total": "40"}}, "limits.total: must be a whole number"),
        ({"limits": {"per_autor": 1}}, 'limits.per_autor: is not a known key; did you mean "per_author"?'),
        ({"traffic": {}}, "traffic.label: is missing"),
        ({"traffic": TRAFFIC | {"query": " \n"}}, "traffic.query: must not be empty"),
        (
            {"traffic": TRAFFIC | {"label": "exported-namespace"}},
            'traffic.label: "exported-namespace" is not a label of a Prometheus metric, for example namespace',
        ),
        *(
            (
                {"traffic": TRAFFIC | {"prometheus": url}},
                f'traffic.prometheus: "{url}" {NO_URL}',
            )
            for url in ("prometheus:9090", "ftp://a", "http://a?b=c", "http://me:secret@a")
        ),
    ],
)
def test_invalid_limits_and_traffic(given: Any, expected: str) -> None:
    assert mistakes(**given)[0] == expected


def test_a_thousand_wrong_time_zones_take_little_time() -> None:
    wrong = {"lifecycle": {"hours": "Mon-Fri 07:00-20:00 Europe/Berln"}}
    text = catalog_text({f"service-{number}": wrong for number in range(1000)})
    begin = time.process_time()
    with pytest.raises(InvalidFile) as error:
        load_catalog(text, "catalog.yaml")

    assert time.process_time() - begin < WORST_INPUT
    suggested = [problem for problem in error.value.problems if 'did you mean "Europe/Berlin"?' in problem.message]
    assert len(suggested) == MAX_SUGGESTIONS


@pytest.mark.parametrize("key", EVERYTHING)
@pytest.mark.parametrize("piece", ["a", "1", "1h", "Mon 07:00-20:00 UTC, ", " ", "preview/"])
def test_the_longest_value_takes_little_time(key: str, piece: str) -> None:
    text = (piece * 65_536)[:65_536]
    written = {"check": text, "app": f"{text}!"} if key == "ready_when" else text
    begin = time.process_time()
    found = mistakes({key: written}, limits={"total": -1})

    assert len(found) == {"keep": 1, "ready_when": 3 if piece == "preview/" else 2}.get(key, 2)
    assert max(map(len, found)) < 400  # the field and 300 characters
    assert time.process_time() - begin < WORST_INPUT

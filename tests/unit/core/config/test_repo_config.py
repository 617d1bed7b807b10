import time
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.core.config.lifecycle import Shortened
from plugin.core.config.references import Branch, PullRequestReference, Reference, SameBranch, Staging, Url
from plugin.core.config.repo_config import ServiceConfig, links, read_config, read_file
from plugin.core.config.validation import MAX_PROBLEMS, MAX_SUGGESTIONS
from plugin.errors import InvalidFile
from tests.builders import WORST_INPUT, make_catalog
from tests.strategies import SERVICES, config_texts, yaml_like

FORMS = "staging, pr:123, acme/payments#123, a pull request's URL, branch:NAME, same-branch or url:https://..."
NOT_ALLOWED = "is not allowed; allowed hosts: b.example.com:8443, users.dev.example.com"
NOTHING = 'is empty; "#" starts a comment in YAML, so write "pr:123" for pull request 123'
NO_KEY = "is not a known key; there are dependencies, dataset, lifecycle, version, services"
HOURS = timedelta(hours=1)
SEED = {"image": "ghcr.io/acme/seed", "datasets": {"default": "1", "minimal": "2"}}
SHOP = make_catalog(
    {
        "orders": {"depends_on": ["payments", "users"], "seed": SEED},
        "payments": {},
        "users": {},
        # One repository with two services.
        "admin": {"repository": "acme/office", "depends_on": ["reports", "users"]},
        "reports": {"repository": "acme/office", "depends_on": ["users", "payments"], "seed": SEED},
    },
    allowed_hosts=["users.dev.example.com", "b.example.com:8443"],
)


def mistakes(text: str, repository: str = "acme/orders") -> list[str]:
    with pytest.raises(InvalidFile) as error:
        read_config(text, SHOP, repository)
    return [str(problem).removeprefix(".preview.yaml:") for problem in error.value.problems]


def test_every_form_of_a_dependency() -> None:
    text = """\
version: 1
dependencies:
  payments: PAYMENTS
  users: USERS
dataset: minimal
"""
    forms: dict[str, Reference] = {
        "staging": Staging(),
        "pr:123": PullRequestReference(123),
        "acme/payments#123": PullRequestReference(123, "acme/payments"),
        "https://github.com/Acme/Payments/pull/123": PullRequestReference(123, "Acme/Payments"),
        "branch:new-auth": Branch("new-auth"),
        "same-branch": SameBranch(),
        "url:https://b.example.com:8443/v2": Url("https://b.example.com:8443/v2"),
        '"staging"': Staging(),
    }
    for written, reference in forms.items():
        config = read_config(text.replace("PAYMENTS", written).replace("USERS", "staging"), SHOP, "acme/orders")

        assert config == {"orders": ServiceConfig({"payments": reference, "users": Staging()}, "minimal")}


def test_a_service_overrides_the_top_level() -> None:
    text = """\
version: 1
dependencies: {users: pr:1, payments: pr:2}
dataset: minimal
services:
  reports: {dependencies: {payments: staging}, dataset: default}
"""

    assert read_config(text, SHOP, "acme/office") == {
        "admin": ServiceConfig({"users": PullRequestReference(1)}, None),  # admin calls no payments and has no seed
        "reports": ServiceConfig({"users": PullRequestReference(1), "payments": Staging()}, "default"),
    }


def test_the_life_of_a_preview_can_be_shortened() -> None:
    text = """\
version: 1
lifecycle: {pause_after: 2h, expire_after: 1d}
services:
  reports: {lifecycle: {pause_after: 30m}}
"""
    top, own = Shortened(2 * HOURS, 24 * HOURS), Shortened(HOURS / 2, 24 * HOURS)

    assert read_config(text, SHOP, "acme/office") == {
        "admin": ServiceConfig(lifecycle=top),
        "reports": ServiceConfig(lifecycle=own),
    }
    assert read_config(text.replace("reports", "admin"), SHOP, "acme/office") == {
        "admin": ServiceConfig(lifecycle=own),
        "reports": ServiceConfig(lifecycle=top),
    }


@pytest.mark.parametrize(
    "text", ["services:\n  orders: {lifecycle: {expire_after: 10s}}", "lifecycle: {expire_after: 10s}"]
)
def test_what_is_not_shortened_stays_open(text: str) -> None:
    expected = Shortened(expire_after=timedelta(seconds=10))

    assert read_config(f"version: 1\n{text}", SHOP, "acme/orders") == {"orders": ServiceConfig(lifecycle=expected)}


@pytest.mark.parametrize("lifecycle", [None, {"expire_after": "1h"}])
def test_a_longer_life_than_the_catalogs_is_valid_under_every_catalog(lifecycle: Any) -> None:
    catalog = make_catalog({"orders": {"lifecycle": lifecycle and lifecycle | {"warn": "1h"}}})
    config = read_config("version: 1\nlifecycle: {expire_after: 365d, pause_after: 10s}", catalog, "acme/orders")

    assert config["orders"].lifecycle == Shortened(timedelta(seconds=10), timedelta(days=365))


NO_DURATION = "is not a duration: write a whole number and one of s, m, h, d, w, for example 30s"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("lifecycle: off", "lifecycle: must be a map (name: value)"),
        ("lifecycle: {max_age: 1d}", "lifecycle.max_age: is not a known key; there are pause_after, expire_after"),
        ("lifecycle: {keep: a}", "lifecycle.keep: is not a known key; there are pause_after, expire_after"),
        (
            "lifecycle: {expires_after: 1d}",
            'lifecycle.expires_after: is not a known key; did you mean "expire_after"?',
        ),
        ("lifecycle: {pause_after: 12}", f'lifecycle.pause_after: "12" {NO_DURATION}'),
        ("lifecycle: {pause_after: [1h]}", f"""lifecycle.pause_after: "['1h']" {NO_DURATION}"""),
        (
            "lifecycle: {pause_after: off}",
            f'lifecycle.pause_after: "off" {NO_DURATION}',
        ),
        ("lifecycle: {expire_after: 9s}", 'lifecycle.expire_after: "9s" must be at least 10s and at most 365d'),
        (
            "services: {orders: {lifecycle: {expire_after: 53w}}}",
            'services.orders.lifecycle.expire_after: "53w" must be at least 10s and at most 365d',
        ),
    ],
)
def test_a_wrong_life_is_refused(line: str, expected: str) -> None:
    assert mistakes(f"version: 1\n{line}") == [f"2: {expected}"]


@pytest.mark.parametrize("text", ["", "\ufeff", "# only a comment\n", "---\n", "null"])
def test_an_empty_file_asks_for_nothing(text: str) -> None:
    assert read_config(text, SHOP, "acme/office") == {"admin": ServiceConfig(), "reports": ServiceConfig()}
    assert read_file(text) is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("payments: 123", 'dependencies.payments: write "pr:123" for pull request 123'),
        ("payments: 1", 'dependencies.payments: write "pr:1" for pull request 1'),
        ("payments: 0", f"dependencies.payments: must be a string: {FORMS}"),
        ("payments: -5", f"dependencies.payments: must be a string: {FORMS}"),
        ("payments: pr: 123", 'a second ":" on one line; write targets without a space, for example payments: pr:123'),
        ("payments: {pr: 123}", 'dependencies.payments: write "pr:123" without a space'),
        (
            "payments: #123",
            f"dependencies.payments: {NOTHING}",
        ),
        ('payments: "#123"', 'dependencies.payments: "#123" is not a target; did you mean "pr:123"?'),
        ("payments: no", f'dependencies.payments: "no" is not a target: write {FORMS}'),
        ("payments: 0123456", f'dependencies.payments: "0123456" is not a target: write {FORMS}'),
        ("payments: 1:30", f'dependencies.payments: "1:30" is not a target: write {FORMS}'),
        ("payments: true", f"dependencies.payments: must be a string: {FORMS}"),
        ("payments: [pr:123]", f"dependencies.payments: must be a string: {FORMS}"),
        ("paymints: pr:123", 'dependencies.paymints: is not a dependency of orders; did you mean "payments"?'),
        ("reports: pr:123", "dependencies.reports: is not a dependency of orders"),
        (
            "payments: acme/users#5",
            "dependencies.payments: payments is in the repository acme/payments, not in acme/users",
        ),
        (
            "payments: https://github.com/acme/users/pull/5",
            "dependencies.payments: payments is in the repository acme/payments, not in acme/users",
        ),
        (
            "payments: url:https://evil.example.com/x",
            f'dependencies.payments: the host "evil.example.com" {NOT_ALLOWED}',
        ),
        (
            "payments: url:https://payments-7.preview.example.com/x",
            'dependencies.payments: write "pr:7" for the preview of pull request 7',
        ),
        *(
            (f"payments: url:https://{host}", f'dependencies.payments: the host "{host}" {NOT_ALLOWED}')
            for host in ("users-7.preview.example.com", "payments-7.example.com", "payments-x.preview.example.com")
        ),
        (
            "payments: url:https://b.example.com",
            f'dependencies.payments: the host "b.example.com" {NOT_ALLOWED}',
        ),
        (
            "payments: url:https://users.dev.example.com@evil.example.com",
            'dependencies.payments: a "url:" target must not contain a user or a password',
        ),
        ("users: staging\n  users: pr:1", "dependencies.users: duplicate key, first on line 3"),
    ],
)
def test_invalid_dependencies(line: str, message: str) -> None:
    expected_line = 3 + line.count("\n")

    assert mistakes(f"version: 1\ndependencies:\n  {line}\n") == [f"{expected_line}: {message}"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", ["1: version: is missing"]),
        ("version: 2", ["1: version: must be 1, the only version there is"]),
        ("version: '1'", ["1: version: must be a whole number"]),
        ("- version: 1", ["1: must be a map (name: value)"]),
        ("staging", ["1: must be a map (name: value)"]),
        ("version: 1\ndependencies: []", ["2: dependencies: must be a map (name: value)"]),
        ("version: 1\ndependencys: {}", ['2: dependencys: is not a known key; did you mean "dependencies"?']),
        ("version: 1\nnamespace: kube-system", [f"2: namespace: {NO_KEY}"]),
        ("version: 1\nttl: 7d", [f"2: ttl: {NO_KEY}"]),
        ("version: 1\ndataset: 2", ["2: dataset: must be a string; put it in quotes"]),
        ("version: 1\ndataset: big", ['2: dataset: "big" is not a dataset; choose one of default, minimal']),
        (
            "version: 1\nservices: {order: {}}",
            ['2: services.order: is not a service of this repository; did you mean "orders"?'],
        ),
        (
            "version: 1\nservices:\n  orders:\n    datasets: a",
            ['4: services.orders.datasets: is not a known key; did you mean "dataset"?'],
        ),
        (
            'version: 1\n"a\\nb\\0": 1',
            [f"2: a b: {NO_KEY}"],
        ),
    ],
)
def test_what_is_refused(text: str, expected: list[str]) -> None:
    assert mistakes(text) == expected


def test_all_mistakes_are_reported_in_the_order_of_their_lines() -> None:
    text = """\
version: 2
dependencies:
  payments: 7
  users: nowhere
datset: minimal
"""

    assert mistakes(text) == [
        "1: version: must be 1, the only version there is",
        '3: dependencies.payments: write "pr:7" for pull request 7',
        f'4: dependencies.users: "nowhere" is not a target: write {FORMS}',
        '5: datset: is not a known key; did you mean "dataset"?',
    ]


def test_names_are_checked_for_each_service() -> None:
    text = """\
version: 1
services:
  orders: {dependencies: {users: staging}}
  admin:
    dependencies: {payments: pr:1}
    dataset: minimal
dependencies: {orders: pr:1}
dataset: big
"""

    assert mistakes(text, "acme/office") == [
        "3: services.orders: is not a service of this repository",
        "5: services.admin.dependencies.payments: is not a dependency of admin",
        '6: services.admin.dataset: "minimal" is not a dataset; the catalog defines no seed for admin',
        "7: dependencies.orders: is not a dependency of admin or reports",
        '8: dataset: "big" is not a dataset; choose one of default, minimal',
    ]


def test_mistakes_name_the_file() -> None:
    for text in ("[", "version: 2", "version: 1\ndataset: big"):
        with pytest.raises(InvalidFile, match=r"^elsewhere\.yaml:\d: ") as error:
            read_config(text, SHOP, "acme/orders", "elsewhere.yaml")
        assert [problem.file for problem in error.value.problems] == ["elsewhere.yaml"]


def test_a_config_of_a_repository_without_services() -> None:
    assert read_config("version: 1\n", SHOP, "acme/removed") == {}
    assert mistakes("version: 1\nservices: {orders: {}}", "acme/removed") == [
        "2: services.orders: is not a service of this repository"
    ]


def test_without_allowed_hosts_no_url_is_allowed() -> None:
    catalog = make_catalog({"orders": {"depends_on": ["users"]}, "users": {}})

    with pytest.raises(InvalidFile, match=r'the host "a\.example.com" is not allowed; allowed hosts: none$'):
        read_config("version: 1\ndependencies: {users: 'url:https://a.example.com'}", catalog, "acme/orders")


def test_links_to_pull_requests_and_branches() -> None:
    read = read_file("""\
version: 1
dependencies:
  a: staging
  b: pr:1
  c: acme/c#1
  d: branch:x
  e: same-branch
  f: url:https://users.dev.example.com
services:
  orders: {dependencies: {a: pr:2, b: staging}}
""")
    assert read is not None

    assert list(links(read[0])) == [
        ("dependencies", "b"),
        ("dependencies", "c"),
        ("dependencies", "d"),
        ("dependencies", "e"),
        ("services", "orders", "dependencies", "a"),
    ]


circles = make_catalog({name: {"repository": "acme/one", "depends_on": SERVICES} for name in SERVICES})


@given(
    st.text()
    | st.binary().map(lambda content: content.decode("utf-8", "surrogateescape"))
    | yaml_like.map("version: 1\n{}".format)
    | yaml_like.map("version: 1\ndependencies:\n  a: {}".format)
    | config_texts
)
def test_any_text_is_a_config_or_an_invalid_file(text: str) -> None:
    try:
        config = read_config(text, circles, "acme/one")
    except InvalidFile as error:
        problems = error.problems
    else:
        assert list(config) == sorted(SERVICES)
        return
    assert problems
    for problem in problems:
        assert problem.line >= 1
        assert len(problem.message) <= 300
        assert str(problem).isprintable()


@pytest.mark.parametrize(
    "text",
    [
        'version: 1\n"[key]": x\n',
        'version: 1\nservices: {orders: {"[key]": 1}}\n',
        'version: 1\ndependencies: {"[key]": pr:1}\n',
        '"[key]": {"[key]": {"[key]": x}}\n',
    ],
)
def test_a_key_that_looks_like_a_mark_of_pydantic_is_unknown(text: str) -> None:
    with pytest.raises(InvalidFile, match=r"\[key\]"):
        read_config(text, make_catalog({"orders": {}}), "acme/orders")


@pytest.mark.parametrize(
    "text",
    [
        "dependencies:",
        "dependencies:\n#  payments: pr:1",
        "dependencies: ~",
        "dataset:",
        "services:",
        "services:\n  orders:",
        "services:\n  orders:\n    dependencies:\n    dataset:",
        "dependencies:\ndataset: null\nservices:",
        "lifecycle:",
        "lifecycle:\n  pause_after:\n  expire_after: ~",
        "services:\n  orders:\n    lifecycle:",
    ],
)
def test_a_key_without_a_value_means_the_default(text: str) -> None:
    assert read_config(f"version: 1\n{text}\n", SHOP, "acme/orders") == {"orders": ServiceConfig()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("version:", ["1: version: is missing"]),
        ("version: 1\ndependencys:", ['2: dependencys: is not a known key; did you mean "dependencies"?']),
        ("version: 1\ndependencies:\n  payments:", [f"3: dependencies.payments: {NOTHING}"]),
    ],
)
def test_a_key_without_a_value_that_is_a_mistake(text: str, expected: list[str]) -> None:
    assert mistakes(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("dependencies:\n" + "".join(f"  paymints{i}: pr:1\n" for i in range(2400)), id="unknown services"),
        pytest.param("".join(f"dependencys{i}: 1\n" for i in range(2400)), id="unknown keys"),
        pytest.param("dependencies:\n" + "".join(f"  payments: nowhere{i}\n" for i in range(2400)), id="duplicates"),
        pytest.param("services:\n" + "".join(f"  order{i}: {{}}\n" for i in range(2400)), id="unknown parts"),
        pytest.param(
            "services:\n  " + "a" * 30_000 + ":\n" + "".join(f"    b{i}: 1\n" for i in range(2400)), id="long names"
        ),
        pytest.param("dependencies:\n" + "".join(f"  a{i}: {'x' * 20}\n" for i in range(1900)), id="wrong targets"),
        pytest.param("dependencies:\n  payments: " + "p" * 65_000, id="a long target"),
        pytest.param("dependencies:\n  payments: branch:" + "p" * 65_000, id="a long branch"),
        pytest.param("dependencies:\n  payments: url:https://" + "p." * 32_000, id="a long URL"),
        pytest.param("p" * 65_000 + ": 1", id="a long key"),
        pytest.param("dataset: " + "p" * 65_000, id="a long dataset"),
        pytest.param("lifecycle: {pause_after: " + "1" * 65_000 + "}", id="a long duration"),
        pytest.param("lifecycle: {pause_after: 1" + "h" * 60_000 + "}", id="a long unit"),
        pytest.param("lifecycle:\n" + "".join(f"  pause_aftr{i}: 1h\n" for i in range(2400)), id="unknown lives"),
        pytest.param("dataset: '" + " " * 65_000 + "x'", id="blanks"),
    ],
)
def test_the_worst_file_takes_little_time(text: str) -> None:
    names = [f"service-{number}" for number in range(100)]
    monorepo = {name: {"repository": "acme/one", "depends_on": names[:50]} for name in names}
    catalog = make_catalog(monorepo | {"payments": {}})
    start = time.process_time()
    with pytest.raises(InvalidFile) as error:
        read_config(f"version: 1\n{text}"[:65_536], catalog, "acme/one")

    assert time.process_time() - start < WORST_INPUT
    assert len(error.value.problems) <= MAX_PROBLEMS + 1
    assert len([problem for problem in error.value.problems if "did you mean" in problem.message]) <= MAX_SUGGESTIONS


def test_a_catalog_edit_reads_no_file_again(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "version: 1\ndependencies: {payments: pr:77}  # only in this test\n"
    calls = []

    def counted(*arguments: Any) -> Any:
        calls.append(arguments)
        return read_file(*arguments)

    monkeypatch.setattr("plugin.core.config.repo_config.read_file", counted)
    before = make_catalog({"orders": {"depends_on": ["payments"]}, "payments": {}})
    after = make_catalog({"orders": {}, "payments": {}})

    assert read_config(text, before, "acme/orders") == {"orders": ServiceConfig({"payments": PullRequestReference(77)})}
    with pytest.raises(
        InvalidFile, match=r"^\.preview\.yaml:2: dependencies\.payments: is not a dependency of orders$"
    ):
        read_config(text, after, "acme/orders")
    assert len(calls) == 1

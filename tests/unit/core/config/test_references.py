import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.core.config.references import (
    FORMS,
    Branch,
    Locator,
    PullRequestReference,
    Reference,
    SameBranch,
    Staging,
    Url,
    depends_on,
    parse_locator,
    parse_reference,
)
from tests.strategies import numbers, references, repository_names, urls


@given(references)
def test_every_reference_can_be_read_as_it_is_written(reference: Reference) -> None:
    assert parse_reference(str(reference)) == reference


@given(urls)
def test_every_url_target_that_is_accepted_can_be_read_as_it_is_written(url: str) -> None:
    reference = parse_reference(f"url:{url}")

    assert parse_reference(str(reference)) == reference


@given(repository_names, numbers)
def test_a_locator_and_the_url_of_its_pull_request_mean_the_same(repository: str, number: int) -> None:
    locator = Locator(repository, number)

    assert parse_locator(str(locator)) == locator
    assert parse_locator(f"https://github.com/{repository}/pull/{number}") == locator


@given(
    st.text()
    | st.builds("{}{}".format, st.sampled_from(["pr:", "url:", "url:https://", "branch:", "acme/orders#"]), st.text())
)
def test_any_text_is_a_reference_or_a_value_error(text: str) -> None:
    try:
        reference = parse_reference(text)
    except ValueError:
        return
    assert parse_reference(str(reference)) == reference


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("staging", Staging()),
        ("same-branch", SameBranch()),
        ("pr:123", PullRequestReference(123)),
        ("pr:9999999", PullRequestReference(9_999_999)),
        ("acme/payments#123", PullRequestReference(123, "acme/payments")),
        ("https://github.com/acme/payments/pull/123", PullRequestReference(123, "acme/payments")),
        ("https://ghe.example.com:8443/acme/.github/pull/1", PullRequestReference(1, "acme/.github")),
        ("branch:feature/new-auth", Branch("feature/new-auth")),
        ("url:https://users.dev.example.com", Url("https://users.dev.example.com")),
        ("url:https://Users.Dev.example.com:8443/V2?a=b", Url("https://users.dev.example.com:8443/V2?a=b")),
    ],
)
def test_each_form(text: str, expected: Reference) -> None:
    assert parse_reference(text) == expected


NO_TARGET = f"is no target: write {FORMS}"
NO_BRANCH = '"branch:" is followed by the name of a branch, for example branch:new-auth'
NO_URL = '"url:" is followed by an https URL, for example url:https://users.dev.example.com'
NOT_ASCII = "a URL holds visible ASCII characters only, and no backslash"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f'"" {NO_TARGET}'),
        ("Staging", f'"Staging" {NO_TARGET}'),
        ("123", f'"123" {NO_TARGET}; did you mean "pr:123"?'),
        ("#123", f'"#123" {NO_TARGET}; did you mean "pr:123"?'),
        ("pr:0", f'"pr:0" {NO_TARGET}'),
        ("pr:00123", f'"pr:00123" {NO_TARGET}'),
        ("pr:10000000", f'"pr:10000000" {NO_TARGET}'),
        ("pr:12٣", f'"pr:12٣" {NO_TARGET}'),
        ("pr:123\n", f'"pr:123\n" {NO_TARGET}'),
        ("acme/..#1", f'"acme/..#1" {NO_TARGET}'),
        ("acme/payments/more#1", f'"acme/payments/more#1" {NO_TARGET}'),
        ("http://github.com/acme/payments/pull/1", f'"http://github.com/acme/payments/pull/1" {NO_TARGET}'),
        (
            "https://github.com/acme/payments/pull/1/files",
            f'"https://github.com/acme/payments/pull/1/files" {NO_TARGET}',
        ),
        ("branch:", NO_BRANCH),
        ("branch:a b", NO_BRANCH),
        ("branch:a:b", NO_BRANCH),
        (f"branch:{'a' * 256}", NO_BRANCH),
        ("url:", NOT_ASCII),
        ("url:https://users.dev.example.com/a b", NOT_ASCII),
        ("url:https://users.dev.example.com\\@evil.example.com", NOT_ASCII),
        ("url:https://üsers.example.com", NOT_ASCII),
        ("url:http://users.dev.example.com", NO_URL),
        ("url:https:users.dev.example.com", NO_URL),
        ("url:users.dev.example.com", NO_URL),
        ("url:https://users.dev.example.com/#top", 'a "url:" target has no fragment (#)'),
        ("url:https://users.dev.example.com/#", 'a "url:" target has no fragment (#)'),
    ],
)
def test_each_mistake_says_what_to_write(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse_reference(text)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://users.dev.example.com/v2", "users.dev.example.com"),
        ("https://users.dev.example.com:8443", "users.dev.example.com:8443"),
        # Whatever is not the bare host must never compare equal to an allowed one.
        ("https://users.dev.example.com.", "users.dev.example.com."),
    ],
)
def test_the_host_of_a_url_target_is_everything_between_the_slashes(url: str, host: str) -> None:
    reference = parse_reference(f"url:{url}")

    assert isinstance(reference, Url)
    assert reference.host == host
    assert reference.url == url


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", []),
        ("Depends-On: acme/payments#123", ["acme/payments#123"]),
        ("Text\r\n\r\n  \tDEPENDS-ON:acme/payments#123 \r\nmore", ["acme/payments#123"]),
        ("depends-on: https://github.com/acme/payments/pull/1", ["https://github.com/acme/payments/pull/1"]),
        ("Depends-On: acme/a#1\nDepends-On: acme/b#2", ["acme/a#1", "acme/b#2"]),
        ("Depends-On: nonsense", ["nonsense"]),
        ("Depends-On: acme/payments#123 please", ["acme/payments#123 please"]),
        ("It Depends-On: acme/payments#123", []),
        ("- Depends-On: acme/payments#123", []),
        ("Depends-On:\nacme/payments#123", []),
        ("Depends-On acme/payments#123", []),
    ],
)
def test_a_depends_on_line_stands_alone(body: str, expected: list[str]) -> None:
    assert depends_on(body) == expected


@given(st.text())
def test_any_description_can_be_read(body: str) -> None:
    for text in depends_on(body):
        assert text in body
        assert not text.isspace()

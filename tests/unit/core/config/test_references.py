import re
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.core.config.branches import is_branch_name
from plugin.core.config.references import (
    FORMS,
    NO_CREDENTIALS,
    Branch,
    Locator,
    PullRequestReference,
    Reference,
    SameBranch,
    Staging,
    Url,
    parse_locator,
    parse_reference,
)
from tests.builders import WORST_INPUT
from tests.strategies import numbers, references, repository_names, urls


@given(references)
def test_every_reference_can_be_read_as_it_is_written(reference: Reference) -> None:
    assert parse_reference(str(reference)) == reference


@given(urls)
def test_every_url_target_can_be_read_as_it_is_written(url: str) -> None:
    reference = parse_reference(f"url:{url}")

    assert parse_reference(str(reference)) == reference


@given(repository_names, numbers)
def test_a_locator_equals_the_url_of_its_pull_request(repository: str, number: int) -> None:
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
def test_every_form_of_a_reference(text: str, expected: Reference) -> None:
    assert parse_reference(text) == expected


NO_TARGET = f"is not a target: write {FORMS}"
NO_BRANCH = '"branch:" must be followed by the name of a branch, for example branch:new-auth'
NO_URL = '"url:" must be followed by an https URL, for example url:https://users.dev.example.com'
SUGGESTED_URL = '"https://users.example.com/v2" is not a target; did you mean "url:https://users.example.com/v2"?'
NOT_ASCII = "a URL must consist of visible ASCII characters without a backslash"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f'"" {NO_TARGET}'),
        ("Staging", '"Staging" is not a target; did you mean "staging"?'),
        *(
            (text, f'"{text}" is not a target; did you mean "pr:123"?')
            for text in (
                "123",
                "#123",
                "PR-123",
                "pr-123",
                "PR#123",
                "PR 123",
                "pr: 123",
                "pull/123",
                "Pull Request #123",
            )
        ),
        ("https://users.example.com/v2", SUGGESTED_URL),
        ("http://users.example.com/v2", SUGGESTED_URL.replace("https", "http", 1)),
        ("https://me:secret@users.example.com", NO_CREDENTIALS),
        ("x" * 1000, f'"{"x" * 79}…" {NO_TARGET}'),
        ("pr:0", f'"pr:0" {NO_TARGET}'),
        ("pr:00123", f'"pr:00123" {NO_TARGET}'),
        ("pr:10000000", f'"pr:10000000" {NO_TARGET}'),
        ("pr:12٣", f'"pr:12٣" {NO_TARGET}'),
        ("pr:123\n", f'"pr:123\n" {NO_TARGET}'),
        ("acme/..#1", f'"acme/..#1" {NO_TARGET}'),
        ("acme/payments/more#1", f'"acme/payments/more#1" {NO_TARGET}'),
        (
            "http://github.com/acme/payments/pull/1",
            (
                '"http://github.com/acme/payments/pull/1" is not a target; '
                'did you mean "https://github.com/acme/payments/pull/1"?'
            ),
        ),
        ("url:https://[", NO_URL),
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
        ("url:https://users.dev.example.com/#top", 'a "url:" target must not contain a fragment (#)'),
        ("url:https://users.dev.example.com/#", 'a "url:" target must not contain a fragment (#)'),
    ],
)
def test_an_invalid_reference_says_what_to_write(text: str, message: str) -> None:
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
def test_the_host_of_a_url_target(url: str, host: str) -> None:
    reference = parse_reference(f"url:{url}")

    assert isinstance(reference, Url)
    assert reference.host == host
    assert reference.url == url


@pytest.mark.parametrize(
    "name",
    [
        *("", "@", "a b", "a:b", "a~1", "a^", "a?", "a*", "a[", "a\\b", "a..b", "a//b", "/a", "a/", ".a", "a/.b", "a."),
        *("a/b.", "a.lock", "a.lock/b", "a@{1}", "-a", "a\x00", "a\x7f", "a\x85b", "a\x9b31m", "a\u202eb", "a\u2066b"),
        *("a\u200bb", "a\ufeff", "a\u2028b", "a\u00a0b", "a" + chr(0xD800), "a\ue000", "a" * 256),
    ],
)
def test_names_that_no_branch_can_have(name: str) -> None:
    assert not is_branch_name(name)
    with pytest.raises(ValueError, match=f"^{re.escape(NO_BRANCH)}$"):
        parse_reference(f"branch:{name}")


@pytest.mark.parametrize(
    "name", ["main", "feature/ABC-1_x", "a@b", "@a", "a.b", "dependabot/npm_and_yarn/foo-1.2", "ünï/🚀", "a" * 255]
)
def test_names_that_a_branch_can_have(name: str) -> None:
    assert is_branch_name(name)
    assert parse_reference(f"branch:{name}") == Branch(name)


@pytest.mark.parametrize(
    "page",
    [
        *(
            "/",
            "/files",
            "/files/0123abc..4567def",
            "/commits",
            "/commits/0123abc",
            "/checks",
            "/checks?check_run_id=1",
        ),
        *("/changes", "/conflicts", "#issuecomment-1", "#discussion_r1", "/files#diff-1aR1-R2", "?diff=split&w=1"),
        ".patch",
    ],
)
def test_every_page_of_a_pull_request_is_that_pull_request(page: str) -> None:
    url = f"https://github.com/acme/payments/pull/123{page}"

    assert parse_locator(url) == Locator("acme/payments", 123)
    assert parse_reference(url) == PullRequestReference(123, "acme/payments")


@pytest.mark.parametrize(
    "url",
    [
        "http://github.com/acme/payments/pull/123",
        "https://github.com/acme/payments/pull/123x",
        "https://github.com/acme/payments/pull/0",
        "https://github.com/acme/payments/pull/12345678",
        "https://github.com/acme/payments/pull/1 /files",
        "https://github.com/acme/payments/pull/1/\u202e",
        "https://github.com/acme/payments/pull/1,https://github.com/acme/payments/pull/2",
        "https://github.com/acme/payments/issues/1",
        "https://me@github.com/acme/payments/pull/1",
    ],
)
def test_addresses_that_are_not_a_page_of_a_pull_request(url: str) -> None:
    assert parse_locator(url) is None


@given(references | st.text().map("branch:{}".format) | st.text().map("url:https://a.example.com/{}".format))
def test_a_reference_is_printed_as_one_visible_line(text: object) -> None:
    try:
        reference = parse_reference(str(text))
    except ValueError:
        return

    assert str(reference).isprintable()
    assert " " not in str(reference)


@pytest.mark.parametrize(
    "start", ["", "pr:", "pull request", "branch:", "url:https://", "https://a/", "acme/", "https://"]
)
@pytest.mark.parametrize("middle", ["a", "/", "a/", "-", "1", "#", "a#", ".", "[", "@", "%", " ", "é"])
def test_the_longest_reference_takes_little_time(start: str, middle: str) -> None:
    text = start + middle * (65_536 // len(middle)) + "!"
    begin = time.process_time()
    with suppress(ValueError):
        parse_reference(text)

    assert time.process_time() - begin < WORST_INPUT

import re
from string import ascii_letters, digits

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from plugin.core.config.names import (
    MAX_NUMBER,
    default_variable,
    fits,
    internal_url,
    preview_name,
    public_host,
    slug,
)
from tests.strategies import dns_labels, numbers

DNS_LABEL = re.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
LABEL_VALUE = re.compile("([a-z0-9]([a-z0-9-]*[a-z0-9])?)?")

long_labels = st.from_regex("[a-z0-9]([a-z0-9-]{0,60}[a-z0-9])?", fullmatch=True)
identities = st.tuples(dns_labels, numbers, st.booleans())


@given(prefix=dns_labels, service=long_labels, number=numbers, fork=st.booleans())
def test_every_name_of_a_service_that_fits_is_a_dns_label(
    prefix: str, service: str, number: int, *, fork: bool
) -> None:
    assume(fits(prefix, service))

    assert DNS_LABEL.fullmatch(preview_name(prefix, service, number, fork=fork))
    assert DNS_LABEL.fullmatch(public_host(service, number, "example.com").partition(".")[0])


@given(dns_labels, identities, identities)
def test_two_previews_never_share_a_name(prefix: str, one: tuple[str, int, bool], other: tuple[str, int, bool]) -> None:
    assume(one != other and not f"{prefix}-".startswith("fork-"))
    names = {preview_name(prefix, service, number, fork=fork) for service, number, fork in (one, other)}

    assert len(names) == 2


@given(prefix=dns_labels, service=dns_labels, number=numbers, fork=st.booleans())
def test_a_name_holds_prefix_service_and_number_untruncated(
    prefix: str, service: str, number: int, *, fork: bool
) -> None:
    name = preview_name(prefix, service, number, fork=fork)

    assert name.removeprefix("fork-") == f"{prefix}-{service}-{number}" or prefix.startswith("fork-")
    assert name.endswith(f"{prefix}-{service}-{number}")
    assert name.startswith("fork-") or not fork


def test_the_longest_service_name_leaves_room_for_seven_digits() -> None:
    longest = "s" * (63 - len("fork-preview--") - 7)

    assert fits("preview", longest)
    assert not fits("preview", longest + "s")
    assert len(preview_name("preview", longest, MAX_NUMBER, fork=True)) == 63


def test_hosts_and_urls_of_a_preview() -> None:
    assert public_host("orders", 12, "preview.example.com") == "orders-12.preview.example.com"
    assert internal_url("preview-orders-12") == "http://app.preview-orders-12.svc.cluster.local"
    assert default_variable("user-accounts") == "USER_ACCOUNTS_URL"


@pytest.mark.parametrize(
    ("branch", "expected"),
    [
        # branch_slug of Argo CD's own Pull Request generator, run with the same input
        ("feature/ABC-123_fix-thing", "feature-abc-123-fix-thing"),
        ("dependabot/npm_and_yarn/foo/bar-1.2.3", "dependabot-npm-and-yarn-foo-bar-1-2-3"),
        ("fix/très-long-naïve", "fix-tres-long-naive"),
        ("user@host & co", "userathost-and-co"),
        ("it's-a-test", "its-a-test"),
        (
            "a-very-long-branch-name-that-goes-way-past-the-fifty-character-limit-of-slugs",
            "a-very-long-branch-name-that-goes-way-past-the",
        ),
        (
            "averyveryveryveryverylongbranchnamewithoutanydashesatallpastfifty",
            "averyveryveryveryverylongbranchnamewithoutanydashe",
        ),
        (f"{'a' * 20}-{'b' * 29}-more", f"{'a' * 20}-{'b' * 29}"),  # exactly 50: the dash behind them is still found
        (f"{'a' * 20}-{'b' * 30}-more", "a" * 20),  # the dash behind them would make 51
        (f"{'a' * 20}-{'b' * 29}", f"{'a' * 20}-{'b' * 29}"),
        (f"a-{'b' * 60}", "a"),
        ("emoji-🚀-branch", "emoji-branch"),
        ("___", ""),
    ],
)
def test_slugs_equal_those_of_argo_cd(branch: str, expected: str) -> None:
    assert slug(branch) == expected


@given(st.text() | st.text(alphabet=ascii_letters + digits + "-_/.&@'\"", max_size=120))
def test_a_slug_of_any_text_is_a_label_value(text: str) -> None:
    assert LABEL_VALUE.fullmatch(slug(text))
    assert len(slug(text)) <= 50
    assert slug(slug(text)) == slug(text)

"""References: how a developer writes where a dependency points.

In `.preview.yaml`: `staging`, `pr:123`, `acme/payments#123`, the address of a pull request's page, `branch:NAME`,
`same-branch`, `url:URL`. In a pull request's description (`description.py`): `Depends-On: acme/payments#123`.

Every reference can be printed with `str`: it holds visible characters only.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from plugin.core.config.branches import is_branch_name

OWNER = r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}"  # `_` for Enterprise Managed Users
NAME = r"(?!\.{1,2}(?![A-Za-z0-9._-]))[A-Za-z0-9._-]{1,100}"
REPOSITORY = re.compile(f"{OWNER}/{NAME}", re.ASCII)

_NUMBER = "(?P<number>[1-9][0-9]{0,6})"
_PULL_REQUEST = re.compile(f"pr:{_NUMBER}", re.ASCII)
_LOCATOR = rf"(?P<repository>{OWNER}/{NAME})#{_NUMBER}(?![0-9])"
# Any page below a pull request: /files, /commits/<sha>, ?diff=split, #issuecomment-1, .diff
_PAGE = r"(?:\.diff|\.patch)?(?:[/?#][A-Za-z0-9._~%/@:+=&?;!$'*#\[\]-]*)?"
_ADDRESS = rf"https://[A-Za-z0-9.-]{{1,253}}(?::[0-9]{{1,5}})?/(?P<repository>{OWNER}/{NAME})/pull/{_NUMBER}(?![0-9])"
_LOCATOR_ALONE = re.compile(_LOCATOR, re.ASCII)
_ADDRESS_ALONE = re.compile(_ADDRESS + _PAGE, re.ASCII)
_ALMOST_PULL_REQUEST = re.compile(
    rf"(?:(?:pr|pull|pull[ _-]?request)[ :#/_-]{{0,3}}|#)?{_NUMBER}", re.ASCII | re.IGNORECASE
)
_VISIBLE_ASCII = re.compile(r"[!-\[\]-~]+")  # everything visible except the backslash

# For texts of bounded length only: a search starts anew at each character.
LOCATOR_IN_TEXT = re.compile(
    f"(?:{_ADDRESS}|(?<![A-Za-z0-9_.-]){_LOCATOR})".replace("(?P<repository>", "(?:").replace("(?P<number>", "(?:"),
    re.ASCII,
)

FORMS = "staging, pr:123, acme/payments#123, a pull request's URL, branch:NAME, same-branch or url:https://..."
NO_CREDENTIALS = 'a "url:" target must not contain a user or a password'
MAX_URL = 2000  # characters
QUOTED = 80  # characters of a wrong value that a message repeats


@dataclass(frozen=True, slots=True)
class Locator:
    """A pull request of a repository, written `acme/orders#12`."""

    repository: str
    number: int

    def __str__(self) -> str:
        return f"{self.repository}#{self.number}"


@dataclass(frozen=True, slots=True)
class Staging:
    """`staging`."""

    def __str__(self) -> str:
        return "staging"


@dataclass(frozen=True, slots=True)
class PullRequestReference:
    """`pr:123`, or with the repository named; `repository` is "" for "the dependency's own"."""

    number: int
    repository: str = ""

    def __str__(self) -> str:
        return f"{self.repository}#{self.number}" if self.repository else f"pr:{self.number}"


@dataclass(frozen=True, slots=True)
class Branch:
    """`branch:NAME`."""

    name: str

    def __str__(self) -> str:
        return f"branch:{self.name}"


@dataclass(frozen=True, slots=True)
class SameBranch:
    """`same-branch`: the branch that has this pull request's own branch name."""

    def __str__(self) -> str:
        return "same-branch"


@dataclass(frozen=True, slots=True)
class Url:
    """`url:https://...`; the catalog's list of allowed hosts is checked by the repository config."""

    url: str

    @property
    def host(self) -> str:
        """The host, with its port if it has one."""
        return urlsplit(self.url).netloc

    def __str__(self) -> str:
        return f"url:{self.url}"


Reference = Staging | PullRequestReference | Branch | SameBranch | Url


def parse_reference(text: str) -> Reference:
    """Read one reference. Raises ValueError with a message that says what to write."""
    if text == "staging":
        return Staging()
    if text == "same-branch":
        return SameBranch()
    if match := _PULL_REQUEST.fullmatch(text):
        return PullRequestReference(int(match["number"]))
    if locator := parse_locator(text):
        return PullRequestReference(locator.number, locator.repository)
    kind, colon, rest = text.partition(":")
    if kind == "branch" and colon:
        return _branch(rest)
    if kind == "url" and colon:
        return _url(rest)
    if "://" in text and "@" in text:
        raise ValueError(NO_CREDENTIALS)
    quoted = text if len(text) <= QUOTED else text[: QUOTED - 1] + "…"
    if suggestion := _suggestion(text):
        raise ValueError(f'"{quoted}" is not a target; did you mean "{suggestion}"?')
    raise ValueError(f'"{quoted}" is not a target: write {FORMS}')


def parse_locator(text: str) -> Locator | None:
    """Read `acme/orders#12` or the address of any page of that pull request, and nothing more."""
    match = _LOCATOR_ALONE.fullmatch(text) or _ADDRESS_ALONE.fullmatch(text)
    return Locator(match["repository"], int(match["number"])) if match else None


def _branch(name: str) -> Branch:
    if not is_branch_name(name):
        raise ValueError('"branch:" must be followed by the name of a branch, for example branch:new-auth')
    return Branch(name)


def _url(text: str) -> Url:
    # urlsplit drops tabs and line breaks, so they are refused before it sees them.
    if not _VISIBLE_ASCII.fullmatch(text):
        raise ValueError("a URL must consist of visible ASCII characters without a backslash")
    if len(text) > MAX_URL:
        raise ValueError(f"a URL must have at most {MAX_URL:,} characters")
    try:
        parts = urlsplit(text)
    except ValueError:  # brackets without an IPv6 address
        parts = urlsplit("")
    if parts.scheme != "https" or not parts.netloc:
        raise ValueError('"url:" must be followed by an https URL, for example url:https://users.dev.example.com')
    if "@" in parts.netloc:  # not repeated in the message: it may hold a password
        raise ValueError(NO_CREDENTIALS)
    if "#" in text:
        raise ValueError('a "url:" target must not contain a fragment (#)')
    return Url(urlunsplit(parts._replace(netloc=parts.netloc.lower())))


def _suggestion(text: str) -> str:
    """Return what somebody most likely meant, or nothing."""
    if text.lower() in ("staging", "same-branch"):
        return text.lower()
    if number := _ALMOST_PULL_REQUEST.fullmatch(text):
        return f"pr:{number['number']}"
    if text.startswith(("https://", "http://")) and len(text) <= QUOTED:
        try:
            secure = f"https://{text.partition('://')[2]}"
            return secure if parse_locator(secure) else str(_url(secure))
        except ValueError:
            return ""
    return ""

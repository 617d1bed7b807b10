"""References: the words by which a developer says where a dependency should point.

In `.preview.yaml`: `staging`, `pr:123`, `acme/payments#123`, a pull request's URL, `branch:NAME`, `same-branch`,
`url:URL`.
In a pull request's description: `Depends-On: acme/payments#123`.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

OWNER = r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}"  # `_` for Enterprise Managed Users
NAME = r"(?!\.{1,2}(?![A-Za-z0-9._-]))[A-Za-z0-9._-]{1,100}"
REPOSITORY = re.compile(f"{OWNER}/{NAME}", re.ASCII)

_NUMBER = "(?P<number>[1-9][0-9]{0,6})"
_PULL_REQUEST = re.compile(f"pr:{_NUMBER}", re.ASCII)
_LOCATOR = re.compile(f"(?P<repository>{OWNER}/{NAME})#{_NUMBER}", re.ASCII)
_URL = re.compile(rf"https://[A-Za-z0-9.-]+(:[0-9]+)?/(?P<repository>{OWNER}/{NAME})/pull/{_NUMBER}", re.ASCII)
_DEPENDS_ON = re.compile(r"^[ \t]*depends-on:[ \t]*(?P<target>\S[^\r\n]*?)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_BRANCH = re.compile(r"[^\x00-\x20\x7f~^:?*\[\\]{1,255}")
_VISIBLE_ASCII = re.compile(r"[!-\[\]-~]+")  # everything visible but the backslash

FORMS = "staging, pr:123, acme/payments#123, a pull request's URL, branch:NAME, same-branch or url:https://..."


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
    raise ValueError(f'"{text}" is no target: write {FORMS}{_hint(text)}')


def parse_locator(text: str) -> Locator | None:
    """Read `acme/orders#12` or `https://github.com/acme/orders/pull/12`, and nothing more."""
    match = _LOCATOR.fullmatch(text) or _URL.fullmatch(text)
    return Locator(match["repository"], int(match["number"])) if match else None


def depends_on(body: str) -> list[str]:
    """Return what stands behind each `Depends-On:` line of a description, unchecked, in its order."""
    return [match["target"] for match in _DEPENDS_ON.finditer(body)]


def _branch(name: str) -> Branch:
    if not _BRANCH.fullmatch(name):
        raise ValueError('"branch:" is followed by the name of a branch, for example branch:new-auth')
    return Branch(name)


def _url(text: str) -> Url:
    # urlsplit drops tabs and line breaks, so they are refused before it sees them.
    if not _VISIBLE_ASCII.fullmatch(text):
        raise ValueError("a URL holds visible ASCII characters only, and no backslash")
    parts = urlsplit(text)
    if parts.scheme != "https" or not parts.netloc:
        raise ValueError('"url:" is followed by an https URL, for example url:https://users.dev.example.com')
    if "@" in parts.netloc:  # not repeated in the message: it may hold a password
        raise ValueError('a "url:" target holds no user and no password')
    if "#" in text:
        raise ValueError('a "url:" target has no fragment (#)')
    return Url(urlunsplit(parts._replace(netloc=parts.netloc.lower())))


def _hint(text: str) -> str:
    number = re.fullmatch(f"#?{_NUMBER}", text, re.ASCII)
    return f'; did you mean "pr:{number["number"]}"?' if number else ""

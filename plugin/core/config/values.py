"""Single values of the catalog: what each may look like, and what to say if it is invalid."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PlainValidator, StringConstraints, WithJsonSchema

from plugin.core.config import names
from plugin.core.config.branches import wrong_pattern
from plugin.core.config.durations import parse_span
from plugin.core.config.references import REPOSITORY

RESERVED_VARIABLES = frozenset({"PUBLIC_URL", "DATABASE_URL", "REDIS_URL", "MONGODB_URL"})
RESERVED_PREFIX = "PREVIEW_"
MAX_PORT = 65535
MAX_DOMAIN = 189  # characters: of the 253 that DNS allows, a label and its dot go in front
OUR_STATUS = "preview/"  # what the names of the commit statuses that the plugin sets begin with
PLACEHOLDERS = {"{sha}": "0" * 40, "{short_sha}": "0" * 7, "{number}": str(names.MAX_NUMBER)}  # at their longest

NO_DNS_LABEL = "is not a DNS label (a-z, 0-9 and -)"

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)
_RESERVED_SUFFIX = re.compile(r"\.(git|wiki)$", re.IGNORECASE | re.ASCII)  # GitHub refuses such names


def is_dns_label(text: str) -> bool:
    """Tell whether DNS and Kubernetes accept the text as one label."""
    return len(text) <= names.MAX_LABEL and names.DNS_LABEL.fullmatch(text) is not None


def wrong_variable(text: str) -> str | None:
    """Return what is wrong with the name of an environment variable, or None."""
    if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", text, re.ASCII):
        return "is not an environment variable in capitals, for example PAYMENTS_API"
    reserved = text in RESERVED_VARIABLES or text.startswith(RESERVED_PREFIX)
    return "is reserved for what the plugin itself sets" if reserved else None


def _checked_by(check: Callable[[str], str | None]) -> AfterValidator:
    """Make a validator of a function that returns what is wrong, or None."""

    def validator(text: str) -> str:
        if complaint := check(text):
            raise ValueError(f'"{text}" {complaint}')
        return text

    return AfterValidator(validator)


def _matches(pattern: str, complaint: str) -> AfterValidator:
    compiled = re.compile(pattern, re.ASCII)
    return _checked_by(lambda text: None if compiled.fullmatch(text) else complaint)


def _wrong_domain(text: str) -> str | None:
    if len(text) > MAX_DOMAIN or not all(map(is_dns_label, text.split("."))):
        return "is not a DNS name in lower case, for example preview.example.com"
    return None


def _wrong_host(text: str) -> str | None:
    host, colon, port = text.partition(":")
    if colon and not re.fullmatch(r"[1-9][0-9]{0,4}", port, re.ASCII):
        return "has an invalid port"
    if host.rpartition(".")[2].isdigit():  # 10.0.0.1, and 2130706433 for those who know
        return "is an IP address; write a host name"
    if f".{host}".endswith((".svc", ".local", ".localhost")):
        return "is a name inside the cluster; only public host names are allowed"
    return _wrong_domain(host)


def _wrong_endpoint(text: str) -> str | None:
    if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~!&'()*+,;=:@%/-]*)?", text, re.ASCII):
        return "is not an http or https URL that consists of a host and, optionally, a port and a path"
    parts = urlsplit(text)
    host = (parts.hostname or "").lower()
    if not all(map(is_dns_label, host.split("."))):
        return "has an invalid host name"
    port = text.partition("://")[2].partition("/")[0].partition(":")[2]
    return None if int(port or 1) <= MAX_PORT else f"has a port above {MAX_PORT}"


def _wrong_tag(text: str) -> str | None:
    filled = text
    for placeholder, longest in PLACEHOLDERS.items():
        filled = filled.replace(placeholder, longest)
    if "{" in filled or "}" in filled:
        *others, last = PLACEHOLDERS
        return f"has an unknown placeholder; the placeholders are {', '.join(others)} and {last}"
    return None if _TAG.fullmatch(filled) else "is not a valid image tag"


def _wrong_prefix(text: str) -> str | None:
    if not names.DNS_LABEL.fullmatch(text):
        return NO_DNS_LABEL
    return 'must not start with "fork", which marks the previews of forks' if f"{text}-".startswith("fork-") else None


def _wrong_repository(text: str) -> str | None:
    if REPOSITORY.fullmatch(text) and not _RESERVED_SUFFIX.search(text):
        return None
    suggestion = _repository_in(text)
    return f'is not a repository; did you mean "{suggestion}"?' if suggestion else NO_REPOSITORY


def _duration(value: object) -> timedelta:
    return parse_span(str(value))  # somebody may write 12 for 12h


NO_REPOSITORY = "is not a repository, for example acme/orders"


def _repository_in(text: str) -> str:
    """Return `acme/orders` where a URL, the address of a clone or a name with ".git" was written, else nothing."""
    path = re.sub(r"^(https?://|ssh://)?([A-Za-z0-9_-]+@)?([A-Za-z0-9-]+\.)+[A-Za-z]+(:[0-9]+)?[/:]", "", text[:300])
    name = _RESERVED_SUFFIX.sub("", "/".join(path.split("/")[:2]))
    return name if name != text and (path != text or text.count("/") == 1) and REPOSITORY.fullmatch(name) else ""


Domain = Annotated[str, _checked_by(_wrong_domain)]
Host = Annotated[str, _checked_by(_wrong_host)]
Url = Annotated[str, _checked_by(_wrong_endpoint)]
Tag = Annotated[str, _checked_by(_wrong_tag)]
Prefix = Annotated[str, _checked_by(_wrong_prefix)]
Variable = Annotated[str, _checked_by(wrong_variable)]
Label = Annotated[str, Field(min_length=1)]
BranchPattern = Annotated[str, _checked_by(wrong_pattern)]
Word = Annotated[str, _checked_by(lambda text: None if is_dns_label(text) else NO_DNS_LABEL)]
Key = Annotated[
    str, _matches("[A-Za-z_][A-Za-z0-9_]*", "is not a name that a template can use (letters, digits and _)")
]
Repository = Annotated[str, _checked_by(_wrong_repository)]
HealthPath = Annotated[
    str,
    _matches(
        r"/([A-Za-z0-9._~!&'()*+,;=:@%-][A-Za-z0-9._~!&'()*+,;=:@%/-]*)?", 'is not a path that starts with a single "/"'
    ),
]
Image = Annotated[
    str,
    _matches(
        r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*",
        "is not an image without a tag, for example ghcr.io/acme/orders",
    ),
]
ImageTag = Annotated[str, _matches(_TAG.pattern, "is not a valid image tag")]
Count = Annotated[int, Field(strict=True, ge=0)]
Port = Annotated[int, Field(strict=True, ge=1, le=MAX_PORT)]
Duration = Annotated[
    timedelta, PlainValidator(_duration), WithJsonSchema({"type": "string", "pattern": "^[1-9][0-9]{0,5}[smhdw]$"})
]
CheckName = Annotated[
    str,
    Field(min_length=1),
    _checked_by(
        lambda text: (
            "is what the plugin itself reports; name a check of the application's own workflow"
            if names.folded(text).startswith(OUR_STATUS)
            else None
        )
    ),
]
AppSlug = Annotated[
    str,
    _matches("[a-z0-9]([a-z0-9-]*[a-z0-9])?", "is not the name of a GitHub App in its URL, for example github-actions"),
]
Query = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
MetricLabel = Annotated[
    str, _matches("[A-Za-z_][A-Za-z0-9_]*", "is not a label of a Prometheus metric, for example namespace")
]

"""Names: what a preview is called in Argo CD, in Kubernetes and in DNS.

A name is never cut or hashed: the catalog refuses services whose names would not fit, so two previews can never
share one, and the number in a URL is the number of the pull request.
"""

import re
import unicodedata

MAX_NUMBER = 9_999_999  # the catalog leaves room for seven digits
MAX_LABEL = 63  # characters of a DNS label, RFC 1123
DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", re.ASCII)

_SLUG_LENGTH = 50
_NO_SLUG = re.compile(r"[^a-z0-9]+", re.ASCII)
_SLUG_WORDS = str.maketrans({"_": "-", "&": "and", "@": "at", '"': "", "'": "", "\N{RIGHT SINGLE QUOTATION MARK}": ""})


def preview_name(prefix: str, service: str, number: int, *, fork: bool) -> str:
    """Return the name of the Application and its namespace. A fork's has its own prefix, for AppProjects to match."""
    return f"{'fork-' if fork else ''}{prefix}-{service}-{number}"


def fits(prefix: str, service: str) -> bool:
    """Tell whether every name of this service is a DNS label."""
    return len(preview_name(prefix, service, MAX_NUMBER, fork=True)) <= MAX_LABEL


def public_host(service: str, number: int, domain: str) -> str:
    """Return the host of a preview's public URL; a fork's preview and a trusted one never share a number."""
    return f"{service}-{number}.{domain}"


def internal_url(namespace: str) -> str:
    """Return the in-cluster URL of a preview: every profile exposes one Service named `app` on port 80."""
    return f"http://app.{namespace}.svc.cluster.local"


def default_variable(service: str) -> str:
    """Return the environment variable in which a caller finds this service."""
    return service.upper().replace("-", "_") + "_URL"


def slug(text: str) -> str:
    """Turn text into a value that is safe as a Kubernetes label: `a-z`, `0-9` and `-`, at most 50 characters.

    Equal to `branch_slug` of Argo CD's Pull Request generator for ASCII; it may be empty and it may collide, so
    nothing is ever named by it.
    Source: https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/Generators-Pull-Request/
    """
    words = text.strip().translate(_SLUG_WORDS)
    if not words.isascii():
        words = "".join(c for c in unicodedata.normalize("NFKD", words) if not unicodedata.combining(c))
    whole = _NO_SLUG.sub("-", words.lower()).strip("-")
    if len(whole) <= _SLUG_LENGTH:
        return whole
    end = whole.rfind("-", 0, _SLUG_LENGTH + 1)
    return whole[:end] if end > 0 else whole[:_SLUG_LENGTH]


def folded(name: str) -> str:
    """Return a form in which names are compared: GitHub's owners, repositories and labels ignore case."""
    return name.casefold()

"""Which preview somebody means: by its pull request, its name, its namespace or its URL. Pure."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from plugin.core.config.catalog import Catalog
from plugin.core.config.messages import one_line
from plugin.core.config.references import Locator, parse_locator
from plugin.core.config.validation import did_you_mean
from plugin.errors import InvalidRequest

FORMS = "write a pull request (acme/orders#12, or its URL) or a preview (orders-12, preview-orders-12, or its URL)"

_NAME = re.compile(r"(?P<service>[a-z0-9-]+)-(?P<number>[1-9][0-9]{0,6})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A pull request, and the service if only one preview of it is meant, else ""."""

    locator: Locator
    service: str = ""

    def admits(self, service: str) -> bool:
        """Tell whether the preview of this service is meant."""
        return self.service in ("", service)


def parse_wanted(text: str, catalog: Catalog) -> Wanted:
    """Read `acme/orders#12`, `orders-12`, `preview-orders-12`, a preview's URL or a pull request's URL.

    Raises InvalidRequest.
    """
    if locator := parse_locator(text):
        return Wanted(locator)
    name = _host_label(text, catalog.domain) or text
    match = _NAME.fullmatch(name)
    if match is None:
        raise InvalidRequest(one_line(f'"{text}" names no preview: {FORMS}'))
    # A namespace begins with the prefix, and a fork's with one more; a service may begin with the same word.
    service = match["service"]
    bare = service.removeprefix("fork-").removeprefix(f"{catalog.prefix}-")
    for candidate in (bare, service):
        if found := catalog.services.get(candidate):
            return Wanted(Locator(found.repository, int(match["number"])), found.name)
    raise InvalidRequest(one_line(f'the catalog has no service "{bare}"{did_you_mean(bare, catalog.services)}'))


def _host_label(text: str, domain: str) -> str:
    """Return the first label of the host of a preview's URL, which may lack its scheme; "" if it is another host."""
    try:
        host = urlsplit(text if "://" in text else f"//{text}").hostname or ""
    except ValueError:
        return ""
    return host.removesuffix(f".{domain}") if host.endswith(f".{domain}") else ""

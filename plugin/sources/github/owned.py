"""Owned: the repositories of an organisation or a person, to start a catalog with."""

from plugin.sources.github import queries
from plugin.sources.github.answer import Part
from plugin.sources.github.client import GitHubClient
from plugin.sources.github.nodes import MALFORMED, Malformed

MAX_PAGES = 100  # of 100 repositories


def owned(client: GitHubClient, owner: str) -> list[str]:
    """Return the full names of those that are neither archived nor forks, in the order of their names.

    Raises Unavailable, TooHeavy or Malformed.
    """
    found: list[str] = []
    after: str | None = None
    for _ in range(MAX_PAGES):
        part = queries.owned_part(client.query(f"{owner}/", queries.owned(owner, after)))
        try:
            names, after = _page(part, owner)
        except MALFORMED as error:
            raise Malformed(f"GitHub's answer about the repositories of {owner} is incomplete ({error!r})") from None
        found += names
        if after is None:
            return found
    raise Malformed(f"GitHub's list of the repositories of {owner} does not end")


def _page(part: Part, owner: str) -> tuple[list[str], str | None]:
    """Return the names on a page, and the cursor of the next one; None after the last."""
    if part.error:
        raise Malformed(f"GitHub could not list the repositories of {owner}: {part.error.message}")
    if part.value is None:
        raise Malformed(f"GitHub knows no organisation and no person {owner}")
    # A repository that the token must not see is null.
    names = [
        str(node["nameWithOwner"]) for node in part.value["nodes"] if node is not None and node["archivedAt"] is None
    ]
    page = part.value["pageInfo"]
    return names, str(page["endCursor"]) if page["hasNextPage"] else None

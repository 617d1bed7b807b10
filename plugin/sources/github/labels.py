"""All labels of a pull request, even if it has more than one page of them."""

from plugin.sources.github import queries
from plugin.sources.github.answer import TooHeavy, Unavailable
from plugin.sources.github.client import GitHubClient
from plugin.sources.github.nodes import MALFORMED, Malformed, label_page

MAX_PAGES = 10  # GitHub allows 100 labels on an issue or pull request today, so this is only a guard


def all_labels(
    client: GitHubClient, repository: str, pull_request: str, known: tuple[str, ...], after: str | None
) -> tuple[str, ...]:
    """Read the labels after those that are known, and return all. Raises Malformed if some cannot be read.

    `pull_request` is its node id, `after` the cursor of the last page that was read; None if none was.
    """
    labels = known
    for _ in range(MAX_PAGES):
        try:
            answer = client.query(repository, queries.labels(pull_request, after))
            more, after = label_page(queries.labels_part(answer))
        except (TooHeavy, Unavailable) as error:
            raise Malformed(str(error)) from None
        except MALFORMED as error:
            raise Malformed(f"GitHub's answer about labels is incomplete ({error!r})") from None
        labels += more
        if not after:
            return labels
    raise Malformed("its list of labels does not end")

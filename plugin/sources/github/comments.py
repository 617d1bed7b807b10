"""Comments: reads what may be commands, on all pull requests that changed last, whether they ask for a preview or not.

A comment changes when its pull request was updated, so this is asked only for repositories that were just listed, and
where it failed before.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from plugin.core.commands.parsing import first_line
from plugin.core.config.messages import one_line
from plugin.core.config.names import folded
from plugin.core.facts.heard import Comment, Conversation, Heard, Relabelled, heard
from plugin.sources.github import queries
from plugin.sources.github.answer import Answer, GraphQLError, Part
from plugin.sources.github.batches import ask_in_batches, chunks
from plugin.sources.github.client import GitHubClient
from plugin.sources.github.draft import Draft, Query
from plugin.sources.github.nodes import MALFORMED, Malformed, author_name, label_page, node_id, timestamp, whole_number

REPOSITORIES_PER_REQUEST = 20
FIRST_RETRY, LONGEST_RETRY = 30.0, 900.0  # seconds: a comment is a command for an hour
PULL_REQUESTS = 20  # of each repository: those that changed last

_TALK = """
fragment Talk on PullRequestConnection {
  nodes {
    number isCrossRepository updatedAt
    labels(first: 100) { pageInfo { hasNextPage endCursor } nodes { name } }
    timelineItems(last: 50, itemTypes: [LABELED_EVENT, UNLABELED_EVENT]) {
      nodes {
        __typename
        ... on LabeledEvent { createdAt actor { __typename login } label { name } }
        ... on UnlabeledEvent { createdAt actor { __typename login } label { name } }
      }
    }
    comments(last: 20) {
      nodes { id databaseId body createdAt lastEditedAt author { __typename login } }
    }
  }
}"""


def comments(repositories: Sequence[str]) -> Query:
    """Read the newest comments of the open pull requests that changed last. Points: about 0.6 for each repository."""
    draft = Draft()
    newest = f"pullRequests(first: {PULL_REQUESTS}, states: OPEN, orderBy: {{field: UPDATED_AT, direction: DESC}})"
    for i, repository in enumerate(repositories):
        draft.repository(i, repository, f"databaseId talk: {newest} {{ ...Talk }}")
    return draft.query("Comments", _TALK)


@dataclass(frozen=True, slots=True)
class Listened:
    """What is known of a repository's comments after it was asked for them."""

    heard: Heard | None
    unheard: str = ""  # why it must be asked again


@dataclass(slots=True)
class Retries:
    """When comments that could not be read are asked for again: ever more rarely. By the names of repositories.

    Forgetting it costs a few requests and nothing else.
    """

    _waits: dict[str, tuple[float, int]] = field(default_factory=dict)  # until when, and after how many failures

    def may(self, name: str, at: float) -> bool:
        """Tell whether a repository may be asked again; `at` is a moment of a steady clock."""
        return at >= self._waits.get(name, (at, 0))[0]

    def note(self, name: str, listened: Listened, at: float) -> None:
        """Take note of what came of asking."""
        if not listened.unheard:
            self._waits.pop(name, None)
            return
        _, times = self._waits.get(name, (at, 0))
        self._waits[name] = at + min(FIRST_RETRY * 2 ** min(times, 20), LONGEST_RETRY), times + 1


@dataclass(frozen=True, slots=True)
class Listener:
    """Reads comments of repositories of one owner."""

    client: GitHubClient
    before: Mapping[str, Heard | None]  # by repository: what was heard
    results: dict[str, Listened] = field(default_factory=dict)

    def read(self, identities: Mapping[str, int]) -> None:
        """Read comments of repositories, which are known by their database ids."""

        def ask(batch: Sequence[str]) -> None:
            answer = self.client.query(batch[0], comments(batch))
            for name, part in zip(batch, queries.repositories(answer, len(batch)), strict=True):
                self.results[name] = self._listened(name, identities[name], part, answer)

        ask_in_batches(chunks(sorted(identities), REPOSITORIES_PER_REQUEST), ask, self._give_up)

    def _listened(self, name: str, database_id: int, part: Part, answer: Answer) -> Listened:
        before = self.before.get(name)
        with suppress(*MALFORMED):
            if part.value["databaseId"] == database_id and answer.date is not None:
                nodes = part.at("talk").at("nodes").items
                read = [_conversation(node) for node in nodes]
                known = tuple(each for each in read if each is not None)
                reason = "" if len(known) == len(read) else "GitHub cannot say enough about some pull requests"
                return Listened(heard(before, known, answer.date), reason)
        error = part.error
        return Listened(before, one_line(error.message) if error else "GitHub sent an invalid response")

    def _give_up(self, batch: Sequence[str], reason: str) -> None:
        self.results.update({name: Listened(self.before.get(name), one_line(reason)) for name in batch})


def _conversation(part: Part) -> Conversation | None:
    """Read a pull request; None if GitHub cannot say enough about it."""
    try:
        if any(not _is_about_a_part(error) for error in part.errors):
            return None
        node = part.value
        labels, _ = label_page(part.at("labels"))
        return Conversation(
            number=whole_number(node["number"]),
            fork=node["isCrossRepository"] is not False,
            labels=labels,
            relabelled=tuple(_relabelled(part)),
            updated_at=timestamp(node["updatedAt"]),
            comments=tuple(_comments(part)),
        )
    except (*MALFORMED, Malformed):
        return None


def _comments(pull_request: Part) -> list[Comment]:
    found = []
    for part in pull_request.at("comments").at("nodes").items:
        node = part.value
        if node is None or not (line := first_line(node["body"])):
            continue
        at, edited = timestamp(node["createdAt"]), node["lastEditedAt"] is not None
        author = _who(part, "author")
        found.append(Comment(node_id(node["id"]), whole_number(node["databaseId"]), author, line, at, edited))
    return sorted(found, key=lambda each: (each.at, each.database_id))


def _relabelled(pull_request: Part) -> Iterator[Relabelled]:
    for part in pull_request.at("timelineItems").at("nodes").items:
        # If a label was deleted in the repository, GitHub cannot say its name.
        if part.value is not None and part.value["label"] is not None:
            yield Relabelled(
                folded(part.value["label"]["name"]), timestamp(part.value["createdAt"]), _who(part, "actor")
            )


def _who(part: Part, field: str) -> str:
    """Return who did something; "" for an account that is deleted, hidden, or neither a person's nor a bot's."""
    found = part.at(field)
    known = not found.error and found.value is not None and found.value["__typename"] in ("User", "Bot")
    return author_name(found.value) if known else ""


def _is_about_a_part(error: GraphQLError) -> bool:
    return error.path[:2] in {("timelineItems", "nodes"), ("comments", "nodes")} and len(error.path) > 2  # noqa: PLR2004

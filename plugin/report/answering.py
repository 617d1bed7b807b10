"""Answering: what GitHub is asked and told because of a command. All of it needs one permission, for pull requests.

https://docs.github.com/en/rest/collaborators/collaborators, https://docs.github.com/en/rest/issues/labels and
https://docs.github.com/en/rest/reactions/reactions. Adding a label or a reaction again changes nothing.
"""

from dataclasses import dataclass
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter

from plugin.core.commands.answer import Note, Reaction
from plugin.core.commands.replying import marker
from plugin.core.config.messages import timestamp
from plugin.core.reports.content import Target
from plugin.report.github_api import GitHubApi
from plugin.report.writing import Missing

# `maintain` counts as `write` there, and `triage` as `read`, but nobody promises that for older servers.
MAY_WRITE = frozenset({"admin", "maintain", "write"})


class _Permission(BaseModel):
    permission: str


class _User(BaseModel):
    login: str


class _Comment(BaseModel):
    id: int
    user: _User | None
    body: str = ""


_PERMISSION = TypeAdapter(_Permission)
_COMMENT = TypeAdapter(_Comment)
_COMMENTS = TypeAdapter(tuple[_Comment, ...])


@dataclass(frozen=True, slots=True)
class Answering:
    """Used by one thread. Every method raises the errors of `writing.py`."""

    _api: GitHubApi

    def may_write(self, target: Target, login: str) -> bool:
        """Tell whether somebody may write to a repository now."""
        try:
            found = self._api.read(target, f"/collaborators/{quote(login, safe='')}/permission", _PERMISSION)
        except Missing:  # there is no such account any more
            return False
        return found.permission in MAY_WRITE

    def account(self, target: Target) -> str:
        """Return the login of the account that writes."""
        return self._api.account(target)

    def add_labels(self, target: Target, labels: tuple[str, ...]) -> None:
        """Set labels on a pull request. GitHub makes those that its repository lacks."""
        self._api.write(target, "POST", f"/issues/{target.number}/labels", {"labels": list(labels)})

    def remove_label(self, target: Target, label: str) -> None:
        """Remove a label from a pull request, if it is set."""
        try:
            self._api.write(target, "DELETE", f"/issues/{target.number}/labels/{quote(label, safe='')}")
        except Missing:
            return

    def reply(self, target: Target, body: str) -> int:
        """Write a comment; return its id."""
        return self._api.create(target, f"/issues/{target.number}/comments", {"body": body}, _COMMENT).id

    def replied(self, target: Target, note: Note) -> int:
        """Return the id of our reply to a command; 0 if there is none."""
        account, begins = self._api.account(target).casefold(), marker(note.comment)
        since = quote(timestamp(note.comment.at), safe="")
        for each in self._api.listed(target, f"/issues/{target.number}/comments?since={since}", _COMMENTS):
            if each.user and each.user.login.casefold() == account and each.body.startswith(begins):
                return each.id
        return 0

    def delete(self, target: Target, comment: int) -> None:
        """Delete a comment of ours, if it is still there."""
        try:
            self._api.write(target, "DELETE", f"/issues/comments/{comment}")
        except Missing:
            return

    def react(self, target: Target, comment: int, reaction: Reaction) -> None:
        """Put a reaction below a comment."""
        self._api.write(target, "POST", f"/issues/comments/{comment}/reactions", {"content": reaction.value})

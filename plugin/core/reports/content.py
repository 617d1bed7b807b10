"""What is to stand outside, and where: one target for each thing that is written, whatever is to be said there."""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b

from plugin.core.config.references import Locator


class Kind(StrEnum):
    """The kinds of targets."""

    STATUS = "status"
    DEPLOYMENT = "deployment"
    COMMENT = "comment"
    LINK = "link"
    COMMAND = "command"  # what is done because of a command; nothing of it is kept up to date


@dataclass(frozen=True, slots=True)
class Target:
    """One place outside. A push, or another version of this program, writes to the same target again."""

    kind: Kind
    repository: str
    number: int  # of the pull request
    name: str = ""  # the service; of a link, the service and the issue; "" for the comment, which is for all services

    @property
    def key(self) -> str:
        """A unique name, by which it is stored."""
        return f"{self.kind}:{self.repository}#{self.number}:{self.name}"

    @property
    def pull_request(self) -> str:
        """The pull request, as people write it."""
        return str(Locator(self.repository, self.number))


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment on GitHub of one commit, with its newest status.

    https://docs.github.com/en/rest/deployments
    """

    sha: str
    environment: str
    task: str  # what GitHub can list the deployments of one preview by
    title: str
    preview: str  # its name
    state: str  # queued, in_progress, success, failure or inactive
    description: str
    url: str  # of the preview
    log_url: str  # where people learn more; "": nowhere

    @property
    def digest(self) -> str:
        """Tells whether a status says the same."""
        return digest(self.state, self.description, self.url, self.log_url)


@dataclass(frozen=True, slots=True)
class Status:
    """A commit status on GitHub.

    https://docs.github.com/en/rest/commits/statuses
    """

    sha: str
    context: str
    state: str  # pending, success, failure or error
    description: str
    url: str  # "": none

    @property
    def digest(self) -> str:
        """Tells whether a status says the same."""
        return digest(self.state, self.description, self.url)


@dataclass(frozen=True, slots=True)
class Comment:
    """The comment on a pull request."""

    body: str  # Markdown
    confidential: bool  # it may name what not everybody may read
    create: bool  # False: it is only worth keeping an existing one up to date

    @property
    def digest(self) -> str:
        """Tells whether a comment says the same. GitHub may change line breaks and the blanks around a body."""
        return digest(self.body.replace("\r\n", "\n").strip())


@dataclass(frozen=True, slots=True)
class Link:
    """A link to a preview on an issue of Jira.

    https://developer.atlassian.com/cloud/jira/platform/rest/v2/api-group-issue-remote-links/
    """

    issue: str
    identity: str  # the same whatever is said, so that a link is replaced and never doubled
    title: str
    url: str
    summary: str

    @property
    def digest(self) -> str:
        """Tells whether a link says the same."""
        return digest(self.title, self.url, self.summary)


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing is to stand there any more. What cannot be taken away says why."""

    reason: str
    comment: Comment | None = None  # what the comment says from then on; None: it is deleted


Content = Deployment | Status | Comment | Link


def identity(pull_request: str, service: str) -> str:
    """Return what Jira knows the link to a preview by, whatever it says: a `globalId`."""
    return f"preview-plugin:{pull_request}:{service}"


def digest(*texts: str) -> str:
    """Return what two equal lists of texts have in common."""
    return blake2b("\0".join(texts).encode(errors="surrogatepass"), digest_size=12).hexdigest()

"""The baselines for cost: PyGithub as most people would use it, and what Argo CD's own generator asks."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from github import Auth, Github, UnknownObjectException
from github.PullRequest import PullRequest

Heads = dict[tuple[str, int], str]  # commits by repository and number


def read(url: str, token: str, repositories: Iterable[str]) -> Heads:
    """List each repository, then fetch each file."""
    github, heads = _connect(url, token), {}
    for name in repositories:
        repository = github.get_repo(name)
        for pull_request in _labelled(repository.get_pulls(state="open")):
            heads[name, pull_request.number] = pull_request.head.sha
            with suppress(UnknownObjectException):
                repository.get_contents(".preview.yaml", ref=pull_request.head.sha)
    return heads


def list_only(url: str, token: str, repositories: Iterable[str]) -> Heads:
    """List each repository and no more, as Argo CD's Pull Request generator does.

    https://github.com/argoproj/argo-cd/blob/v3.5.1/applicationset/services/pull_request/github.go
    """
    github = _connect(url, token)
    return {
        (name, pull_request.number): pull_request.head.sha
        for name in repositories
        for pull_request in _labelled(github.get_repo(name, lazy=True).get_pulls(state="open"))
    }


def _connect(url: str, token: str) -> Github:
    # Without PyGithub's own waiting, of which a simulated clock knows nothing.
    return Github(auth=Auth.Token(token), base_url=url, per_page=100, seconds_between_requests=None, retry=None)


def _labelled(pull_requests: Iterable[PullRequest]) -> Iterator[PullRequest]:
    return (found for found in pull_requests if any(label.name == "preview" for label in found.labels))

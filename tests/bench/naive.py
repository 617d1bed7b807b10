"""The baseline for cost: PyGithub as most people would use it. List each repository, then fetch each file."""

from contextlib import suppress

from github import Auth, Github, UnknownObjectException


def read(url: str, token: str, repositories: list[str]) -> int:
    """Read all labelled pull requests with their files; return how many there are."""
    github = Github(auth=Auth.Token(token), base_url=url, per_page=100, seconds_between_requests=None)
    found = 0
    for name in repositories:
        repository = github.get_repo(name)
        for pull_request in repository.get_pulls(state="open"):
            if any(label.name == "preview" for label in pull_request.labels):
                found += 1
                with suppress(UnknownObjectException):
                    repository.get_contents(".preview.yaml", ref=pull_request.head.sha)
    return found

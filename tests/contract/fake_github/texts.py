"""The plugin's queries, for any number of repositories and pull requests; tests supply the variables."""

from collections.abc import Sequence

from plugin.sources.github import queries


def probe(labels: Sequence[int]) -> str:
    return queries.probe({f"acme/r{i}": _labels(count) for i, count in enumerate(labels)}).text


def listing(labels: Sequence[int]) -> str:
    return queries.listing([queries.Page(f"acme/r{i}", _labels(count), 1) for i, count in enumerate(labels)]).text


def labels() -> str:
    return queries.labels("PR_1").text


def details(files: Sequence[int]) -> str:
    return queries.details([], {f"acme/r{i}": ["sha"] * count for i, count in enumerate(files)}, "path", "other").text


def confirm(pull_requests: Sequence[int]) -> str:
    return queries.confirm({f"acme/r{i}": [1] * count for i, count in enumerate(pull_requests)}).text


def commits(pull_requests: Sequence[int]) -> str:
    return queries.commits({f"acme/r{i}": [1] * count for i, count in enumerate(pull_requests)}).text


def checks(commits: Sequence[int], check: str = "check") -> str:
    return queries.checks({f"acme/r{i}": [("sha", check)] * count for i, count in enumerate(commits)}).text


def identity() -> str:
    return queries.identity([]).text


def _labels(count: int) -> list[str]:
    return [f"label-{j}" for j in range(count)]

"""A company to measure with: 50 repositories with 1,000 labelled pull requests, unevenly spread, each with a file."""

import json

from plugin.sources.file import Organisation, PullRequestEntry, RepositoryEntry

LARGEST, EMPTY = 300, 10
REPOSITORIES, PULL_REQUESTS = 50, 1000


def sizes() -> list[int]:
    """How many labelled pull requests each repository has: one has 300, ten have none, the others 1 to 37."""
    others = [min(i + 1, 26) for i in range(REPOSITORIES - 1 - EMPTY)]
    others[-1] += PULL_REQUESTS - LARGEST - sum(others)
    return [LARGEST, *others, *[0] * EMPTY]


def organisation() -> Organisation:
    """GitHub's side."""
    return Organisation(
        repositories={f"big/{_service(i)}": _repository(i, count) for i, count in enumerate(sizes())},
    )


def catalog() -> str:
    """The catalog: each service calls two others. JSON is YAML."""
    return json.dumps({"version": 1, "domain": "preview.example.com", "services": _services()})


def _services() -> dict[str, object]:
    return {
        _service(i): {
            "repository": f"big/{_service(i)}",
            "profile": "backend",
            "image": {"name": f"ghcr.io/big/{_service(i)}"},
            "port": 8000,
            "staging": {
                "internal": f"http://app.staging-{_service(i)}.svc.cluster.local",
                "public": f"https://{_service(i)}.staging.example.com",
            },
            "depends_on": [_service((i + 1) % REPOSITORIES), _service((i + 2) % REPOSITORIES)],
        }
        for i in range(REPOSITORIES)
    }


def _service(i: int) -> str:
    return f"service-{i:02}"


def _repository(i: int, count: int) -> RepositoryEntry:
    return RepositoryEntry(pull_requests=tuple(_pull_request(i, number) for number in range(1, count + 1)))


def _pull_request(i: int, number: int) -> PullRequestEntry:
    called = _service((i + 1) % REPOSITORIES)
    return PullRequestEntry(
        number=number,
        title=f"Change {number} of {_service(i)}",
        branch=f"change-{number}",
        head_sha=f"{i:08x}{number:032x}",
        author=f"developer-{number % 17}",
        labels=("preview",),
        body="What it does, why, and how it was tested. " * 20,
        config=f"version: 1\ndependencies:\n  {called}: pr:{number}\n",
    )

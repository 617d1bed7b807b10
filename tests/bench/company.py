"""Companies to measure with: every pull request is labelled and has a file that links to one of another repository."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from plugin.sources.file import Organisation, PullRequestEntry, RepositoryEntry

LARGEST, EMPTY = 300, 10
REPOSITORIES, PULL_REQUESTS = 50, 1000


def uneven() -> list[int]:
    """How many pull requests each of 50 repositories has: one has 300, ten have none, the others 1 to 37."""
    others = [min(i + 1, 26) for i in range(REPOSITORIES - 1 - EMPTY)]
    others[-1] += PULL_REQUESTS - LARGEST - sum(others)
    return [LARGEST, *others, *[0] * EMPTY]


def organisation(sizes: Sequence[int] | None = None) -> Organisation:
    """GitHub's side: repositories with so many pull requests; without sizes the uneven company's."""
    sizes = uneven() if sizes is None else sizes
    return Organisation(repositories={name(i): _repository(i, count, len(sizes)) for i, count in enumerate(sizes)})


def catalog(repositories: int = REPOSITORIES, **given: object) -> str:
    """The catalog: each service calls two others; `given` are further keys. JSON is YAML."""
    return json.dumps({"version": 1, "domain": "preview.example.com", "services": _services(repositories)} | given)


def name(i: int) -> str:
    """The repository's name."""
    return f"big/{_service(i)}"


def pushed(before: Organisation, heads: Mapping[tuple[str, int], str], at: datetime) -> Organisation:
    """Return the organisation after pushes that leave `.preview.yaml` as it was: new heads by repository and number."""
    repositories = dict(before.repositories)
    for repository in {repository for repository, _ in heads}:
        entries = tuple(
            entry.model_copy(update={"head_sha": head, "updated_at": at})
            if (head := heads.get((repository, entry.number)))
            else entry
            for entry in before.repositories[repository].pull_requests
        )
        repositories[repository] = before.repositories[repository].model_copy(update={"pull_requests": entries})
    return before.model_copy(update={"repositories": repositories})


def _services(repositories: int) -> dict[str, object]:
    return {
        _service(i): {
            "repository": name(i),
            "profile": "backend",
            "image": {"name": f"ghcr.io/big/{_service(i)}"},
            "port": 8000,
            "staging": {
                "internal": f"http://app.staging-{_service(i)}.svc.cluster.local",
                "public": f"https://{_service(i)}.staging.example.com",
            },
            "depends_on": [_service((i + 1) % repositories), _service((i + 2) % repositories)],
        }
        for i in range(repositories)
    }


def _service(i: int) -> str:
    return f"service-{i:02}"


def _repository(i: int, count: int, repositories: int) -> RepositoryEntry:
    return RepositoryEntry(
        pull_requests=tuple(_pull_request(i, number, repositories) for number in range(1, count + 1))
    )


def _pull_request(i: int, number: int, repositories: int) -> PullRequestEntry:
    called = _service((i + 1) % repositories)
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

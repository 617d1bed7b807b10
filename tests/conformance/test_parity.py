"""Beside Argo CD's own Pull Request generator, on the same GitHub: the same parameters, for fewer requests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin.sources.file import Organisation
from plugin.sources.github.client import GitHubClient
from plugin.sources.github.pygithub import Token
from plugin.sources.github.reader import GitHubSource
from tests import acme
from tests.acme import CATALOG
from tests.bench import company
from tests.conformance.argocd import ArgoCD, Object, secret
from tests.conformance.stage import Stage, stage
from tests.contract.conftest import Time, plugin_of, pull_request, with_pull_requests
from tests.docs.pages import read
from tests.fakes.github import GitHub

THEIRS = {
    "number",
    "title",
    "branch",
    "branch_slug",
    "target_branch",
    "target_branch_slug",
    "head_sha",
    "head_short_sha",
    "head_short_sha_7",
    "author",
    "labels",
}
BRANCHES = [
    "feature/ABC-123_fix-thing",
    "dependabot/npm_and_yarn/foo/bar-1.2.3",
    "user@host-and-co",
    "it's-a-test",
    "a-very-long-branch-name-that-goes-way-past-the-fifty-character-limit-of-slugs",
    "averyveryveryveryverylongbranchnamewithoutanydashesatallpastfifty",
    "x" * 50,
    "x" * 49 + "-y",
    "___",
    "a__b--c//d",
    "UPPER.lower+plus=equals!bang,comma;semi",
    "100%/#1(2){3}&4",
    "-starts-and-ends-",
]
POLLS_PER_HOUR = {"Argo CD's own generator": 60, "this plugin": 120}


def organisation() -> Organisation:
    made = acme.organisation()
    entries = [
        pull_request(
            700 + i,
            branch=branch,
            target_branch=BRANCHES[-i],
            title=f'Title {i}: "{branch}" é 🚀 {{{{ .x }}}}',
            author=("renovate[bot]", "Ada-Lovelace", "x")[i % 3],
            labels=("zebra", "preview", "kind/it's odd: 100%", "Äpfel"),
        )
        for i, branch in enumerate(BRANCHES)
    ]
    return with_pull_requests(made, "acme/orders", *made.repositories["acme/orders"].pull_requests, *entries)


def own_generator(github: GitHub, repositories: list[str]) -> Object:
    """Return an ApplicationSet as a team would write it with Argo CD alone: one generator for each repository."""
    token = {"secretName": "github", "key": "token"}
    generators = [
        {
            "pullRequest": {
                "github": {"owner": owner, "repo": name, "api": github.url, "tokenRef": token, "labels": ["preview"]},
                "requeueAfterSeconds": 60,
            }
        }
        for owner, name in (repository.split("/") for repository in repositories)
    ]
    destination = {"server": "https://kubernetes.default.svc", "namespace": "preview-x"}
    source = {"repoURL": "https://github.com/acme/previews.git", "path": "manifests"}
    template = {
        "metadata": {"name": "own-{{ .number }}"},
        "spec": {"project": "previews", "source": source, "destination": destination},
    }
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet",
        "metadata": {"name": "own", "namespace": "argocd"},
        "spec": {"goTemplate": True, "generators": generators, "template": template},
    }


@pytest.fixture(name="staged", scope="module")
def _staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("parity"), organisation()) as staged:
        staged.argocd.apply(secret("github", token=staged.github.token))
        staged.server.refreshed()
        yield staged


@pytest.mark.parametrize("repository", ["orders", "payments", "users", "shop", "backoffice"])
def test_parameters_match_those_of_argocds_pull_request_generator(staged: Stage, repository: str) -> None:
    staged.argocd.apply(own_generator(staged.github, [f"acme/{repository}"]))
    theirs = {one["number"]: one for one in staged.argocd.parameters("own")}
    ours = [one for one in staged.argocd.parameters("previews") if one["repository"] == f"acme/{repository}"]

    assert ours
    for one in ours:
        assert {key: one[key] for key in THEIRS} == theirs[one["number"]]
    live = {one["number"] for one in ours}
    # Only theirs: a fork, a draft of a service with drafts off, and a pull request with a skip label.
    assert theirs.keys() - live == {"payments": {"124"}, "users": {"9"}, "shop": {"34"}}.get(repository, set())


def test_requests_in_an_hour_of_polling(controller: ArgoCD, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Count requests at the usual intervals: Argo CD's generator every 60 s, the plugin every 30 s.

    Every poll of Argo CD's costs the same, so two are enough to compute the hour.
    """
    catalog = tmp_path / "catalog.yaml"
    catalog.write_text(company.catalog(), "utf-8")
    rows: list[tuple[str, ...]] = []
    for who, made, file in (
        ("5 repositories, 16 pull requests", acme.organisation(), CATALOG),
        ("50 repositories, 1,000 pull requests", company.organisation(), catalog),
    ):
        with GitHub(made) as github:
            theirs = their_hour(controller, github)
            github.log.clear()
            ours = our_hour(github, file)
        assert ours[1] < theirs[1]
        rows += [
            (who, name, f"{requests:,}", f"{points:,}")
            for name, (requests, points) in zip(POLLS_PER_HOUR, (theirs, ours), strict=True)
        ]
    compared = next(line for line in read("README.md").splitlines() if "in an hour of polling" in line)
    assert [cell.strip() for cell in compared.split("|")[2:4]] == [rows[-1][2], rows[-2][2]]
    with capsys.disabled():
        print(f"\n{'an hour of polling, of the 5,000 allowed':<40} {'':<26} {'requests':>9} {'points':>8}")
        for row in rows:
            print("{:<40} {:<26} {:>9} {:>8}".format(*row))


def their_hour(controller: ArgoCD, github: GitHub) -> tuple[int, int]:
    controller.apply(secret("github", token=github.token))
    controller.apply(own_generator(github, sorted(github.organisation.repositories)))
    costs = set()
    for _ in range(2):
        before = len(github.log)
        controller.parameters("own")
        costs.add(len(github.log) - before)
    (each,) = costs  # it reads everything each time
    hour = each * POLLS_PER_HOUR["Argo CD's own generator"]
    return hour, hour  # of REST each request counts one


def our_hour(github: GitHub, catalog: Path) -> tuple[int, int]:
    """Simulate an hour: repositories are probed, and everything is listed now and then."""
    passing = Time()
    github.now = passing.now
    plugin = plugin_of(GitHubSource(GitHubClient(github.url, Token(github.token), passing.clock)), catalog, passing)
    polls = POLLS_PER_HOUR["this plugin"]
    for _ in range(polls):
        plugin.refresh()
        passing.passes(3600 / polls)
    assert plugin.answer()  # so it has read everything
    return len(github.log), github.points

from datetime import UTC, datetime
from pathlib import Path

import pytest

from plugin.core.config.references import Locator
from plugin.core.facts.model import ConfigFile, Events, PullRequest, Repository
from plugin.errors import InvalidFile
from plugin.sources import CheckQuestion, Doubt, Registry, Wanted
from plugin.sources.file import LONG_AGO, FileSource, load_organisation

ORGANISATION = """\
repositories:
  acme/orders:
    default_branch: trunk
    pull_requests:
      - number: 12
        branch: b
        head_sha: "0000000000000000000000000000000000000012"
        labels: [preview, more]
      - number: 3
        title: Everything
        branch: everything
        target_branch: release
        head_sha: "0000000000000000000000000000000000000003"
        author: ada
        labels: [preview]
        draft: true
        updated_at: 2026-11-20T09:00:00Z
        body: "Depends-On: acme/users#5"
        config: "version: 1"
      - {number: 4, branch: c, head_sha: "0000000000000000000000000000000000000004", labels: [preview],
         fork: mallory/orders, config: "version: 1"}
      - {number: 5, branch: d, head_sha: "0000000000000000000000000000000000000005", labels: [preview], state: merged}
      - {number: 6, branch: e, head_sha: "0000000000000000000000000000000000000006", labels: [preview], state: closed}
      - {number: 7, branch: f, head_sha: "0000000000000000000000000000000000000007", labels: [more]}
"""
PREVIEW = frozenset({"preview"})


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    path = tmp_path / "organisation.yaml"
    path.write_text(ORGANISATION, "utf-8")
    return path


def read(path: Path, labels: frozenset[str] = PREVIEW) -> Repository | Doubt:
    return FileSource(path).read([Wanted("acme/orders", labels)])["acme/orders"]


def listed(path: Path, labels: frozenset[str] = PREVIEW) -> dict[int, PullRequest]:
    repository = read(path, labels)
    assert isinstance(repository, Repository)
    return {pull_request.number: pull_request for pull_request in repository.pull_requests}


def test_a_repository_holds_its_open_labelled_pull_requests(path: Path) -> None:
    repository = read(path)
    assert isinstance(repository, Repository)

    assert (repository.name, repository.url) == ("acme/orders", "https://github.com/acme/orders")
    assert (repository.default_branch, repository.labels) == ("trunk", PREVIEW)
    assert [pull_request.number for pull_request in repository.pull_requests] == [3, 4, 12]


@pytest.mark.parametrize(
    ("labels", "numbers"),
    [
        (set(), [3, 4, 7, 12]),
        ({"more"}, [7, 12]),
        ({"more", "preview"}, [3, 4, 7, 12]),
        ({"none"}, []),
        ({"PREVIEW"}, [3, 4, 12]),
    ],
)
def test_any_label_is_enough_in_any_case(path: Path, labels: set[str], numbers: list[int]) -> None:
    assert list(listed(path, frozenset(labels))) == numbers


def test_a_pull_request_is_what_the_file_says(path: Path) -> None:
    assert listed(path)[3] == PullRequest(
        number=3,
        title="Everything",
        author="ada",
        branch="everything",
        target_branch="release",
        head_sha="0000000000000000000000000000000000000003",
        draft=True,
        fork=False,
        labels=("preview",),
        updated_at=datetime(2026, 11, 20, 9, tzinfo=UTC),
        body="Depends-On: acme/users#5",
        config=ConfigFile("version: 1"),
        events=Events(LONG_AGO, {"preview": LONG_AGO}),
    )


def test_the_config_of_a_fork_is_not_read(path: Path) -> None:
    fork = listed(path)[4]

    assert fork.fork
    assert fork.config is None


def test_events_are_as_old_as_the_pull_request_unless_the_file_says_when_they_were(tmp_path: Path) -> None:
    path = tmp_path / "organisation.yaml"
    path.write_text(
        """\
repositories:
  acme/orders:
    pull_requests:
      - number: 1
        branch: b
        head_sha: "0000000000000000000000000000000000000001"
        labels: [Preview, more]
        created_at: 2026-11-02T09:00:00Z
        labelled_at: {preview: 2026-11-03T09:00:00Z, gone: 2026-11-04T09:00:00Z}
        reopened_at: 2026-11-05T09:00:00+01:00
""",
        "utf-8",
    )

    assert listed(path)[1].events == Events(
        created_at=datetime(2026, 11, 2, 9, tzinfo=UTC),
        labelled_at={"preview": datetime(2026, 11, 3, 9, tzinfo=UTC), "more": datetime(2026, 11, 2, 9, tzinfo=UTC)},
        reopened_at=datetime(2026, 11, 5, 8, tzinfo=UTC),
    )


GATED = """\
repositories:
  acme/orders:
    pull_requests:
      - number: 1
        branch: b
        head_sha: "0000000000000000000000000000000000000001"
        commits: ["0000000000000000000000000000000000000002", "0000000000000000000000000000000000000003"]
        succeeded: {preview / Image: ["0000000000000000000000000000000000000002"]}
      - {number: 2, branch: c, head_sha: "0000000000000000000000000000000000000004"}
images: ["ghcr.io/acme/orders:1a2b3c"]
"""


@pytest.fixture(name="gated")
def _gated(tmp_path: Path) -> FileSource:
    path = tmp_path / "organisation.yaml"
    path.write_text(GATED, "utf-8")
    source = FileSource(path)
    source.read([])
    return source


def test_the_head_is_the_newest_commit(gated: FileSource) -> None:
    asked = [Locator("ACME/orders", 1), Locator("acme/orders", 2), Locator("acme/orders", 3), Locator("acme/users", 1)]

    assert gated.commits(asked, {}) == {asked[0]: (f"{1:040}", f"{2:040}", f"{3:040}"), asked[1]: (f"{4:040}",)}


def test_at_most_ten_commits_are_told(tmp_path: Path) -> None:
    path = tmp_path / "organisation.yaml"
    many = ", ".join(f'"{i:040}"' for i in range(5, 25))
    path.write_text(
        GATED.replace(
            'head_sha: "0000000000000000000000000000000000000004"',
            f"""\
head_sha: "0000000000000000000000000000000000000004", commits: [{many}]""",
        ),
        "utf-8",
    )
    source = FileSource(path)
    source.read([])
    locator = Locator("acme/orders", 2)

    assert source.commits([locator], {})[locator] == tuple(f"{i:040}" for i in range(4, 14))


def test_a_check_has_succeeded_on_the_commits_that_the_file_names(gated: FileSource) -> None:
    asked = {
        CheckQuestion("acme/orders", f"{2:040}", "preview / Image"): True,
        CheckQuestion("Acme/Orders", f"{2:040}", "preview / Image", app="any"): True,
        CheckQuestion("acme/orders", f"{1:040}", "preview / Image"): False,
        CheckQuestion("acme/orders", f"{2:040}", "another"): False,
        CheckQuestion("acme/orders", f"{9:040}", "preview / Image"): False,
    }

    assert gated.checks([*asked, CheckQuestion("acme/users", f"{1:040}", "preview / Image")], {}) == asked


def test_images_exist_that_the_file_names(gated: FileSource) -> None:
    registry: Registry = gated
    there, missing = "ghcr.io/acme/orders:1a2b3c", "ghcr.io/acme/orders:4d5e6f"

    assert registry.exist([there, missing]) == {there: True, missing: False}


def test_a_file_that_cannot_be_read_tells_nothing(gated: FileSource, tmp_path: Path) -> None:
    locator, image = Locator("acme/orders", 1), "ghcr.io/acme/orders:1a2b3c"
    question = CheckQuestion("acme/orders", f"{2:040}", "preview / Image")
    (tmp_path / "organisation.yaml").write_text("repositories: [", "utf-8")
    gated.read([])

    assert gated.look_up([locator], {}) == {}
    assert gated.commits([locator], {}) == {}
    assert gated.checks([question], {}) == {}
    assert gated.exist([image]) == {}


def test_where_unlisted_pull_requests_are(path: Path) -> None:
    source = FileSource(path)
    source.read([])
    locators = [Locator("acme/orders", number) for number in (5, 6, 7, 8)] + [Locator("acme/users", 1)]

    found = source.look_up(locators, {})

    assert {str(locator): answer.state for locator, answer in found.items()} == {
        "acme/orders#5": "merged",
        "acme/orders#6": "closed",
        "acme/orders#7": "open",
        "acme/orders#8": "missing",
        "acme/users#1": "missing",
    }
    assert found[locators[2]].updated_at == LONG_AGO
    assert found[locators[2]].labels == {"more"}
    assert found[locators[2]].target_branch == "main"
    assert found[locators[2]].head_sha == f"{7:040}"
    assert found[locators[2]].settled


def test_repository_names_ignore_case(path: Path) -> None:
    source = FileSource(path)
    reading = source.read([Wanted("Acme/Orders", PREVIEW)])["Acme/Orders"]

    assert isinstance(reading, Repository)
    assert reading.name == "Acme/Orders"
    assert reading.numbers == {3, 4, 12}
    locator = Locator("ACME/orders", 3)
    assert source.look_up([locator], {})[locator].target_branch == "release"


def test_only_a_repository_missing_from_the_file_is_in_doubt(path: Path) -> None:
    readings = FileSource(path).read([Wanted("acme/users", PREVIEW), Wanted("acme/orders", PREVIEW)])

    assert readings["acme/users"] == Doubt(f"{path} does not list this repository")
    assert isinstance(readings["acme/orders"], Repository)


def test_the_file_is_read_again_each_time(path: Path) -> None:
    source = FileSource(path)
    wanted = [Wanted("acme/orders", PREVIEW)]
    before = source.read(wanted)["acme/orders"]
    path.write_text(ORGANISATION.replace("title: Everything", "title: Something"), "utf-8")
    after = source.read(wanted)["acme/orders"]

    assert isinstance(before, Repository)
    assert isinstance(after, Repository)
    assert [before.pull_requests[0].title, after.pull_requests[0].title] == ["Everything", "Something"]


NO_ZONE = "must include a time zone, for example 2026-11-20T09:00:00Z"
HEAD = 'branch: b, head_sha: "0000000000000000000000000000000000000001"'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "FILE:1: repositories: is missing"),
        (
            "repositories: {a/b: {pull_requests: [{number: 1, branch: b}]}}",
            "FILE:1: repositories.a/b.pull_requests.0.head_sha: is missing",
        ),
        (
            "repositories: {a/b: {pull_requests: [{number: 1, " + HEAD + ", labls: []}]}}",
            'FILE:1: repositories.a/b.pull_requests.0.labls: is not a known key; did you mean "labels"?',
        ),
        (
            "repositories: {a/b: {pull_requests: [{number: 1, " + HEAD + "}, {number: 1, " + HEAD + "}]}}",
            "FILE:1: repositories.a/b.pull_requests: two pull requests have the number 1",
        ),
        # Moments with and without a time zone cannot be compared, so all of them have one.
        (
            "repositories: {a/b: {pull_requests: [{number: 1, " + HEAD + ", updated_at: 2026-11-20T09:00:00}]}}",
            f"FILE:1: repositories.a/b.pull_requests.0.updated_at: {NO_ZONE}",
        ),
        ("repositories: [", "FILE:2: did not find expected node content"),
    ],
)
def test_a_broken_file_makes_every_repository_doubtful(path: Path, text: str, reason: str) -> None:
    path.write_text(text, "utf-8")

    assert read(path) == Doubt(reason.replace("FILE", str(path)))


def test_a_file_that_cannot_be_read_makes_every_repository_doubtful(path: Path) -> None:
    path.write_bytes(b"\xff")
    not_text = read(path)
    path.unlink()
    missing = read(path)

    assert isinstance(not_text, Doubt)
    assert "can't decode byte 0xff" in not_text.reason
    assert missing == Doubt(f"there is no file {path}, which PREVIEW_SOURCE names")


def test_all_mistakes_of_a_file_are_named(path: Path) -> None:
    path.write_text("repositories:\n  a/b:\n    pull_requests:\n      - number: 0\n        branch: 1\n", "utf-8")

    with pytest.raises(InvalidFile) as error:
        load_organisation(path)
    assert [(problem.line, problem.field) for problem in error.value.problems] == [
        (4, "repositories.a/b.pull_requests.0.head_sha"),
        (4, "repositories.a/b.pull_requests.0.number"),
        (5, "repositories.a/b.pull_requests.0.branch"),
    ]


@pytest.mark.parametrize(("visibility", "public"), [("public", True), ("internal", False), ("private", False)])
def test_a_repository_says_whether_anybody_may_read_it(path: Path, visibility: str, public: bool) -> None:  # noqa: FBT001  a table
    path.write_text(ORGANISATION.replace("default_branch", f"visibility: {visibility}\n    default_branch"), "utf-8")
    repository = read(path)

    assert isinstance(repository, Repository)
    assert repository.public is public

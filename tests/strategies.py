"""Worlds that nobody would think of."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from plugin.core.config.branches import is_branch_name
from plugin.core.config.catalog import Catalog
from plugin.core.config.references import Branch, PullRequestReference, Reference, SameBranch, Staging
from plugin.core.facts.model import ConfigFile, Elsewhere, PullRequest, Repository, Snapshot
from tests.builders import make_catalog, make_pull_request, make_repository, make_snapshot

EXAMPLES = min(25, settings().max_examples)  # worlds are slow to make, and one of them holds many previews
SERVICES = ("a", "b", "b-1", "c", "d")
REPOSITORIES = ("acme/one", "acme/two", "acme/three")
BRANCHES = ("main", "x", "y")

numbers = st.integers(1, 9_999_999)
small_numbers = st.integers(1, 4)
dns_labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
repository_names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}/[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}", fullmatch=True)
branch_names = st.from_regex(r"[A-Za-z0-9_#%&+=@é🚀][A-Za-z0-9_#%&+=é🚀/-]{0,250}", fullmatch=True).filter(
    is_branch_name
)
urls = st.from_regex(
    r"https://[A-Za-z0-9-]{1,20}(\.[A-Za-z0-9-]{1,20}){0,3}(:[0-9]{1,5})?(/[!-\"$-\[\]-~]*)?", fullmatch=True
)
references: st.SearchStrategy[Reference] = st.one_of(
    st.just(Staging()),
    st.just(SameBranch()),
    st.builds(PullRequestReference, numbers),
    st.builds(PullRequestReference, numbers, repository_names),
    st.builds(Branch, branch_names),
)

# What YAML is made of, so that random texts get past the first character.
_YAML = r"a|b|: |NL|NL  |- |[|]|{|}|, |&x |*x|!t |? |> NL|'|" + r'"|#|---NL|...NL|%YAML 1.1NL|\ud800|<<|1|no|~|"[key]"'
yaml_like = st.lists(
    st.sampled_from([*_YAML.replace("NL", "\n").split("|"), "|", "\t", "\ufeff", "\x85", "\0"]), max_size=40
).map("".join)

# What developers write, right and wrong.
wishes = st.sampled_from(
    [f"pr:{number}" for number in range(1, 5)]
    + [f"{repository}#{number}" for repository in REPOSITORIES for number in range(1, 3)]
    + ["staging", "same-branch", "branch:x", "branch:y", "branch:main", "url:https://users.dev.example.com/v2", "pr:0"]
)
config_texts = st.builds(
    lambda dependencies, services: json.dumps({"version": 1, "dependencies": dependencies, "services": services}),
    st.dictionaries(st.sampled_from(SERVICES), wishes, max_size=3),
    st.dictionaries(
        st.sampled_from(SERVICES), st.fixed_dictionaries({"dependencies": st.just({"a": "staging"})}), max_size=1
    ),
)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_clock_times = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from((0, 15, 30, 59)))
_windows = st.builds(
    "{} {} {}".format,
    st.sampled_from(_DAYS) | st.builds("{}-{}".format, st.sampled_from(_DAYS), st.sampled_from(_DAYS)),
    st.tuples(_clock_times, _clock_times | st.just("24:00")).filter(lambda times: times[0] != times[1]).map("-".join),
    st.sampled_from(("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC")),
)
hours_texts = st.lists(_windows, min_size=1, max_size=3).map(", ".join)
bodies = st.lists(
    st.sampled_from([f"Depends-On: {name}#{number}" for name in REPOSITORIES for number in (1, 2)] + ["Depends-On: x"]),
    max_size=2,
).map("\n".join)

service_entries = st.fixed_dictionaries(
    {"repository": st.sampled_from(REPOSITORIES), "depends_on": st.lists(st.sampled_from(SERVICES), unique=True)},
    optional={
        **{key: st.none() for key in ("profile", "image", "port")},  # as if the key were missing
        "drafts": st.booleans(),
        "link": st.sampled_from(["same-branch", "none"]),
        "endpoint": st.sampled_from(["internal", "public"]),
        "labels": st.sampled_from([{"skip": ["skip"]}, {"require": []}, {"require": ["preview", "more"]}]),
        "extra": st.dictionaries(st.sampled_from(["team", "tier"]), st.text("aé🚀 '{", max_size=5)),
        "seed": st.just({"image": "ghcr.io/acme/seed", "datasets": {"default": "1"}}),
    },
)


@dataclass(frozen=True)
class World:
    """A catalog and what GitHub holds, as parts that can be put together in any order."""

    services: dict[str, dict[str, Any]]
    repositories: tuple[Repository, ...]

    @cached_property
    def catalog(self) -> Catalog:
        return make_catalog(self.services, allowed_hosts=["users.dev.example.com"])

    @cached_property
    def snapshot(self) -> Snapshot:
        return make_snapshot(self.catalog, *self.repositories)


def pull_requests(number: int) -> st.SearchStrategy[PullRequest]:
    return st.builds(
        make_pull_request,
        st.just(number),
        title=st.sampled_from(["Fix", "", "a\nb", '"{{ odd }}"', "\u202e🚀", "\ud800"]),
        author=st.sampled_from(["ada", "dependabot[bot]", "ghost"]),
        branch=st.sampled_from(BRANCHES),
        fork=st.sampled_from([False, False, False, True]),
        draft=st.booleans(),
        labels=st.sampled_from([("preview",), ("more", "preview"), ("preview", "skip"), ()]),
        body=bodies,
        config=st.one_of(st.none(), config_texts, config_texts, st.just(ConfigFile(problem="is binary"))),
        last_good_config=st.none() | config_texts,
    )


@st.composite
def repositories(draw: st.DrawFn, name: str) -> Repository:
    listed = draw(st.sets(small_numbers, min_size=1))
    looked_up = draw(st.dictionaries(small_numbers, st.sampled_from(Elsewhere), max_size=2))
    return make_repository(name, *[draw(pull_requests(number)) for number in sorted(listed)], looked_up=looked_up)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Up to five services that call each other in circles, over three repositories."""
    names = draw(st.lists(st.sampled_from(SERVICES), unique=True, min_size=2))
    services: dict[str, dict[str, Any]] = {name: draw(service_entries) for name in names}
    for entry in services.values():
        entry["depends_on"] = [name for name in entry["depends_on"] if name in services]
    used = sorted({entry["repository"] for entry in services.values()})
    return World(services, tuple(draw(repositories(name)) for name in used))


@st.composite
def moved_on(draw: st.DrawFn, world: World) -> Snapshot:
    """A later snapshot: some repositories are other ones, the others the same objects."""
    changed = draw(st.sets(st.sampled_from(sorted(world.snapshot.repositories))))
    return Snapshot({**world.snapshot.repositories, **{name: draw(repositories(name)) for name in sorted(changed)}})


@st.composite
def shuffled(draw: st.DrawFn, world: World) -> World:
    """The same world with everything in another order."""
    return World(
        services=dict(draw(st.permutations(list(world.services.items())))),
        repositories=tuple(
            make_repository(
                repository.name,
                *draw(st.permutations(repository.pull_requests)),
                looked_up=repository.looked_up,
            )
            for repository in draw(st.permutations(world.repositories))
        ),
    )

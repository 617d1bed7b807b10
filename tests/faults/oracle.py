"""The oracle: it knows from the truth and from all earlier answers which answers are wrong.

It shares no code with the plugin. What it knows of an environment is the oldest fact about its pull request that
agrees with all answers so far, so it never accuses wrongly. It cannot tell facts with the same `updatedAt` apart, and
neither can the plugin.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tests.faults.catalogs import Catalog
from tests.faults.lives import Lives
from tests.faults.sightings import Sighting, Wrong
from tests.faults.truth import LAG, Fact, Truth

Described = Mapping[str, Mapping[str, Any]]  # what the read routes say, by the preview's key
Asked = tuple[tuple[str, Any], ...]

MANY, SHARE = 5, 20  # the breaker: more than these, and more than this share in per cent
HIDDEN_FOR = timedelta(hours=1)


@dataclass(slots=True)
class Record:
    """What one ApplicationSet was answered."""

    body: bytes = b""
    seen: dict[str, Sighting] = field(default_factory=dict)  # by the environment's name
    catalog: int = 0  # the oldest edition that the answer can have been made with
    compared: bool = False  # whether the plugin compares its next answer with this one
    held: bool = False  # whether the breaker held it
    heard: int = 0  # when, as lives count


class Oracle:
    """Listens to every answer."""

    def __init__(self, truth: Truth, catalog: Catalog) -> None:
        self._truth = truth
        self._catalogs = [catalog]
        self._acknowledged: set[str] = set()
        self._records: dict[Asked, Record] = {}
        self._seen: dict[str, Sighting] = {}  # the newest sighting of each environment in any answer, gone or not
        self._live: set[str] = set()  # those that the newest answer about them holds
        self._forgot_in = 0  # the number of catalogs when the state was lost last
        self._newest_edition = 0  # the newest edition that an answer was made with
        self._first_editions: int | None = None  # those up to this one were there before the first answer
        self._added: dict[str, datetime] = {}  # when the catalog took a repository in again
        self.lives = Lives(truth)
        self.lives.written = self._catalogs
        self._lost: dict[str, Sighting] = {}  # what was live when the state was lost, until there is an answer again

    @property
    def catalog(self) -> Catalog:
        return self._catalogs[-1]

    @property
    def live(self) -> list[str]:
        """The names of all environments in the newest answer."""
        return sorted(self._live)

    def edited(self, catalog: Catalog) -> None:
        added = catalog.repositories - self.catalog.repositories
        self._added |= dict.fromkeys(added, self._truth.clock.now)
        self._catalogs.append(catalog)

    def acknowledged(self, fingerprint: str) -> None:
        """Say that a person accepts what the catalog with this fingerprint removes."""
        self._acknowledged.add(fingerprint)
        self.lives.agreed(fingerprint)

    def state_lost(self) -> None:
        """Say that the plugin has forgotten what it answered, and may take any repository for the one that it knew."""
        self._lost |= {name: self._seen[name] for name in self._live}
        self.lives.lost()
        self._forgot_in = len(self._catalogs)
        self._records, self._seen, self._live = {}, {}, set()
        self._newest_edition, self._first_editions = 0, None

    def not_comparable(self) -> None:
        """Say that a version may have come and gone between two answers that the oracle hears."""
        for record in self._records.values():
            record.compared = False

    def refused(self, asked: Asked, *, held: bool) -> None:
        """Judge an error. `held` says that the breaker holds, and has no answer to hold. Raises Wrong."""
        if record := self._records.get(asked):
            if held and record.held and record.compared:
                raise Wrong("an answer that the breaker holds is there no more")
            record.compared = False

    def hear(self, asked: Asked, body: bytes, describe: Callable[[], Described], *, held: bool) -> None:
        """Judge a 200. `held` says that the read routes show the breaker's hold on this answer. Raises Wrong.

        `describe` asks the read routes about all previews, which is done only if one is missing.
        """
        record = self._records.get(asked)
        if record is None:
            record = self._records[asked] = Record(catalog=self._forgot_in and self._forgot_in - 1)
        if held and record.compared and body != record.body:
            raise Wrong("an answer that the breaker holds is not the one before, whole")
        known = record.seen if held else self._newest(record)
        parameters = json.loads(body)["output"]["parameters"]
        seen = {entry["name"]: self._sighting(entry, known.get(entry["name"])) for entry in parameters}
        if len(seen) < len(parameters):
            raise Wrong("a name stands twice in one answer")
        self._nothing_dangles(asked, parameters)
        made_before, record.catalog = record.catalog, max(record.catalog, self._edition(record.catalog, seen))
        if not held:
            self._no_older_edition(parameters)
            entries = {entry["name"]: entry for entry in parameters}
            self._in_force(seen, entries)
            had = [self._seen[name] for name in self._live]
            self._nothing_is_missing(record, asked, seen, made_before, describe)
            self._lives_are_right(record, asked, had, seen, entries)
        self._seen |= {name: _newer(sighting, self._seen.get(name)) for name, sighting in seen.items()}
        record.body, record.seen, record.compared, record.held = body, seen, True, held

    def _in_force(self, seen: Mapping[str, Sighting], entries: Mapping[str, Mapping[str, Any]]) -> None:
        """Find out which catalog an answer was made with."""
        editions = {int(entry["extra"]["edition"]) for entry in entries.values()}
        catalog = next((each for each in self._catalogs if each.edition in editions), None)
        if catalog:
            live = [self._seen[name] for name in self._live]
            called = {each["namespace"] for entry in entries.values() for each in entry["dependencies"]}
            self.lives.in_force(catalog, live, seen, called)

    def _lives_are_right(
        self,
        record: Record,
        asked: Asked,
        had: list[Sighting],
        seen: Mapping[str, Sighting],
        entries: Mapping[str, Mapping[str, Any]],
    ) -> None:
        editions = self.lives.catalogs_since(record.heard)
        first, record.heard = not record.heard, self.lives.now
        if not editions:
            return
        for name, was in seen.items():
            if name not in record.seen:
                self.lives.returned(was, editions)
            if not first:
                self.lives.deployed(was, entries[name], editions)
            self.lives.paused(was, entries[name], editions)
        if not asked and not first:
            self.lives.admitted(had, seen.values(), editions)
        self.lives.hear(seen, entries)

    def expected(self, asked: Asked, *, but: frozenset[str]) -> dict[str, Fact]:
        """Return what an answer contains once everything is known and nothing is held, without some repositories."""
        wants = self.catalog.admitted(dict(asked))
        return {
            self.catalog.name(name, number): fact
            for name, service in wants.items()
            if service.repository not in but
            for number, fact in self._truth.repository(service.repository).at(self._truth.clock.now).items()
            if service.wants(fact.entry)
        }

    def converged(
        self, asked: Asked, body: bytes, excused: Mapping[str, str], doubtful: frozenset[str], described: Described
    ) -> None:
        """Judge a 200 after faults have ended. `excused`: what the read routes list as held. Raises Wrong.

        `doubtful` are the repositories that cannot be read still, because of something that only people can change.
        """
        expected = self.expected(asked, but=doubtful)
        parameters = json.loads(body)["output"]["parameters"]
        entries = {entry["name"]: entry for entry in parameters if entry["repository"] not in doubtful}
        live = [self._seen[name] for name in self._live]
        for name in sorted(expected.keys() - entries.keys()):
            service, _, number = name.removeprefix(f"{self.catalog.prefix}-").rpartition("-")
            became = described.get(f"{service}/{number}", {"state": "nowhere", "reason": ""})
            repository = self._truth.repository(self.catalog.services[service].repository)
            was = Sighting(service, repository, int(number), len(repository.pulls[int(number)]) - 1)
            if not self.lives.may_be(became["state"], was, self._catalogs, live):
                raise Wrong(f"{name} is open and labelled, and still missing: {became['state']}, {became['reason']}")
        for name, entry in sorted(entries.items()):
            if name in expected:
                self._is_current(name, entry, expected[name], doubtful)
            elif not excused.get(f"{entry['service']}/{entry['number']}"):
                raise Wrong(f"{name} is still there, and nobody says why")

    def all_ended(self, body: bytes) -> None:
        """Judge an answer for which nobody did anything for so long that every end has come. Raises Wrong."""
        entries = json.loads(body)["output"]["parameters"]
        called = {each["namespace"] for entry in entries for each in entry["dependencies"]}
        for entry in entries:
            was = self._seen[entry["name"]]
            if self.lives.must_have_ended(was, entry, self.catalog, called=entry["name"] in called):
                raise Wrong(f"{entry['name']} is still there, and its end has come: {entry['state_reason']}")

    def _is_current(self, name: str, entry: Mapping[str, Any], fact: Fact, doubtful: frozenset[str]) -> None:
        current = _looks(fact)
        if _shown(entry) != current:
            raise Wrong(f"{name} is {_shown(entry)}, and should be {current}")
        sha, gate = fact.entry.head_sha, self.catalog.services[entry["service"]].plan.gate
        if entry["deploy_sha"] != sha and (not gate or self.lives.is_ready(gate, entry["service"], sha)):
            raise Wrong(f"{name} runs {entry['deploy_sha']}, and should run {sha}: {entry['state_reason']}")
        for dependency in entry["dependencies"]:
            target = self._target(entry, dependency["service"], fact, doubtful)
            if target is not None and dependency["namespace"] != target:
                raise Wrong(
                    f"{name}: {dependency['service']} goes to {dependency['namespace'] or 'staging'}, "
                    f"and should go to {target or 'staging'}"
                )

    def _target(self, entry: Mapping[str, Any], service: str, fact: Fact, doubtful: frozenset[str]) -> str | None:
        """Return where a dependency must go: a preview's name, "" for staging, None if that cannot be predicted."""
        repository = self.catalog.services[service].repository
        if repository in doubtful:
            return None
        number, config = entry["number"], fact.entry.config
        is_bot = fact.entry.author.endswith(
            "[bot]"
        )  # whose descriptions quote others, so their links count for nothing
        if fact.entry.body.startswith(f"Depends-On: {repository}#") and not is_bot:
            number = fact.entry.body.partition("#")[2]
        elif config and not self._is_good(config, entry["repository"]):
            return None  # the last good one counts, and that may be one that was never seen
        elif config and f"{service}: pr:" in config:
            number = config.partition(f"{service}: pr:")[2].split()[0]
        elif repository != entry["repository"]:
            return ""
        if any(fact.hidden for fact in self._truth.repository(repository).pulls.get(int(number), [])[-1:]):
            return None  # it may be held still, and then it is as live as before
        linked = self._truth.repository(repository).at(self._truth.clock.now).get(int(number))
        live = linked is not None and self.catalog.services[service].wants(linked.entry)
        name = self.catalog.name(service, int(number))
        return name if live and name in self._live else ""

    def _is_good(self, config: str, repository: str) -> bool:
        services = (service for service in self.catalog.services.values() if service.repository == repository)
        called = {name for service in services for name in service.depends_on if name in self.catalog.services}
        return "broken" not in config and ("pr:" not in config or any(f"{name}: pr:" in config for name in called))

    def _newest(self, record: Record) -> dict[str, Sighting]:
        return self._seen | {name: _newer(sighting, self._seen.get(name)) for name, sighting in record.seen.items()}

    def _sighting(self, entry: Mapping[str, Any], before: Sighting | None) -> Sighting:
        """Find the oldest fact that an entry can stand for. No replica may go back behind the one seen before."""
        name, number = entry["repository"], int(entry["number"])
        possible = [
            Sighting(entry["service"], repository, number, index)
            for repository in self._truth.generations[name]
            for index, fact in enumerate(repository.pulls.get(number, []))
            if fact.entry.state == "open" and not fact.hidden and _shown(entry) == _looks(fact)
        ]
        if not possible:
            raise Wrong(f"{entry['name']} was never like this: {_shown(entry)}")
        newer = [
            sighting
            for sighting in possible
            if before is None or sighting.rank >= before.rank or self._is_forgotten(name, sighting)
        ]
        if not newer:
            raise Wrong(f"{entry['name']} goes back to {_shown(entry)}")
        found = newer[0]
        if before and found.repository is not before.repository and not self._left_catalog(name):
            raise Wrong(f"{entry['name']} belongs to another repository of the same name now")
        return found

    def _is_forgotten(self, name: str, sighting: Sighting) -> bool:
        """Tell whether a repository was unknown, because the catalog had lacked it, when this could last be read."""
        later = sighting.facts[sighting.fact + 1 :]
        return name in self._added and bool(later) and later[0].at + LAG >= self._added[name]

    def _left_catalog(self, repository: str) -> bool:
        return any(repository not in catalog.repositories for catalog in self._catalogs)

    def _nothing_dangles(self, asked: Asked, parameters: list[Mapping[str, Any]]) -> None:
        if "services" in dict(asked) or "profile" in dict(asked):
            return
        names = {entry["name"] for entry in parameters}
        for entry in parameters:
            for dependency in entry["dependencies"]:
                if dependency["target"] == "preview" and dependency["namespace"] not in names:
                    raise Wrong(f"{entry['name']} points at {dependency['namespace']}, which is not there")

    def _no_older_edition(self, parameters: list[Mapping[str, Any]]) -> None:
        editions = {int(entry["extra"]["edition"]) for entry in parameters}
        if len(editions) > 1:
            raise Wrong(f"one answer is made with several editions of the catalog: {sorted(editions)}")
        if self._first_editions is None:
            self._first_editions = len(self._catalogs) - 1
        # While none was in force, no replica could see which of two came first.
        if editions and min(editions) < self._newest_edition and self._newest_edition > self._first_editions:
            raise Wrong(f"the edition {min(editions)} of the catalog is back, after the edition {self._newest_edition}")
        self._newest_edition = max(editions, default=self._newest_edition)

    def _edition(self, oldest: int, seen: Mapping[str, Sighting]) -> int:
        for edition in range(oldest, len(self._catalogs)):
            if all(self._may_be_there(self._catalogs[edition], name, sighting) for name, sighting in seen.items()):
                return edition
        return oldest

    def _nothing_is_missing(
        self,
        record: Record,
        asked: Asked,
        seen: Mapping[str, Sighting],
        made_before: int,
        describe: Callable[[], Described],
    ) -> None:
        editions = self._catalogs[record.catalog :]
        elsewhere = {name: self._seen[name] for name in self._live if self._is_asked_for(asked, self._seen[name])}
        missing = {name: was for name, was in (elsewhere | record.seen).items() if name not in seen}
        whole = len(self._live | record.seen.keys())
        self._live -= missing.keys()
        self._live |= seen.keys()
        missing = self._ended_rightly(missing, editions, describe)
        for name, was in sorted(missing.items()):
            if not any(self._may_be_gone(catalog, name, was) for catalog in editions):
                raise Wrong(f"{name} is missing, and its pull request was never closed or unlabelled since")
            if all(_is_wanted(catalog, name, was, was.facts[was.fact]) for catalog in editions):
                self._gone(editions, name, was)
        if record.compared:
            left = {name: was for name, was in record.seen.items() if name in missing}
            self._edits_are_meant(self._catalogs[made_before:], left, whole)

    def _ended_rightly(
        self, missing: Mapping[str, Sighting], editions: list[Catalog], describe: Callable[[], Described]
    ) -> dict[str, Sighting]:
        """Judge what became of those that were live; return those that are missing for another reason than time."""
        lost, self._lost = self._lost, {}
        if not missing and not lost:
            return {}
        described = describe()
        others = {}
        for name, was in missing.items():
            state = described.get(f"{was.service}/{was.number}", {}).get("state")
            if state == "expired":
                self.lives.expired(was, editions, left=not self._is_wanted_throughout(editions, was))
            else:
                others[name] = was
        for name, was in [*missing.items(), *lost.items()]:
            became = described.get(f"{was.service}/{was.number}", {})
            never = ("waiting", "queued") if name in missing else ("waiting", "queued", "expired")
            if became.get("state") in never and self._is_wanted_throughout(editions, was):
                raise Wrong(f"{name} was live, and is {became['state']} now: {became['reason']}")
        return others

    def _is_wanted_throughout(self, editions: list[Catalog], was: Sighting) -> bool:
        """Tell whether every fact since it was seen, and every catalog, gives a preview to a pull request."""
        later = [fact for fact in was.facts[was.fact :] if fact.updated_at >= was.facts[was.fact].updated_at]
        return self._truth.repository(was.repository.name) is was.repository and all(
            not fact.hidden
            and was.service in catalog.services
            and catalog.services[was.service].repository == was.repository.name
            and catalog.services[was.service].wants(fact.entry)
            for fact in later
            for catalog in editions
        )

    def _edits_are_meant(self, editions: list[Catalog], left: Mapping[str, Sighting], whole: int) -> None:
        """Judge what left although nothing happened to its pull request, out of so many that were live."""
        for index, catalog in enumerate(editions):
            by_edit = [
                name
                for name, was in left.items()
                if not any(self._gone_by_itself(one, name, was) for one in editions[: index + 1])
            ]
            few = len(by_edit) <= MANY or len(by_edit) * 100 <= SHARE * whole
            if few or catalog.fingerprint in self._acknowledged:
                return
        raise Wrong(f"an edit that nobody acknowledged removed {', '.join(sorted(left))}")

    def _gone(self, editions: list[Catalog], name: str, was: Sighting) -> None:
        """Remember from which fact on it may be gone: it must not come back from before that."""
        index = next(
            index
            for index, fact in enumerate(was.facts)
            if fact.updated_at >= was.facts[was.fact].updated_at
            and not all(_is_wanted(catalog, name, was, fact) for catalog in editions)
        )
        self._seen[name] = _newer(replace(was, fact=index), self._seen.get(name))

    def _is_asked_for(self, asked: Asked, sighting: Sighting) -> bool:
        filters = dict(asked)
        profiles = {
            catalog.services[sighting.service].profile
            for catalog in self._catalogs
            if sighting.service in catalog.services
        }
        return sighting.service in filters.get("services", [sighting.service]) and (
            "profile" not in filters or filters["profile"] in profiles
        )

    def _may_be_there(self, catalog: Catalog, name: str, sighting: Sighting) -> bool:
        return any(_is_wanted(catalog, name, sighting, fact) for fact in sighting.facts[sighting.fact :])

    def _may_be_gone(self, catalog: Catalog, name: str, sighting: Sighting) -> bool:
        return any(not _is_wanted(catalog, name, sighting, fact) for fact in self._later(sighting))

    def _gone_by_itself(self, catalog: Catalog, name: str, sighting: Sighting) -> bool:
        """Tell whether it left by what happened to the pull request, whatever became of the catalog."""
        later = list(self._later(sighting))
        if any(fact.entry.state != "open" or fact.hidden for fact in later):
            return True
        seen = sighting.facts[sighting.fact]
        return _is_wanted(catalog, name, sighting, seen) and self._may_be_gone(catalog, name, sighting)

    def _later(self, sighting: Sighting) -> Iterator[Fact]:
        """Every fact that is not older than the one that was seen; hidden ones only after they were so for an hour."""
        facts = [fact for fact in sighting.facts if fact.updated_at >= sighting.facts[sighting.fact].updated_at]
        hidden = [fact for fact in facts if fact.hidden]
        shown_again = [fact.at + LAG for fact, before in zip(facts[1:], facts, strict=False) if before.hidden]
        until = shown_again[-1] if shown_again and not facts[-1].hidden else self._truth.clock.now
        long_enough = bool(hidden) and until - hidden[0].at >= HIDDEN_FOR
        return (fact for fact in facts if not fact.hidden or long_enough)


def _shown(entry: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return entry["head_sha"], entry["title"], entry["target_branch"], ",".join(entry["labels"])


def _looks(fact: Fact) -> tuple[str, str, str, str]:
    return fact.entry.head_sha, fact.entry.title, fact.entry.target_branch, ",".join(fact.entry.labels)


def _newer(one: Sighting, other: Sighting | None) -> Sighting:
    return other if other and other.rank > one.rank else one


def _holds(catalog: Catalog, name: str, sighting: Sighting) -> bool:
    """Tell whether an environment can be in an answer that was made with this catalog."""
    service = catalog.services.get(sighting.service)
    return (
        service is not None
        and service.repository == sighting.repository.name
        and catalog.name(sighting.service, sighting.number) == name
    )


def _is_wanted(catalog: Catalog, name: str, sighting: Sighting, fact: Fact) -> bool:
    return not fact.hidden and _holds(catalog, name, sighting) and catalog.services[sighting.service].wants(fact.entry)

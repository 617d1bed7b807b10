"""A source without GitHub's protocol, so that a refresh takes a millisecond: it reads the truth, as it was or cut short.

It keeps the rules that the real one keeps (probe, pinned identity, doubt instead of a guess) and meets the same trouble.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from plugin.core.model import ConfigFile, Identity, LookUp, Mark, PullRequest, PullRequestState, Repository
from plugin.core.references import Locator
from plugin.sources import Doubt, Usage, Wanted
from tests.faults import truth
from tests.faults.trouble import LAGGING, LIES, OUTAGES, PAGE, PARTIAL, SOMETIMES, TOO_SLOW, Trouble

SETTLED = timedelta(seconds=20)


class QuickSource:
    def __init__(self, world: truth.Truth, trouble: Trouble, on_request: Callable[[], None]) -> None:
        self._world = world
        self._trouble = trouble
        self._on_request = on_request
        self._met = ""  # the trouble that the newest request has met
        self.usage = Usage()

    def read(self, wanted: Sequence[Wanted]) -> dict[str, Repository | Doubt]:
        """Probe, list what may have changed, and read the details."""
        changed = [each for each in wanted if not self._is_clean(each)]
        lists = {each.name: self._listed(each) for each in changed}
        return {
            each.name: self._detailed(each, lists[each.name]) if each.name in lists else each.before
            for each in wanted
            if each.name in lists or each.before
        }

    def look_up(self, locators: Sequence[Locator], known: Mapping[str, Repository]) -> dict[Locator, LookUp]:
        """Ask by number."""
        answers = {locator: self._look_up(locator, known[locator.repository].identity) for locator in locators}
        return {locator: answer for locator, answer in answers.items() if answer}

    def _is_clean(self, wanted: Wanted) -> bool:
        before = wanted.before
        if not before or not before.mark or not before.mark.settled or wanted.must_list:
            return False
        if before.labels != wanted.labels or self._refused(wanted.name):
            return False
        now = self._moment()
        repository = self._world.repository(wanted.name)
        mark = _mark(repository, wanted.labels, now, self._world.clock.now)
        return (mark.newest, mark.label_ids, identity(repository)) == (
            before.mark.newest,
            before.mark.label_ids,
            before.identity,
        )

    def _listed(self, wanted: Wanted) -> tuple[truth.Repository, Mark, list[truth.Fact]] | Doubt:
        if refused := self._refused(wanted.name):
            return Doubt(refused)
        repository, now = self._world.repository(wanted.name), self._moment()
        if wanted.before and wanted.before.identity != identity(repository):
            return Doubt("this name now belongs to another repository than before")
        found = [
            fact
            for fact in repository.at(now).values()
            if fact.entry.state == "open" and (not wanted.labels or wanted.labels & set(fact.entry.labels))
        ]
        mark = _mark(repository, wanted.labels, now, self._world.clock.now)
        return repository, mark, self._shortened(found)

    def _detailed(
        self, wanted: Wanted, listed: tuple[truth.Repository, Mark, list[truth.Fact]] | Doubt
    ) -> Repository | Doubt:
        if isinstance(listed, Doubt):
            return listed
        repository, mark, facts = listed
        known = {pull.number: pull for pull in wanted.before.pull_requests} if wanted.before else {}
        pulls = []
        for fact in sorted(facts, key=lambda fact: fact.entry.number):
            before = known.get(fact.entry.number)
            if before and before.settled and before.updated_at == fact.updated_at:
                body, settled = before.body, True
            elif (refused := self._refused(wanted.name)) or not (described := self._described(repository, fact)):
                return Doubt(refused or "a description could not be read")
            else:
                body = described.entry.body
                settled = self._world.clock.now - described.updated_at >= SETTLED
            pulls.append(_pull_request(fact, body, settled=settled))
        return Repository(
            name=wanted.name,
            url=f"https://github.com/{wanted.name}",
            default_branch="main",
            labels=wanted.labels,
            pull_requests=tuple(pulls),
            identity=identity(repository),
            mark=mark,
        )

    def _described(self, repository: truth.Repository, fact: truth.Fact) -> truth.Fact | None:
        return repository.at(self._moment()).get(fact.entry.number)

    def _look_up(self, locator: Locator, pinned: Identity | None) -> LookUp | None:
        if self._refused(locator.repository):
            return None
        repository, now = self._world.repository(locator.repository), self._world.clock.now
        if identity(repository) != pinned:
            return None
        fact = repository.at(self._moment()).get(locator.number)
        if fact is None:
            return LookUp(PullRequestState.MISSING, now)
        entry = fact.entry
        return LookUp(
            PullRequestState(entry.state), now, entry.updated_at, draft=entry.draft, labels=frozenset(entry.labels)
        )

    def _refused(self, name: str) -> str:
        """Ask one request, and say why GitHub does not answer it."""
        self._on_request()
        self.usage.requests += 1
        self._met = self._trouble.met()
        if self._met in OUTAGES or self._met in PARTIAL or self._met in (SOMETIMES, TOO_SLOW):
            return f"GitHub answered with {self._met}"
        if name in self._world.invisible:
            return "it cannot be seen any more"
        return f"it is now {self._world.renamed[name]}" if name in self._world.renamed else ""

    def _moment(self) -> datetime:
        """Tell as of when GitHub answers the newest request."""
        lag = truth.LAG * self._trouble.chance.random() if self._met == LAGGING else timedelta(0)
        return self._world.clock.now - lag

    def _shortened(self, listed: list[truth.Fact]) -> list[truth.Fact]:
        if self._met not in LIES:
            return listed
        return listed[::2] if self._met.startswith("half") else listed[:PAGE]


def identity(repository: truth.Repository) -> Identity:
    name = f"{repository.name} {repository.generation}"
    return Identity(sum(name.encode()) * 100 + repository.generation, name)


def _mark(repository: truth.Repository, labels: frozenset[str], moment: datetime, date: datetime) -> Mark:
    newest = sorted(((fact.updated_at, number) for number, fact in repository.at(moment).items()), reverse=True)[:5]
    settled = not newest or date - newest[0][0] >= SETTLED
    label_ids = tuple(repository.label_id(label, moment) for label in sorted(labels))
    return Mark(tuple((number, at.isoformat()) for at, number in newest), label_ids, settled)


def _pull_request(fact: truth.Fact, body: str, *, settled: bool) -> PullRequest:
    entry = fact.entry
    return PullRequest(
        number=entry.number,
        title=entry.title,
        author=entry.author,
        branch=entry.branch,
        target_branch=entry.target_branch,
        head_sha=entry.head_sha,
        draft=entry.draft,
        fork=bool(entry.fork),
        labels=entry.labels,
        updated_at=entry.updated_at,
        body=body,
        config=None if entry.config is None or entry.fork else ConfigFile(entry.config),
        settled=settled,
    )

"""The gate: asks which commits are ready, but only those of pull requests that still wait for one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from plugin.core.config.catalog import Catalog, Service
from plugin.core.config.lifecycle import CheckGate, ImageGate
from plugin.core.config.references import Locator
from plugin.core.decision.judge import judge
from plugin.core.facts.acts import Act, ActKind, Acts
from plugin.core.facts.lives import NO_LIVES, Life, Lives
from plugin.core.facts.model import PullRequest, Snapshot
from plugin.core.life.activity import activity, asked_at
from plugin.core.life.expired import is_released
from plugin.sources import CheckQuestion, Registry, Source


@dataclass(frozen=True, slots=True)
class Readiness:
    """Which commits are ready."""

    ready: Mapping[tuple[str, str], bool]  # by service and commit; missing: unknown
    commits: Mapping[Locator, tuple[str, ...]]  # of pull requests whose older commits count, too; the newest first
    unreadable: frozenset[str]  # repositories of which something could not be read


@dataclass(frozen=True, slots=True)
class Before:
    """What was stored of previews."""

    lives: Lives  # which say what was ready before
    acts: Acts


NOT_ASKED = Readiness({}, {}, frozenset())


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A preview whose newest commit was never ready."""

    service: Service
    locator: Locator
    head: str
    walks: bool  # its older commits count, because none is known to be ready


def ask_gate(source: Source, registry: Registry, catalog: Catalog, snapshot: Snapshot, before: Before) -> Readiness:
    """Ask about the commits that previews wait for."""
    waiting = list(_waiting(catalog, snapshot, before))
    walked = list(dict.fromkeys(each.locator for each in waiting if each.walks))
    commits = source.commits(walked, snapshot.repositories) if walked else {}
    asked = [(each, sha) for each in waiting for sha in _candidates(each, commits)]
    checks, images = dict(_checks(asked)), dict(_images(asked))
    succeeded = source.checks(list(dict.fromkeys(checks.values())), snapshot.repositories) if checks else {}
    existing = registry.exist(list(dict.fromkeys(images.values()))) if images else {}
    ready = {place: succeeded[question] for place, question in checks.items() if question in succeeded}
    ready |= {place: existing[image] for place, image in images.items() if image in existing}
    unreadable = {each.locator.repository for each, sha in asked if (each.service.name, sha) not in ready}
    unreadable |= {locator.repository for locator in walked if locator not in commits}
    return Readiness(ready, commits, frozenset(unreadable))


def _waiting(catalog: Catalog, snapshot: Snapshot, before: Before) -> Iterator[_Waiting]:
    for name, services in catalog.repositories.items():
        gated = [service for service in services if service.lifecycle.ready_when]
        repository = snapshot.repositories.get(name)
        if not gated or repository is None or name in snapshot.doubts:
            continue
        known = before.lives.get(name, NO_LIVES)
        for pull_request in repository.pull_requests:
            for service in gated:
                key = f"{service.name}/{pull_request.number}"
                life = known.get(key)
                if _waits(service, pull_request, life, before.acts.get((ActKind.ASK, key))):
                    locator = Locator(name, pull_request.number)
                    yield _Waiting(service, locator, pull_request.head_sha, walks=_walks(life))


def _waits(service: Service, pull_request: PullRequest, life: Life | None, ask: Act | None) -> bool:
    if life and (pull_request.head_sha in life.ready or _stays_expired(service, pull_request, life, ask)):
        return False
    verdict = judge(service, pull_request)
    return verdict is not None and verdict.live


def _stays_expired(service: Service, pull_request: PullRequest, life: Life, ask: Act | None) -> bool:
    """Tell whether a preview stays away: one that comes back is asked about, so that it starts with what is newest."""
    asked = asked_at(service.policy.require, pull_request, ask)
    return life.expired is not None and not is_released(life.expired, asked, activity(pull_request, asked, life))


def _walks(life: Life | None) -> bool:
    if life is None or life.expired:  # while it was away, nobody asked
        return True
    return not (life.walked or life.ready or life.state.live)


def _candidates(waiting: _Waiting, commits: Mapping[Locator, tuple[str, ...]]) -> Sequence[str]:
    older = commits.get(waiting.locator, ()) if waiting.walks else ()
    return list(dict.fromkeys((waiting.head, *older)))


def _checks(asked: Sequence[tuple[_Waiting, str]]) -> Iterator[tuple[tuple[str, str], CheckQuestion]]:
    for waiting, sha in asked:
        gate = waiting.service.lifecycle.ready_when
        if isinstance(gate, CheckGate):
            question = CheckQuestion(waiting.locator.repository, sha, gate.name, gate.app)
            yield (waiting.service.name, sha), question


def _images(asked: Sequence[tuple[_Waiting, str]]) -> Iterator[tuple[tuple[str, str], str]]:
    for waiting, sha in asked:
        if isinstance(waiting.service.lifecycle.ready_when, ImageGate):
            yield (waiting.service.name, sha), waiting.service.image_at(sha, waiting.locator.number)

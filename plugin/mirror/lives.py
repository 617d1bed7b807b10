"""Lives: puts together what the lives of previews depend on, from what is stored and what was gathered. Pure."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from plugin.core.answers.emission import deployed
from plugin.core.config.catalog import Catalog
from plugin.core.config.names import folded
from plugin.core.config.threshold import Threshold
from plugin.core.decision.decide import Decision
from plugin.core.decision.wishes import AllWishes
from plugin.core.facts.acts import Act, ActKind, Acts
from plugin.core.facts.lives import NO_LIVES, Lives, State
from plugin.core.life.case import Case, Circumstances
from plugin.core.life.cases import Inputs, cases
from plugin.core.life.earlier_ends import EarlierEnds, Links, accepted_plans, earlier_ends
from plugin.core.life.keep_alive import Call
from plugin.core.life.living import NOBODY, Living, live_on
from plugin.mirror.gather import Gathered
from plugin.state import Known

V = TypeVar("V")
Said = Mapping[str, Mapping[str, Mapping[ActKind, Act]]]  # acts by service, by the preview's key and by kind


@dataclass(frozen=True, slots=True)
class Scene:
    """What is known at one moment, and the catalog and wishes by which the lives of previews go on."""

    catalog: Catalog
    wishes: AllWishes
    known: Known
    gathered: Gathered
    last: Decision | None  # what the last answer was made of
    now: datetime

    def live_on(self, ends: EarlierEnds | None, before: Living) -> Living:
        """Return the lives of all previews now. Where nothing is planned or said, there are none."""
        acts = _acts_by_service(self.known.acts)
        lives = _folded(self.known.lives)
        planned = {name for name in self.catalog.repositories if self._has_lives(name, acts, lives)}
        if not planned:
            return NOBODY
        calls = [*_calls(self.last), *(ends.calls if ends else ())]
        callers = {self._repository(caller) for caller, callee in calls if self._repository(callee) in planned}
        inputs = dict(self._inputs(planned | callers, acts))
        return live_on(self.catalog, inputs, calls, ends.accepted if ends else {}, before)

    def earlier_ends(self, as_before: Decision, edited: Decision, threshold: Threshold) -> EarlierEnds | None:
        """Return the ends that an edit may not bring forward without an acknowledgement.

        Both decisions are on the same facts: by the catalog in force, and by the one that is to take effect.
        """
        held = self.known.ends
        accepted = accepted_plans(as_before.catalog, held)
        links = Links([*_calls(as_before), *(held.calls if held else ())], _calls(edited))
        return earlier_ends(self.catalog, accepted, self._live_cases(), links, threshold)

    def _live_cases(self) -> Iterator[Case]:
        for _, inputs in self._inputs(self.catalog.repositories, _acts_by_service(self.known.acts)):
            yield from (case for case in cases(self.catalog, inputs) if case.was_live)

    def _has_lives(self, name: str, acts: Said, lives: Lives) -> bool:
        """Tell whether previews of a repository have a life: all others need no memory."""
        services = self.catalog.repositories[name]
        return (
            self.catalog.limits.limit
            or any(service.lifecycle.plans or service.name in acts for service in services)
            or any(life.state is State.EXPIRED for life in lives.get(folded(name), NO_LIVES).values())
        )

    def _repository(self, key: str) -> str:
        service = self.catalog.services.get(key.partition("/")[0])
        return service.repository if service else ""

    def _inputs(self, names: Collection[str], acts: Said) -> Iterator[tuple[str, Inputs]]:
        live = _folded(self.known.live.by_repository if self.known.live else {})
        lives, parts = _folded(self.known.lives), _folded(self.last.parts if self.last else {})
        hold = self.known.hold
        answered = deployed(hold.parameters) if hold and hold.parameters else {}
        for name, services in self.catalog.repositories.items():
            repository = self.gathered.snapshot.repositories.get(name)
            if repository and name in names:
                yield (
                    name,
                    Inputs(
                        repository=repository,
                        wishes=self.wishes.by_repository[name],
                        lives=lives.get(folded(name), NO_LIVES),
                        live=live.get(folded(name), ()),
                        part=parts.get(folded(name)),
                        acts={key: each for service in services for key, each in acts.get(service.name, {}).items()},
                        circumstances=self._circumstances(name),
                        answered=answered,
                    ),
                )

    def _circumstances(self, name: str) -> Circumstances:
        found, in_doubt = self.gathered.found, name in self.gathered.snapshot.doubts
        names = {service.name for service in self.catalog.repositories[name]}
        return Circumstances(
            now=self.now,
            stamp=self.gathered.stamp,
            first=self.known.live is None,
            ready={place: ready for place, ready in found.ready.items() if place[0] in names},
            commits={locator.number: shas for locator, shas in found.commits.items() if locator.repository == name},
            used=found.used,
            in_doubt=in_doubt,
            frozen=in_doubt or self.gathered.stamp is None or found.traffic_in_doubt,
            nothing_newer=frozenset(each.number for each in found.nothing_newer if each.repository == name),
            missed=self.gathered.missed.get(name, timedelta(0)),
        )


def _folded(by_repository: Mapping[str, V]) -> dict[str, V]:
    """Return the same by folded names: the catalog may spell a repository in another case than the last answer."""
    return {folded(name): each for name, each in by_repository.items()}


def _calls(decision: Decision | None) -> list[Call]:
    return [call for part in decision.parts.values() for call in part.calls] if decision else []


def _acts_by_service(acts: Acts) -> Said:
    """Return what people said about previews, by service and by the preview's key."""
    found: dict[str, dict[str, dict[ActKind, Act]]] = {}
    for act in acts.values():
        if act.kind is not ActKind.ACKNOWLEDGE:
            service = act.subject.partition("/")[0]
            found.setdefault(service, {}).setdefault(act.subject, {})[act.kind] = act
    return found

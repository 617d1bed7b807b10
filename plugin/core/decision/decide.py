"""The decision: every preview that follows from a snapshot. Pure.

Judge all, keep alive, ration, link, render: each step reads the result of the step before it. Verdicts are one map.
What follows from one repository depends on its own verdicts and on those of the repositories that its services call, so
the part of an earlier decision is used again wherever all of these are the same objects.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from plugin.core.config.catalog import Catalog
from plugin.core.config.names import preview_name, public_host
from plugin.core.decision.judge import judge_all
from plugin.core.decision.links import Resolver
from plugin.core.decision.parameters import parameters
from plugin.core.decision.preview import LivePreview, Preview
from plugin.core.decision.targets import Targets
from plugin.core.decision.verdicts import Judged, State, Verdicts
from plugin.core.decision.wishes import Wishes, read_wishes
from plugin.core.facts.model import Snapshot

# A rule that compares previews: verdicts in, verdicts out.
Stage = Callable[[Verdicts], Verdicts]
STAGES: tuple[Stage, ...] = ()  # keep alive, then ration, once the catalog knows ends and limits


@dataclass(frozen=True, eq=False)
class Part:
    """What follows from one repository."""

    made_from: tuple[Judged | None, ...]  # the repository, then those that its services call; None: not read yet
    wishes: Wishes
    by_service: Mapping[str, tuple[Preview, ...]]  # in the order of their numbers
    catalog: Catalog

    @property
    def previews(self) -> Iterator[Preview]:
        """Every preview, live or not."""
        for previews in self.by_service.values():
            yield from previews

    @cached_property
    def live(self) -> Mapping[str, Preview]:
        """The live previews by their key."""
        return {preview.key: preview for preview in self.previews if preview.verdict.live}

    @cached_property
    def remembered(self) -> tuple[LivePreview, ...]:
        """What is remembered of the live previews."""
        return tuple(preview.remembered for preview in self.live.values())

    @cached_property
    def held(self) -> Mapping[str, str]:
        """Why live previews whose pull request is in doubt stay as they are, by their key."""
        held = self.made_from[0].repository.held if self.made_from[0] else {}
        return {
            key: held[preview.pull_request.number].reason
            for key, preview in self.live.items()
            if preview.pull_request.number in held
        }

    @cached_property
    def states(self) -> Counter[State]:
        """How many previews are in each state."""
        return Counter(preview.verdict.state for preview in self.previews)

    @cached_property
    def config_errors(self) -> int:
        """How many previews have a broken `.preview.yaml`."""
        return sum(bool(preview.config_error) for preview in self.previews)

    @cached_property
    def parameters(self) -> Mapping[tuple[str, str], bytes]:
        """What templates get: JSON objects joined by commas, by service and origin. Nothing is empty."""
        objects: dict[tuple[str, str], list[str]] = {}
        for preview in self.live.values():
            content = json.dumps(parameters(preview, self.catalog), separators=(",", ":"))
            objects.setdefault((preview.service.name, preview.origin), []).append(content)
        return {place: ",".join(each).encode() for place, each in objects.items()}

    def holds_for(self, judged: tuple[Judged | None, ...]) -> bool:
        """Tell whether deciding again would give the same."""
        return all(one is other for one, other in zip(self.made_from, judged, strict=True))


@dataclass(frozen=True, eq=False)
class Decision:
    """What follows from a snapshot by one catalog."""

    catalog: Catalog
    parts: Mapping[str, Part]  # by repository; only those that were read
    judged: Verdicts  # each preview judged by itself, before the stages
    verdicts: Verdicts

    @property
    def previews(self) -> Iterator[Preview]:
        """Every preview, live or not, in the order of service and number."""
        for name, service in self.catalog.services.items():
            if part := self.parts.get(service.repository):
                yield from part.by_service[name]


@dataclass(frozen=True, slots=True)
class _Linker:
    """Links and renders repository after repository."""

    catalog: Catalog
    verdicts: Verdicts
    targets: Targets = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "targets", Targets(self.verdicts))

    def part(self, name: str, wishes: Wishes, before: Part | None) -> Part:
        """Return what follows from one repository: the part before, if nothing that it depends on has changed."""
        judged = tuple(self.verdicts.get(each) for each in (name, *self.catalog.called_by(name)))
        if before and before.holds_for(judged):
            return before
        return Part(judged, wishes, self._by_service(self.verdicts[name], wishes), self.catalog)

    def _by_service(self, judged: Judged, wishes: Wishes) -> dict[str, tuple[Preview, ...]]:
        previews: dict[str, list[Preview]] = {
            service.name: [] for service in self.catalog.repositories[judged.repository.name]
        }
        for preview in self._previews(judged, wishes):
            previews[preview.service.name].append(preview)
        return {name: tuple(each) for name, each in previews.items()}

    def _previews(self, judged: Judged, wishes: Wishes) -> Iterator[Preview]:
        catalog, repository = self.catalog, judged.repository
        services = catalog.repositories[repository.name]
        for pull_request in sorted(repository.pull_requests, key=lambda known: known.number):
            wish, number = wishes.by_number[pull_request.number], pull_request.number
            resolver = Resolver(catalog, self.targets, pull_request, wish)
            warnings = resolver.warnings(repository.name)
            for service in services:
                if verdict := judged.verdicts.get((number, service.name)):
                    dataset = wish.config.of(service.name).dataset
                    yield Preview(
                        service=service,
                        repository=repository,
                        pull_request=pull_request,
                        verdict=verdict,
                        name=preview_name(catalog.prefix, service.name, number, fork=pull_request.fork),
                        host=public_host(service.name, number, catalog.domain),
                        dataset=(dataset or "default") if service.seed else "",
                        dependencies=resolver.resolve(service),
                        config_error=wish.config.error,
                        warnings=warnings,
                    )


def decide(
    catalog: Catalog,
    snapshot: Snapshot,
    before: Decision | None = None,
    wishes: Mapping[str, Wishes] | None = None,
    stages: Sequence[Stage] = STAGES,
) -> Decision:
    """Decide on every pull request that asks for a preview; use parts of the decision before where they still hold.

    A repository of the catalog that is not in the snapshot has no previews yet. `wishes` is what `read_wishes` returned
    for this catalog and snapshot, if it was called already.
    """
    same = before if before and before.catalog is catalog else None
    known = {name: part.wishes for name, part in same.parts.items()} if same else {}
    wishes = read_wishes(catalog, snapshot, known if wishes is None else wishes)
    judged = judge_all(catalog, snapshot, same.judged if same else {})
    verdicts = judged
    for stage in stages:
        verdicts = stage(verdicts)
    verdicts = _same_objects(verdicts, same.verdicts if same else {})
    linker = _Linker(catalog, verdicts)
    parts = {name: linker.part(name, wishes[name], same.parts.get(name) if same else None) for name in verdicts}
    return Decision(catalog, parts, judged, verdicts)


def _same_objects(verdicts: Verdicts, before: Verdicts) -> Verdicts:
    """Replace verdicts that equal those before by the same objects, so that the parts made from them can be kept."""
    return {
        name: known if (known := before.get(name)) and _equal(known, judged) else judged
        for name, judged in verdicts.items()
    }


def _equal(one: Judged, other: Judged) -> bool:
    return one is other or (one.repository is other.repository and one.verdicts == other.verdicts)

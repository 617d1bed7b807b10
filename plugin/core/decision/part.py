"""Parts: what follows from one repository. It is decided again only if something that it depends on has changed."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from plugin.core.config.catalog import Catalog
from plugin.core.config.messages import timestamp
from plugin.core.config.names import preview_name, public_host
from plugin.core.decision.links import Resolver
from plugin.core.decision.parameters import parameters
from plugin.core.decision.preview import LivePreview, Preview
from plugin.core.decision.targets import Targets
from plugin.core.decision.verdicts import Judged
from plugin.core.decision.wishes import Wishes
from plugin.core.facts.confirm import ARCHIVED_FOR
from plugin.core.facts.model import Repository


@dataclass(frozen=True, eq=False)
class Part:
    """The previews of one repository, and what an answer needs of them."""

    made_from: tuple[Judged | None, ...]  # its own, and those of the repositories that its services call, if read
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
    def calls(self) -> tuple[tuple[str, str], ...]:
        """Which live preview calls which other preview, by their keys."""
        return tuple(
            (key, f"{dependency.service}/{dependency.locator.rpartition('#')[2]}")
            for key, preview in self.live.items()
            for dependency in preview.dependencies
            if dependency.target == "preview"
        )

    @cached_property
    def remembered(self) -> tuple[LivePreview, ...]:
        """The live previews as they are remembered."""
        return tuple(preview.remembered for preview in self.live.values())

    @cached_property
    def held(self) -> Mapping[str, str]:
        """The live previews whose pull request is in doubt, by their key, with the reason why they stay."""
        held = self.made_from[0].repository.held if self.made_from[0] else {}
        return {
            key: held[preview.pull_request.number].reason
            for key, preview in self.live.items()
            if preview.pull_request.number in held
        }

    @property
    def missing_labels(self) -> frozenset[str]:
        """The labels that ask for previews but do not exist in the repository, so that nobody can set them."""
        return self.made_from[0].repository.missing_labels if self.made_from[0] else frozenset()

    @cached_property
    def counts(self) -> Counter[str]:
        """How many previews are in each state, and how many have a broken `.preview.yaml`."""
        counts = Counter(preview.verdict.state.value for preview in self.previews)
        counts[CONFIG_ERRORS] = sum(bool(preview.config_error) for preview in self.previews)
        return counts

    @cached_property
    def parameters(self) -> Mapping[tuple[str, str], bytes]:
        """What templates get, as JSON objects joined by commas, by service and origin; without empty ones."""
        objects: dict[tuple[str, str], list[str]] = {}
        for preview in self.live.values():
            content = _ENCODER.encode(parameters(preview, self.catalog))
            objects.setdefault((preview.service.name, preview.origin), []).append(content)
        return {place: ",".join(each).encode() for place, each in objects.items()}

    def holds_for(self, judged: tuple[Judged | None, ...]) -> bool:
        """Tell whether deciding again would give the same part. Wishes follow from the repository that was judged."""
        return self.made_from == judged  # two of these are equal only if they are one object


CONFIG_ERRORS = "config errors"  # counted beside the states, none of which has a blank
_ENCODER = json.JSONEncoder(separators=(",", ":"))


def make_part(catalog: Catalog, targets: Targets, name: str, wishes: Wishes, before: Part | None) -> Part:
    """Return what follows from one repository: the part before, if nothing that it depends on has changed."""
    verdicts = targets.verdicts
    judged = tuple(verdicts.get(each) for each in (name, *catalog.called_by(name)))
    if before and before.holds_for(judged):
        return before
    previews: dict[str, list[Preview]] = {service.name: [] for service in catalog.repositories[name]}
    for preview in _previews(catalog, targets, verdicts[name], wishes):
        previews[preview.service.name].append(preview)
    return Part(judged, {service: tuple(each) for service, each in previews.items()}, catalog)


def _previews(catalog: Catalog, targets: Targets, judged: Judged, wishes: Wishes) -> Iterator[Preview]:
    repository = judged.repository
    services, archived = catalog.repositories[repository.name], _archived(repository)
    for pull_request in sorted(repository.pull_requests, key=lambda known: known.number):
        wish, number = wishes.by_number[pull_request.number], pull_request.number
        resolver = Resolver(catalog, targets, pull_request, wish)
        warnings = (*archived, *resolver.warnings(repository.name))
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


def _archived(repository: Repository) -> tuple[str, ...]:
    """Announce the end of the previews of an archived repository: their pull requests can no longer be closed."""
    if repository.archived_at is None:
        return ()
    end = timestamp(repository.archived_at + ARCHIVED_FOR)
    return (f"{repository.name} is archived, so this preview ends at {end}",)

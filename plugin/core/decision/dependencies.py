"""Dependencies: where each call of a preview goes, which rule decided that, and why.

The first rule that speaks decides. If the preview it asks for is not live, the call goes to staging: it never
tries the next rule, so nobody has to guess which of two wishes was taken.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from plugin.core.config.catalog import Catalog, DependencyOf, Service
from plugin.core.config.description import read_description
from plugin.core.config.messages import one_line
from plugin.core.config.names import internal_url, preview_name, public_host
from plugin.core.config.references import (
    Branch,
    Locator,
    PullRequestReference,
    SameBranch,
    Staging,
    Url,
)
from plugin.core.config.repo_config import ServiceConfig
from plugin.core.decision.targets import Targets
from plugin.core.facts.model import PullRequest

MAX_WARNINGS = 10  # a description can hold thousands of lines


class Rule(StrEnum):
    """Who decides, in the order in which they are asked."""

    DEPENDS_ON = "depends-on"
    CONFIG = "config"
    SAME_PULL_REQUEST = "same-pull-request"
    SAME_BRANCH = "same-branch"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A rule that spoke but did not decide the target; `wish` is what was written."""

    rule: Rule
    wish: str
    reason: str


@dataclass(frozen=True, slots=True)
class Dependency:
    """One call of a preview, resolved. `namespace` and `locator` are "" unless the target is a preview."""

    service: str
    variable: str
    url: str
    target: Literal["staging", "preview", "url"]
    namespace: str
    locator: str
    rule: Rule
    reason: str
    rejected: tuple[Rejected, ...]


@dataclass(frozen=True, slots=True)
class _Claim:
    """What one rule says. Without a number and without a URL it says staging."""

    rule: Rule
    wish: str
    reason: str
    number: int | None = None
    url: str = ""
    granted: bool = True  # False: the wish could not be fulfilled, so the claim says staging instead


@dataclass(frozen=True, slots=True)
class Resolver:
    """Resolves the dependencies of one pull request's previews."""

    catalog: Catalog
    targets: Targets
    pull_request: PullRequest

    def resolve(self, service: Service, config: ServiceConfig) -> tuple[Dependency, ...]:
        """Resolve every dependency of one service, in the order of their names."""
        return tuple(self._resolve(service, dependency, config) for dependency in service.dependencies)

    def warnings(self, services: tuple[Service, ...]) -> tuple[str, ...]:
        """Name the `Depends-On` lines that do nothing for any of these services."""
        called = {
            self.catalog.services[dependency.service].repository.casefold()
            for service in services
            for dependency in service.dependencies
        }
        warnings, seen = [], set()
        description = read_description(self.pull_request.body, self.pull_request.author)
        for locator in (link.locator for link in description.links):
            repository = locator.repository.casefold()
            if repository not in called:
                warnings.append(f"Depends-On: {locator} matches no dependency")
            elif repository in seen:
                warnings.append(f"Depends-On: {locator} comes after another line for {locator.repository}")
            seen.add(repository)
        return tuple(map(one_line, [*warnings, *description.near_misses][:MAX_WARNINGS]))

    def _resolve(self, caller: Service, call: DependencyOf, config: ServiceConfig) -> Dependency:
        dependency = self.catalog.services[call.service]
        spoken = list(self._claims(caller, dependency, config))
        ignored = []
        if self.pull_request.fork:
            ignored = [claim for claim in spoken if claim.rule is Rule.DEPENDS_ON]
            spoken = [self._staging_for_fork(claim) for claim in spoken if claim.rule is not Rule.DEPENDS_ON]
        deciding, *others = [*spoken, _Claim(Rule.DEFAULT, "", "nothing else was asked for")]
        rejected = [
            Rejected(claim.rule, claim.wish, "it counts only on same-repository pull requests") for claim in ignored
        ]
        if not deciding.granted:
            rejected.append(Rejected(deciding.rule, deciding.wish, deciding.reason))
        rejected += [
            Rejected(claim.rule, claim.wish, f"the rule {deciding.rule} comes first")
            for claim in others
            if claim.rule is not Rule.DEFAULT
        ]
        return self._dependency(call, dependency, deciding, tuple(rejected))

    def _claims(self, caller: Service, dependency: Service, config: ServiceConfig) -> Iterator[_Claim]:
        """Let each rule speak, the first one first."""
        for link in read_description(self.pull_request.body, self.pull_request.author).links:
            if link.locator.repository.casefold() == dependency.repository.casefold():
                yield self._preview(Rule.DEPENDS_ON, f"Depends-On: {link.text}", dependency, link.locator.number)
                break
        if dependency.name in config.dependencies:
            yield self._wish(config, dependency)
        if dependency.repository == caller.repository:
            yield self._preview(Rule.SAME_PULL_REQUEST, "", dependency, self.pull_request.number)
        elif caller.policy.same_branch and self.targets.on_branch(dependency, self.pull_request.branch):
            yield self._branch(Rule.SAME_BRANCH, "", dependency, self.pull_request.branch)

    def _wish(self, config: ServiceConfig, dependency: Service) -> _Claim:
        reference = config.dependencies[dependency.name]
        wish = str(reference)
        match reference:
            case Staging():
                return _Claim(Rule.CONFIG, wish, "staging was asked for")
            case Url(url):
                return _Claim(Rule.CONFIG, wish, "this URL was asked for", url=url)
            case PullRequestReference(number):
                return self._preview(Rule.CONFIG, wish, dependency, number)
            case Branch(name):
                return self._branch(Rule.CONFIG, wish, dependency, name)
            case SameBranch():
                return self._branch(Rule.CONFIG, wish, dependency, self.pull_request.branch)

    def _branch(self, rule: Rule, wish: str, dependency: Service, branch: str) -> _Claim:
        if self.targets.is_default_branch(dependency, branch):
            reason = f'"{branch}" is the default branch of {dependency.repository}, which staging runs'
            return _Claim(rule, wish, one_line(reason), granted=False)
        numbers = self.targets.on_branch(dependency, branch)
        if len(numbers) == 1:
            return self._preview(rule, wish, dependency, numbers[0])
        if numbers:
            reason = f'{len(numbers)} pull requests of {dependency.repository} have the branch "{branch}"'
        else:
            reason = f'no labelled pull request of {dependency.repository} has the branch "{branch}"'
        return _Claim(rule, wish, one_line(reason), granted=False)

    def _preview(self, rule: Rule, wish: str, dependency: Service, number: int) -> _Claim:
        locator = Locator(dependency.repository, number)
        problem = self.targets.not_live(dependency, number)
        if problem:
            return _Claim(rule, wish, one_line(f"{locator} {problem}"), granted=False)
        return _Claim(rule, wish, f"{locator} is live", number=number)

    def _staging_for_fork(self, claim: _Claim) -> _Claim:
        if claim.granted and claim.number is None and not claim.url:  # staging is what it asked for
            return claim
        return _Claim(claim.rule, claim.wish, "a fork's pull request links only to staging", granted=False)

    def _dependency(
        self, call: DependencyOf, dependency: Service, claim: _Claim, rejected: tuple[Rejected, ...]
    ) -> Dependency:
        target: Literal["staging", "preview", "url"] = "staging"
        url, namespace, locator = dependency.staging[call.endpoint], "", ""
        if claim.url:
            target, url = "url", claim.url
        elif claim.number is not None:
            target = "preview"
            namespace = preview_name(self.catalog.prefix, dependency.name, claim.number, fork=False)
            locator = str(Locator(dependency.repository, claim.number))
            host = public_host(dependency.name, claim.number, self.catalog.domain)
            url = internal_url(namespace) if call.endpoint == "internal" else f"https://{host}"
        return Dependency(
            call.service, call.variable, url, target, namespace, locator, claim.rule, claim.reason, rejected
        )


def wanted_numbers(
    catalog: Catalog, pull_request: PullRequest, service: Service, config: ServiceConfig
) -> Iterator[Locator]:
    """Find the pull requests that one preview names by number: those that must be known to answer."""
    if pull_request.fork:
        return
    for dependency in (catalog.services[call.service] for call in service.dependencies):
        reference = config.dependencies.get(dependency.name)
        if isinstance(reference, PullRequestReference):
            yield Locator(dependency.repository, reference.number)
        for locator in (link.locator for link in read_description(pull_request.body, pull_request.author).links):
            if locator.repository.casefold() == dependency.repository.casefold():
                yield Locator(dependency.repository, locator.number)
                break

"""Links: where each call of a preview goes, which rule decides that, and why.

The first rule that speaks decides. If the preview that it asks for is not live, the call goes to staging: the next rule
is never tried, so that nobody has to guess which of two wishes took effect.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from plugin.core.config.catalog import Catalog, DependencyOf, Service
from plugin.core.config.messages import one_line
from plugin.core.config.names import folded, internal_url, preview_name, public_host
from plugin.core.config.references import Branch, Locator, PullRequestReference, Reference, SameBranch, Staging, Url
from plugin.core.decision.targets import Targets
from plugin.core.decision.wishes import Wish
from plugin.core.facts.model import PullRequest

MAX_WARNINGS = 10  # a description can hold thousands of lines


class LinkRule(StrEnum):
    """Which rule decides where a call goes, in the order in which the rules are tried."""

    DEPENDS_ON = "depends-on"
    CONFIG = "config"
    SAME_PULL_REQUEST = "same-pull-request"
    SAME_BRANCH = "same-branch"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A rule that applied but did not decide the target; `wish` is what was written."""

    rule: LinkRule
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
    rule: LinkRule
    reason: str
    rejected: tuple[Rejected, ...]


@dataclass(frozen=True, slots=True)
class _Claim:
    """What one rule says. Without a number and a URL, it says staging."""

    rule: LinkRule
    wish: str
    reason: str
    number: int | None = None
    url: str = ""
    granted: bool = True  # False: the wish could not be granted, so the call goes to staging


@dataclass(frozen=True, slots=True)
class Resolver:
    """Resolves the dependencies of one pull request's previews."""

    catalog: Catalog
    targets: Targets
    pull_request: PullRequest
    wish: Wish

    def resolve(self, service: Service) -> tuple[Dependency, ...]:
        """Resolve every dependency of one service, in the order of their names."""
        return tuple(self._resolve(service, call) for call in service.dependencies)

    def warnings(self, repository: str) -> tuple[str, ...]:
        """Name the `Depends-On` lines that have no effect on any service of the pull request's repository."""
        description = self.wish.description
        called = set(map(folded, self.catalog.called_by(repository))) if description.links else set()
        warnings, seen = list[str](), set[str]()
        for locator in (link.locator for link in description.links):
            named = folded(locator.repository)
            if named not in called:
                warnings.append(f"Depends-On: {locator} matches no dependency")
            elif named in seen:
                warnings.append(f"Depends-On: {locator} comes after another line for {locator.repository}")
            seen.add(named)
        return tuple(map(one_line, [*warnings, *description.near_misses][:MAX_WARNINGS]))

    def _resolve(self, caller: Service, call: DependencyOf) -> Dependency:
        dependency = self.catalog.services[call.service]
        claims = list(self._claims(caller, dependency))
        if self.pull_request.fork:
            claims = [self._staging_for_fork(claim) for claim in claims]
        deciding, *others = [*claims, _Claim(LinkRule.DEFAULT, "", "nothing else was asked for")]
        rejected = [] if deciding.granted else [Rejected(deciding.rule, deciding.wish, deciding.reason)]
        rejected += [
            Rejected(claim.rule, claim.wish, f"the rule {deciding.rule} comes first")
            for claim in others
            if claim.rule is not LinkRule.DEFAULT
        ]
        return self._dependency(call, dependency, deciding, tuple(rejected))

    def _claims(self, caller: Service, dependency: Service) -> Iterator[_Claim]:
        """Yield what each rule says, in the order in which the rules are tried."""
        if line := self.wish.depends_on.get(folded(dependency.repository)):
            yield self._preview(LinkRule.DEPENDS_ON, line.text, dependency, line.number)
        if reference := self.wish.config.of(caller.name).dependencies.get(dependency.name):
            yield self._from_config(reference, dependency)
        if dependency.repository == caller.repository:
            yield self._preview(LinkRule.SAME_PULL_REQUEST, "", dependency, self.pull_request.number)
        elif caller.policy.same_branch and self.targets.on_branch(dependency, self.pull_request.branch):
            yield self._branch(LinkRule.SAME_BRANCH, "", dependency, self.pull_request.branch)

    def _from_config(self, reference: Reference, dependency: Service) -> _Claim:
        wish = one_line(str(reference))
        match reference:
            case Staging():
                return _Claim(LinkRule.CONFIG, wish, "staging was asked for")
            case Url(url):
                return _Claim(LinkRule.CONFIG, wish, "this URL was asked for", url=url)
            case PullRequestReference(number):
                return self._preview(LinkRule.CONFIG, wish, dependency, number)
            case Branch(name):
                return self._branch(LinkRule.CONFIG, wish, dependency, name)
            case SameBranch():
                return self._branch(LinkRule.CONFIG, wish, dependency, self.pull_request.branch)

    def _branch(self, rule: LinkRule, wish: str, dependency: Service, branch: str) -> _Claim:
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

    def _preview(self, rule: LinkRule, wish: str, dependency: Service, number: int) -> _Claim:
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

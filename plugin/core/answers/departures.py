"""Departures: why a preview would leave an answer, and whether that is known for certain. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from plugin.core.answers.breaker import Departure, Emitted
from plugin.core.config.messages import one_line
from plugin.core.config.references import Locator
from plugin.core.decision.decide import Decision
from plugin.core.decision.preview import EmittedPreview, Preview
from plugin.core.decision.targets import ELSEWHERE
from plugin.core.facts.model import Elsewhere, LookUp, PullRequest, PullRequestState, Snapshot


@dataclass(frozen=True, slots=True)
class Departures:
    """Everything that is known about what left."""

    decision: Decision
    snapshot: Snapshot
    gone: Mapping[Locator, Elsewhere]  # confirmed since the answer before
    look_ups: Mapping[Locator, LookUp]  # of pull requests that are still listed
    acknowledged: frozenset[str]  # fingerprints of catalogs

    def why(self, emitted_with: str, name: str, left: EmittedPreview) -> Departure:
        """Say why a preview left that was emitted with the catalog of that fingerprint."""
        locator = Locator(left.repository, left.number)
        elsewhere = self.gone.get(locator)
        same_catalog = emitted_with == self.decision.catalog.fingerprint
        # That it lacks a label that only the new catalog asks for is the catalog's doing.
        if elsewhere and (same_catalog or elsewhere is not Elsewhere.UNLABELLED):
            return Departure(one_line(f"{locator} {ELSEWHERE[elsewhere]}"), confirmed=True)
        if not same_catalog:
            reason = f"with the catalog {self.decision.catalog.fingerprint} there is no such preview any more"
            return Departure(reason, confirmed=self.decision.catalog.fingerprint in self.acknowledged, by_catalog=True)
        pull_request = self._pull_request(locator)
        if pull_request is None:  # it left the snapshot earlier, and nothing leaves that unconfirmed
            return Departure(f"{locator} is gone", confirmed=True)
        preview = self._preview(left.repository, name)
        reason = preview.verdict.reason if preview else f"{locator} {ELSEWHERE[Elsewhere.UNLABELLED]}"
        return Departure(reason, confirmed=_agrees(self.look_ups.get(locator), pull_request))

    def _preview(self, repository: str, name: str) -> Preview | None:
        decided = self.decision.parts[repository].previews
        return next((each.preview for each in decided if each.preview.name == name), None)

    def _pull_request(self, locator: Locator) -> PullRequest | None:
        repository = self.snapshot.repositories[locator.repository]
        return next((known for known in repository.pull_requests if known.number == locator.number), None)


def unconfirmed(emitted: Emitted) -> list[Locator]:
    """Name the pull requests that can confirm what the breaker holds back."""
    return [
        Locator(emitted.previews[name].repository, emitted.previews[name].number)
        for name, departure in emitted.held.items()
        if not departure.confirmed and not departure.by_catalog
    ]


def _agrees(answer: LookUp | None, listed: PullRequest) -> bool:
    """Tell whether an answer by number shows the pull request as the listing did, or as closed."""
    if answer is None or answer.updated_at is None or answer.updated_at < listed.updated_at:
        return False
    if answer.state is not PullRequestState.OPEN:
        return True
    if listed.fork:  # it was emitted, so it was none, and nothing becomes one
        return False
    return answer.labels == frozenset(listed.labels) and answer.draft == listed.draft

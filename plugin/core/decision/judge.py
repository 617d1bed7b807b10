"""Judging: applies the rules to each preview by itself. Rules that compare previews come later."""

from collections.abc import Mapping

from plugin.core.config.catalog import Catalog, Service
from plugin.core.decision.rules import RULES
from plugin.core.decision.rules.case import Case, folded_labels, make_case
from plugin.core.decision.verdicts import Judged, Verdict, Verdicts
from plugin.core.facts.lives import NO_LIVES, Life, Lives
from plugin.core.facts.model import PullRequest, Repository, Snapshot


def judge_all(catalog: Catalog, snapshot: Snapshot, lives: Lives, before: Verdicts) -> Verdicts:
    """Judge every repository of the catalog that was read; repositories that have not changed keep their verdicts.

    `before` are verdicts by the same catalog.
    """
    read = snapshot.repositories
    return {
        name: known
        if (known := before.get(name)) and known.repository is read[name] and known.lives is lives.get(name, NO_LIVES)
        else Judged(read[name], lives.get(name, NO_LIVES), _verdicts(services, read[name], lives.get(name, NO_LIVES)))
        for name, services in catalog.repositories.items()
        if name in read
    }


def asks(service: Service, pull_request: PullRequest) -> bool:
    """Tell whether a pull request asks for a preview of a service."""
    return make_case(service.policy, pull_request).asks


def judge(service: Service, pull_request: PullRequest) -> Verdict | None:
    """Judge one preview by itself; None if the labels that ask for it are missing."""
    return _judge(make_case(service.policy, pull_request))


def _judge(case: Case) -> Verdict | None:
    if not case.asks:
        return None
    return next(verdict for rule in RULES if (verdict := rule(case)))


def _in_life(verdict: Verdict, life: Life | None) -> Verdict:
    """Apply what was decided about the life of a preview, unless the facts alone decide that there is none."""
    if life is None or not verdict.live:
        return verdict
    return Verdict(life.state, life.reason, life.deploy_sha, life.ends_at)


def _verdicts(
    services: tuple[Service, ...], repository: Repository, lives: Mapping[str, Life]
) -> dict[tuple[int, str], Verdict]:
    return {
        (pull_request.number, service.name): _in_life(verdict, lives.get(f"{service.name}/{pull_request.number}"))
        for pull_request in repository.pull_requests
        for labels in (folded_labels(pull_request),)  # once, however many services there are
        for service in services
        if (verdict := _judge(Case(service.policy, pull_request, labels)))
    }

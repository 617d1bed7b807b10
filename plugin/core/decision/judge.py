"""Judging: applies the rules to each preview by itself. Rules that compare previews come later."""

from plugin.core.config.catalog import Catalog, Service
from plugin.core.decision.rules import RULES
from plugin.core.decision.rules.case import Case, folded_labels, make_case
from plugin.core.decision.verdicts import Judged, Verdict, Verdicts
from plugin.core.facts.model import PullRequest, Repository, Snapshot


def judge_all(catalog: Catalog, snapshot: Snapshot, before: Verdicts) -> Verdicts:
    """Judge every repository of the catalog that was read; repositories that have not changed keep their verdicts.

    `before` are verdicts by the same catalog.
    """
    read = snapshot.repositories
    return {
        name: before[name]
        if name in before and before[name].repository is read[name]
        else Judged(read[name], _verdicts(services, read[name]))
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


def _verdicts(services: tuple[Service, ...], repository: Repository) -> dict[tuple[int, str], Verdict]:
    return {
        (pull_request.number, service.name): verdict
        for pull_request in repository.pull_requests
        for labels in (folded_labels(pull_request),)  # once, however many services there are
        for service in services
        if (verdict := _judge(Case(service.policy, pull_request, labels)))
    }

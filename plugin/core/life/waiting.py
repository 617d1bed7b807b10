"""Waiting: no commit of the pull request was ever ready. It also says which commit runs while a newer one is built."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import takewhile

from plugin.core.config.lifecycle import CheckGate, Gate
from plugin.core.life.case import Case, Circumstances
from plugin.core.life.sentences import cut

REMEMBERED = 20  # ready commits of one pull request
SHORT = 8  # digits of a commit in a sentence


@dataclass(frozen=True, slots=True)
class Passed:
    """What the gate says."""

    waits: bool
    deploy_sha: str  # "": the head
    ready: tuple[str, ...]  # the commits that were ready once, the newest last
    note: str  # what it waits for, or ""


def gate(case: Case, circumstances: Circumstances) -> Passed:
    """Return which commit runs.

    It is the head if that was ever ready, else what is deployed, else the newest ready commit. What the last answer had
    never waits, whatever was ready.
    """
    plan = case.service.lifecycle.ready_when
    before = case.before.ready if case.before else ()
    if plan is None:
        return Passed(waits=False, deploy_sha="", ready=before, note="")
    head = case.pull_request.head_sha
    ready = (*before, *_newly_ready(case, circumstances, before))[-REMEMBERED:]
    if head in ready:
        return Passed(waits=False, deploy_sha=head, ready=ready, note="")
    sha = case.deployed or (ready[-1] if ready else "")
    if not sha and circumstances.first:
        sha = head  # it may have been live before the state was lost
    note = "" if sha == head else _note(plan, head, sha)
    return Passed(waits=not sha, deploy_sha=sha, ready=ready, note=note)


def is_looked_for(case: Case, circumstances: Circumstances) -> bool:
    """Tell whether the newest ready commit is known of a preview that comes back.

    While it was away, nobody asked about what was pushed. An act brings it back before the gate was asked.
    """
    plan, number, head = case.service.lifecycle.ready_when, case.pull_request.number, case.pull_request.head_sha
    if plan is None or (case.before and head in case.before.ready):
        return True
    is_ready = circumstances.ready.get((case.service.name, head))
    return is_ready is True or (is_ready is False and number in circumstances.commits)


def _newly_ready(case: Case, circumstances: Circumstances, before: Collection[str]) -> Iterator[str]:
    """Find the commits that are ready now, the oldest first. Those before one that was ready once do not count."""
    commits = dict.fromkeys((case.pull_request.head_sha, *circumstances.commits.get(case.pull_request.number, ())))
    newer = takewhile(lambda sha: sha not in before, commits)
    yield from reversed([sha for sha in newer if circumstances.ready.get((case.service.name, sha))])


def _note(plan: Gate, head: str, sha: str) -> str:
    commit, check = head[:SHORT], f'the check "{cut(plan.name)}"' if isinstance(plan, CheckGate) else ""
    if sha:
        until = f"{check} has succeeded for the newer commit" if check else "there is an image of the newer commit"
        return f"Commit {sha[:SHORT]} runs until {until} {commit}"
    missing = f"{check} has not succeeded for commit {commit}" if check else f"there is no image of commit {commit} yet"
    return f"{missing}. It starts by itself once that changes: look at the pull request's checks, or push a fix"

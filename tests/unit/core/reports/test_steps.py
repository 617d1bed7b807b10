"""Steps: whatever is lost, whenever the process dies, in the end one thing stands outside and says what is wanted."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.core.reports.content import Comment, Deployment, Ended, Kind, Link, Status, Target
from plugin.core.reports.steps import (
    BETWEEN_EDITS,
    CONFIDENTIAL,
    SETTLES,
    Create,
    Item,
    Look,
    Retire,
    Say,
    Standing,
    Step,
    Wanted,
    begun,
    done,
    found,
    missing,
    next_step,
    not_before,
    refused,
)
from tests.builders import MONDAY, SHA
from tests.unit.core.reports.reports import NEWER

DEPLOYMENT = Target(Kind.DEPLOYMENT, "acme/orders", 12, "orders")
STATUS = Target(Kind.STATUS, "acme/orders", 12, "orders")
COMMENT = Target(Kind.COMMENT, "acme/orders", 12)
LINK = Target(Kind.LINK, "acme/orders", 12, "orders PAY-7")
GONE = "acme/orders#12 was merged"


def deployment(state: str = "success", sha: str = SHA) -> Deployment:
    url = "https://orders-12.preview.example.com" if state == "success" else ""
    return Deployment(sha, "preview", "preview:orders:12", "Preview", "preview-orders-12", state, state, url, "")


def status(state: str = "success", sha: str = SHA) -> Status:
    return Status(sha, "preview/orders", state, f"it is {state}", "")


def comment(body: str = "works", *, confidential: bool = True, create: bool = True) -> Comment:
    return Comment(body, confidential, create)


def link(summary: str = "active") -> Link:
    return Link("PAY-7", "preview-plugin:acme/orders#12:orders", "Preview orders-12", "https://x.example.com", summary)


def ended(body: str = "gone") -> Ended:
    return Ended(GONE, Comment(body, confidential=False, create=False))


@dataclass
class Outside:
    """What stands outside, as GitHub and Jira keep it."""

    target: Target
    things: dict[int, Item] = field(default_factory=dict)
    said: list[tuple[str, str]] = field(default_factory=list)  # of a status: commit and state
    writes: int = 0
    looks: int = 0
    shown: int = 100  # deployments, the newest and whatever their state

    def perform(self, step: Step) -> tuple[Item, ...] | int:
        if isinstance(step, Look):
            self.looks += 1
            return self.listed(step)
        self.writes += 1
        match step:
            case Create(content):
                new = len(self.things) + 1000
                digest = content.digest if isinstance(content, Comment) else ""
                state = CONFIDENTIAL if isinstance(content, Comment) and content.confidential else ""
                self.things[new] = Item(new, getattr(content, "sha", ""), state, digest)
                return new
            case Say(item, content):
                if isinstance(content, Status):
                    self.things[hash(content.sha)] = Item(0, content.sha, content.state, content.digest)
                    self.said.append((content.sha, content.state))
                elif isinstance(content, Link):
                    self.things[0] = Item(0, digest=content.digest)
                else:
                    state = getattr(content, "state", "") or self.things[item.id].state
                    self.things[item.id] = replace(self.things[item.id], state=state, digest=content.digest)
                return item.id
            case Retire(item):
                if self.target.kind is Kind.DEPLOYMENT:
                    self.things[item.id] = replace(self.things[item.id], state="inactive")
                else:
                    self.things.pop(item.id, None)
                return item.id
        raise AssertionError

    def listed(self, step: Look) -> tuple[Item, ...]:
        if self.target.kind is Kind.STATUS:
            return tuple(each for each in self.things.values() if each.sha == step.sha)
        return tuple(self.things.values())[-self.shown :] if self.target.kind is Kind.DEPLOYMENT else self.open

    @property
    def open(self) -> tuple[Item, ...]:
        return tuple(each for each in self.things.values() if each.state != "inactive")


@dataclass
class Run:
    """Takes steps as the reporter does, with a clock of its own."""

    outside: Outside
    standing: Standing
    now: datetime = MONDAY
    steps: list[Step] = field(default_factory=list)

    def reach(self, wanted: Wanted, fate: Callable[[], str] = lambda: "", most: int = 50) -> "Run":
        """Take steps until nothing has to be done."""
        for _ in range(most):
            step = next_step(wanted, self.standing)
            if step is None:
                return self
            self.now = max(self.now, not_before(step, self.standing) or self.now)
            self.take(step, fate())
        raise AssertionError("it does not come to an end")

    def take(self, step: Step, fate: str) -> None:
        self.steps.append(step)
        stored = begun(self.standing, step, self.now)
        self.standing = stored
        if fate == "never sent":  # the process died before
            return
        if fate == "refused":
            self.standing = refused(stored, step)
            return
        answer = self.outside.perform(step)
        if fate == "lost":  # no answer came, or the process died before it was stored
            return
        if isinstance(answer, tuple):
            self.standing = found(stored, answer)
        else:
            self.standing = done(stored, step, answer, self.now)

    def what(self) -> list[str]:
        return [type(step).__name__ for step in self.steps]


def run(target: Target, *items: Item) -> Run:
    return Run(Outside(target), Standing(target, items or None))


def test_a_push_costs_five_writes_of_a_deployment() -> None:
    first = run(DEPLOYMENT).reach(deployment("success"))
    first.outside.writes, first.steps = 0, []
    for state in ("queued", "in_progress", "success"):
        first.reach(deployment(state, NEWER))

    assert first.what() == ["Create", "Say", "Say", "Say", "Retire"]
    assert [(each.sha, each.state) for each in first.outside.open] == [(NEWER, "success")]


def test_a_newer_commit_that_fails_does_not_hide_the_older_one_that_works() -> None:
    tried = run(DEPLOYMENT).reach(deployment("success"))
    for state in ("queued", "in_progress", "failure"):
        tried.reach(deployment(state, NEWER))

    assert [(each.sha, each.state) for each in tried.outside.open] == [(SHA, "success"), (NEWER, "failure")]
    tried.reach(deployment("success", "a" * 40))
    assert [(each.sha, each.state) for each in tried.outside.open if each.state != "failure"] == [("a" * 40, "success")]


def test_what_works_is_closed_at_the_end_however_many_newer_commits_failed_before_an_answer_was_lost() -> None:
    tried = run(DEPLOYMENT).reach(deployment("success"))
    tried.outside.shown = 5
    for number in range(tried.outside.shown + 1):
        tried.reach(deployment("failure", f"{number:040x}"))
    tried.standing = replace(tried.standing, unsure_since=tried.now)

    tried.reach(ended())

    assert [each.state for each in tried.outside.open if each.sha == SHA] == []


def test_a_newer_commit_that_was_only_deployed_asleep_does_not_hide_the_older_one_that_worked() -> None:
    tried = run(DEPLOYMENT).reach(deployment("success"))
    for state in ("queued", "in_progress", "queued"):
        tried.reach(deployment(state, NEWER))

    assert [(each.sha, each.state) for each in tried.outside.open] == [(SHA, "success"), (NEWER, "queued")]
    tried.reach(deployment("success", NEWER))
    assert [(each.sha, each.state) for each in tried.outside.open] == [(NEWER, "success")]


def test_a_deployment_that_a_newer_commit_overtook_is_closed() -> None:
    overtaken = run(DEPLOYMENT).reach(deployment("in_progress")).reach(deployment("queued", NEWER))

    assert [(each.sha, each.state) for each in overtaken.outside.open] == [(NEWER, "queued")]


def test_the_end_closes_every_deployment() -> None:
    closed = run(DEPLOYMENT).reach(deployment("success")).reach(deployment("failure", NEWER)).reach(ended())

    assert closed.outside.open == ()
    assert [each.reason for each in closed.steps if isinstance(each, Retire)] == [GONE, GONE]


def test_the_status_of_a_new_head_is_said_without_a_look() -> None:
    pushed = run(STATUS).reach(status("success")).reach(status("pending", NEWER))

    assert pushed.what() == ["Look", "Say", "Say"]


@pytest.mark.parametrize("state", ["pending", "success", "failure", "error"])
def test_the_end_turns_no_status_green_or_red_and_says_why_there_is_no_preview(state: str) -> None:
    closed = run(STATUS).reach(status(state)).reach(ended())

    (last,) = closed.outside.things.values()
    assert last.state == state
    assert isinstance(closed.steps[-1], Say)
    assert closed.steps[-1].content == Status(SHA, "preview/orders", state, f"No preview: {GONE}", "")


def test_the_end_reaches_a_status_whose_answer_was_lost() -> None:
    lost = run(STATUS).reach(status("success"))
    lost.take(Say(Item(), status("pending", NEWER)), "lost")
    lost.reach(ended())

    assert lost.outside.said == [(SHA, "success"), (NEWER, "pending"), (NEWER, "pending")]


def test_a_comment_is_only_made_where_it_is_worth_one_but_kept_up_to_date() -> None:
    quiet = run(COMMENT).reach(comment(create=False))
    assert quiet.outside.looks == 0

    made = quiet.reach(comment("linked")).reach(comment("not linked any more", create=False))
    assert made.what() == ["Look", "Create", "Say"]


def test_a_comment_is_edited_at_most_once_a_minute() -> None:
    edited = run(COMMENT).reach(comment("one"))
    made = edited.now
    edited.reach(comment("two"))
    assert edited.now - made == BETWEEN_EDITS


def test_of_several_comments_of_ours_the_first_stays() -> None:
    doubled = run(COMMENT)
    doubled.outside.things = {1: Item(1, digest="x"), 2: Item(2, digest="y")}
    doubled.reach(comment())

    assert list(doubled.outside.things) == [1]


def test_a_comment_that_somebody_deleted_is_made_again_when_there_is_news() -> None:
    deleted = run(COMMENT).reach(comment("one"))
    deleted.outside.things.clear()
    deleted.standing = missing(deleted.standing)
    deleted.reach(comment("two"))

    assert len(deleted.outside.things) == 1


def test_on_a_repository_that_was_published_the_comment_is_made_anew() -> None:
    """The versions before an edit can be read by everybody who can read the comment."""
    published = run(COMMENT).reach(comment("names acme/secret#1")).reach(comment("names nothing", confidential=False))

    assert published.what() == ["Look", "Create", "Retire", "Create"]
    published.reach(comment("names acme/secret#1 again"))
    published.reach(comment("still public", confidential=False))
    assert published.what()[4:] == ["Say", "Retire", "Create"]


@pytest.mark.parametrize("end", [Ended(GONE), ended()], ids=["on a private repository", "on a public one"])
def test_a_confidential_comment_is_deleted_at_the_end(end: Ended) -> None:
    """Its repository may be published later, when nobody remembers it."""
    assert run(COMMENT).reach(comment()).reach(end).outside.things == {}


def test_a_comment_that_everybody_may_read_says_at_the_end_that_the_preview_is_gone() -> None:
    said = run(COMMENT).reach(comment(confidential=False)).reach(ended())

    assert [each.digest for each in said.outside.open] == [comment("gone").digest]


@pytest.mark.parametrize("target", [DEPLOYMENT, COMMENT, STATUS])
def test_what_ended_is_not_forgotten_before_lists_show_its_end(target: Target) -> None:
    """Its pull request may be reopened within that minute."""
    wanted: dict[Kind, Wanted] = {Kind.DEPLOYMENT: deployment(), Kind.COMMENT: comment(), Kind.STATUS: status()}
    over = run(target).reach(wanted[target.kind]).reach(ended())

    assert next_step(ended(), over.standing) is None
    assert over.standing.written_at
    assert not_before(None, over.standing) == over.standing.written_at + max(SETTLES, BETWEEN_EDITS)
    assert not_before(None, Standing(target)) is None


def test_a_link_is_written_without_a_look_and_taken_away_at_the_end() -> None:
    assert run(LINK).reach(link()).reach(link("paused")).reach(ended()).what() == ["Say", "Say", "Retire"]
    lost = run(LINK)
    lost.take(Say(Item(), link()), "lost")
    assert lost.reach(ended()).what() == ["Say", "Retire"]


@pytest.mark.parametrize("target", [DEPLOYMENT, COMMENT, STATUS])
def test_after_a_lost_answer_comes_a_look_once_lists_have_settled(target: Target) -> None:
    wanted: dict[Kind, Wanted] = {Kind.DEPLOYMENT: deployment(), Kind.COMMENT: comment(), Kind.STATUS: status()}
    lost = run(target).reach(wanted[target.kind])
    lost.standing = replace(lost.standing, unsure_since=lost.now)
    step = next_step(wanted[target.kind], lost.standing)

    assert isinstance(step, Look)
    assert not_before(step, lost.standing) == lost.now + SETTLES
    assert lost.reach(wanted[target.kind]).outside.writes == lost.outside.writes


WANTED: dict[Kind, st.SearchStrategy[Wanted]] = {
    Kind.DEPLOYMENT: st.builds(
        deployment,
        st.sampled_from(["queued", "in_progress", "success", "failure"]),
        st.sampled_from([SHA, NEWER, "a" * 40]),
    ),
    Kind.STATUS: st.builds(
        status, st.sampled_from(["pending", "success", "failure", "error"]), st.sampled_from([SHA, NEWER])
    ),
    Kind.COMMENT: st.builds(
        comment, st.sampled_from(["one", "two", "three"]), confidential=st.booleans(), create=st.booleans()
    ),
    Kind.LINK: st.builds(link, st.sampled_from(["active", "paused"])),
}
FATES = ["", "", "", "lost", "never sent", "refused"]


@given(
    st.sampled_from([DEPLOYMENT, STATUS, COMMENT, LINK]).flatmap(
        lambda target: st.tuples(
            st.just(target), st.lists(WANTED[target.kind] | st.just(ended()), min_size=1, max_size=8)
        )
    ),
    st.integers(0, 2**32),
    st.booleans(),
)
def test_whatever_is_lost_what_stands_outside_is_what_is_wanted_and_stands_once(
    targets: tuple[Target, list[Wanted]],
    seed: int,
    forgetful: bool,  # noqa: FBT001  hypothesis gives it
) -> None:
    (target, wishes), chance = targets, random.Random(seed)
    writer = run(target)
    for wanted in wishes:
        if forgetful and chance.random() < 0.3:
            writer.standing = Standing(target)  # the state was lost
        for _ in range(chance.randrange(4)):  # a newer wish may come before this one is reached
            if step := next_step(wanted, writer.standing):
                writer.now = max(writer.now, not_before(step, writer.standing) or writer.now)
                writer.take(step, chance.choice(FATES))
    last = wishes[-1] if not forgetful or not isinstance(wishes[-1], Ended) else chance.choice(wishes)
    writer.reach(last, lambda: chance.choice(FATES), most=500)
    writes = writer.outside.writes
    writer.now += timedelta(hours=1)
    writer.reach(last)

    assert writer.outside.writes == writes, "nothing is written when nothing has changed"
    if not (forgetful and isinstance(last, Ended)):  # what is not known of is not ended
        worked = {wanted.sha for wanted in wishes if isinstance(wanted, Status) and wanted.state == "success"}
        assert_stands(writer.outside, last, worked, known=writer.standing.items is not None)


def assert_stands(outside: Outside, wanted: Wanted, worked: set[str], *, known: bool) -> None:
    digests, states = [each.digest for each in outside.open], {each.state for each in outside.open}
    match wanted:
        case Deployment():
            # A commit that failed before another one, and is pushed again, is deployed again: its failure stays.
            own = [each for each in outside.open if each.sha == wanted.sha][-1]
            others = {each.state for each in outside.open if each is not own}
            assert own.digest == wanted.digest
            assert others <= ({"failure"} if wanted.state == "success" else {"failure", "success"})
        case Status():
            assert outside.things[hash(wanted.sha)].digest == wanted.digest
        case Comment(create=True):
            assert digests == [wanted.digest]
        case Comment():
            assert digests in ([], [wanted.digest]) or not known
        case Link():
            assert digests == [wanted.digest]
        case Ended():
            if outside.target.kind is Kind.STATUS:
                # If the process died before it wrote the success, the end is the first step that writes it.
                assert {sha for sha, state in outside.said if state == "success"} <= worked, "green without a preview"
            elif outside.target.kind is Kind.DEPLOYMENT:
                assert states <= {"failure"}, "what failed before another commit stays so"
            else:
                gone = wanted.comment.digest if wanted.comment and outside.target.kind is Kind.COMMENT else None
                assert digests in ([], [gone])

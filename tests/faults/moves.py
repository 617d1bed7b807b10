"""Moves: everything that can happen. Each takes the stage, does one thing to it and says what, or "" if it cannot."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from plugin.errors import NotReady
from plugin.state import Unreachable
from tests.faults.catalogs import REPOSITORIES, SERVICES
from tests.faults.plans import NO_PLAN
from tests.faults.replica import Cut, Killed, Replica
from tests.faults.stage import INPUTS, Stage
from tests.faults.trouble import KINDS, LAGGING, LIES, UNCOUNTED
from tests.faults.truth import Fact

MOST = 18  # pull requests of one repository
AUTHORS = ("ada", "ada", "bob", "dependabot[bot]")

Move = Callable[[Stage], str]


@dataclass(frozen=True, slots=True)
class Chance:
    weight: int
    move: Move
    nested: bool  # whether it can happen while a replica waits for GitHub
    life: bool  # whether it is about lives, so that it happens only in episodes about these


MOVES: dict[str, Chance] = {}


def move(weight: int, *, nested: bool = False, life: bool = False) -> Callable[[Move], Move]:
    def register(function: Move) -> Move:
        MOVES[function.__name__.replace("_", " ")] = Chance(weight, function, nested, life)
        return function

    return register


# --- Pull requests


def _some(stage: Stage, *, state: str = "open") -> tuple[str, int, Fact] | None:
    found = [each for each in stage.truth.all() if each[2].entry.state == state]
    return stage.chance.choice(found) if found else None


def _change(stage: Stage, **changes: Any) -> str:
    if not (chosen := _some(stage)):
        return ""
    name, number, _ = chosen
    stage.truth.change(name, number, **changes)
    stage.changed.append(name)
    return f"{name}#{number}"


def relabel(stage: Stage, *, add: tuple[str, ...] = (), remove: tuple[str, ...] = ()) -> str:
    candidates = [
        each
        for each in stage.truth.all()
        if each[2].entry.state == "open"
        and not set(add) & set(each[2].entry.labels)
        and set(remove) <= set(each[2].entry.labels)
    ]
    if not candidates:
        return ""
    name, number, fact = stage.chance.choice(candidates)
    for label in add:
        stage.truth.create_label(name, label)
    left = tuple(label for label in fact.entry.labels if label not in remove)
    stage.truth.change(name, number, labels=(*left, *add))
    stage.changed.append(name)
    return f"{name}#{number}"


@move(10, nested=True)
def open_pull_request(stage: Stage) -> str:
    name = stage.chance.choice(REPOSITORIES)
    if len(stage.truth.repository(name).pulls) >= MOST:
        return ""
    labels = stage.chance.choice((("preview",), ("preview",), ("preview", "go"), ("other",), ()))
    for label in labels:
        stage.truth.create_label(name, label)
    fork = "mallory/fork" if stage.chance.random() < 0.1 else ""
    number = stage.truth.open(
        name,
        labels=labels,
        fork=fork,
        draft=stage.chance.random() < 0.2,
        head_sha=stage.truth.commit(_config(stage)),
        author=stage.chance.choice(AUTHORS),
    )
    stage.changed.append(name)
    return f"{name}#{number}"


@move(16, nested=True)
def push(stage: Stage) -> str:
    return _change(stage, head_sha=stage.truth.commit(_config(stage)))


@move(3, nested=True)
def force_push_back(stage: Stage) -> str:
    if not (chosen := _some(stage)):
        return ""
    name, number, _ = chosen
    facts = stage.truth.repository(name).pulls[number]
    stage.truth.change(name, number, head_sha=stage.chance.choice(facts).entry.head_sha)
    stage.changed.append(name)
    return f"{name}#{number}"


@move(8, nested=True)
def label(stage: Stage) -> str:
    return relabel(stage, add=("preview",))


@move(6, nested=True)
def unlabel(stage: Stage) -> str:
    return relabel(stage, remove=("preview",))


@move(4, nested=True)
def other_label(stage: Stage) -> str:
    return relabel(stage, add=(stage.chance.choice(("other", "go")),))


@move(3, nested=True)
def other_unlabel(stage: Stage) -> str:
    return relabel(stage, remove=(stage.chance.choice(("other", "go")),))


@move(3, nested=True)
def skip_label(stage: Stage) -> str:
    return relabel(stage, add=("no-preview",))


@move(3, nested=True)
def skip_unlabel(stage: Stage) -> str:
    return relabel(stage, remove=("no-preview",))


@move(6, nested=True)
def close(stage: Stage) -> str:
    return _become(stage, "open", "closed")


@move(5, nested=True)
def merge(stage: Stage) -> str:
    return _become(stage, "open", "merged")


@move(8, nested=True)
def reopen(stage: Stage) -> str:
    return _become(stage, "closed", "open")


def _become(stage: Stage, before: str, after: str) -> str:
    if not (chosen := _some(stage, state=before)):
        return ""
    name, number, _ = chosen
    stage.truth.change(name, number, state=after)
    stage.changed.append(name)
    return f"{name}#{number}"


@move(3, nested=True)
def close_and_reopen(stage: Stage) -> str:
    """Within less time than GitHub's answers lag."""
    if not (chosen := _some(stage)):
        return ""
    name, number, _ = chosen
    stage.truth.change(name, number, state="closed")
    stage.clock.pass_by(stage.chance.choice((0.2, 1.5, 3.0)))
    stage.truth.change(name, number, state="open")
    stage.changed.append(name)
    return f"{name}#{number}"


@move(2, nested=True)
def close_many(stage: Stage) -> str:
    name = stage.chance.choice(REPOSITORIES)
    pulls = [number for at, number, fact in stage.truth.all() if at == name and fact.entry.state == "open"]
    if len(pulls) < 6:
        return ""
    for number in pulls[: stage.chance.randint(6, len(pulls))]:
        stage.truth.change(name, number, state="closed")
    stage.changed.append(name)
    return name


@move(4, nested=True)
def retitle(stage: Stage) -> str:
    return _change(stage, title=f"title {stage.chance.randint(1, 10**6)}")


@move(5, nested=True)
def describe(stage: Stage) -> str:
    return _change(stage, **stage.chance.choice((_described(stage), _described(stage), {"body": "please look"})))


@move(4)
def twice_within_a_second(stage: Stage) -> str:
    """What is read between two changes looks as new as what is read after them."""
    if not (chosen := _some(stage)) or not (replica := idle(stage)):
        return ""
    name, number, _ = chosen
    stage.clock.pass_by(1 - stage.clock.now.microsecond / 1e6)
    one, other = (stage.chance.choice(_CHANGES)(stage) for _ in range(2))
    stage.truth.change(name, number, **one)
    stage.clock.pass_by(0.3)
    stage.refresh(replica)
    stage.truth.change(name, number, **other)
    return f"{name}#{number}"


def _pushed(stage: Stage) -> dict[str, Any]:
    return {"head_sha": stage.truth.commit(_config(stage))}


def _described(stage: Stage) -> dict[str, Any]:
    name, number, _ = _some(stage) or ("acme/users", 1, None)
    return {"body": f"Depends-On: {name}#{number}"}


def _retitled(stage: Stage) -> dict[str, Any]:
    return {"title": f"title {stage.chance.randint(1, 10**6)}"}


_CHANGES = (_pushed, _described, _described, _retitled)


@move(3, nested=True)
def draft(stage: Stage) -> str:
    return _change(stage, draft=True)


@move(3, nested=True)
def ready(stage: Stage) -> str:
    return _change(stage, draft=False)


@move(2, nested=True)
def flag_author(stage: Stage) -> str:
    return _hide(stage, hidden=True)


@move(3, nested=True)
def clear_author(stage: Stage) -> str:
    return _hide(stage, hidden=False)


def _hide(stage: Stage, *, hidden: bool) -> str:
    found = [(name, number) for name, number, fact in stage.truth.all() if fact.hidden is not hidden]
    if not found:
        return ""
    name, number = stage.chance.choice(found)
    stage.truth.hide(name, number, hidden=hidden)
    return f"{name}#{number}"


def _config(stage: Stage) -> str | None:
    number = stage.chance.randint(1, MOST)
    service = stage.chance.choice(("payments", "users", "orders", "shop-api"))
    link = f"version: 1\ndependencies:\n  {service}: pr:{number}\n"
    short = "version: 1\nlifecycle:\n  expire_after: 6h\n"
    return stage.chance.choice((None, None, "version: 1\n", link, link, short, "version: 1\nbroken: [\n"))


# --- Repositories


@move(1, nested=True)
def delete_label(stage: Stage) -> str:
    name = stage.chance.choice(REPOSITORIES)
    chosen = stage.chance.choice(("preview", "no-preview", "go"))
    stage.truth.create_label(name, chosen)
    stage.truth.delete_label(name, chosen)
    return f"{chosen} in {name}"


@move(1, nested=True)
def rename_repository(stage: Stage) -> str:
    name = stage.chance.choice(REPOSITORIES)
    stage.truth.rename(name, f"{name}-renamed")
    return name


@move(3, nested=True)
def rename_it_back(stage: Stage) -> str:
    if not stage.truth.renamed:
        return ""
    name = stage.chance.choice(sorted(stage.truth.renamed))
    stage.truth.rename(name, name)
    return name


@move(1, nested=True)
def make_repository_private(stage: Stage) -> str:
    name = stage.chance.choice(REPOSITORIES)
    stage.truth.show(name, visible=False)
    return name


@move(3, nested=True)
def make_it_public(stage: Stage) -> str:
    if not stage.truth.invisible:
        return ""
    name = stage.chance.choice(sorted(stage.truth.invisible))
    stage.truth.show(name, visible=True)
    return name


@move(1)
def recreate_repository(stage: Stage) -> str:
    if any(len(generations) > 1 for generations in stage.truth.generations.values()) or stage.chance.random() < 0.7:
        return ""
    name = stage.chance.choice(REPOSITORIES)
    stage.truth.recreate(name)
    for _ in range(stage.chance.randint(0, 3)):
        stage.truth.open(name, labels=("preview",))
    return name


@move(2)
def recreate_repository_before_it_is_looked_up(stage: Stage) -> str:
    """After a listing that lacks a part of it: by number, other pull requests are found then."""
    if any(len(generations) > 1 for generations in stage.truth.generations.values()):
        return ""
    live = [each for each in stage.truth.all() if "preview" in each[2].entry.labels and each[2].entry.state == "open"]
    if not live or not (replica := idle(stage)):
        return ""
    name, number, _ = stage.chance.choice(live)
    stage.truth.change(name, number, title="so that it is listed")
    stage.clock.pass_by(1.0)
    before, others = stage.meanwhile, stage.trouble.names
    said = ""

    def recreated() -> None:
        nonlocal said
        if stage.github.operation == "Details" and not said:
            said = name
            stage.truth.recreate(name)
            for _ in range(MOST):
                stage.truth.open(name, labels=("other",))

    stage.meanwhile, stage.trouble.names = recreated, [stage.chance.choice(UNCOUNTED)]
    stage.refresh(replica)
    stage.meanwhile, stage.trouble.names = before, others
    return said


# --- Trouble with GitHub


@move(10, nested=True)
def trouble_begins(stage: Stage) -> str:
    name = LAGGING if stage.hurried else stage.chance.choice(stage.chance.choice(list(KINDS.values())))
    if name in stage.trouble.names:
        return ""
    stage.trouble.names.append(name)
    return name


@move(16, nested=True)
def trouble_ends(stage: Stage) -> str:
    if not stage.trouble.names or stage.hurried:
        return ""
    name = stage.chance.choice(stage.trouble.names)
    stage.trouble.names.remove(name)
    return name


# --- Time


@move(14, nested=True)
def seconds_pass(stage: Stage) -> str:
    seconds = stage.chance.choice((0.3, 1.0, 2.5, 5.0, 9.0, 21.0))
    stage.clock.pass_by(seconds)
    return f"{seconds}"


@move(3)
def minutes_pass(stage: Stage) -> str:
    if stage.hurried:
        return ""
    minutes = stage.chance.choice((1, 4, 11, 25))
    stage.clock.pass_by(minutes * 60)
    return f"{minutes}"


@move(1)
def an_hour_passes(stage: Stage) -> str:
    stage.clock.pass_by(3700)
    return "1"


@move(1)
def clocks_of_replicas_jump(stage: Stage) -> str:
    seconds = stage.chance.choice((-7200, -3000, -40, 40, 900, 3000, 7200))
    stage.clock.skew += timedelta(seconds=seconds)
    return f"{seconds}"


# --- Processes


def idle(stage: Stage) -> Replica | None:
    idle = stage.idle()
    return stage.chance.choice(idle) if idle else None


@move(60)
def refresh(stage: Stage) -> str:
    if not (replica := idle(stage)):
        return ""
    stage.clock.pass_by(stage.chance.choice((0.4, 1.0, 2.5) if stage.hurried else (1.0, 5.0, 30.0, 30.0)))
    stage.refresh(replica)
    return replica.name


@move(4, nested=True)
def another_refreshes(stage: Stage) -> str:
    if not (replica := idle(stage)):
        return ""
    stage.refresh(replica)
    return replica.name


@move(6)
def answers_from_before_what_was_seen(stage: Stage) -> str:
    """A change is seen at once, and then GitHub answers from before it."""
    if not (replica := idle(stage)):
        return ""
    said = stage.chance.choice((label, unlabel, reopen, close, push))(stage)
    others, stage.trouble.names = stage.trouble.names, []
    stage.clock.pass_by(1.0)
    stage.refresh(replica)
    stage.trouble.names = [LAGGING]
    for _ in range(3):
        stage.clock.pass_by(0.5)
        stage.refresh(stage.chance.choice(stage.replicas))
    stage.trouble.names = others
    return said


@move(6)
def leader_is_overtaken(stage: Stage) -> str:
    """It is paused in the middle of a refresh, and continues after another one has given newer answers."""
    if len(stage.idle()) < 2:
        return ""
    leader, successor = stage.chance.sample(stage.idle(), 2)
    before, requests = stage.meanwhile, stage.chance.randint(1, 3)

    def paused() -> None:
        nonlocal requests
        requests -= 1
        if requests == 0:
            for change in stage.chance.choices((push, label, unlabel, retitle), k=2):
                change(stage)
            stage.clock.pass_by(stage.chance.choice((2.0, 30.0)))
            stage.refresh(successor)

    stage.meanwhile = paused
    stage.refresh(leader)
    stage.meanwhile = before
    return f"{leader.name} by {successor.name}"


@move(10, nested=True)
def webhook(stage: Stage) -> str:
    """Late, repeated, out of order or meaningless; most of them are lost."""
    replica = idle(stage)
    if not replica:
        return ""
    known = stage.changed[-5:]
    name = stage.chance.choice([*known, *known, *REPOSITORIES, "Acme/Orders", "evil/unknown"])
    try:
        replica.refresher.hint([name])
    except Unreachable:
        return "lost"
    return name


@move(12)
def refresh_of_what_webhooks_name(stage: Stage) -> str:
    if not (replica := idle(stage)):
        return ""
    stage.clock.pass_by(stage.chance.choice((0.0, 2.0)))  # at once, or when GitHub's API can know
    names = {name.lower() for name in replica.state.board.take_hints()}
    only = frozenset(name for name in stage.oracle.catalog.repositories if name in names)
    if only:
        stage.refresh(replica, only)
    return ", ".join(sorted(only))


@move(10, nested=True)
def request(stage: Stage) -> str:
    if not (replica := idle(stage)):
        return ""
    stage.ask(replica, stage.chance.choice(stage.inputs))
    return replica.name


@move(2, nested=True)
def request_for_something_new(stage: Stage) -> str:
    new = [asked for asked in INPUTS if asked not in stage.inputs]
    if not new or not (replica := idle(stage)):
        return ""
    stage.inputs.append(new[0])
    stage.ask(replica, new[0])
    return str(new[0])


@move(3)
def restart(stage: Stage) -> str:
    replica = stage.chance.choice(stage.replicas)
    stage.replace(replica)
    return replica.name


@move(3)
def kill_while_writing(stage: Stage) -> str:
    replica = stage.chance.choice(stage.replicas)
    replica.fate.next_write = (Killed, stage.chance.choice(("before", "after")))
    return replica.name


@move(2)
def kill_while_reading(stage: Stage) -> str:
    replica = stage.chance.choice(stage.replicas)
    stage.doomed = replica.name
    return replica.name


@move(3, nested=True)
def connection_to_the_state_breaks(stage: Stage) -> str:
    replica = stage.chance.choice(stage.replicas)
    replica.fate.next_write = (Cut, stage.chance.choice(("before", "after")))
    return replica.name


@move(2, nested=True)
def state_is_out_of_reach(stage: Stage) -> str:
    replica = stage.chance.choice(stage.replicas)
    replica.fate.unreachable = True
    return replica.name


@move(8, nested=True)
def state_is_back(stage: Stage) -> str:
    cut_off = [replica for replica in stage.replicas if replica.fate.unreachable]
    for replica in cut_off:
        replica.fate.unreachable = False
    return ", ".join(replica.name for replica in cut_off)


@move(1)
def state_goes_back(stage: Stage) -> str:
    """To an older copy, or to nothing, while all processes live and have seen the newest one; one writes it back.

    Nothing is lost, so the oracle goes on counting every act.
    """
    if not stage.place.can_go_back:
        return ""
    reachable = [replica for replica in stage.replicas if not replica.fate.unreachable]
    if len(reachable) < len(stage.replicas) or any(stage.ask(replica, ()) is None for replica in stage.replicas):
        return ""
    stage.place.go_back()
    for replica in list(stage.replicas):
        stage.ask(replica, stage.chance.choice(stage.inputs))
    # A process that starts before that knows only what the state holds.
    leader = stage.chance.choice(stage.replicas)
    stage.place.take_lease(leader.state)
    leader.fate.next_write = None
    stage.refresh(leader)
    return f"to before what all know, until {leader.name} writes it back"


@move(1, nested=True)
def state_is_copied(stage: Stage) -> str:
    stage.place.keep_copy()
    return "for later"


@move(1)
def state_is_lost(stage: Stage) -> str:
    """With all processes, because one that still had it in memory would write it back."""
    if stage.chance.random() < 0.6:
        return ""
    count = len(stage.replicas)
    for replica in list(stage.replicas):
        stage.stop(replica)
    stage.place.lose()
    stage.oracle.state_lost()
    # With nothing to compare with, nobody can tell that a listing is short.
    stage.trouble.names = [name for name in stage.trouble.names if name not in {*LIES, LAGGING}]
    stage.clock.pass_by(10)
    stage.replicas = [stage.start() for _ in range(count)]
    stage.refresh(stage.replicas[0])
    return "all of it"


@move(2)
def replica_joins(stage: Stage) -> str:
    if len(stage.replicas) > 2 or not stage.place.shared:
        return ""
    stage.replicas.append(stage.start())
    stage.refresh(stage.replicas[-1])
    return stage.replicas[-1].name


@move(2)
def replica_leaves(stage: Stage) -> str:
    if len(stage.replicas) < 2:
        return ""
    replica = stage.chance.choice(stage.replicas)
    stage.stop(replica)
    return replica.name


# --- The catalog


@move(2, nested=True)
def remove_service(stage: Stage) -> str:
    services = stage.oracle.catalog.services
    if len(services) < 3:
        return ""
    name = stage.chance.choice(sorted(services))
    stage.edit(stage.oracle.catalog.without(name))
    return name


@move(3)
def rollout(stage: Stage) -> str:
    """Every process is replaced at the moment at which the catalog changes."""
    said = stage.chance.choice((remove_service, change_prefix, change_policy))(stage)
    for replica in list(stage.replicas):
        if replica in stage.replicas:  # else it was killed and replaced, by an answer in between
            stage.replace(replica)
    return said


@move(4, nested=True)
def add_service(stage: Stage) -> str:
    missing = sorted(SERVICES.keys() - stage.oracle.catalog.services.keys())
    if not missing:
        return ""
    name = stage.chance.choice(missing)
    others = list(stage.oracle.catalog.services.values())
    plan = stage.chance.choice(others).plan if others else NO_PLAN
    stage.edit(stage.oracle.catalog.with_service(name, replace(SERVICES[name], plan=plan)))
    return name


@move(2, nested=True)
def change_policy(stage: Stage) -> str:
    name = stage.chance.choice(sorted(stage.oracle.catalog.services))
    service = stage.oracle.catalog.services[name]
    changed = stage.chance.choice(
        (
            replace(service, drafts=not service.drafts),
            replace(service, require=stage.chance.choice((("preview",), ("go",), ("preview", "go"), ()))),
            replace(service, skip=stage.chance.choice(((), ("no-preview",), ("other",)))),
        )
    )
    stage.edit(stage.oracle.catalog.with_service(name, changed))
    return f"{name}: {changed}"


@move(1, nested=True)
def change_prefix(stage: Stage) -> str:
    stage.edit(stage.oracle.catalog.with_prefix(stage.chance.choice(("preview", "pr"))))
    return stage.oracle.catalog.prefix


@move(2, nested=True)
def break_catalog(stage: Stage) -> str:
    stage.files.write("version: 1\nservices: [")
    return "a mistake"


@move(3, nested=True)
def mend_catalog(stage: Stage) -> str:
    stage.files.write(stage.oracle.catalog.text)
    return "as it was before"


@move(3)
def acknowledge(stage: Stage) -> str:
    """Do what the read routes say, as a person would."""
    if not (replica := idle(stage)):
        return ""
    try:
        return stage.acknowledge(replica)
    except (NotReady, Unreachable):
        return ""

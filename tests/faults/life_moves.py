"""Moves about the life of previews: long times, checks and images, traffic, what people say, and plans that change."""

from dataclasses import replace
from datetime import datetime, timedelta

from plugin.core.facts.acts import ActKind
from plugin.errors import NotReady, PluginError
from plugin.state import Unreachable
from tests.faults.moves import idle, move, relabel
from tests.faults.plans import EXPIRES, HOUR, KEEP, MISTYPED, some_limits, switched
from tests.faults.replica import Replica
from tests.faults.stage import OK, Stage
from tests.faults.truth import Fact

BETWEEN = 540.0  # seconds between two refreshes while time passes quickly


# --- Time


@move(5, life=True)
def hours_pass(stage: Stage) -> str:
    """Nobody reads anything meanwhile: the process was stopped, or its machine slept."""
    hours = stage.chance.choice((2, 3, 7, 10, 26))
    stage.clock.pass_by(hours * 3600)
    return f"{hours}"


@move(3, life=True)
def days_pass(stage: Stage) -> str:
    days = stage.chance.choice((2, 3, 7, 9))
    stage.clock.pass_by(days * 86400)
    return f"{days}"


@move(6, life=True)
def an_hour_in_which_everything_is_read(stage: Stage) -> str:
    """Perhaps after a long time in which nothing was."""
    minutes, hours = stage.chance.choice((30, 70)), stage.chance.choice((0, 0, 8, 48, 168))
    stage.clock.pass_by(hours * 3600)
    for _ in range(round(minutes * 60 / BETWEEN)):
        if not (replica := idle(stage)):
            return ""
        stage.clock.pass_by(BETWEEN)
        stage.refresh(replica)
    return f"{hours} hours, and {minutes} minutes in which everything is read"


@move(10, life=True)
def decide_again(stage: Stage) -> str:
    """Without reading: the moment has come at which time changes a verdict."""
    if not (replica := idle(stage)):
        return ""
    stage.clock.pass_by(stage.chance.choice((1.0, 10.0, 200.0)))
    stage.refresh(replica, frozenset())
    return replica.name


@move(6, life=True)
def decide_at_the_next_moment(stage: Stage) -> str:
    """As the loop does, if that comes before the next reading; much may have happened since the last one."""
    if not (replica := idle(stage)) or not (moment := replica.next_at):
        return ""
    seconds = (moment - stage.clock.of_replicas()).total_seconds()
    if not 0 <= seconds <= stage.chance.choice((BETWEEN, 6 * 3600.0)):
        return ""
    stage.clock.pass_by(seconds)
    stage.refresh(replica, frozenset())
    return f"{replica.name}, {seconds:.0f} seconds later"


@move(6, life=True)
def push_just_before_an_end(stage: Stage) -> str:
    """Nothing is read between the push and the end, so only a look-up can tell."""
    if not (replica := idle(stage)) or not (ending := _ending(stage, replica)):
        return ""
    locator = stage.chance.choice(sorted(ending))
    name, _, number = locator.rpartition("#")
    for _ in range(8):
        seconds = (ending.get(locator, stage.clock.of_replicas()) - stage.clock.of_replicas()).total_seconds()
        if seconds <= BETWEEN or replica not in stage.replicas:
            break
        stage.clock.pass_by(min(BETWEEN, seconds - 30))
        stage.refresh(replica)
        ending = _ending(stage, replica)
    pulls = stage.truth.repository(name).pulls
    if locator not in ending or replica not in stage.replicas or pulls[int(number)][-1].entry.state != "open":
        return f"{locator} has ended before"
    stage.truth.change(name, int(number), head_sha=stage.truth.commit())
    stage.clock.pass_by(max(seconds, 0) + 10)
    stage.refresh(replica, frozenset())
    return locator


@move(4, life=True)
def an_end_comes(stage: Stage) -> str:
    """Everything is read until then, and nobody does anything."""
    if not (replica := idle(stage)) or not (ending := _ending(stage, replica)):
        return ""
    locator, end = min(ending.items(), key=lambda each: (each[1], each[0]))
    seconds = (end - stage.clock.of_replicas()).total_seconds()
    if not 0 <= seconds <= 2 * 3600.0:
        return ""
    for _ in range(int(seconds // BETWEEN) + 2):
        stage.clock.pass_by(BETWEEN)
        if replica in stage.replicas:
            stage.refresh(replica)
    return locator


@move(6, life=True)
def end_later_what_has_ended(stage: Stage) -> str:
    """A longer plan brings nothing back, nor does a gate that is switched off."""
    services = {key[0] for key, each in stage.oracle.lives.ended.items() if not each.by_age}
    known = sorted(services & stage.oracle.catalog.services.keys())
    if not known or not (replica := idle(stage)):
        return ""
    name = stage.chance.choice(known)
    end_later(stage, [name])
    for _ in range(2):
        stage.clock.pass_by(BETWEEN)
        if replica in stage.replicas:
            stage.refresh(replica)
    return name


def end_later(stage: Stage, names: list[str]) -> None:
    """Let no preview of these services wait or end any more because of its plan."""
    catalog = stage.oracle.catalog
    plans = {name: catalog.services[name].plan for name in names}
    later = {name: replace(plan, gate="", expire_after=None, max_age=None) for name, plan in plans.items()}
    stage.edit(catalog.with_plans(later))


def _ending(stage: Stage, replica: Replica) -> dict[str, datetime]:
    """Return the pull requests of previews whose end was announced, and when that comes."""
    answer = replica.read()
    listed = answer.json["previews"] if answer.status == OK else []
    announced = [each for each in listed if each["announced_at"]]
    ends = {each["locator"]: datetime.fromisoformat(each["expires_at"]) for each in announced}
    known = {f"{name}#{number}" for name, number, _ in stage.truth.all()}
    return {locator: end for locator, end in ends.items() if locator in known}


@move(2, life=True)
def clocks_jump_by_days(stage: Stage) -> str:
    days = stage.chance.choice((-10, -1, 1, 10))
    stage.clock.skew += timedelta(days=days)
    return f"{days}"


@move(8, life=True)
def clocks_are_mended(stage: Stage) -> str:
    if not stage.clock.skew:
        return ""
    stage.clock.skew = timedelta(0)
    return "all"


# --- Checks and images


def _open(stage: Stage) -> list[tuple[str, int, Fact]]:
    return [each for each in stage.truth.all() if each[2].entry.state == "open"]


@move(12, nested=True, life=True)
def check_ends(stage: Stage) -> str:
    found = _open(stage)
    if not found:
        return ""
    name, number, fact = stage.chance.choice(found)
    sha = stage.chance.choice((fact.entry.head_sha, fact.entry.head_sha, *fact.entry.commits))
    conclusion = stage.chance.choice(("SUCCESS", "SUCCESS", "SUCCESS", "FAILURE", "SKIPPED", None))
    stage.truth.check(name, sha, conclusion)
    stage.changed.append(name)
    return f"{name}#{number} {sha[-6:]}: {conclusion}"


@move(10, nested=True, life=True)
def image_is_pushed(stage: Stage) -> str:
    found = _open(stage)
    if not found:
        return ""
    name, number, fact = stage.chance.choice(found)
    sha = stage.chance.choice((fact.entry.head_sha, fact.entry.head_sha, *fact.entry.commits))
    services = [each for each, service in stage.oracle.catalog.services.items() if service.repository == name]
    for service in services:
        stage.outside.push_image(f"ghcr.io/acme/{service}:{sha}")
        stage.truth.images.add((service, sha))
    return f"{name}#{number} {sha[-6:]}" if services else ""


@move(2, nested=True, life=True)
def registry_goes_down(stage: Stage) -> str:
    stage.outside.registry_works(works=False)
    return "down"


@move(4, nested=True, life=True)
def registry_is_back(stage: Stage) -> str:
    if stage.outside.registry.images is not None:
        return ""
    stage.outside.registry_works(works=True)
    return "back"


# --- Traffic


@move(5, nested=True, life=True)
def traffic_changes(stage: Stage) -> str:
    live = stage.oracle.live
    used = frozenset(stage.chance.sample(live, stage.chance.randint(0, min(len(live), 6))))
    stage.outside.measure(used | {"another-namespace"})
    return f"{len(used)} are used"


@move(2, nested=True, life=True)
def prometheus_says_nothing(stage: Stage) -> str:
    """It is down, or its answer has no sample at all, which is as good as none."""
    stage.outside.measure(None)
    return "down"


# --- People


@move(4, nested=True, life=True)
def keep(stage: Stage) -> str:
    return relabel(stage, add=(KEEP,))


@move(3, nested=True, life=True)
def keep_no_longer(stage: Stage) -> str:
    return relabel(stage, remove=(KEEP,))


@move(12, life=True)
def tell(stage: Stage) -> str:
    """Tell a preview something, as people do who look at the read routes."""
    if not (replica := idle(stage)):
        return ""
    try:
        answer = replica.read()
        if answer.status != OK or not answer.json["previews"]:
            return ""
        chosen = stage.chance.choice(answer.json["previews"])
        kind = stage.chance.choice((ActKind.ASK, ActKind.ASK, ActKind.PAUSE, ActKind.RESUME, ActKind.EXTEND))
        span = stage.chance.choice((None, 2 * HOUR, 30 * HOUR)) if kind is ActKind.EXTEND else None
        return stage.act(replica, kind, chosen["locator"], span)
    except (NotReady, Unreachable, PluginError):
        return ""


# --- Plans


def _plan_ends(stage: Stage, expire_after: timedelta | None) -> None:
    catalog = stage.oracle.catalog
    plans = {name: replace(each.plan, expire_after=expire_after) for name, each in catalog.services.items()}
    stage.edit(catalog.with_plans(plans))


@move(2, nested=True, life=True)
def mistype(stage: Stage) -> str:
    """`7h` where `7d` was meant."""
    if not any(service.plan.expire_after == EXPIRES for service in stage.oracle.catalog.services.values()):
        return ""
    _plan_ends(stage, MISTYPED)
    return "7h for 7d"


@move(4, nested=True, life=True)
def correct(stage: Stage) -> str:
    if not any(service.plan.expire_after == MISTYPED for service in stage.oracle.catalog.services.values()):
        return ""
    _plan_ends(stage, EXPIRES)
    return "7d again"


@move(4, nested=True, life=True)
def lengthen(stage: Stage) -> str:
    _plan_ends(stage, stage.chance.choice((EXPIRES, 3 * EXPIRES, None)))
    return "later ends"


@move(4, nested=True, life=True)
def switch_a_rule(stage: Stage) -> str:
    catalog = stage.oracle.catalog
    name = stage.chance.choice(sorted(catalog.services))
    plan = switched(catalog.services[name].plan, stage.chance)
    everywhere = stage.chance.random() < 0.5
    stage.edit(catalog.with_plans(dict.fromkeys(catalog.services, plan) if everywhere else {name: plan}))
    return f"{'all' if everywhere else name}: {plan}"


@move(3, nested=True, life=True)
def change_limits(stage: Stage) -> str:
    stage.edit(stage.oracle.catalog.with_limits(some_limits(stage.chance)))
    return str(stage.oracle.catalog.limits)


@move(1, nested=True, life=True)
def measure_traffic_or_not(stage: Stage) -> str:
    stage.edit(stage.oracle.catalog.with_traffic(traffic=not stage.oracle.catalog.traffic))
    return str(stage.oracle.catalog.traffic)


@move(1, life=True)
def gate_and_prefix_change_together(stage: Stage) -> str:
    catalog = stage.oracle.catalog
    prefix = "pr" if catalog.prefix == "preview" else "preview"
    gate = stage.chance.choice(("check", "image"))
    plans = {name: replace(each.plan, gate=gate) for name, each in catalog.services.items()}
    stage.edit(catalog.with_plans(plans).with_prefix(prefix))
    return f"{prefix}, {gate}"

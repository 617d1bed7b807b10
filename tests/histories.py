"""Histories that nobody would think of: previews are asked for, linked, pushed, paused, doubted, and time passes."""

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import Any

from hypothesis import strategies as st

from plugin.core.config.catalog import Catalog
from plugin.core.config.threshold import Threshold
from plugin.core.facts.acts import ActKind
from plugin.core.facts.found import Found
from plugin.core.facts.lives import Life
from plugin.core.facts.model import PullRequest
from plugin.core.facts.traffic import Used, quantised
from plugin.core.life.living import NOBODY
from plugin.mirror.current import Current
from tests.builders import MONDAY, make_catalog
from tests.lives import Lived, asked

REPOSITORIES = {"acme/shop": ("shop",), "acme/orders": ("orders", "worker"), "acme/payments": ("payments",)}
CALLS = {"acme/shop": ("orders", "payments"), "acme/orders": ("payments", "shop"), "acme/payments": ("orders",)}
NUMBERS = (1, 2)
AUTHORS = ("ada", "ada", "bob", "renovate[bot]")
SHAS = tuple(digit * 40 for digit in "abcdef")
MINUTE = timedelta(minutes=1)

_GATE = {"ready_when": {"check": "ci"}}
_DAYS = {"pause_after": "12h", "expire_after": "3d", "max_age": "9d", "warn": "4h", "keep": "keep"}
_HOURS = {"hours": "Mon-Fri 07:00-20:00 Europe/Berlin", "awake": "2h", "expire_after": "2d", "warn": "30m"}
_SHORT = {"pause_after": "40m", "expire_after": "5h", "max_age": "20h", "warn": "1h", "keep": "keep"}
PLANS: tuple[dict[str, Any], ...] = (
    _DAYS | {"hours": "Mon-Fri 07:00-20:00 America/New_York"},
    _HOURS | _GATE,
    _SHORT,
    _SHORT | _GATE | {"expire_after": "7h"},
)
LIMITS: tuple[dict[str, int], ...] = ({}, {"total": 2}, {"per_author": 1, "per_bot": 0}, {"per_repository": 1})


@cache
def catalog(plan: int, limits: int, *, one_without_plan: bool, prefix: str = "preview") -> Catalog:
    """Four services in three repositories that can call each other in circles."""
    off = {"lifecycle": dict.fromkeys(("ready_when", "pause_after", "hours", "expire_after", "max_age", "keep"), "off")}
    services: dict[str, dict[str, Any]] = {
        "shop": {"depends_on": ["orders", "payments"], **(off if one_without_plan else {})},
        "orders": {"depends_on": ["payments", "shop"], "labels": {"skip": ["skip"]}},
        "worker": {"repository": "acme/orders", "depends_on": ["payments"]},
        "payments": {"depends_on": ["orders"]},
    }
    return make_catalog(services, prefix=prefix, defaults={"lifecycle": PLANS[plan]}, limits=LIMITS[limits])


catalogs = st.builds(
    catalog,
    st.integers(0, len(PLANS) - 1),
    st.integers(0, len(LIMITS) - 1),
    one_without_plan=st.booleans(),
    prefix=st.sampled_from(["preview", "preview", "preview", "pr"]),
)


@dataclass(frozen=True)
class Move:
    """Something that happens, and how much time has passed before."""

    after: timedelta
    what: str
    do: Callable[[Lived], None]

    def __repr__(self) -> str:
        return f"{self.what} after {self.after}"


def lived_by(catalog: Catalog) -> Lived:
    """Nothing has happened yet. An edit that would remove two previews, or end them earlier, must be acknowledged."""
    return Lived(catalog, MONDAY, threshold=Threshold(1, 20)).step()


def lives(current: Current) -> dict[str, Life]:
    """Everything that is remembered, by the preview's key."""
    return {key: life for each in current.known.lives.values() for key, life in each.items()}


_places = st.tuples(st.sampled_from(sorted(REPOSITORIES)), st.sampled_from(NUMBERS))
_passing = st.one_of(
    st.integers(1, 90).map(lambda minutes: minutes * MINUTE),
    st.integers(1, 90).map(lambda minutes: minutes * MINUTE),
    st.sampled_from([timedelta(hours=hours) for hours in (1, 3, 4, 5, 7, 12, 30, 80)]),
)


def _config(links: dict[str, int]) -> str:
    wishes = ", ".join(f"{service}: pr:{number}" for service, number in sorted(links.items()))
    return f"{{version: 1, dependencies: {{{wishes}}}}}"


def _known(lived: Lived, place: tuple[str, int]) -> PullRequest | None:
    return next((each for each in lived.repositories.get(place[0], []) if each.number == place[1]), None)


def _changed(lived: Lived, place: tuple[str, int], **changes: Any) -> None:
    if known := _known(lived, place):
        lived.put(replace(known, **changes), place[0])


def _flip_doubt(lived: Lived, repository: str) -> None:
    known = {name: why for name, why in lived.doubts.items() if name != repository}
    lived.doubts = known if repository in lived.doubts else {**known, repository: "no answer"}


@st.composite
def openings(draw: st.DrawFn, numbers: tuple[int, ...] = NUMBERS) -> Move:
    """Somebody asks for previews, which may link to other ones."""
    place = draw(st.sampled_from(sorted(REPOSITORIES))), draw(st.sampled_from(numbers))
    sha, author = draw(st.sampled_from(SHAS)), draw(st.sampled_from(AUTHORS))
    links = draw(st.dictionaries(st.sampled_from(CALLS[place[0]]), st.sampled_from(NUMBERS)))
    labels = draw(st.sampled_from([("preview",), ("preview",), ("preview", "keep")]))
    given: dict[str, Any] = {"config": _config(links)} if links else {}

    def do(lived: Lived) -> None:
        if not (place[0] in lived.doubts or _known(lived, place)):
            lived.put(asked(place[1], lived.now, head_sha=sha, author=author, labels=labels, **given), place[0])

    return Move(draw(_passing), f"{author} opens {place} at {sha[:1]} with {labels} and links to {links}", do)


@st.composite
def deeds(draw: st.DrawFn) -> Move:
    """What somebody does with a pull request."""
    place, sha = draw(_places), draw(st.sampled_from(SHAS))
    what = draw(st.sampled_from(["push", "push", "label", "skip", "close", "reopen"]))

    def do(lived: Lived) -> None:
        known, now = _known(lived, place), lived.now
        if known is None or known.events is None or place[0] in lived.doubts:
            return
        if what == "push" and sha != known.head_sha and lived.agreed:
            _changed(lived, place, head_sha=sha, head_seen_at=now, updated_at=now)
        elif what == "label":
            _changed(lived, place, events=replace(known.events, labelled_at={"preview": now}), updated_at=now)
        elif what == "reopen":
            _changed(lived, place, events=replace(known.events, reopened_at=now), updated_at=now)
        elif what == "skip":
            rest = tuple(label for label in known.labels if label != "skip")
            _changed(lived, place, labels=rest if "skip" in known.labels else (*rest, "skip"), updated_at=now)
        elif what == "close":
            lived.remove(place[1], place[0])

    return Move(draw(_passing), f"{what} {place} {sha[:1]}", do)


@st.composite
def acts(draw: st.DrawFn) -> Move:
    repository, number = draw(_places)
    key = f"{draw(st.sampled_from(REPOSITORIES[repository]))}/{number}"
    kind = draw(st.sampled_from([ActKind.ASK, ActKind.PAUSE, ActKind.PAUSE, ActKind.RESUME, ActKind.EXTEND]))
    longer = draw(st.sampled_from([timedelta(hours=2), timedelta(hours=30)]))

    def do(lived: Lived) -> None:
        if key in lives(lived.current):
            lived.act(kind, key, until=lived.now + longer if kind is ActKind.EXTEND else None)

    return Move(draw(_passing), f"{kind} {key} {longer}", do)


@st.composite
def troubles(draw: st.DrawFn) -> Move:
    """What goes wrong outside, and is mended."""
    repository = draw(st.sampled_from(sorted(REPOSITORIES)))
    what = draw(st.sampled_from(["doubt", "clock", "look-ups", "held", "restart"]))

    def do(lived: Lived) -> None:
        if what == "doubt":
            _flip_doubt(lived, repository)
        elif what == "clock":
            lived.agreed = not lived.agreed
        elif what == "look-ups":
            lived.confirms = not lived.confirms
        else:
            lived.restart()

    return Move(draw(_passing), f"{what} {repository}", do)


@st.composite
def findings(draw: st.DrawFn) -> Move:
    """What a refresh finds out beside pull requests."""
    sha, ready = draw(st.sampled_from(SHAS)), draw(st.booleans())
    keys = [(name, number) for names in REPOSITORIES.values() for name in names for number in NUMBERS]
    used = frozenset(f"preview-{name}-{number}" for name, number in draw(st.sets(st.sampled_from(keys), max_size=4)))

    def do(lived: Lived) -> None:
        services = [name for names in REPOSITORIES.values() for name in names]
        lived.ready = {**lived.ready, **{(name, sha): ready for name in services}}
        lived.found = Found(used=Used(used, quantised(lived.now)) if used else None)

    return Move(draw(_passing), f"{sha[:1]} is {'' if ready else 'not '}ready, and used are {sorted(used)}", do)


@st.composite
def edits(draw: st.DrawFn) -> Move:
    edited, acknowledged = draw(catalogs), draw(st.booleans())

    def do(lived: Lived) -> None:
        lived.catalog = edited
        if acknowledged:
            lived.acknowledge()

    return Move(draw(_passing), f"an edit{', acknowledged' if acknowledged else ''}", do)


time_passes = _passing.map(lambda after: Move(after, "nothing", lambda lived: None))  # noqa: ARG005  nothing happens
moves = st.one_of(openings(), deeds(), deeds(), acts(), findings(), troubles(), time_passes, edits())


# Some pull requests are there from the beginning, and then anything can happen.
histories = st.builds(
    lambda first, then: [*first, *then],
    st.lists(openings(), min_size=2, max_size=5),
    st.lists(moves, min_size=6, max_size=25),
)


def play(lived: Lived, move: Move) -> None:
    """Let one move happen, and refresh."""
    lived.now += move.after
    move.do(lived)
    lived.step()


def played(lived: Lived, history: list[Move]) -> Iterator[tuple[Current, Current]]:
    """Play a history; yield each version with the one before, if lives went on."""
    for move in history:
        before = lived.current
        play(lived, move)
        if lived.current.living is not NOBODY:
            yield before, lived.current


def come_to_rest(lived: Lived) -> Current:
    """Refresh until nothing changes any more; return the version before.

    Links follow previews, and previews follow those who call them.
    """
    for _ in range(9):
        before = lived.current
        lived.step()
        if lived.current.known.lives == before.known.lives and lived.current.decision is before.decision:
            return before
    raise AssertionError("it never comes to rest")


def fork(lived: Lived) -> Lived:
    """The same history until now, which goes on by itself."""
    other = copy(lived)
    other.repositories = {name: [*each] for name, each in lived.repositories.items()}
    return other

"""Keep alive: whom others call lives at least as long as they do, and stays awake while one of them is awake.

Both are least fixed points, so a chain or a ring of calls comes to rest: a ring that nobody outside uses falls asleep
and ends.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from plugin.core.life.ends import End, later, sooner

Call = tuple[str, str]  # who calls, and who is called: previews by their keys


@dataclass(frozen=True, slots=True)
class Alone:
    """What a live preview would do if nobody called it."""

    end: End
    asleep: bool
    by_act: bool  # a person paused it, which wins over its callers
    locator: str  # its pull request, as people write it
    due: datetime | None = None  # the end that may be carried out now, if that is still its end


@dataclass(frozen=True, slots=True)
class Kept:
    """What callers change. Each `by` is a caller's pull request, or "" if none changes anything."""

    ends_at: datetime | None
    ends_by: str = ""
    awake_by: str = ""
    needed: bool = False  # its end has come, but a caller stays: in doubt, for example


def keep_alive(previews: Mapping[str, Alone], calls: Iterable[Call]) -> dict[str, Kept]:
    """Return what becomes of every preview that somebody calls; those that call themselves are left out."""
    callers: dict[str, list[str]] = {}
    callees: dict[str, list[str]] = {}
    for caller, callee in sorted(set(calls)):
        if caller != callee and caller in previews and callee in previews:
            callers.setdefault(callee, []).append(caller)
            callees.setdefault(caller, []).append(callee)
    ends = _ends(previews, callers, callees)
    awake = _awake(previews, callers, callees)
    needed = _needed(previews, callees, ends)
    return {
        callee: replace(_kept(callee, each, previews, ends, awake), needed=callee in needed)
        for callee, each in callers.items()
    }


def _kept(
    callee: str,
    callers: list[str],
    previews: Mapping[str, Alone],
    ends: Mapping[str, datetime | None],
    awake: set[str],
) -> Kept:
    alone, end = previews[callee], ends[callee]
    moved = end != alone.end.capped
    last = next((caller for caller in callers if later(ends[caller], end) == ends[caller]), callers[0])
    by = next((caller for caller in callers if caller in awake), "")
    return Kept(
        end,
        previews[last].locator if moved else "",
        previews[by].locator if by and alone.asleep and not alone.by_act else "",
    )


def _ends(
    previews: Mapping[str, Alone], callers: Mapping[str, list[str]], callees: Mapping[str, list[str]]
) -> dict[str, datetime | None]:
    ends = {key: previews[key].end.capped for key in {*callers, *callees}}
    due = list(callees)
    while due:
        caller = due.pop()
        for callee in callees.get(caller, ()):
            end = sooner(previews[callee].end.cap, later(ends[callee], ends[caller]))
            if end != ends[callee]:
                ends[callee] = end
                due.append(callee)
    return ends


def _needed(
    previews: Mapping[str, Alone], callees: Mapping[str, list[str]], ends: Mapping[str, datetime | None]
) -> set[str]:
    """Find the previews that may not end now, because somebody who stays calls them."""
    due = [key for key, end in ends.items() if previews[key].due is None or previews[key].due != end]
    needed: set[str] = set()
    while due:
        for callee in callees.get(due.pop(), ()):
            if callee not in needed and ends[callee] != previews[callee].end.cap:
                needed.add(callee)
                due.append(callee)
    return needed


def _awake(
    previews: Mapping[str, Alone], callers: Mapping[str, list[str]], callees: Mapping[str, list[str]]
) -> set[str]:
    awake = {key for key in {*callers, *callees} if not previews[key].asleep}
    due = list(awake)
    while due:
        for callee in callees.get(due.pop(), ()):
            if callee not in awake and not previews[callee].by_act:
                awake.add(callee)
                due.append(callee)
    return awake

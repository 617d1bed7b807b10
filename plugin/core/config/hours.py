"""Working hours as people write them: `Mon-Fri 07:00-20:00 Europe/Berlin`, several with commas."""

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from plugin.core.config.validation import Suggest, did_you_mean

MAX_WINDOWS = 50

_EXAMPLE = "Mon-Fri 07:00-20:00 Europe/Berlin"
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")  # in the order of date.weekday()
_TIMES = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-(?:(?:([01][0-9]|2[0-3]):([0-5][0-9]))|24:00)", re.ASCII)
_DAY = timedelta(days=1)
_BEFORE = 2  # days: a window that is open now, or was delayed until now, began after that
_WEEK, _YEAR = 8, 366  # days to look ahead; nearly all hours change within the first

Span = tuple[datetime, datetime]  # from the first moment that is open to the first that is not, in UTC


@dataclass(frozen=True, slots=True)
class Opening:
    """Whether it is open at a moment, and when that changes next."""

    open: bool
    changes_at: datetime | None  # UTC; None: it is open for a year at least


@dataclass(frozen=True, slots=True)
class _Window:
    """Opens on each of its days, and closes on the same day or the next one, as the clocks of its zone show it."""

    days: frozenset[int]
    opens: timedelta  # since midnight
    closes: timedelta  # since the same midnight
    zone: ZoneInfo

    def on(self, day: date) -> Span:
        midnight = datetime.combine(day, time())
        return min(self._moments(midnight + self.opens)), max(self._moments(midnight + self.closes))

    def _moments(self, local: datetime) -> tuple[datetime, datetime]:
        """Return both moments that a local time can mean.

        They differ only where clocks are changed and skip this time or show it twice. A window then opens at the
        earlier and closes at the later one, so none is shorter than written. https://peps.python.org/pep-0495/
        """
        local = local.replace(tzinfo=self.zone)
        return local.astimezone(UTC), local.replace(fold=1).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """Weekly windows in their own time zones. It is open while any of them is."""

    text: str
    windows: tuple[_Window, ...] = field(compare=False, repr=False)  # the text says all about them

    def at(self, now: datetime, late: timedelta = timedelta(0)) -> Opening:
        """Tell whether it is open.

        `late`, at most a day, delays each opening by that much, but at most by half of the time that it is open; it
        never closes later. Windows that overlap or touch are one, so there is no opening between them.
        """
        today = now.astimezone(UTC).date()
        for days in (_WEEK, _YEAR):
            begins, closes = next(span for span in _spans(self, today, days) if now < span[1])
            opens = begins + min(late, (closes - begins) / 2)
            if now < opens:
                return Opening(open=False, changes_at=opens)
            if closes < datetime.combine(today + days * _DAY, time(), UTC):  # later spans may be incomplete
                return Opening(open=True, changes_at=closes)
        return Opening(open=True, changes_at=None)


def parse_hours(text: str, suggest: Suggest = did_you_mean) -> WorkingHours:
    """Read windows. Raises ValueError."""
    parts = text.split(",", MAX_WINDOWS)
    if len(parts) > MAX_WINDOWS:
        raise ValueError(f"has more than {MAX_WINDOWS} windows")
    return WorkingHours(text, tuple(_window(part.strip(), suggest) for part in parts))


def _window(text: str, suggest: Suggest) -> _Window:
    try:
        days, times, zone = text.split()
    except ValueError:
        raise ValueError(
            f'"{text}" is not a window: write days, times and a time zone, for example {_EXAMPLE}'
        ) from None
    return _Window(_days(days), *_times(times), _zone(zone, suggest))


def _days(text: str) -> frozenset[int]:
    first, dash, last = text.partition("-")
    start, end = _day(first), _day(last if dash else first)
    return frozenset((start + number) % len(_DAYS) for number in range((end - start) % len(_DAYS) + 1))


def _day(text: str) -> int:
    name = text.capitalize()
    if name not in _DAYS:
        raise ValueError(f'"{text}" is not a day: write {", ".join(_DAYS)} or a range such as Mon-Fri')
    return _DAYS.index(name)


def _times(text: str) -> tuple[timedelta, timedelta]:
    match = _TIMES.fullmatch(text)
    if match is None:
        raise ValueError(f'"{text}" is not a time range: write one such as 07:00-20:00; 24:00 is the end of a day')
    hour, minute, last_hour, last_minute = match.groups()
    opens = timedelta(hours=int(hour), minutes=int(minute))
    closes = timedelta(hours=int(last_hour), minutes=int(last_minute)) if last_hour else _DAY
    if opens == closes:
        raise ValueError(f'"{text}" is empty; a whole day is 00:00-24:00')
    return opens, closes if opens < closes else closes + _DAY


def _zone(name: str, suggest: Suggest) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # the name of a folder, or one that is too long for a file
        known = _zones()
        meant = known.get(name.casefold())
        hint = f'; did you mean "{meant}"?' if meant else suggest(name, known.values())
        raise ValueError(f'"{name}" is not a time zone{hint or ", for example Europe/Berlin or UTC"}') from None


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    """Return the zones by what people may call them: in any case, the city alone."""
    zones = sorted(available_timezones(), key=lambda zone: (-len(zone), zone))  # short names win
    return {zone.casefold().rpartition("/")[2]: zone for zone in zones} | {zone.casefold(): zone for zone in zones}


@lru_cache(maxsize=256)
def _spans(hours: WorkingHours, today: date, days: int) -> tuple[Span, ...]:
    """Return when it is open, in order, from shortly before `today` until `days` later; the ends may be cut off."""
    range_of_days = [today + number * _DAY for number in range(-_BEFORE, days + 1)]
    merged: list[Span] = []
    for opens, closes in sorted(
        window.on(day) for window in hours.windows for day in range_of_days if day.weekday() in window.days
    ):
        if merged and opens <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], closes))
        else:
            merged.append((opens, closes))
    return tuple(merged)

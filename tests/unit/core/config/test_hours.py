import re
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.core.config.hours import MAX_WINDOWS, parse_hours
from tests.builders import WORST_INPUT
from tests.strategies import EXAMPLES, hours_texts

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]
# The clocks of each zone change in these weeks of 2026 and 2027; Lord Howe's by half an hour.
CHANGES = ["2026-10-01", "2026-10-22", "2026-10-29", "2027-03-11", "2027-03-25", "2027-04-01"]


def utc(text: str) -> datetime:
    """A moment such as `2026-11-30 07:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def openings(text: str, start: str, count: int, late: timedelta = timedelta(0)) -> list[str]:
    """The next changes, in UTC."""
    hours, now, found = parse_hours(text), utc(start), list[str]()
    for _ in range(count):
        opening = hours.at(now, late)
        assert opening.changes_at is not None
        now = opening.changes_at
        found.append(f"{'closes' if opening.open else 'opens'} {now:%a %m-%d %H:%M}")
    return found


def test_a_working_week() -> None:
    assert openings("Mon-Fri 07:00-20:00 Europe/Berlin", "2026-12-03 00:00", 5) == [
        "opens Thu 12-03 06:00",
        "closes Thu 12-03 19:00",
        "opens Fri 12-04 06:00",
        "closes Fri 12-04 19:00",
        "opens Mon 12-07 06:00",
    ]


def test_the_first_minute_is_open_and_the_last_moment_is_not() -> None:
    hours = parse_hours("Mon 07:00-20:00 UTC")
    second = timedelta(seconds=1)

    assert [hours.at(utc("2026-11-30 07:00") + late).open for late in (-second, 0 * second)] == [False, True]
    assert [hours.at(utc("2026-11-30 20:00") + late).open for late in (-second, 0 * second)] == [True, False]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sat 10:00-14:00 UTC", ["opens Sat 12-05 10:00", "closes Sat 12-05 14:00", "opens Sat 12-12 10:00"]),
        ("Fri-Mon 22:00-24:00 UTC", ["opens Fri 12-04 22:00", "closes Sat 12-05 00:00", "opens Sat 12-05 22:00"]),
        ("Fri-Fri 22:00-24:00 UTC", ["opens Fri 12-04 22:00", "closes Sat 12-05 00:00", "opens Fri 12-11 22:00"]),
        # From after to: over midnight, and the window belongs to its first day.
        ("Fri 22:00-06:00 UTC", ["opens Fri 12-04 22:00", "closes Sat 12-05 06:00", "opens Fri 12-11 22:00"]),
        ("Sun 22:00-00:00 UTC", ["opens Sun 12-06 22:00", "closes Mon 12-07 00:00", "opens Sun 12-13 22:00"]),
        # Windows that overlap or touch are one.
        ("sat-SUN 00:00-24:00 UTC", ["opens Sat 12-05 00:00", "closes Mon 12-07 00:00", "opens Sat 12-12 00:00"]),
        (
            "Fri 09:00-12:00 UTC, Fri 12:00-18:00 UTC , Fri 10:00-11:00 UTC",
            ["opens Fri 12-04 09:00", "closes Fri 12-04 18:00", "opens Fri 12-11 09:00"],
        ),
        (
            "Fri 09:00-17:00 Europe/Berlin,Fri 09:00-17:00 America/New_York",
            ["opens Fri 12-04 08:00", "closes Fri 12-04 22:00", "opens Fri 12-11 08:00"],
        ),
        (
            "Fri-Mon 00:00-24:00  Australia/Lord_Howe",
            ["opens Thu 12-03 13:00", "closes Mon 12-07 13:00", "opens Thu 12-10 13:00"],
        ),
    ],
)
def test_windows(text: str, expected: list[str]) -> None:
    assert openings(text, "2026-12-02 12:00", 3) == expected


@pytest.mark.parametrize(
    ("text", "start", "expected"),
    [
        # Spring: the clocks skip 02:00-03:00, on Lord Howe 02:00-02:30.
        ("Sun 00:30-04:00 Europe/Berlin", "2027-03-27 12:00", ["opens Sat 03-27 23:30", "closes Sun 03-28 02:00"]),
        ("Sat 22:00-02:30 Europe/Berlin", "2027-03-27 12:00", ["opens Sat 03-27 21:00", "closes Sun 03-28 01:30"]),
        ("Sun 02:30-04:00 Europe/Berlin", "2027-03-27 12:00", ["opens Sun 03-28 00:30", "closes Sun 03-28 02:00"]),
        ("Sun 02:15-02:45 Europe/Berlin", "2027-03-27 12:00", ["opens Sun 03-28 00:15", "closes Sun 03-28 01:45"]),
        ("Sun 01:00-04:00 America/New_York", "2027-03-14 00:00", ["opens Sun 03-14 06:00", "closes Sun 03-14 08:00"]),
        (
            "Sun 01:00-04:00 Australia/Lord_Howe",
            "2026-10-03 12:00",
            ["opens Sat 10-03 14:30", "closes Sat 10-03 17:00"],
        ),
        # Autumn: they show 02:00-03:00 twice, in New York 01:00-02:00, on Lord Howe 01:30-02:00.
        ("Sun 00:30-04:00 Europe/Berlin", "2026-10-24 12:00", ["opens Sat 10-24 22:30", "closes Sun 10-25 03:00"]),
        ("Sat 22:00-02:30 Europe/Berlin", "2026-10-24 12:00", ["opens Sat 10-24 20:00", "closes Sun 10-25 01:30"]),
        ("Sun 02:30-04:00 Europe/Berlin", "2026-10-24 12:00", ["opens Sun 10-25 00:30", "closes Sun 10-25 03:00"]),
        ("Sun 01:30-04:00 America/New_York", "2026-11-01 00:00", ["opens Sun 11-01 05:30", "closes Sun 11-01 09:00"]),
        (
            "Sun 01:00-04:00 Australia/Lord_Howe",
            "2027-04-03 12:00",
            ["opens Sat 04-03 14:00", "closes Sat 04-03 17:30"],
        ),
    ],
)
def test_the_clocks_change_within_a_window(text: str, start: str, expected: list[str]) -> None:
    assert openings(text, start, 2) == expected


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("week", CHANGES)
def test_a_weekday_opens_at_the_same_local_time_before_and_after_a_change(zone: str, week: str) -> None:
    hours, now, local = parse_hours(f"Mon-Fri 07:00-20:00 {zone}"), utc(week), ZoneInfo(zone)
    changes = list[datetime]()
    while len(changes) < 14:
        now = hours.at(now).changes_at or now
        changes.append(now.astimezone(local))

    assert {f"{change:%H:%M}" for change in changes} == {"07:00", "20:00"}
    assert {f"{change:%a}" for change in changes} == {"Mon", "Tue", "Wed", "Thu", "Fri"}


@pytest.mark.parametrize("zone", [*ZONES, "Africa/Cairo"])  # in Cairo the clocks change at midnight
def test_a_week_without_a_gap_is_always_open(zone: str) -> None:
    always = parse_hours(f"Thu-Wed 00:00-24:00 {zone}")
    for day in range(0, 370, 31):
        opening = always.at(utc("2026-12-02 12:00") + day * DAY, timedelta(minutes=10))
        assert (opening.open, opening.changes_at) == (True, None)


@pytest.mark.parametrize("zone", ["Pacific/Pago_Pago", "Pacific/Kiritimati"])
def test_what_has_been_open_for_days_is_not_delayed(zone: str) -> None:
    always = parse_hours(f"Mon-Sun 00:00-24:00 {zone}")

    assert all(always.at(utc("2026-12-02 00:00") + hour * timedelta(hours=1), DAY).open for hour in range(48))


def test_a_window_that_began_two_days_before_by_the_date_of_utc() -> None:
    # On Tuesday at 16:00 in Honolulu it is Wednesday elsewhere.
    opening = parse_hours("Mon 23:00-20:00 Pacific/Honolulu").at(utc("2026-12-02 02:00"))

    assert (opening.open, opening.changes_at) == (True, utc("2026-12-02 06:00"))


def test_a_change_that_only_comes_with_daylight_saving_is_found() -> None:
    # New York takes over where Berlin stops, but for the weeks in which only New York has daylight saving time.
    hours = parse_hours("Mon-Sun 08:00-02:00 Europe/Berlin, Mon-Sun 20:00-02:00 America/New_York")
    opening = hours.at(utc("2026-12-02 12:00"))

    assert (opening.open, opening.changes_at) == (True, utc("2027-03-15 06:00"))
    assert openings(hours.text, "2027-03-15 06:00", 2) == ["opens Mon 03-15 07:00", "closes Tue 03-16 06:00"]


def test_being_late_delays_openings_and_no_closing() -> None:
    late = timedelta(minutes=7)

    assert openings("Fri-Sat 09:00-17:00 UTC", "2026-12-02 12:00", 4, late) == [
        "opens Fri 12-04 09:07",
        "closes Fri 12-04 17:00",
        "opens Sat 12-05 09:07",
        "closes Sat 12-05 17:00",
    ]
    # Only real openings: nothing closes where one window follows another.
    assert openings("Fri-Sat 00:00-24:00 UTC", "2026-12-02 12:00", 2, late) == [
        "opens Fri 12-04 00:07",
        "closes Sun 12-06 00:00",
    ]
    # Every window opens, even one that is shorter than the delay.
    assert openings("Fri 09:00-09:04 UTC, Sat 09:00-09:20 UTC", "2026-12-02 12:00", 4, late) == [
        "opens Fri 12-04 09:02",
        "closes Fri 12-04 09:04",
        "opens Sat 12-05 09:07",
        "closes Sat 12-05 09:20",
    ]


def wall_clocks(text: str, start: datetime) -> Iterator[bool]:
    """Whether it is open in each minute, by looking at the clock and the calendar on the wall."""
    windows = []
    for window in text.split(","):
        days, times, zone = window.split()
        first, _, last = days.partition("-")
        named = [DAYS.index(first)]
        while last and DAYS[named[-1]] != last:
            named.append((named[-1] + 1) % 7)
        opens, closes = times.split("-")
        windows.append((named, opens, closes, ZoneInfo(zone)))
    while True:
        found = False
        for named, opens, closes, local_zone in windows:
            local = start.astimezone(local_zone)
            clock, weekday = local.strftime("%H:%M"), local.weekday()
            overnight = opens > closes
            today = weekday in named and opens <= clock and (overnight or clock < closes)
            found |= today or (overnight and (weekday - 1) % 7 in named and clock < closes)
        yield found
        start += MINUTE


@settings(max_examples=EXAMPLES)
@given(hours_texts, st.sampled_from(CHANGES), st.integers(0, 7 * 24 * 60), st.integers(0, 59))
def test_the_next_change_is_the_first_that_a_clock_on_the_wall_shows(
    text: str, week: str, minutes: int, seconds: int
) -> None:
    now = utc(week) + minutes * MINUTE
    hours = parse_hours(text)
    opening = hours.at(now + timedelta(seconds=seconds))
    for number, is_open in zip(range(9 * 24 * 60), wall_clocks(text, now), strict=False):
        moment = now + number * MINUTE
        if opening.changes_at == moment:
            opening = hours.at(moment)
        assert opening.changes_at is None or moment < opening.changes_at
        # Where the clocks skip or repeat a time, a window may be longer than the wall shows, but never shorter.
        assert opening.open == is_open or (opening.open and clocks_change(text, moment))


def clocks_change(text: str, moment: datetime) -> bool:
    hour = timedelta(hours=1)
    zones = {ZoneInfo(window.split()[2]) for window in text.split(",")}
    return any((moment - hour).astimezone(z).utcoffset() != (moment + hour).astimezone(z).utcoffset() for z in zones)


@settings(max_examples=EXAMPLES)
@given(hours_texts, st.sampled_from(CHANGES), st.integers(0, 7 * 24 * 60), st.integers(1, 24 * 60))
def test_asking_at_every_minute_finds_no_change_before_the_one_that_was_told(
    text: str, week: str, minutes: int, late_minutes: int
) -> None:
    hours, late = parse_hours(text), late_minutes * MINUTE
    now = utc(week) + minutes * MINUTE
    told = hours.at(now, late)
    if told.changes_at is None:
        return
    moments = [now + number * MINUTE for number in range(min(9 * 24 * 60, (told.changes_at - now) // MINUTE))]

    assert {hours.at(moment, late) for moment in moments} <= {told}
    assert hours.at(told.changes_at, late).open != told.open
    # Late is at least as closed as punctual.
    assert all(hours.at(moment).open for moment in [*moments, told.changes_at] if hours.at(moment, late).open)


@pytest.mark.parametrize("offset", ["-11:00", "+14:00"])
def test_the_zone_in_which_the_moment_is_given_does_not_matter(offset: str) -> None:
    hours = parse_hours("Mon-Fri 07:00-20:00 Pacific/Kiritimati, Sat 07:00-20:00 Pacific/Pago_Pago")
    for hour in range(200):
        now = utc("2026-12-02 12:00") + timedelta(hours=hour)
        same = now.astimezone(datetime.fromisoformat(f"2026-12-02T00:00{offset}").tzinfo)
        assert hours.at(same) == hours.at(now)


EXAMPLE = "write days, times and a time zone, for example Mon-Fri 07:00-20:00 Europe/Berlin"
NO_DAY = "is not a day: write Mon, Tue, Wed, Thu, Fri, Sat, Sun or a range such as Mon-Fri"
NO_TIMES = "is not a time range: write one such as 07:00-20:00; 24:00 is the end of a day"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f'"" is not a window: {EXAMPLE}'),
        ("always", f'"always" is not a window: {EXAMPLE}'),
        ("Mon-Fri 07:00-20:00", f'"Mon-Fri 07:00-20:00" is not a window: {EXAMPLE}'),
        ("Mon, Tue 07:00-20:00 UTC", f'"Mon" is not a window: {EXAMPLE}'),
        ("Mon 07:00-20:00 UTC,", f'"" is not a window: {EXAMPLE}'),
        ("Mon 07:00 - 20:00 UTC", f'"Mon 07:00 - 20:00 UTC" is not a window: {EXAMPLE}'),
        ("Monday 07:00-20:00 UTC", f'"Monday" {NO_DAY}'),
        ("Mon- 07:00-20:00 UTC", f'"" {NO_DAY}'),
        ("Mon-Fri-Sun 07:00-20:00 UTC", f'"Fri-Sun" {NO_DAY}'),
        ("Mon 7:00-20:00 UTC", f'"7:00-20:00" {NO_TIMES}'),
        ("Mon 07:00-20:60 UTC", f'"07:00-20:60" {NO_TIMES}'),
        ("Mon 07:00-24:01 UTC", f'"07:00-24:01" {NO_TIMES}'),
        ("Mon 24:00-07:00 UTC", f'"24:00-07:00" {NO_TIMES}'),
        ("Mon 07:00-20:00-21:00 UTC", f'"07:00-20:00-21:00" {NO_TIMES}'),
        ("Mon \u0660\u0667:00-20:00 UTC", f'"\u0660\u0667:00-20:00" {NO_TIMES}'),
        ("Mon 07:00-07:00 UTC", '"07:00-07:00" is empty; a whole day is 00:00-24:00'),
        ("Mon 07:00-20:00 berlin", '"berlin" is not a time zone; did you mean "Europe/Berlin"?'),
        ("Mon 07:00-20:00 europe/berlin", '"europe/berlin" is not a time zone; did you mean "Europe/Berlin"?'),
        ("Mon 07:00-20:00 Europe/Berln", '"Europe/Berln" is not a time zone; did you mean "Europe/Berlin"?'),
        ("Mon 07:00-20:00 utc", '"utc" is not a time zone; did you mean "UTC"?'),
        ("Mon 07:00-20:00 +01:00", '"+01:00" is not a time zone, for example Europe/Berlin or UTC'),
        ("Mon 07:00-20:00 /etc/passwd", '"/etc/passwd" is not a time zone, for example Europe/Berlin or UTC'),
        ("Mon 07:00-20:00 ../../x", '"../../x" is not a time zone, for example Europe/Berlin or UTC'),
        (",".join(["Mon 07:00-20:00 UTC"] * (MAX_WINDOWS + 1)), f"has more than {MAX_WINDOWS} windows"),
    ],
)
def test_mistakes(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse_hours(text)


@pytest.mark.parametrize("zone", ["Europe", "a" * 1000, "a\0b", "\ud800", ".", "Europe/", "zone.tab"])
def test_what_is_no_zone_is_a_mistake_and_no_crash(zone: str) -> None:
    with pytest.raises(ValueError, match="is not a time zone"):
        parse_hours(f"Mon 07:00-20:00 {zone}")


def test_the_most_windows() -> None:
    text = ",".join(f"Mon {hour:02}:{minute:02}-24:00 UTC" for hour in range(5) for minute in range(10))

    assert len(parse_hours(text).windows) == MAX_WINDOWS


@given(st.text() | st.lists(st.sampled_from([*DAYS, "-", " ", "07:00", "24:00", *ZONES, ",", "é"])).map("".join))
def test_any_text_is_hours_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        opening = parse_hours(text).at(utc("2026-12-02 12:00"))
        assert opening.open or opening.changes_at


@pytest.mark.parametrize("piece", ["a", ",", " ", "-", "Mon ", "Mon-", "07:00-", "Mon 07:00-20:00 UTC,", "/", "é"])
@pytest.mark.parametrize("start", ["", "Mon ", "Mon 07:00-20:00 ", "Mon 07:00-20:00 UTC,"])
def test_the_longest_hours_take_little_time(start: str, piece: str) -> None:
    begin = time.process_time()
    with pytest.raises(ValueError, match=r"^(\"|has more)"):
        parse_hours((start + piece * 65_536)[:65_536])

    assert time.process_time() - begin < WORST_INPUT

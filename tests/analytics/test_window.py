"""Local days and their instants."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest

from analytics.errors import WindowWrong
from analytics.window import Window, as_asked, choose, local_date

NOW = datetime(2026, 11, 23, 20, 0)


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        (date(2026, 3, 28), 24),
        (date(2026, 3, 29), 23),
        (date(2026, 10, 25), 25),
        (date(2026, 10, 26), 24),
    ],
)
def test_a_day_is_as_long_as_the_clock_makes_it(day, hours):
    window = choose(day, day + timedelta(days=1), "Europe/Rome", NOW)

    ((_, _, start, end),) = window.days()

    assert end - start == timedelta(hours=hours)


def test_days_follow_each_other_without_a_hole():
    days = choose(date(2026, 3, 1), date(2026, 11, 1), "America/Sao_Paulo", NOW).days()

    assert all(one[3] == other[2] for one, other in itertools.pairwise(days))
    assert len(days) == 245


def read(window, back, ahead):
    """Return the first and the last UTC day that is read of four weeks, and that none is missed."""
    every = [date(2026, 2, 15) + timedelta(days=n) for n in range(28)]
    look = [None if days is None else timedelta(days) for days in (back, ahead)]
    days = window.partitions(every, *look)
    assert days == every[every.index(days[0]) : every.index(days[-1]) + 1]
    return days[0], days[-1]


def test_the_partitions_of_a_local_day_are_two_utc_days_and_more_around():
    window = choose(date(2026, 3, 2), date(2026, 3, 3), "Europe/Rome", NOW)

    assert read(window, 0, 0) == (date(2026, 3, 1), date(2026, 3, 2))
    assert read(window, 2, 7) == (date(2026, 2, 27), date(2026, 3, 9))
    assert read(window, None, None) == (date(2026, 2, 15), date(2026, 3, 14))
    assert read(window, 999_999, 9_999_999) == (date(2026, 2, 15), date(2026, 3, 14))


def test_days_apart_are_read_with_what_is_around_each():
    apart = (date(2026, 3, 2), date(2026, 2, 20))
    window = Window(date(2026, 2, 20), date(2026, 3, 3), "UTC", NOW, apart=apart)
    every = [date(2026, 2, 15) + timedelta(days=n) for n in range(28)]

    days = window.partitions(every, timedelta(1), timedelta(0))

    assert [day for day, _, _, _ in window.days()] == [date(2026, 2, 20), date(2026, 3, 2)]
    assert [f"{day:%m-%d}" for day in days] == ["02-19", "02-20", "03-01", "03-02"]


def test_a_window_that_is_not_over_says_so():
    assert choose(date(2026, 11, 23), date(2026, 11, 24), "UTC", NOW).is_cut
    assert not choose(date(2026, 11, 22), date(2026, 11, 23), "UTC", NOW).is_cut


def test_it_is_another_day_elsewhere():
    assert local_date(NOW, "Asia/Tokyo") == date(2026, 11, 24)
    assert local_date(NOW, "Europe/Rome") == date(2026, 11, 23)


@pytest.mark.parametrize(
    ("since", "until", "tz", "message"),
    [
        (
            date(2026, 3, 2),
            date(2026, 3, 2),
            "UTC",
            "2026-03-02 to 2026-03-02: no day in it; --until is the day after the last",
        ),
        (
            date(2026, 12, 1),
            date(2026, 12, 2),
            "UTC",
            "2026-12-01: in the future; it is 2026-11-23 in UTC",
        ),
        (
            date(2026, 3, 2),
            date(2026, 3, 3),
            "Europe/Rom",
            "Europe/Rom: no time zone; use an IANA name such as Europe/Rome",
        ),
        (
            date(2026, 3, 2),
            date(2026, 3, 3),
            "../etc/passwd",
            "../etc/passwd: no time zone; use an IANA name such as Europe/Rome",
        ),
        (
            date(1, 1, 1),
            date(1, 1, 2),
            "Asia/Tokyo",
            "0001-01-01: no day that can be reported; use one of our time",
        ),
    ],
)
def test_a_window_that_cannot_be_is_refused(since, until, tz, message):
    with pytest.raises(WindowWrong) as refused:
        choose(since, until, tz, NOW)

    assert str(refused.value) == message


def test_as_of_an_instant_nothing_is_read_that_came_later():
    asked = datetime(2026, 3, 4, 6)
    window = choose(date(2026, 3, 2), date(2026, 3, 3), "UTC", asked, is_past=True)

    assert read(window, 2, 7) == (date(2026, 2, 28), date(2026, 3, 4))
    assert read(window, None, None) == (date(2026, 2, 15), date(2026, 3, 4))


def test_an_instant_without_a_zone_is_a_local_one():
    asked = datetime(2026, 3, 4, 6)

    assert as_asked(asked, "Europe/Rome", NOW) == datetime(2026, 3, 4, 5)
    assert as_asked(asked.replace(tzinfo=UTC), "Europe/Rome", NOW) == asked


def test_an_instant_that_is_to_come_is_refused():
    with pytest.raises(WindowWrong) as refused:
        as_asked(datetime(2026, 11, 23, 21), "UTC", NOW)

    assert str(refused.value) == ("2026-11-23 21:00:00: in the future; it is 2026-11-23 20:00 UTC")

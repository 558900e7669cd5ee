"""A local day as an axis."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from analytics.document.clock import Clock


def test_hours_are_counted_from_local_midnight():
    clock = Clock.of(date(2026, 3, 9), "Europe/Rome")

    assert clock.hours(datetime(2026, 3, 8, 23)) == 0
    assert clock.hours("2026-03-09T11:30:00.000000Z") == 12.5
    assert clock.time("2026-03-09T11:30:00Z") == "12:30"


def test_what_lies_outside_lies_at_the_edge():
    clock = Clock.of(date(2026, 3, 9), "UTC")

    assert clock.hours("2026-03-08T23:00:00Z") == 0
    assert clock.hours("2026-03-10T23:00:00Z") == 24


@pytest.mark.parametrize(
    ("day", "tz", "length", "names"),
    [
        (date(2026, 3, 29), "Europe/Rome", 23, ["00", "01", "03", "04"]),
        (date(2026, 10, 25), "Europe/Rome", 25, ["00", "01", "02", "02", "03"]),
        (date(2026, 3, 9), "Asia/Kathmandu", 24, ["00", "01", "02"]),
        (date(2026, 4, 5), "Australia/Lord_Howe", 24.5, ["00", "01", "01:30"]),
    ],
)
def test_a_day_is_as_long_as_it_is_and_its_hours_are_named_by_the_clock(day, tz, length, names):
    clock = Clock.of(day, tz)

    assert clock.length == length
    assert clock.names()[: len(names)] == names
    assert len(clock.names()) == int(length) + 1

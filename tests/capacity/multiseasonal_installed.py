"""What the model of the extra `forecast` forecasts: test_multiseasonal.py runs this where it is."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from analytics.capacity import multiseasonal
from analytics.capacity.forecast import Grid
from analytics.capacity.plan import NAIVE, PROFILE, choose

MONDAY = date(2026, 1, 5)


def growing(weeks=10, unknown=None):
    """Return weeks of four intervals a day that grow by a chat a day, with fewer on Sundays."""
    days = [
        [0.3 * number + (2.0 if number % 7 == 6 else 10.0 + 5 * slot) for slot in range(4)]
        for number in range(7 * weeks)
    ]
    if unknown is not None:
        days[unknown] = [None] * 4
    return Grid(MONDAY, days)


@pytest.fixture
def model():
    return multiseasonal.MultiSeasonal()


def test_a_trend_is_carried_on_where_a_mean_lags_behind(model):
    known = growing(9)
    coming = growing(12)

    for ahead in (0, 6, 20):
        when = known.after + timedelta(days=ahead)
        assert model(known, when) == pytest.approx(coming.day(when), rel=0.1)


def test_it_is_chosen_where_it_is_best():
    forecaster = choose(growing(), 2)

    assert forecaster.name == multiseasonal.NAME
    assert set(forecaster.scores) == {NAIVE, PROFILE, multiseasonal.NAME}


def test_what_is_unknown_is_no_quiet_day(model):
    known, whole = growing(9, unknown=40), growing(9)

    when = known.after + timedelta(days=2)
    assert model(known, when) == pytest.approx(model(whole, when), rel=0.1)


def test_a_holiday_is_like_the_sunday_of_its_week(model):
    known = growing(9)
    feast = known.after + timedelta(days=2)
    sunday = known.after + timedelta(days=6)

    assert model(Grid(MONDAY, known.days, frozenset({feast})), feast) == model(known, sunday)

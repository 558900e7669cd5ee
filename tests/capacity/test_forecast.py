"""Forecasts of histories whose future is known, and the figures that judge them."""

from __future__ import annotations

import math
import random
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.capacity.forecast import (
    Grid,
    Trial,
    dispersion,
    quantile,
    score,
    seasonal_naive,
    seasonal_profile,
    trials,
)

MONDAY = date(2026, 1, 5)
DAY = timedelta(days=1)


def weekly(weeks, rate=lambda when, slot: 1 + when.weekday() + slot, slots=4, **more):
    """Return a grid whose counts depend on day and interval."""
    dates = [MONDAY + number * DAY for number in range(7 * weeks)]
    days = [[float(rate(when, slot)) for slot in range(slots)] for when in dates]
    return Grid(MONDAY, days, **more)


@pytest.mark.parametrize("model", [seasonal_naive, seasonal_profile])
def test_what_repeats_every_week_is_forecast_exactly(model):
    done = list(trials(weekly(10), model, 4))

    found = score(done, 0)
    assert (found.intervals, found.wape, found.bias) == (4 * 7 * 4, 0, 0)
    assert found.mase is None  # last week's errors are zero too: there is nothing to compare with


def test_a_level_that_rose_is_followed_and_last_week_alone_is_late():
    grid = weekly(12, lambda when, _: 10 * 1.1 ** ((when - MONDAY).days // 7))
    profile = score(list(trials(grid, seasonal_profile, 4)), 0)
    naive = score(list(trials(grid, seasonal_naive, 4)), 0)

    assert -0.11 < profile.bias < 0
    assert naive.bias == pytest.approx(1 / 1.1 - 1)


def test_the_level_moves_only_so_far():
    grid = weekly(10, lambda when, _: 10 if when < MONDAY + 56 * DAY else 1000)

    assert seasonal_profile(grid, grid.after)[0] < 1000


def test_an_interval_that_is_not_known_is_left_out_and_not_counted_as_empty():
    whole = weekly(9)
    days = [list(day) for day in whole.days]
    for day in days[7:14]:
        day[2] = None
    holed = Grid(MONDAY, days)

    assert seasonal_profile(holed, holed.after) == pytest.approx(
        seasonal_profile(whole, whole.after)
    )


def test_a_day_that_was_never_known_has_no_forecast():
    grid = Grid(MONDAY, [[None, 3.0]] * 21)

    assert seasonal_profile(grid, grid.after) == [None, 3.0]


def test_a_holiday_is_like_a_sunday_and_spoils_no_weekday():
    feast = MONDAY + 42 * DAY
    came = lambda when, _: 1.0 if when.weekday() == 6 or when == feast else 10.0  # noqa: E731
    grid = weekly(8, came, holidays=frozenset({feast, MONDAY + 63 * DAY}))

    assert seasonal_profile(grid, MONDAY + 63 * DAY) == pytest.approx([1.0] * 4)
    assert seasonal_profile(grid, MONDAY + 56 * DAY) == pytest.approx([10.0] * 4)


def test_naive_passes_over_a_week_of_which_nothing_is_known():
    days = [[float(number)] for number in range(14)] + [[None]] * 7
    grid = Grid(MONDAY, days)

    assert seasonal_naive(grid, grid.after) == [7.0]


def test_a_trial_knows_nothing_of_what_it_forecasts():
    """The last week is another world: a forecast that saw it would be right about it."""
    grid = weekly(8, lambda when, _: 1 if when < MONDAY + 49 * DAY else 100)

    assert {one.forecast for one in trials(grid, seasonal_profile, 1)} == {1.0}
    far = [one.forecast for one in trials(grid, seasonal_profile, 1, horizon_weeks=3)]
    assert set(far) == {1.0}


def test_with_less_than_two_weeks_nothing_is_tried():
    assert list(trials(weekly(2), seasonal_profile, 1)) == []
    assert list(trials(weekly(3), seasonal_profile, 1)) != []


def test_scores_by_hand():
    when = MONDAY
    done = [Trial(when, 0, 4.0, 5.0, 2.0), Trial(when, 1, 6.0, 3.0, 2.0)]

    found = score(done, 0)

    assert found.wape == pytest.approx(4 / 8)
    assert found.mase == pytest.approx(4 / 4)
    assert found.bias == pytest.approx(2 / 8)
    # Poisson of 4: 10 % at 2, 90 % at 7; of 6: 3 and 9. Both hold what came.
    assert found.band_coverage == 1
    losses = [0.1 * 3, 0.1 * 2, 0.1 * 0, 0.1 * 6]
    assert found.pinball == pytest.approx(sum(losses) / 4)


def test_nothing_to_judge_is_no_number():
    assert score([], 0).wape is None
    assert score([Trial(MONDAY, 0, 1.0, 0.0, 1.0)], 0).wape is None


def probability(count, mean, spread):
    """Return the negative binomial's own formula, by logarithms of gamma functions."""
    if spread == 0:
        return math.exp(count * math.log(mean) - mean - math.lgamma(count + 1))
    size = 1 / spread
    return math.exp(
        math.lgamma(count + size)
        - math.lgamma(size)
        - math.lgamma(count + 1)
        + size * math.log(size / (size + mean))
        + count * math.log(mean / (size + mean))
    )


@given(
    st.floats(0.01, 300), st.one_of(st.just(0.0), st.floats(0.01, 2)), st.sampled_from([0.1, 0.8])
)
def test_a_quantile_is_the_first_count_that_reaches_its_share(mean, spread, share):
    count = quantile(mean, spread, share)

    reached = math.fsum(probability(number, mean, spread) for number in range(count + 1))
    assert reached >= share - 1e-6
    assert reached - probability(count, mean, spread) < share + 1e-6


def test_large_counts_have_quantiles_too():
    assert quantile(5000, 0.01, 0.9) == pytest.approx(5650, rel=0.01)
    assert quantile(5000, 0.0, 0.1) == pytest.approx(4909, rel=0.01)


def test_the_band_of_counts_that_vary_more_than_poisson_holds_as_often_as_it_says():
    chance = random.Random(1)

    def came(when, _):
        if when != came.day:
            came.day, came.level = when, chance.gammavariate(10, 0.1)
        return sum(chance.random() < 0.05 * came.level for _ in range(800))

    came.day, came.level = None, 1.0
    grid = weekly(30, came)
    done = list(trials(grid, seasonal_profile, 12))

    spread = dispersion(done)
    assert 0.05 < spread < 0.25  # the gamma's is 0.1, and the profile errs too
    assert score(done, spread).band_coverage == pytest.approx(0.8, abs=0.07)
    assert score(done, 0).band_coverage < 0.65

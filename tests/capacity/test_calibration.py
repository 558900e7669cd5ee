"""What the model says of the past, beside what happened."""

from __future__ import annotations

import pytest

from analytics.capacity.calibration import Observed, calibrate
from analytics.capacity.chat_model import Demand, solve

SHAPE = Demand(0.0, (300.0, 360.0), 240.0)


def past(weeks, **facts):
    """Return the same Monday noon in so many weeks."""
    plain = {
        "weekday": 1,
        "minute": 720,
        "exposure_s": 1800.0,
        "requested": 10,
        "in_time": 8,
        "wait_s": 200.0,
        "agents": 2.0,
    }
    return [Observed(**(plain | facts))] * weeks


def test_times_of_the_week_are_taken_together():
    found = calibrate(past(4), SHAPE, 60)

    (row,) = found.rows
    model = solve(Demand(40 / 7200, (300.0, 360.0), 240.0), 2, 60)
    assert (row.weekday, row.minute, row.requested, row.agents) == (1, 720, 40, 2)
    assert row.service_level == 0.8
    assert row.wait_mean == 20
    assert row.predicted_service_level == pytest.approx(model.service_level)
    assert found.difference == pytest.approx(model.service_level - 0.8)
    assert found.typical == pytest.approx(abs(found.difference))


def test_errors_of_both_signs_do_not_hide_each_other():
    rows = past(4, in_time=10) + past(4, in_time=0, minute=750)
    found = calibrate(rows, SHAPE, 60)

    assert found.typical > abs(found.difference)
    assert found.typical == pytest.approx(0.5)


@pytest.mark.parametrize(("in_time", "fits"), [(9, True), (2, False)])
def test_a_model_that_is_far_off_does_not_fit(in_time, fits):
    assert calibrate(past(6, in_time=in_time), SHAPE, 60).fits is fits


def test_times_with_few_chats_are_left_out():
    found = calibrate(past(2), SHAPE, 60, least=30)

    assert (list(found.rows), found.difference, found.fits) == ([], None, None)


def test_times_in_which_there_is_no_steady_state_are_counted_apart():
    patient = Demand(0.0, (300.0,))
    found = calibrate(past(4, agents=1.0) + past(4, minute=750, agents=9.0), patient, 60)

    assert found.understaffed_ratio == 0.5
    assert found.rows[0].predicted_service_level is None
    assert calibrate(past(4, agents=1.0), patient, 60).understaffed_ratio == 1.0


def test_agents_count_by_how_long_they_were_seen():
    rows = past(3, agents=2.0) + past(3, agents=4.0, exposure_s=600.0)

    assert calibrate(rows, SHAPE, 60).rows[0].agents == pytest.approx(2.5)


def test_each_interval_is_predicted_by_who_was_there():
    (row,) = calibrate(past(3, agents=0.0) + past(3, agents=4.0), SHAPE, 60).rows

    demand = Demand(60 / 10800, (300.0, 360.0), 240.0)
    none, four = (solve(demand, agents, 60) for agents in (0, 4))
    assert row.agents == 2
    assert row.predicted_service_level == pytest.approx(
        (none.service_level + four.service_level) / 2
    )
    assert row.predicted_wait_mean == pytest.approx((none.wait_mean + four.wait_mean) / 2)

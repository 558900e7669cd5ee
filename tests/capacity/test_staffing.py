"""How many agents a target needs: published examples, and that one fewer is too few."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.capacity.chat_model import Demand, solve
from analytics.capacity.staffing import Target, expected, required, rostered
from analytics.errors import SettingWrong
from analytics.figures import percent


@pytest.mark.parametrize(
    ("volume", "agents", "level"),
    [(10, 4, ".9123"), (25, 7, ".8677"), (50, 12, ".8622"), (100, 21, ".8263"), (200, 39, ".8259")],
)
def test_half_hours_of_five_minute_calls(volume, agents, level):
    found = required(Demand(volume / 1800, (300.0,)), Target(0.8, 20, max_occupancy=1))

    assert found.agents == agents
    assert round(found.service_level, 4) == float(level)


def test_an_occupancy_that_is_bounded_needs_more():
    assert required(Demand(200 / 1800, (300.0,)), Target(0.8, 20)).agents == 40


@pytest.mark.parametrize(("bound", "raw", "roster"), [(0.85, 14, 20), (0.7, 15, 22)])
def test_the_roster_of_another_library_s_example(bound, raw, roster):
    """pyworkforce, test_erlang.py: 100 calls in 30 minutes of 3, 80 % in 20 s, shrinkage 30 %."""
    found = required(Demand(100 / 1800, (180.0,)), Target(0.8, 20, bound))

    assert (found.agents, rostered(found.agents, 0.3)) == (raw, roster)


def test_a_roster_is_not_one_more_for_the_last_digit_of_a_double():
    assert rostered(40, 0.3) == 58
    assert rostered(7, 0.3) == 10
    assert rostered(9, 0.1) == 10


demands = st.builds(
    lambda rate, first, growth, patience: Demand(
        rate, tuple(first * (1 + growth * number) for number in range(3)), patience
    ),
    st.floats(0.0005, 0.3),
    st.floats(60, 900),
    st.floats(0, 0.3),
    st.one_of(st.none(), st.floats(30, 3600)),
)
targets = st.builds(Target, st.floats(0.5, 0.95), st.floats(5, 300), st.floats(0.5, 1))


@settings(deadline=None)
@given(demands, targets)
def test_what_is_required_is_enough_and_one_fewer_is_not(demand, target):
    found = required(demand, target)

    assert target.is_met(found)
    assert not target.is_met(solve(demand, found.agents - 1, target.answer_in))


def test_nobody_is_needed_where_nothing_comes_in():
    assert required(Demand(0.0, (300.0,)), Target()).agents == 0


@given(st.floats(0, 20))
def test_a_part_of_an_agent_lies_between_two(agents):
    demand = Demand(0.02, (480.0, 560.0), 300.0)
    here = expected(demand, agents, 30)
    below, above = expected(demand, int(agents), 30), expected(demand, int(agents) + 1, 30)

    assert below.service_level <= here.service_level <= above.service_level


@given(st.floats(0.01, 1))
def test_who_is_there_for_a_part_of_the_time_is_as_busy_in_it(agents):
    demand = Demand(0.02, (480.0, 560.0), 300.0)
    here, whole = expected(demand, agents, 30), expected(demand, 1, 30)

    assert here.slot_use == pytest.approx(whole.slot_use)
    assert here.occupancy == pytest.approx(whole.occupancy)


def test_where_nobody_is_there_all_give_up_and_no_slot_is_in_use():
    here = expected(Demand(0.0001, (480.0, 560.0), 5517.3), 0, 60)

    assert (percent(here.service_level), percent(here.abandoned)) == ("0 %", "100 %")
    assert (here.occupancy, here.slot_use) == (None, None)


def test_a_part_of_an_agent_too_few_is_understaffed():
    demand = Demand(0.02, (480.0,))

    assert expected(demand, 9.5, 30).service_level is None
    assert expected(demand, 10.0, 30).wait_mean is not None


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Target(service_level=1.0),
        lambda: Target(max_occupancy=0.0),
        lambda: Target(max_abandoned=1.1),
        lambda: rostered(3, 1.0),
        lambda: required(Demand(1e6, (1e6,)), Target()),
    ],
)
def test_what_cannot_be_promised_is_refused(wrong):
    with pytest.raises((ValueError, SettingWrong), match=r"give|ask for less"):
        wrong()

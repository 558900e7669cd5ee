"""The chat model against published values, what it must be at its edges, and a simulation."""

from __future__ import annotations

import math
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.capacity import erlang
from analytics.capacity.chat_model import Demand, solve

sys.path.insert(0, str(Path(__file__).parent))  # the desk is a module of these tests only

from eventdesk import Desk

MODELLED = Demand(60 / 1800, (480.0, 560.0, 660.0), 300.0)


def near(value, text):
    decimals = len(text.partition(".")[2])
    return abs(value - float(text)) <= 0.5000001 * 10**-decimals


def test_a_published_queue_that_loses_patience():
    """pyworkforce, test_abandonment.py: 100 calls in 30 minutes of 3, patience 5, target 20 s."""
    found = solve(Demand(100 / 1800, (180.0,), 300.0), 14, 20)

    assert near(found.wait_probability, ".145260")
    assert near(found.abandoned, ".013984")
    assert near(found.slot_use, ".704297")
    assert near(found.wait_mean / 60, ".0699187")
    assert near(found.service_level, ".916792")


def test_garnett_s_call_centre():
    """Garnett, Mandelbaum, Reiman 2002: 48 calls a minute of a minute, patience two, 50 agents."""
    found = solve(Demand(48 / 60, (60.0,), 120.0), 50, 20)

    assert near(found.abandoned, ".030912")
    assert near(found.wait_mean, "3.70947")
    assert near(found.queue_mean, "2.96758")
    assert near(found.slot_use, ".930324")
    assert near(found.wait_probability, ".467774")


@pytest.mark.parametrize(
    ("agents", "waits", "abandoned", "wait", "level", "concurrency"),
    [
        (6, ".688473", ".210877", "63.263", ".399370", "2.839"),
        (7, ".463896", ".114615", "34.385", ".625689", "2.676"),
        (8, ".242646", ".049157", "14.747", ".821195", "2.438"),
    ],
)
def test_a_desk_of_three_chats_an_agent(agents, waits, abandoned, wait, level, concurrency):
    found = solve(MODELLED, agents, 30)

    assert near(found.wait_probability, waits)
    assert near(found.abandoned, abandoned)
    assert near(found.wait_mean, wait)
    assert near(found.service_level, level)
    assert near(found.concurrency, concurrency)


def palm(agents, rate, handle, patience):
    """Return the shares that wait, and that leave, by Palm's closed form of Erlang A.

    A(x, y) = 1 + sum over j of y^j / ((x + 1) ... (x + j)): Mandelbaum and Zeltyn, "Service
    engineering in action: the Palm/Erlang-A queue" (2007).
    """
    x, y = agents * patience / handle, rate * patience
    series = term = 1.0
    number = 0
    while term > series * 1e-17 or number < y:
        number += 1
        term *= y / (x + number)
        series += term
    blocked = erlang.blocking(agents, rate * handle)
    waits = series * blocked / (1 + (series - 1) * blocked)
    occupancy = rate * handle / agents
    return waits, waits * (1 / (occupancy * series) + 1 - 1 / occupancy)


@given(st.integers(1, 40), st.floats(0.2, 1.6), st.floats(20, 900))
def test_one_chat_an_agent_is_erlang_a(agents, load, patience):
    handle = 240.0
    rate = agents * load / handle
    found = solve(Demand(rate, (handle,), patience), agents, 20)
    waits, leaves = palm(agents, rate, handle, patience)

    assert math.isclose(found.wait_probability, waits, rel_tol=1e-9, abs_tol=1e-12)
    assert math.isclose(found.abandoned, leaves, rel_tol=1e-6, abs_tol=1e-12)


@given(st.integers(1, 30), st.integers(1, 5), st.floats(0.05, 0.98), st.floats(0, 300))
def test_constant_handle_time_and_endless_patience_is_erlang_c_of_the_slots(
    agents, chats, occupancy, target
):
    handle, slots = 300.0, agents * chats
    rate = slots * occupancy / handle
    found = solve(Demand(rate, (handle,) * chats), agents, target)
    queue = erlang.queue(slots, rate, handle)

    assert math.isclose(found.wait_probability, queue.wait_probability, rel_tol=1e-9)
    assert math.isclose(found.wait_mean, queue.wait_mean, rel_tol=1e-9)
    assert math.isclose(found.service_level, queue.service_level(target), rel_tol=1e-9)


@given(st.integers(1, 30), st.floats(0.3, 0.97))
def test_very_long_patience_is_endless_patience(agents, occupancy):
    times = (300.0, 340.0)
    rate = occupancy * 2 * agents / times[1]
    endless = solve(Demand(rate, times), agents, 30)
    long = solve(Demand(rate, times, 1e7), agents, 30)

    assert math.isclose(long.service_level, endless.service_level, abs_tol=1e-2)
    assert long.abandoned < 1e-2


demands = st.builds(
    lambda rate, first, growth, patience: Demand(
        rate, tuple(first * (1 + growth * number) for number in range(3)), patience
    ),
    st.floats(0.001, 0.2),
    st.floats(60, 900),
    st.floats(0, 0.3),
    st.floats(10, 3600),
)


@given(demands, st.integers(1, 40), st.floats(0, 300))
def test_shares_are_shares_and_everybody_is_somewhere(demand, agents, target):
    found = solve(demand, agents, target)

    for share in (found.service_level, found.service_level_kept, found.wait_probability):
        assert -1e-12 <= share <= 1 + 1e-12
    assert found.service_level <= found.service_level_kept + 1e-12
    assert found.service_level <= 1 - found.abandoned + 1e-9
    assert 0 <= found.slot_use <= found.occupancy + 1e-12 <= 1 + 2e-12
    # Little's law: who waits, waits so long.
    assert math.isclose(found.queue_mean, demand.arrival_rate * found.wait_mean, rel_tol=1e-9)


@given(demands, st.integers(1, 40))
def test_more_agents_serve_better(demand, agents):
    fewer, more = solve(demand, agents, 30), solve(demand, agents + 1, 30)

    assert more.service_level >= fewer.service_level - 1e-12
    assert more.abandoned <= fewer.abandoned + 1e-12
    assert more.wait_mean <= fewer.wait_mean + 1e-9


@given(demands, st.integers(1, 40))
def test_a_longer_target_is_easier(demand, agents):
    levels = [solve(demand, agents, target).service_level for target in (0, 10, 100, 1000)]

    assert all(later >= sooner - 1e-12 for sooner, later in pairwise(levels))
    assert math.isclose(levels[0], 1 - solve(demand, agents, 0).wait_probability, abs_tol=1e-9)


def test_where_nobody_is_everybody_leaves():
    found = solve(MODELLED, 0, 30)

    assert found.service_level == pytest.approx(0)
    assert found.abandoned == pytest.approx(1)
    assert found.wait_mean == pytest.approx(300)


def test_where_nothing_comes_in_everything_is_in_time():
    assert solve(Demand(0.0, (300.0,)), 3, 30).service_level == 1


def test_understaffed_is_no_number():
    assert solve(Demand(1.0, (300.0, 300.0)), 150, 30) is None
    assert solve(Demand(1.0, (300.0, 300.0)), 151, 30) is not None
    assert solve(Demand(1.0, (300.0,)), 0, 30) is None


def test_thousands_of_agents():
    found = solve(Demand(10.0, (480.0, 560.0, 660.0), 300.0), 2300, 30)

    assert found.service_level > 0.9
    assert 0.9 < found.slot_use < 1


@pytest.mark.parametrize(
    ("rate", "times", "patience", "why"),
    [
        (-1.0, (1.0,), None, "arrival rate -1.0: give 0 or more a second"),
        (1.0, (), None, r"handle times \(\): give one or more, above 0 s"),
        (1.0, (1.0, 0.0), None, r"handle times \(1.0, 0.0\): give one or more, above 0 s"),
        (1.0, (1.0,), 0.0, "patience 0.0: give more than 0 s, or None"),
    ],
)
def test_what_no_desk_can_be_is_refused(rate, times, patience, why):
    with pytest.raises(ValueError, match=why):
        Demand(rate, times, patience)


@pytest.mark.slow
@pytest.mark.parametrize("agents", [6, 7, 8])
def test_a_simulation_event_by_event_agrees(agents):
    found = solve(MODELLED, agents, 30)

    in_time, left, waited = Desk(MODELLED, agents, seed=agents).play(60_000, 30)

    assert in_time == pytest.approx(found.service_level, abs=0.02)
    assert left == pytest.approx(found.abandoned, abs=0.01)
    assert waited == pytest.approx(found.wait_mean, rel=0.1)

"""Days played chat by chat: simple ones by hand, a long one against the chat model."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.capacity.chat_model import Demand, solve
from analytics.capacity.simulation import Shift, play

PATIENT = Demand(0.0, (100.0, 150.0))


def test_who_finds_room_does_not_wait():
    visits = play([0.0, 1.0], [Shift(0, 10)], PATIENT)

    assert [(one.waited, one.is_answered) for one in visits] == [(0, True), (0, True)]


def test_who_comes_before_the_shift_waits_for_it():
    visits = play([0.0, 5.0, 7.0], [Shift(60, 3600)], PATIENT)

    assert [(one.came, one.waited) for one in visits[:2]] == [(0, 60), (5, 55)]
    assert visits[2].waited > 53  # there was room for two


def test_a_shift_that_is_over_takes_nobody_and_ends_what_it_has():
    impatient = Demand(0.0, (1000.0,), 30.0)
    visits = play([0.0, 11.0], [Shift(0, 10)], impatient)

    assert [one.is_answered for one in visits] == [True, False]
    assert visits[1].waited > 0


def test_without_patience_and_agents_nobody_is_settled():
    assert play([0.0, 1.0], [], PATIENT) == []
    assert play([], [Shift(0, 10)], PATIENT) == []


def test_the_least_loaded_agent_gets_the_chat():
    """Four slots of two agents: four chats at once wait for nothing, the fifth does."""
    visits = play([0.0] * 5, [Shift(0, 9999), Shift(0, 9999)], PATIENT)

    assert [one.waited == 0 for one in visits] == [True] * 4 + [False]


def test_two_chats_slow_each_other():
    """Alone a chat takes 100 s on average, beside another 1000: both ends come late."""
    slow = Demand(0.0, (100.0, 1000.0))
    pairs = [play([0.0, 0.0, 0.0], [Shift(0, 1e9)], slow, seed)[2].waited for seed in range(400)]
    alone = Demand(0.0, (100.0,))
    single = [play([0.0, 0.0], [Shift(0, 1e9)], alone, seed)[1].waited for seed in range(400)]

    assert sum(pairs) / 400 == pytest.approx(500, rel=0.15)  # the sooner of two at half the pace
    assert sum(single) / 400 == pytest.approx(100, rel=0.15)


def test_the_same_seed_plays_the_same_day():
    arrivals = [float(number) for number in range(200)]
    demand = Demand(0.0, (30.0,), 60.0)
    shifts = [Shift(0, 500)] * 3

    assert play(arrivals, shifts, demand, 5) == play(arrivals, shifts, demand, 5)
    assert play(arrivals, shifts, demand, 5) != play(arrivals, shifts, demand, 6)


@given(st.lists(st.floats(0, 5000), max_size=60), st.integers(0, 4), st.integers(0, 9))
def test_everybody_who_may_leave_is_settled_once(arrivals, agents, seed):
    demand = Demand(0.0, (60.0, 80.0), 45.0)
    visits = play(arrivals, [Shift(100 * n, 100 * n + 900) for n in range(agents)], demand, seed)

    assert sorted(one.came for one in visits) == sorted(arrivals)
    assert all(one.waited >= 0 for one in visits)


@pytest.mark.slow
def test_a_desk_that_stays_as_it_is_does_what_the_model_says():
    demand = Demand(60 / 1800, (480.0, 560.0, 660.0), 300.0)
    chance, moment, arrivals = random.Random(3), 0.0, []
    for _ in range(60_000):
        moment += chance.expovariate(demand.arrival_rate)
        arrivals.append(moment)

    visits = play(arrivals, [Shift(0, moment + 1)] * 7, demand)

    model = solve(demand, 7, 30)
    in_time = sum(one.is_answered and one.waited <= 30 for one in visits) / len(visits)
    left = sum(not one.is_answered for one in visits) / len(visits)
    assert in_time == pytest.approx(model.service_level, abs=0.02)
    assert left == pytest.approx(model.abandoned, abs=0.01)

"""Erlang's formulas against published values, their own identities, and another library."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyworkforce.queuing import ErlangC

from analytics.capacity import erlang

HALF_HOUR = 1800


def printed(value, text):
    """Tell whether a value is what is printed, up to half its last digit."""
    decimals = len(text.partition(".")[2])
    return abs(value - float(text)) <= 0.5000001 * 10**-decimals


# calls in half an hour, handle time, target, agents; then what is printed
PUBLISHED = [
    # CRAN package ErlangC 0.1.0, README; recomputed to more digits
    (100, 180, 20, 14, ".17413193", ".88835002", "7.83593701", ".71428571"),
    (100, 180, 20, 11, ".682118", ".389614", None, None),
    # pyworkforce, test_erlang.py
    (100, 180, 19.8, 15, ".102042", ".941127", None, ".666667"),
    # Abstract Micro Systems, ErlcWait4
    (100, 240, 20, 20, None, None, "2.2435058465", None),
    # PyPI package call-center-tools, README
    (500, 120, 20, 40, ".190737", ".937211", "3.433271", ".833333"),
]


@pytest.mark.parametrize(
    ("calls", "handle", "target", "agents", "waits", "level", "wait", "occupancy"), PUBLISHED
)
def test_published_values(calls, handle, target, agents, waits, level, wait, occupancy):
    queue = erlang.queue(agents, calls / HALF_HOUR, handle)

    for value, text in (
        (queue.wait_probability, waits),
        (queue.service_level(target), level),
        (queue.wait_mean, wait),
        (queue.occupancy, occupancy),
    ):
        assert text is None or printed(value, text)


def test_garnett_s_call_centre_without_patience():
    """Garnett, Mandelbaum and Reiman 2002: 48 calls a minute, of a minute each, 50 agents."""
    queue = erlang.queue(50, 48 / 60, 60)

    assert printed(queue.wait_mean, "20.8337")
    assert printed(queue.wait_percentile(0.9), "58.1387")
    assert printed(queue.queue_mean, "16.667")
    assert printed(queue.occupancy, ".96")


@pytest.mark.parametrize(
    ("servers", "load", "waits"), [(8, 3.87, ".050085"), (10, 4.08, ".010052")]
)
def test_the_table_of_delays(servers, load, waits):
    assert printed(erlang.waiting(servers, load), waits)


def test_the_delay_of_those_who_wait_is_exponential():
    """Of the table of delays: a wait longer than one call, of those who wait."""
    for servers, load, share in ((8, 3.87, ".016083"), (10, 3.87, ".002177")):
        queue = erlang.queue(servers, load, 1.0)
        assert printed((1 - queue.service_level(1.0)) / queue.wait_probability, share)


def test_blocking():
    assert printed(erlang.blocking(30, 25), ".0526032")
    assert erlang.blocking(0, 5) == 1
    assert erlang.blocking(3, 0) == 0


@given(st.integers(1, 3000), st.floats(0.01, 0.999))
def test_waiting_is_likelier_than_being_turned_away(servers, occupancy):
    load = servers * occupancy

    assert 0 <= erlang.blocking(servers, load) <= erlang.waiting(servers, load) <= 1


@given(st.integers(1, 60), st.floats(0.05, 0.98), st.floats(5, 2000), st.floats(1, 600))
def test_another_library_says_the_same(servers, occupancy, handle, target):
    load = servers * occupancy
    theirs = ErlangC(
        transactions=load / handle * 60, aht=handle / 60, asa=target / 60, interval=1, shrinkage=0
    )
    queue = erlang.queue(servers, load / handle, handle)

    assert math.isclose(queue.service_level(target), theirs.service_level(servers), rel_tol=1e-6)
    assert math.isclose(queue.wait_probability, theirs.waiting_probability(servers), rel_tol=1e-6)


@given(st.integers(1, 500), st.floats(0, 1))
def test_more_servers_and_less_load_never_wait_longer(servers, share):
    load = servers * share * 0.99
    here, more = erlang.queue(servers, load, 1.0), erlang.queue(servers + 1, load, 1.0)

    assert more.wait_probability <= here.wait_probability
    assert more.wait_mean <= here.wait_mean


def test_understaffed_is_no_number():
    assert erlang.waiting(10, 10.0) is None
    assert erlang.queue(10, 1.0, 12.0) is None


@pytest.mark.parametrize(("servers", "load"), [(-1, 1.0), (1, -1.0), (1, math.nan), (1, math.inf)])
def test_what_no_desk_can_be_is_refused(servers, load):
    with pytest.raises(ValueError, match="give none or more of both"):
        erlang.blocking(servers, load)


def test_thousands_of_servers():
    queue = erlang.queue(5000, 4950 / 300, 300)

    assert 0 < queue.wait_probability < 0.5
    assert 0 < queue.wait_mean < 10

"""Handle times by chats at once, pooled until they rest on something and rise."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.capacity.handling import Seen, handle_times, pools


def test_what_rests_on_enough_chats_and_rises_stays_as_it_is():
    found = pools([Seen(1, 4000, 40), Seen(2, 6000, 50), Seen(3, 6500, 50)])

    assert handle_times(found, 3) == (100, 120, 130)


def test_what_rests_on_few_is_pooled_with_its_neighbour():
    found = pools([Seen(1, 300, 3), Seen(2, 6000, 57), Seen(3, 900, 2)])

    assert handle_times(found, 3) == (pytest.approx(7200 / 62),) * 3


def test_more_chats_at_once_are_never_quicker():
    found = pools([Seen(1, 4000, 40), Seen(2, 8000, 40), Seen(3, 4000, 40)])

    assert handle_times(found, 3) == (100, 150, 150)


def test_beyond_what_was_seen_nobody_gets_more_done():
    times = handle_times(pools([Seen(1, 4000, 40), Seen(2, 6000, 50)]), 4)

    assert times == (100, 120, 180, 240)
    assert 4 / times[3] == 2 / times[1]


def test_fewer_chats_at_once_than_were_seen():
    assert handle_times(pools([Seen(1, 4000, 40), Seen(2, 6000, 50)]), 1) == (100,)


def test_too_few_chats_tell_nothing():
    assert pools([]) == []
    assert pools([Seen(1, 1000, 12), Seen(2, 1000, 17)]) == []
    assert pools([Seen(1, 1000, 0)], least=0) == []


seen = st.lists(st.tuples(st.floats(1, 1e6), st.integers(0, 200)), min_size=1, max_size=8).map(
    lambda rows: [Seen(n, chat_s, closed) for n, (chat_s, closed) in enumerate(rows, 1)]
)


@given(seen)
def test_nothing_is_lost_and_nothing_falls(rows):
    found = pools(rows)
    times = [pool.handle_time for pool in found]

    assert times == sorted(times)
    assert all(pool.closed >= 30 for pool in found)
    if found:
        assert sum(pool.closed for pool in found) == sum(one.closed for one in rows)
        assert math.isclose(
            math.fsum(pool.chat_s for pool in found), math.fsum(one.chat_s for one in rows)
        )

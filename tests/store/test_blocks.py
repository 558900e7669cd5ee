"""Blocks: what is asked for, each block fetched once while it is kept, and no more than asked."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from analytics.blocks import Blocks

DATA = bytes(range(100))


class Source:
    """An object, and what was asked of it."""

    def __init__(self, data=DATA):
        self.data = data
        self.asked = []

    def read(self, _key, start, size):
        self.asked.append((start, size))
        return self.data[start : start + size]


@given(
    st.lists(st.tuples(st.integers(0, 99), st.integers(0, 100)), max_size=20),
    st.integers(1, 40),
    st.integers(1, 5),
)
def test_any_ranges_in_any_order_are_the_bytes_that_are_there(ranges, block, room):
    source = Source()
    blocks = Blocks(source.read, {"x": 100}, block, block * room)

    for start, asked in ranges:
        size = min(asked, 100 - start)
        assert blocks.read("x", start, size) == DATA[start : start + size]


def test_a_block_is_fetched_once_and_others_not_at_all():
    source = Source()
    blocks = Blocks(source.read, {"x": 100}, 10, 1000)

    for start, size in ((12, 5), (15, 2), (17, 8), (95, 5)):
        blocks.read("x", start, size)

    assert source.asked == [(10, 10), (20, 10), (90, 10)]


def test_blocks_that_lie_together_are_one_request():
    source = Source()

    Blocks(source.read, {"x": 100}, 10, 1000).read("x", 5, 90)

    assert source.asked == [(0, 100)]


def test_what_was_read_longest_ago_is_let_go():
    source = Source()
    blocks = Blocks(source.read, {"x": 100}, 10, 20)

    for start in (0, 10, 0, 20, 0, 10):
        blocks.read("x", start, 1)

    assert source.asked == [(0, 10), (10, 10), (20, 10), (10, 10)]


def test_objects_are_read_beside_each_other():
    together = threading.Barrier(2, timeout=60)

    def read(_key, start, size):
        together.wait()
        return DATA[start : start + size]

    blocks = Blocks(read, {"x": 100, "y": 100}, 10, 1000)
    threads = [threading.Thread(target=blocks.read, args=(key, 0, 5)) for key in "xy"]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert together.n_waiting == 0
    assert not together.broken

"""Bytes of a bucket's parts, read by blocks and kept for a while.

A question reads the same parts once for each view, and a report asks several; a request to a store
takes as long as reading a megabyte. Parts never change, so what was read stays true.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping

BLOCK = 2**20
KEPT = 256 * 2**20
"""Bytes that are kept at most."""


class Blocks:
    """Reads ranges of objects, whose sizes are known, each block once while it is kept."""

    def __init__(
        self,
        read: Callable[[str, int, int], bytes],
        sizes: Mapping[str, int],
        block: int = BLOCK,
        kept: int = KEPT,
    ) -> None:
        self._read = read
        self._sizes = sizes
        self._block = block
        self._room = kept // block
        self._kept: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._lock = threading.Lock()
        self._turns: dict[str, threading.Lock] = defaultdict(threading.Lock)

    def read(self, key: str, start: int, size: int) -> bytes:
        """Return some bytes of an object; others may be read beside it, of other objects."""
        if size <= 0:
            return b""
        first, last = start // self._block, (start + size - 1) // self._block
        with self._lock:
            turn = self._turns[key]
        with turn:
            found = self._find(key, first, last)
            missing = [number for number, data in found.items() if data is None]
            if missing:
                found |= self._fetch(key, missing[0], missing[-1])
        data = b"".join(block or b"" for block in found.values())
        begin = start - first * self._block
        return data[begin : begin + size]

    def _find(self, key: str, first: int, last: int) -> dict[int, bytes | None]:
        """Return blocks, those that are kept with their bytes."""
        with self._lock:
            for number in range(first, last + 1):
                if (key, number) in self._kept:
                    self._kept.move_to_end((key, number))
            return {number: self._kept.get((key, number)) for number in range(first, last + 1)}

    def _fetch(self, key: str, first: int, last: int) -> dict[int, bytes | None]:
        """Read blocks in one request, and keep them; those read longest ago are let go."""
        begin = first * self._block
        end = min((last + 1) * self._block, self._sizes[key])
        data = memoryview(self._read(key, begin, end - begin))
        blocks: dict[int, bytes | None] = {}
        with self._lock:
            for number in range(first, last + 1):
                at = (number - first) * self._block
                self._kept[key, number] = blocks[number] = bytes(data[at : at + self._block])
            while len(self._kept) > self._room:
                self._kept.popitem(last=False)
        return blocks

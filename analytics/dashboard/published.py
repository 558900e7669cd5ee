"""Follows a project's parts that move from a recorder's spool to a bucket: each once.

The spool is looked at every time, the bucket now and then: what leaves the one was read there, but
for what came and went between two looks.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from analytics.dashboard.follow import Parts, rows_of
from archiver import stored
from archiver.bucket import Bucket
from archiver.errors import StoreUnreachable
from archiver.listing import Listing

if TYPE_CHECKING:
    import pyarrow as pa

LOOK_EVERY = 30.0


@dataclass
class Published(Parts):
    """The parts of one project; `root` is the spool."""

    bucket: Bucket | None = None
    _newest: date | None = None
    _look_at: float | None = None

    def last_day(self) -> date | None:
        """Return the last UTC day of which there are parts, here or there."""
        return max(filter(None, (super().last_day(), self._newest)), default=None)

    def read(self, days: Collection[date]) -> Iterator[pa.Table]:
        """Yield the rows of the parts of some days that were not there at the last call."""
        try:
            yield from super().read(days)
        except FileNotFoundError:  # published meanwhile
            self._look_at = None if self._look_at is None else 0.0
        now = time.monotonic()
        if self._look_at is not None and now < self._look_at:
            return
        try:
            yield from self._published(days)
        except StoreUnreachable:
            if self._look_at is None:
                raise
            # What is not there yet is in the spool as long as nothing can be published.
        self._look_at = now + LOOK_EVERY

    def _published(self, days: Collection[date]) -> Iterator[pa.Table]:
        """Yield the rows of those in the bucket that were not read, there or in the spool."""
        assert self.bucket is not None
        folder = f"project_id={self.project_id}"
        names = self.bucket.list(folder).folders
        found = [date.fromisoformat(name.removeprefix("date=")) for name in names]
        self._newest = max(found, default=None)
        for day in sorted({*days} & {*found}):
            there = stored.look(self.bucket, f"{folder}/date={day}")
            as_here = Listing(self.root / there.folder, there.manifest, frozenset(there.objects))
            for path in self._unseen(as_here):
                part = there.part(path.name)
                yield from rows_of(self.bucket.open(part), self.project_id, day)
                self._seen.add(path)
            self._seen |= as_here.origins

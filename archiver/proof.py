"""Proves that parts hold the rows of the parts that they were made of, by reading all of them.

Rows may stand in any order. It changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, NamedTuple

from archiver import contract
from archiver.errors import PartitionDiffers
from archiver.place import Source
from archiver.verify import part_faults

_BATCH = 1024


def prove(partition: object, sources: list[Source], made: list[Source]) -> int:
    """Return how many rows the new parts of a partition hold: the same as the old ones."""
    for one in made:
        for fault in part_faults(one.path, {}, one.file):
            raise PartitionDiffers(f"{one.name}: {fault}; nothing was replaced")
    old = digest(one.file for one in sources)
    new = digest(one.file for one in made)
    if old != new:
        raise PartitionDiffers(
            f"{partition}: what was compacted is {new}, not {old}; nothing was replaced"
        )
    return new.rows


class Digest(NamedTuple):
    """What rows are, in whatever order: their number, nulls in all, and a sum of their hashes."""

    rows: int
    nulls: int
    sum: int

    def __str__(self) -> str:
        return f"{self.rows} rows ({self.nulls} nulls, {self.sum:032x})"


def digest(files: Iterable[Any]) -> Digest:
    """Return what the rows of parts are: their keys and payloads, and where nothing stands."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = nulls = total = 0
    for source in files:
        with pq.ParquetFile(source, page_checksum_verification=True) as file:
            for batch in file.iter_batches(_BATCH):
                rows += len(batch)
                nulls += sum(column.null_count for column in batch.columns)
                keys = zip(*(batch[name].to_pylist() for name in contract.KEY), strict=True)
                payloads = batch["payload"].cast(pa.binary()).to_pylist()
                for key, payload in zip(keys, payloads, strict=True):
                    told = blake2b(repr(key).encode(), digest_size=16)
                    told.update(payload or b"")
                    total += int.from_bytes(told.digest())
    return Digest(rows, nulls, total % 2**128)

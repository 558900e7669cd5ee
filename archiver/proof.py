"""Proves that parts hold the rows of the parts that they were made of, by reading all of them.

Rows may stand in any order. It changes nothing but what failed: that is removed.
"""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from archiver import contract
from archiver.errors import PartitionDiffers
from archiver.verify import part_faults

_BATCH = 1024


def prove(sources: list[Path], made: list[Path]) -> int:
    """Return how many rows the new parts hold: the same as the old ones, or they are removed."""
    faults = [f"{path}: {fault}" for path in made for fault in part_faults(path, {})]
    if not faults:
        old, new = digest(sources), digest(made)
        if old == new:
            return new.rows
        faults = [f"{sources[0].parent}: what was compacted is {new}, not {old}"]
    for path in made:
        path.unlink(missing_ok=True)
    raise PartitionDiffers(f"{faults[0]}; nothing was replaced")


class Digest(NamedTuple):
    """What rows are, in whatever order: their number, nulls in all, and a sum of their hashes."""

    rows: int
    nulls: int
    sum: int

    def __str__(self) -> str:
        return f"{self.rows} rows ({self.nulls} nulls, {self.sum:032x})"


def digest(paths: list[Path]) -> Digest:
    """Return what the rows of parts are: their keys and payloads, and where nothing stands."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = nulls = total = 0
    for path in paths:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
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

"""Turns a closed journal segment into parts of the archive.

One part per project and UTC day of receipt, named after recorder and segment, so that doing it
again overwrites each part with itself. The segment goes only after all its parts are durable; a
damaged one is set aside, with what could be read of it sealed.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from archiver import contract, fs, journal
from archiver.errors import ArchiverError, ArchiveUnwritable
from archiver.extract import Row
from archiver.part import HURRIED, LEVEL, Part
from archiver.unsealed import DAY, Reader, day_of

MANY = 12  # who is given so many is behind


def steps(
    archive: Path, segment: Path, recorder: str, modes: fs.Modes, level: int = LEVEL
) -> Iterator[str]:
    """Move one segment into the archive, yielding the name of each durable step when it is done.

    A crash between any two loses nothing, and doing it again repeats nothing.
    """
    reader = Reader(recorder)
    size = segment.stat().st_size
    with ExitStack() as stack:
        parts: dict[tuple[str, int], Part] = {}

        def begin(project_id: str, day: int) -> Part:
            folder = contract.partition(archive, project_id, day_of(day * DAY))
            name = contract.part_name(recorder, int(segment.stem))
            draft = stack.enter_context(fs.publish(folder / name, modes))
            return stack.enter_context(closing(Part(draft, level=level)))

        _fill(parts, reader.rows(segment.read_bytes()), begin)
        for part in parts.values():
            part.finish(_facts(reader, segment))
        yield f"wrote {len(parts)} drafts"
    yield f"published {len(parts)} parts"
    torn = [damage.end - damage.start for damage in reader.damages if damage.end == size]
    if len(torn) < len(reader.damages):
        segment.rename(segment.with_suffix(journal.DAMAGED))
        fs.sync_folder(segment.parent)
        yield "set the damaged segment aside"
    else:
        fs.remove(segment)
        yield f"removed the segment, {sum(torn)} bytes torn"


def _fill(
    parts: dict[tuple[str, int], Part], rows: Iterator[Row], begin: Callable[[str, int], Part]
) -> None:
    """Add rows to their parts, and keep none: each would keep all of the segment's bytes."""
    for row in rows:
        key = (row.project_id, row.received_at // DAY)
        if (part := parts.get(key)) is None:
            part = parts[key] = begin(*key)
        part.add(row)


def _facts(reader: Reader, segment: Path) -> dict[str, Any]:
    return {
        "format": contract.VERSION,
        "recorder": reader.recorder,
        "segment": int(segment.stem),
        "first_seq": reader.first,
        "last_seq": reader.seq,
    }


def seal(
    archive: Path,
    segment: Path,
    recorder: str,
    modes: fs.Modes = fs.PRIVATE,
    level: int = LEVEL,
) -> list[str]:
    """Seal one segment; another process at work on it is waited for, and then there is nothing."""
    held = fs.lock(segment.parent / "sealing", modes, wait=True)
    assert held is not None
    try:
        return list(steps(archive, segment, recorder, modes, level)) if segment.exists() else []
    except OSError as error:
        raise ArchiveUnwritable(
            f"{segment}: cannot seal it ({error.strerror or error});"
            " make room in the archive, then run 'archiver seal'"
        ) from error
    finally:
        os.close(held)


class _Spared:
    """Keeps pyarrow from importing what it can do without: 60 MB and 0.3 s for nothing."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        """Refuse some names, leave the others to the others."""
        if name in ("numpy", "pandas"):
            raise ModuleNotFoundError(name=name)


def give_way() -> None:
    """Let this process, which works beside a recorder, take little: receiving goes first."""
    os.nice(10)
    sys.meta_path.insert(0, _Spared)


def main(archive: str, recorder: str, readable: str, *segments: str) -> None:
    """Seal segments in a process of its own, which is what a recorder starts beside itself."""
    give_way()
    gc.disable()  # a twentieth of the time: what is let go of goes by itself, and the process ends
    modes = fs.GROUP_READABLE if readable == "group" else fs.PRIVATE
    level = LEVEL if len(segments) < MANY else HURRIED
    try:
        for segment in segments:
            seal(Path(archive), Path(segment), recorder, modes, level)
    except ArchiverError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])

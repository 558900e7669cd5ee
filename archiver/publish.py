"""Moves sealed parts from a recorder's spool to an archive on object storage.

Each part goes there in one request, whole or not at all, and leaves the spool when the store shows
it; doing it again repeats nothing. The recorder runs this as a process beside itself, so that a
slow store never holds up receiving.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

from archiver import contract, fs, journal
from archiver.archive import check_marker
from archiver.bucket import Bucket, Remote, parse
from archiver.errors import (
    ArchiverError,
    PartDiffers,
    StoreRefuses,
    StoreUnreachable,
)
from archiver.status import is_whole

RECORDERS = "_recorders"
SPOOL = "spool.json"
UNREACHABLE = 75
"""What the process ends with when another try may help; 1 when somebody has to do something."""

_RETRIES = 2  # whoever starts us tries again


class NotListed(StoreUnreachable):
    """A store's listing does not show yet what it holds."""


def waiting(spool: Path, recorder: str) -> list[Path]:
    """Return a recorder's parts that are to be published, oldest first.

    A segment that is still there is sealed again after a crash: its parts wait for that.
    """
    folder = spool / contract.JOURNAL_FOLDER / recorder
    own = re.compile(rf"{re.escape(recorder)}-(\d{{8,}})\.parquet")
    found = []
    for path in spool.glob(contract.parts_glob()):
        match = own.fullmatch(path.name)
        if match and not journal.segment_path(folder, int(match[1])).exists():
            found.append(path)
    return sorted(found, key=lambda path: (path.name, path))


def begin(bucket: Bucket, spool: Path, recorder: str, modes: fs.Modes) -> None:
    """Make the place an archive, and this spool the only one that publishes under its name."""
    _mark(bucket)
    owner = spool / contract.JOURNAL_FOLDER / recorder / SPOOL
    if not owner.exists():
        with fs.publish(owner, modes) as file:
            file.write(json.dumps({"spool": secrets.token_hex(16)}).encode() + b"\n")
    key, said = f"{RECORDERS}/{recorder}.json", owner.read_bytes()
    if not bucket.put_once(key, said) and bucket.read(key) != said:
        raise StoreRefuses(
            f"{bucket.remote}: another spool publishes there as {recorder};"
            " choose another name with --recorder"
        )


def _mark(bucket: Bucket) -> None:
    """Write the marker where there is none; a store that would overwrite it is of no use."""
    marker = json.dumps({"format": contract.VERSION}).encode() + b"\n"
    if not bucket.put_once(contract.MARKER, marker):
        check_marker(f"{bucket.remote}/{contract.MARKER}", bucket.read(contract.MARKER))
    elif bucket.put_once(contract.MARKER, marker):
        raise StoreRefuses(
            f"{bucket.remote}: the store overwrites what is there (it ignores If-None-Match);"
            " use one that does not"
        )


def publish(bucket: Bucket, spool: Path, recorder: str) -> Iterator[Path]:
    """Publish what waits, yielding each part when it has left the spool.

    One that cannot be published does not hold up the others; it is told of at the end.
    """
    trouble: ArchiverError | None = None
    for path in waiting(spool, recorder):
        try:
            _put(bucket, path, path.relative_to(spool).as_posix())
        except (PartDiffers, NotListed) as error:
            trouble = trouble or error
        else:
            fs.remove(path)
            yield path
    if trouble:
        raise trouble


def _put(bucket: Bucket, path: Path, key: str) -> None:
    """Put a part where nothing but itself may be, and see it listed."""
    data = _whole(path)
    if not bucket.put_once(key, data) and bucket.read(key) != data:
        raise PartDiffers(
            f"{bucket.remote}/{key}: holds something else than {path};"
            " look which is right, and move the other away"
        )
    if all(one.key != key for one in bucket.list(key.rpartition("/")[0]).objects):
        raise NotListed(f"{bucket.remote}/{key}: not listed yet; it stays in the spool")


def _whole(path: Path) -> bytes:
    """Return a part's bytes if its footer tells what a recorder wrote."""
    data = path.read_bytes()
    if not is_whole(data):
        raise PartDiffers(f"{path}: not a whole part; see 'archiver verify', and move it away")
    return data


def main(url: str, spool: str, recorder: str, readable: str, what: str) -> None:
    """Make the place an archive, and perhaps publish what waits, in a process of its own."""
    os.nice(10)  # receiving goes first
    modes = fs.GROUP_READABLE if readable == "group" else fs.PRIVATE
    remote = Remote(parse(url).url, Path(spool))
    try:
        bucket = Bucket(remote, _RETRIES)
        begin(bucket, Path(spool), recorder, modes)
        if what == "publish":
            for _ in publish(bucket, Path(spool), recorder):
                pass
    except StoreUnreachable as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(UNREACHABLE)
    except (ArchiverError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(*sys.argv[1:])

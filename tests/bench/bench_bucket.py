"""Compaction in a bucket: requests, bytes, and who reads meanwhile.

The days of a simulated week, in parts of an hour each, lie in SeaweedFS on loopback, behind a
proxy that counts. `archiver compact` takes all of them, removes what was replaced, and then has
nothing to do but to look, as it does every hour: a whole process each time. After that parts are
published and compacted without a pause, while another thread reads the day again and again, and
accounts for each row.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tiled
from bench_compaction import AGENTS, CHATS, UNTIL, by_hour
from bench_reports import BIN, cost

from archiver import contract, fs, publish
from archiver.bucket import Bucket, Remote

READINGS = 3_000


def _tests(name: str) -> Any:
    """Import a module of the tests of object storage."""
    path = Path(__file__).parents[1] / "store" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"store_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@contextmanager
def _store() -> Iterator[Any]:
    """Yield a proxy before a store; the environment has its keys."""
    servers = _tests("conftest")
    with servers.seaweed_server() as address:
        proxy = servers.Proxy(address)
        proxy.start()
        os.environ |= servers.KEYS | {"AWS_ENDPOINT_URL": proxy.url}
        yield proxy
        proxy.stop()


def _publish(archive: Path, remote: Remote) -> int:
    """Put an archive's parts where a recorder does; return their size."""
    bucket, size = Bucket(remote), 0
    publish.begin(bucket, archive, "main", fs.PRIVATE)
    for path in sorted(archive.glob(contract.parts_glob())):
        assert bucket.put_once(path.relative_to(archive).as_posix(), path.read_bytes())
        size += path.stat().st_size
    return size


def _compact(proxy: Any, remote: Remote) -> str:
    """Compact; return what it took, as the end of a line."""
    proxy.asked.clear()
    spent = cost(BIN / "archiver", "compact", "--archive", remote.url, "--grace", "0s")
    read = sum(one.size for one in proxy.asked) / 1e6
    asked = Counter(one.method for one in proxy.asked)
    told = ", ".join(f"{count} {method}" for method, count in sorted(asked.items()))
    return f"{spent.seconds:.1f} | {spent.memory:.0f} MB | {told} | {read:.1f} |"


def _race(proxy: Any, folder: Path) -> str:
    """Read while parts are published and compacted; return what was seen."""
    servers, race = _tests("conftest"), _tests("test_compact")
    place = servers.Place(Remote(f"s3://{servers.BUCKET}/race", folder), proxy)
    spool = servers.Spool(folder)
    seen = Counter(race.published(place, spool, 2))
    bucket, is_over, began = place.bucket, threading.Event(), time.monotonic()
    with ThreadPoolExecutor(1) as beside:
        changing = beside.submit(race.change, place, spool, is_over)
        try:
            for _ in range(READINGS):
                found = Counter(race.read(bucket))
                assert max(found.values()) == 1
                assert not seen - found
                seen = found
        finally:
            is_over.set()
    return (
        f"{READINGS:,} readings beside {changing.result()} compactions of one day, in"
        f" {time.monotonic() - began:.0f} s: each of up to {len(seen):,} rows once in all of them."
    )


def measure() -> str:
    with tempfile.TemporaryDirectory() as folder, _store() as proxy:
        archive = tiled.week(Path(folder) / "week", UNTIL, CHATS, AGENTS)
        by_hour(archive)
        remote = Remote("s3://chats/week")
        size = _publish(archive, remote)
        parts = len(list(archive.glob(contract.parts_glob())))
        lines = [
            f"{parts} parts, {size / 1e6:.1f} MB.",
            "",
            "| run | seconds | memory | requests | MB read |",
            "|---|---:|---:|---:|---:|",
            f"| compacts the week | {_compact(proxy, remote)}",
            f"| removes what was replaced | {_compact(proxy, remote)}",
            f"| has nothing to do | {_compact(proxy, remote)}",
            "",
            _race(proxy, Path(folder) / "spool"),
        ]
        return "\n".join(lines)

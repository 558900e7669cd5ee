"""Live page.

How fresh it is: a simulated desk of 16,000 chats a day behind a real socket, a recorder, the page's
server, and viewers that only listen; for every event, the time from when the recorder received it
until a viewer was told figures in which it counts. The bar is 3 s.

What a refresh costs, CPU of one thread, when so many rows of the day have come before: a working
day of a large desk fed in steps, at each a few new rows. It should follow what goes on (the rows of
chats awake), not the day. And the memory of that process at each step.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from analytics.config import Config
from analytics.dashboard.follow import Journal, Parts
from analytics.dashboard.live import Live

BIN = Path(sys.executable).parent
PROJECT = "5f6c1d2e3a4b5c6d7e8f9a0b"
VIEWERS = 100
SECONDS = 60
BUSY = 16_000
CHATS, AGENTS = 1600, 40
DAY = date(2026, 11, 20)
HOURS = (6, 8, 10, 12, 14, 16, 18, 20, 22)
ROUNDS = 5


@dataclass
class Viewer:
    """One who listens; `told` are the times at which figures came, with their last event's."""

    url: str
    told: list[tuple[float, float]] = field(default_factory=list)
    thread: threading.Thread = field(default_factory=threading.Thread)

    def start(self, until: float) -> None:
        self.thread = threading.Thread(target=self._listen, args=(until,))
        self.thread.start()

    def _listen(self, until: float) -> None:
        with urllib.request.urlopen(f"{self.url}events", timeout=30) as stream:  # noqa: S310 (ours)
            for line in stream:
                now = time.time()
                if line.startswith(b"data: "):
                    self.told += [(now, at) for at in _events(json.loads(line[6:]))]
                if now > until:
                    return


def _events(told: dict) -> list[float]:
    found = [project["gauges"]["last_event_at"] for project in told["projects"]]
    return [datetime.fromisoformat(at).timestamp() for at in found if at]


def measure() -> str:
    """Measure both, and say so."""
    return "\n".join([*_freshness(), "", *_costs()])


def _freshness() -> list[str]:
    lines = ["| viewers | events | median s | 95 % s | longest s | CPU of the server | its MB |"]
    lines.append("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "archive"
        desk = _start("archiver", "simulate", "serve", "--tz", _noon(), "--chats-per-day", BUSY)
        url = desk.stdout.readline().strip()
        asked = ("--archive", archive, "--project", PROJECT, "--url", url)
        recorder = _start("archiver", "record", *asked, TILEDESK_TOKEN="simulated")
        while not (archive / "archive.json").exists():
            time.sleep(0.1)
        asked = ("--archive", archive, "--tz", _noon(), "--address", "127.0.0.1:0")
        page = _start("analytics", "dashboard", *asked)
        url = page.stdout.readline().strip()
        lines += [_watched(archive, url, count, page.pid) for count in (1, VIEWERS)]
        for one in (page, recorder, desk):
            one.terminate()
            one.wait()
            one.stdout.close()
    return lines


def _watched(archive: Path, url: str, count: int, pid: int) -> str:
    begin, used = time.time(), _cpu(pid)
    viewers = [Viewer(url) for _ in range(count)]
    for viewer in viewers:
        viewer.start(begin + SECONDS)
    for viewer in viewers:
        viewer.thread.join()
    spent = (_cpu(pid) - used) / (time.time() - begin)
    received = [
        row["received_at"] / 1e6
        for row in Journal(archive).read().rows
        if row["kind"] in {"request", "message", "agent"}
    ]
    events = [at for at in received if begin + 2 < at < begin + SECONDS - 5]
    delays = [
        min(now - at for now, seen in viewer.told if seen >= at and now >= at)
        for viewer in viewers
        for at in events
    ]
    median, most = statistics.median(delays), statistics.quantiles(delays, n=20)[-1]
    return (
        f"| {count} | {len(events)} | {median:.2f} | {most:.2f} | {max(delays):.2f}"
        f" | {spent:.0%} | {_memory(pid):.0f} |"
    )


def _costs() -> list[str]:
    lines = ["| rows of the day | of chats awake | CPU s a refresh | wall s | MB of memory |"]
    lines.append("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "archive"
        _history(archive)
        desk = Config().desk(PROJECT, {"tz": "Europe/Rome", "chat_limit": 4})
        begin = datetime(DAY.year, DAY.month, DAY.day) - timedelta(hours=1)
        live, known = Live(PROJECT, desk, begin), begin
        rows = pa.concat_tables(list(Parts(archive, PROJECT).read([DAY - timedelta(1), DAY])))
        at = rows.column("received_at").cast(pa.timestamp("us"))
        for hour in HOURS:
            now = begin + timedelta(hours=hour)
            lines.append(_asked(live, rows, at, known, now))
            known = now
        live.close()
    return lines


def _asked(live: Live, rows: pa.Table, at: pa.Array, since: datetime, now: datetime) -> str:
    step = timedelta(seconds=2)
    live.take(rows.filter(pc.and_(pc.greater_equal(at, since), pc.less(at, now - ROUNDS * step))))
    live.ask(now - ROUNDS * step)
    costs, walls = [], []
    for left in range(ROUNDS, 0, -1):
        some = rows.filter(
            pc.and_(pc.greater_equal(at, now - left * step), pc.less(at, now - (left - 1) * step))
        )
        used, began = time.process_time(), time.perf_counter()
        live.take(some)
        live.ask(now - (left - 1) * step)
        costs.append(time.process_time() - used)
        walls.append(time.perf_counter() - began)
    sizes = live.sizes()
    cost, wall = statistics.median(costs), statistics.median(walls)
    memory = _memory(os.getpid())
    return f"| {sizes['kept']} | {sizes['awake']} | {cost:.2f} | {wall:.2f} | {memory:.0f} |"


def _history(archive: Path) -> None:
    asked = ("--archive", archive, "--days", 2, "--until", DAY + timedelta(days=1))
    busy = ("--chats-per-day", CHATS, "--agents", AGENTS)
    command = [BIN / "archiver", "simulate", "history", *map(str, (*asked, *busy))]
    subprocess.run(command, check=True, capture_output=True)


def _start(program: str, *arguments: object, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [BIN / program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | environment,
    )


def _cpu(pid: int) -> float:
    """Return the seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> float:
    """Return the MB that a process has in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def _noon() -> str:
    """Return a time zone in which it is nearly noon: people are at work."""
    east = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-east:+d}" if east else "UTC"

"""Records a lively desk for a long time while everything goes wrong: `make soak SECONDS=3600`.

The desk cuts its sockets every minute and logs every frame that it sends; the recorder is killed at
random moments and started again. At the end the archive must be whole, and every entity that was
sent must be in it or inside a gap. Prints what happened; ends with status 1 if something is lost.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

PROJECT = "5f6c1d2e3a4b5c6d7e8f9a0b"
BIN = Path(sys.executable).parent
SLACK = 1.0  # a frame is sent a little before it is received, and gaps bear the receiver's clock


def desk(folder: Path, seed: int) -> tuple[subprocess.Popen[str], str]:
    """Start a desk that cuts its sockets; return it and its address."""
    command = [BIN / "archiver", "simulate", "serve", "--project", PROJECT, "--seed", str(seed)]
    command += ["--speed", "60", "--chats-per-day", "2000", "--agents", "40"]
    command += ["--drop-every", "61", "--log", folder / "sent.jsonl"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    return server, server.stdout.readline().strip()


def recorder(folder: Path, url: str) -> subprocess.Popen[bytes]:
    """Start a recorder that seals often."""
    command = [BIN / "archiver", "record", "--archive", folder / "archive", "--project", PROJECT]
    command += ["--url", url, "--roll-seconds", "20"]
    environment = os.environ | {"TILEDESK_TOKEN": "simulated"}
    with (folder / "record.log").open("ab") as log:
        return subprocess.Popen(command, stderr=log, env=environment)


def memory(process: subprocess.Popen[bytes]) -> float:
    """Return the most memory that a process ever had, in MB."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1000


def torment(folder: Path, url: str, seconds: float, chance: random.Random) -> tuple[int, float]:
    """Record for so long, killing the recorder again and again; return kills and peak memory."""
    end, kills, peak = time.monotonic() + seconds, 0, 0.0
    while True:
        process = recorder(folder, url)
        patience = min(chance.uniform(2, 90), max(0.0, end - time.monotonic()))
        try:
            status = process.wait(patience)
        except subprocess.TimeoutExpired:
            peak = max(peak, memory(process))
        else:
            sys.exit(f"the recorder ended by itself with status {status}: {folder}/record.log")
        if time.monotonic() >= end:
            process.send_signal(signal.SIGTERM)
            if process.wait(30):
                sys.exit(f"a clean stop ended with status {process.returncode}")
            return kills, peak
        process.kill()
        process.wait()
        kills += 1


@dataclass
class Archive:
    """What the archive holds: entities by their text, and gaps in epoch seconds."""

    texts: Counter[str] = field(default_factory=Counter)
    gaps: list[tuple[float, float, str | None]] = field(default_factory=list)

    def excuses(self, topic: str, at: float) -> bool:
        """Tell whether a gap covers what was sent on a topic at a time."""
        return any(
            since - SLACK <= at <= until + SLACK and (only is None or only == topic)
            for since, until, only in self.gaps
        )


def epoch(text: str | None) -> float:
    return float("inf") if text is None else datetime.fromisoformat(text).timestamp()


def read(folder: Path) -> Archive:
    """Read the archive's parts."""
    from pyarrow import dataset

    parts = dataset.dataset(sorted(map(str, (folder / "archive").glob("project_id=*/*/*.parquet"))))
    archive = Archive()
    for batch in parts.to_batches(columns=["kind", "payload"]):
        for row in batch.to_pylist():
            if row["kind"] == "gap":
                gap = json.loads(row["payload"])
                span = (epoch(gap["since"]), epoch(gap["until"]), gap.get("topic"))
                archive.gaps.append(span)
            elif row["kind"] != "control":
                archive.texts[row["payload"]] += 1
    closed = {(since, only) for since, until, only in archive.gaps if until != float("inf")}
    archive.gaps = [
        gap for gap in archive.gaps if gap[1] != float("inf") or (gap[0], gap[2]) not in closed
    ]
    return archive


def sent(folder: Path) -> Iterator[tuple[str, float, str]]:
    """Yield topic, time and text of each entity that the desk sent."""
    from archiver.frames import elements, read_frame

    with (folder / "sent.jsonl").open(encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            frame = read_frame(line["data"].encode())
            if frame.topic is not None:
                for text in elements(frame.message):
                    if text != b"[]":
                        yield frame.topic, line["at"], text.decode()


def main(seconds: float, seed: int) -> None:
    """Torment a recorder, then account for everything that was sent."""
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    server, url = desk(folder, seed)
    try:
        kills, peak = torment(folder, url, seconds, random.Random(seed))
    finally:
        server.terminate()
        server.wait()
    subprocess.run([BIN / "archiver", "seal", "--archive", folder / "archive"], check=True)
    subprocess.run([BIN / "archiver", "verify", "--archive", folder / "archive"], check=True)
    archive, count, missing, lost = read(folder), 0, 0, []
    for topic, at, text in sent(folder):
        count += 1
        if text not in archive.texts:
            missing += 1
            if not archive.excuses(topic, at):
                lost.append((topic, at))
    print(f"{seconds:.0f} s, {kills} kills, {len(archive.gaps)} gaps, peak memory {peak:.0f} MB")
    print(f"{count} entities sent, {missing} not archived, {len(lost)} of them outside every gap")
    if lost or not count:
        sys.exit(f"lost: {lost[:5]}; everything is in {folder}")


if __name__ == "__main__":
    main(float(os.environ.get("SECONDS", "3600")), int(os.environ.get("SEED", "1")))

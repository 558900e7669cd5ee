"""Holds what a server sent against what an archive holds: every frame in order, every span in time.

The server's log is the truth. On each connection the frames kept must be the first of those sent,
for a connection delivers in order; whatever was sent after them must lie in a gap, and in no time
that the archive claims to cover. Knows no recorder and no fault, only logs, parts and the clock
that both bear.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path

BLINK = 0.1
"""A sign of life may have travelled so much longer, in seconds, than any frame that was kept."""


@dataclass(frozen=True)
class Span:
    """A time in epoch seconds, and why nothing is known of it where it is a gap."""

    since: float
    until: float
    why: str = ""

    def overlap(self, other: Span) -> float:
        """Return the seconds that both have in common."""
        return max(0.0, min(self.until, other.until) - max(self.since, other.since))


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame sent or kept: when, what (the hash of its entities' text), how many entities."""

    at: float
    what: int
    size: int


@dataclass
class Kept:
    """What an archive holds of one project: frames by connection, gaps, and what it covers."""

    frames: dict[int, list[Frame]] = field(default_factory=dict)
    gaps: list[Span] = field(default_factory=list)
    covered: list[Span] = field(default_factory=list)


@dataclass
class Verdict:
    """Entities sent, archived, and lying in gaps; then what must not be.

    `lost` entities are neither archived nor in a gap, `claimed` ones are not archived though
    the time is covered, and `strange` frames were archived but never sent.
    """

    sent: int = 0
    archived: int = 0
    in_gaps: int = 0
    lost: int = 0
    claimed: int = 0
    strange: int = 0
    lag: float = 0.0


def sent(logs: Iterable[Path]) -> dict[str, list[list[Frame]]]:
    """Read servers' logs, one after the other: by project, the frames of each connection."""
    found: dict[str, dict[tuple[Path, int], list[Frame]]] = {}
    for log in logs:
        with log.open(encoding="utf-8") as lines:
            for line in map(json.loads, lines):
                head, _, message = line["data"].partition('"message":')
                project = head.partition('"topic":"/')[2].partition("/")[0]
                if project:
                    frame = _frame(line["at"], message.removesuffix("}}"))
                    connections = found.setdefault(project, {})
                    connections.setdefault((log, line["conn"]), []).append(frame)
    return {project: list(connections.values()) for project, connections in found.items()}


def _frame(at: float, message: str) -> Frame:
    """Read a frame's message: the entities of an array one after the other, as the parts do."""
    if not message.startswith("["):
        return Frame(at, hash(message), 1)
    return Frame(at, hash(message[1:-1] or message), len(json.loads(message)))


def kept(archive: Path) -> dict[str, Kept]:
    """Read an archive's parts."""
    import pyarrow.parquet as pq

    found: dict[str, Kept] = {}
    columns = ["received_at", "connection", "seq", "element", "source", "kind", "payload"]
    for path in sorted(archive.glob("project_id=*/date=*/*.parquet")):
        project = found.setdefault(path.parts[-3].removeprefix("project_id="), Kept())
        rows = pq.ParquetFile(path).read(columns).to_pylist()
        _take_own(project, [row for row in rows if row["source"] == "recorder"])
        frames = [row for row in rows if row["source"] != "recorder" and row["element"] >= 0]
        frames.sort(key=lambda row: (row["seq"], row["element"]))
        for (connection, _), of_one in groupby(frames, lambda row: (row["connection"], row["seq"])):
            entities = list(of_one)
            text = ",".join(row["payload"] for row in entities)
            at = entities[0]["received_at"].timestamp()
            size = 0 if text == "[]" else len(entities)
            project.frames.setdefault(connection, []).append(Frame(at, hash(text), size))
    for project in found.values():
        _close(project)
    return found


def _take_own(project: Kept, rows: Iterable[dict[str, str]]) -> None:
    for row in rows:
        facts = json.loads(row["payload"])
        if row["kind"] == "gap" and "topic" not in facts:
            until = float("inf") if facts["until"] is None else _epoch(facts["until"])
            project.gaps.append(Span(_epoch(facts["since"]), until, facts["why"]))
        elif facts.get("control") == "covered":
            project.covered.append(Span(_epoch(facts["since"]), _epoch(facts["until"])))


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _close(project: Kept) -> None:
    """Put spans in order; a gap that was never closed excuses nothing beyond the next coverage."""
    project.covered.sort(key=lambda span: span.since)
    begins = [span.since for span in project.covered]
    gaps: dict[float, Span] = {}
    for gap in sorted(project.gaps, key=lambda gap: (gap.since, gap.until)):
        after = bisect_right(begins, gap.since)
        until = min(gap.until, begins[after] if after < len(begins) else gap.until)
        gaps.setdefault(gap.since, Span(gap.since, until, gap.why))
    project.gaps = list(gaps.values())


def judge(connections: list[list[Frame]], project: Kept) -> Verdict:
    """Account for every entity that was sent to one project's only recorder."""
    verdict = Verdict()
    received = _match(connections, project.frames)
    verdict.strange = sum(map(len, project.frames.values()))
    for number, frames in enumerate(connections):
        arrivals = _arrivals(frames, received.get(number, []))
        lags = [at - frame.at for frame, at in zip(frames, arrivals, strict=True) if at]
        verdict.lag = max(verdict.lag, *lags, 0.0)
        verdict.strange -= len(lags)
        last = max((index for index, at in enumerate(arrivals) if at), default=-1)
        for index, (frame, at) in enumerate(zip(frames, arrivals, strict=True)):
            verdict.sent += frame.size
            if at:
                verdict.archived += frame.size
            else:
                slack = max(lags, default=0.0) + BLINK
                _sentence(verdict, project, frame, slack, skipped=index < last)
    return verdict


def _match(
    connections: list[list[Frame]], received: dict[int, list[Frame]]
) -> dict[int, list[Frame]]:
    """Find for each connection kept the one sent: the last that had begun when it began."""
    begins = [frames[0].at for frames in connections]
    found: dict[int, list[Frame]] = {}
    for _, frames in sorted(received.items()):
        number = bisect_right(begins, frames[0].at) - 1
        found[number] = found.get(number, []) + frames
    return found


def _arrivals(frames: list[Frame], received: list[Frame]) -> list[float | None]:
    """Go along what was sent; return when each frame was received, None where it was not."""
    arrivals: list[float | None] = []
    waiting = iter(received)
    next_one = next(waiting, None)
    for frame in frames:
        if next_one is not None and next_one.what == frame.what:
            arrivals.append(next_one.at)
            next_one = next(waiting, None)
        else:
            arrivals.append(None)
    return arrivals


def _sentence(
    verdict: Verdict, project: Kept, frame: Frame, slack: float, *, skipped: bool
) -> None:
    """Judge a frame that was not archived; a receiver's times may be later by `slack` seconds."""
    begun = project.covered[0].since if project.covered else float("inf")
    excused = frame.at <= begun or any(
        gap.since - slack <= frame.at <= gap.until for gap in project.gaps
    )
    if any(span.since <= frame.at < span.until - slack for span in project.covered):
        verdict.claimed += frame.size
    if excused and not skipped:
        verdict.in_gaps += frame.size
    else:
        verdict.lost += frame.size


def claimed_seconds(covered: Iterable[Span], dark: Iterable[Span]) -> float:
    """Return how many seconds are covered though nobody can have received anything in them."""
    spans = list(covered)
    return sum(span.overlap(one) for one in dark for span in spans)


def reasons(gaps: Iterable[Span]) -> Iterator[str]:
    """Yield why there were gaps, the most frequent reason first."""
    for why, count in Counter(gap.why for gap in gaps).most_common():
        yield f"{count} because {why}"

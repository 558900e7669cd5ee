"""What a recorder can vouch for: a fold over the records of its journal, pure.

A project is covered from the first `/PROJECT/requests` snapshot of a connection to the last sign
of life on it. Everything else is uncovered; a gap says why. Recorder, sealer and readers of the
unsealed journal fold the same records, so a live and a dead recorder tell the same story.

Times are microseconds since 1970 UTC, by the recorder's clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from archiver.extract import EPOCH
from archiver.frames import Frame, read_topic

REQUESTS_CAP = 100
MESSAGES_CAP = 300

DAMAGED = "the journal was damaged"
SILENT = "no sign of life"

# A connection is heard of every few seconds, and taken for dead after 30 s: who comes back later
# was held up, or his clock was set, and does not know what a server did meanwhile.
_SILENCE = 30 * 1_000_000


@dataclass(frozen=True, slots=True)
class Fact:
    """Something to keep about a project: a `gap`, or a `control` row of a name."""

    project_id: str
    kind: str
    at: int
    facts: dict[str, Any]


@dataclass(slots=True)
class Watch:
    """One project: since when it is covered, or since when and why not.

    `gap` is where the last gap began, for snapshots that bring less than what was missed.
    """

    connection: int | None = None
    since: int | None = None
    lost: int | None = None
    why: str | None = None
    gap: int | None = None


@dataclass(slots=True)
class Line:
    """One connection: the projects on it and its last sign of life."""

    projects: list[str]
    alive: int


def iso(at: int) -> str:
    """Spell a time as ISO-8601 UTC with microseconds."""
    moment = EPOCH + timedelta(microseconds=at)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def gap(project_id: str, at: int, since: int, until: int | None, why: str, topic: str = "") -> Fact:
    """Return a gap; `until` is None while it lasts, and never before `since`: clocks are set."""
    facts: dict[str, Any] = {
        "since": iso(since),
        "until": None if until is None else iso(max(since, until)),
        "why": why,
    }
    return Fact(project_id, "gap", at, facts | ({"topic": topic} if topic else {}))


def control(project_id: str, at: int, name: str, **facts: Any) -> Fact:
    """Return a row about the recording itself."""
    return Fact(project_id, "control", at, {"control": name, **facts})


@dataclass(slots=True)
class Coverage:
    """The state of the fold; `to_json` and `from_json` carry it from segment to segment."""

    watches: dict[str, Watch] = field(default_factory=dict)
    lines: dict[int, Line] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    repairing: set[str] = field(default_factory=set)

    def to_json(self) -> dict[str, Any]:
        """Return the state as plain JSON."""
        return {
            "watches": {project: asdict(watch) for project, watch in self.watches.items()},
            "lines": {str(number): asdict(line) for number, line in self.lines.items()},
            "refused": self.refused,
            "repairing": sorted(self.repairing),
        }

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> Coverage:
        """Return the state that `to_json` told."""
        return cls(
            {project: Watch(**watch) for project, watch in state.get("watches", {}).items()},
            {int(number): Line(**line) for number, line in state.get("lines", {}).items()},
            dict(state.get("refused", {})),
            set(state.get("repairing", ())),
        )

    def alive(self, connection: int, at: int) -> list[Fact]:
        """Take a sign of life on a connection; after a long silence, what lies before is a gap.

        Where the clock was set back, time that it shows twice counts the second time only.
        """
        line = self.lines.get(connection)
        if line is None:
            return []
        if 0 <= at - line.alive <= _SILENCE:
            line.alive = at
            return []
        facts: list[Fact] = []
        for project in line.projects:
            watch = self.watches[project]
            if watch.since is None or watch.connection != connection:
                continue
            if at > line.alive:
                alive = max(line.alive, watch.since)
                facts += self._spans(project, watch.since, alive)
                facts.append(gap(project, at, alive, at, SILENT))
                watch.since, watch.gap = at, alive
            else:
                facts += self._spans(project, watch.since, at)
                watch.since = at
        line.alive = at
        return facts

    def last_alive(self, project_id: str) -> int | None:
        """Return a project's last sign of life, None if there never was one."""
        times = [line.alive for line in self.lines.values() if project_id in line.projects]
        watch = self.watches.get(project_id)
        if watch is not None and watch.lost is not None:
            times.append(watch.lost)
        return max(times, default=None)

    def connected(self, connection: int, projects: Iterable[str], at: int) -> list[Fact]:
        """Take the start of a connection; damage may have hidden the end of the one before."""
        names = list(projects)
        facts = []
        for other, line in list(self.lines.items()):
            if not set(names).isdisjoint(line.projects):
                facts += self.disconnected(other, DAMAGED, at)
        self.lines[connection] = Line(names, at)
        self.repairing -= {
            topic
            for topic in self.repairing
            if (about := read_topic(topic)) is None or about.project_id in names
        }
        for project in names:
            self.watches.setdefault(project, Watch())
        told = [control(project, at, "connected", connection=connection) for project in names]
        return facts + told

    def subscribed(self, topic: str, source: str) -> None:
        """Take a subscription being asked for."""
        if source == "repair":
            self.repairing.add(topic)

    def unsubscribed(self, topic: str, project_id: str, at: int) -> list[Fact]:
        """Take a subscription being left; a refusal of it ends here."""
        self.repairing.discard(topic)
        since = self.refused.pop(topic, None)
        return [] if since is None else [gap(project_id, at, since, at, "refused", topic)]

    def refuse(self, topic: str, project_id: str, since: int, at: int) -> list[Fact]:
        """Take that a subscription was never answered."""
        since = self.refused.setdefault(topic, since)
        return [
            control(project_id, at, "refused", topic=topic),
            gap(project_id, at, since, None, "refused", topic),
        ]

    def frame(self, frame: Frame, connection: int, size: int, at: int) -> tuple[str, list[Fact]]:
        """Take a frame of `size` entities; return its source and what else is to be kept."""
        facts = self.alive(connection, at)
        about = frame.about
        if about is None or frame.topic is None or frame.method is None:
            return "realtime", facts
        if not frame.is_snapshot:
            return ("repair" if about.single else "realtime"), facts
        repair = about.single or frame.topic in self.repairing
        self.repairing.discard(frame.topic)
        since = self.refused.pop(frame.topic, None)
        if since is not None:
            facts.append(gap(about.project_id, at, since, at, "refused", frame.topic))
        if about.kind == "request" and not about.single:
            facts += self._covered_again(about.project_id, connection, at)
        cap = {"request": REQUESTS_CAP, "message": MESSAGES_CAP}.get(about.kind)
        if size == cap:
            facts += self._truncated(frame.topic, about.project_id, size, at, repair=repair)
        return ("repair" if repair else "realtime"), facts

    def _covered_again(self, project_id: str, connection: int, at: int) -> list[Fact]:
        watch = self.watches.setdefault(project_id, Watch())
        line = self.lines.get(connection)
        if watch.since is not None or line is None or project_id not in line.projects:
            return []  # a connection whose beginning damage has hidden vouches for nothing
        facts = []
        if watch.lost is not None:
            facts.append(gap(project_id, at, watch.lost, at, watch.why or "unknown"))
        self.watches[project_id] = Watch(connection, since=at, gap=watch.lost)
        return facts

    def _truncated(
        self, topic: str, project_id: str, size: int, at: int, *, repair: bool
    ) -> list[Fact]:
        facts = [control(project_id, at, "truncated", topic=topic, size=size)]
        watch = self.watches.get(project_id)
        if repair and size == MESSAGES_CAP and watch is not None and watch.gap is not None:
            why = f"the snapshot holds the oldest {MESSAGES_CAP} messages only"
            facts.append(gap(project_id, at, watch.gap, at, why, topic))
        return facts

    def disconnected(self, connection: int, why: str, at: int) -> list[Fact]:
        """Take the end of a connection: its projects are covered up to its last sign of life."""
        line = self.lines.pop(connection, None)
        if line is None:
            return []
        facts = []
        for project in line.projects:
            facts.append(control(project, at, "disconnected", connection=connection, why=why))
            facts += self._lose(project, line.alive, why, at)
        return facts

    def _lose(self, project_id: str, alive: int, why: str, at: int) -> list[Fact]:
        watch = self.watches[project_id]
        if watch.since is None:
            return []
        alive = max(alive, watch.since)
        facts = self._spans(project_id, watch.since, alive)
        self.watches[project_id] = Watch(lost=alive, why=why)
        return [*facts, gap(project_id, at, alive, None, why)]

    def _spans(self, project_id: str, since: int, until: int) -> list[Fact]:
        """Return what is covered, a row a UTC day, so that each lies in its day's partition."""
        day = 24 * 3600 * 1_000_000
        facts = []
        while since < until:
            end = min(until, (since // day + 1) * day)
            at = min(end, (since // day + 1) * day - 1)
            facts.append(control(project_id, at, "covered", since=iso(since), until=iso(end)))
            since = end
        return facts

    def rolled(self) -> list[Fact]:
        """Take the end of a segment: what it covers; the next one goes on from there."""
        facts = []
        for project, watch in self.watches.items():
            line = self.lines.get(-1 if watch.connection is None else watch.connection)
            if watch.since is not None and line is not None:
                facts += self._spans(project, watch.since, line.alive)
                watch.since = max(watch.since, line.alive)
        return facts

    def ended(self, why: str, at: int | None = None) -> list[Fact]:
        """Take the end of the recorder itself, cleanly or not."""
        facts = []
        for connection, line in list(self.lines.items()):
            facts += self.disconnected(connection, why, line.alive if at is None else at)
        return facts

    def damaged(self, until: int) -> list[Fact]:
        """Take a hole in the journal: nothing is vouched for from the last sign of life to its end.

        The end of the connection may lie in the hole: it is alive when it is heard of again.
        """
        facts = []
        for project, watch in self.watches.items():
            line = self.lines.get(-1 if watch.connection is None else watch.connection)
            if watch.since is not None and line is not None:
                alive = max(line.alive, watch.since)
                facts += self._spans(project, watch.since, alive)
                facts.append(gap(project, until, alive, until, DAMAGED))
                watch.since, watch.gap = until, alive
        return facts

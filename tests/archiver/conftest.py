"""Builders that the archiver's tests share: frames as the server spells them, journals as told.

They are handed out by fixtures, so that a test asks for what it stands on.
"""

from __future__ import annotations

import gzip
import itertools
import json
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from archiver import contract, journal, records
from archiver.extract import spelled
from archiver.recording import Policy, Recording
from archiver.unsealed import Reader

# How long an example takes is the machine's business; what comes of it is ours.
settings.register_profile("archiver", deadline=None)
settings.load_profile("archiver")

PROJECT = "65f0a1b2c3d4e5f601234567"
SECOND = 1_000_000
NOON = int(datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()) * SECOND
CAPTURES = Path(__file__).parents[1] / "data" / "captures"


def dumps(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


class Frames:
    """Frames in the server's own spelling."""

    project = PROJECT

    @staticmethod
    def publish(topic: str, message: Any, method: str | None = "CREATE") -> bytes:
        head = {"topic": topic} | ({} if method is None else {"method": method})
        return dumps({"action": "publish", "payload": head | {"message": message}})

    @classmethod
    def feed(cls, *messages: Any, project: str = PROJECT) -> bytes:
        return cls.publish(f"/{project}/requests", list(messages))

    @classmethod
    def update(cls, message: Any, project: str = PROJECT) -> bytes:
        return cls.publish(f"/{project}/requests", message, "UPDATE")

    @staticmethod
    def request(number: int, status: int = 200, second: float = 0, **fields: Any) -> dict[str, Any]:
        """Return a chat as the server spells it, changed `second` seconds after noon."""
        moment = datetime.fromtimestamp(NOON / SECOND + second, UTC)
        text = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        request = {
            "_id": f"{number:024x}",
            "request_id": f"support-group-{PROJECT}-{number:032x}",
            "status": status,
            "createdAt": "2026-11-23T11:00:00.000Z",
            "updatedAt": text,
        }
        return request | ({"closed_at": text} if status == 1000 else {}) | fields


class Tape:
    """A journal segment told record by record, in seconds after noon."""

    def __init__(self, seq: int = 1, coverage: dict[str, Any] | None = None, at: float = 0) -> None:
        self.records: list[records.Record] = []
        self.seq = seq
        facts = {"format": 1, "recorder": "main", "segment": 1, "coverage": coverage or {}}
        self.control("opened", at, 0, memory={}, **facts)

    def add(self, at: float, connection: int, kind: int, data: bytes) -> Tape:
        moment = NOON + round(at * SECOND)
        self.records.append(records.Record(moment, self.seq, connection, kind, data))
        self.seq += 1
        return self

    def control(self, name: str, at: float, connection: int = 1, **facts: Any) -> Tape:
        return self.add(at, connection, records.CONTROL, dumps({"control": name, **facts}))

    def connected(self, at: float, connection: int = 1, projects: tuple[str, ...] = ()) -> Tape:
        return self.control("connected", at, connection, projects=list(projects or [PROJECT]))

    def signs(self, since: float, until: float, connection: int = 1) -> Tape:
        """Tell of signs of life all the time: without them nothing is covered."""
        while since < until:
            self.control("alive", since, connection)
            since += 25
        return self.control("alive", until, connection)

    def disconnected(self, at: float, connection: int = 1, why: str = "cut") -> Tape:
        return self.control("disconnected", at, connection, why=why)

    def frame(self, data: bytes, at: float, connection: int = 1) -> Tape:
        return self.add(at, connection, records.TEXT, data)

    def feed(self, at: float, connection: int = 1, *, size: int = 1) -> Tape:
        found = [Frames.request(number) for number in range(size)]
        return self.frame(Frames.feed(*found), at, connection)

    @property
    def data(self) -> bytes:
        return b"".join(map(records.encode, self.records))

    def edges(self) -> list[int]:
        """Return where each record begins, and where the last one ends."""
        sizes = (records.HEADER + len(record.data) for record in self.records)
        return [0, *itertools.accumulate(sizes)]

    def rows(self, *, live: bool = False) -> list[dict[str, Any]]:
        return [spelled(row) for row in Reader("main").rows(self.data, live=live)]

    def write(self, folder: Path, number: int = 1) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = journal.segment_path(folder, number)
        path.write_bytes(self.data)
        return path


def seconds(text: str | None) -> float | None:
    """Return the seconds after noon of an ISO-8601 text."""
    if text is None:
        return None
    return round(datetime.fromisoformat(text).timestamp() - NOON / SECOND, 6)


def story(rows: list[dict[str, Any]], project: str = PROJECT) -> list[tuple[Any, ...]]:
    """Return what the recorder's own rows say: ("covered", since, until), ("gap", …, why)."""
    told: list[tuple[Any, ...]] = []
    for row in rows:
        if row["source"] != "recorder" or row.get("project_id", project) != project:
            continue
        facts = json.loads(row["payload"])
        if row["kind"] == "gap":
            topic = (facts["topic"],) if "topic" in facts else ()
            span = seconds(facts["since"]), seconds(facts["until"])
            told.append(("gap", *span, facts["why"], *topic))
        elif facts["control"] == "covered":
            told.append(("covered", seconds(facts["since"]), seconds(facts["until"])))
        else:
            told.append((facts["control"],))
    return told


def sealed_rows(archive: Path) -> list[dict[str, Any]]:
    """Return every sealed row, with the project and date of its folder, by row key."""
    import pyarrow.parquet as pq

    found = []
    for path in archive.glob(contract.parts_glob()):
        project, date = (folder.partition("=")[2] for folder in path.parts[-3:-1])
        with pq.ParquetFile(path) as file:
            rows = file.read().to_pylist()
        found += [row | {"project_id": project, "date": date} for row in rows]
    return sorted(found, key=lambda row: (row["recorder"], row["seq"], row["element"]))


class Desk:
    """Recordings over one archive with a clock of their own; a crash is a lock let go."""

    def __init__(self, root: Path) -> None:
        self.archive = root / "archive"
        self.folder = self.archive / contract.JOURNAL_FOLDER / "main"
        self.now = NOON
        self._open: list[Recording] = []

    def record(self, policy: Policy | None = None, recorder: str = "main") -> Recording:
        def clock() -> int:
            return self.now

        recording = Recording(self.archive, recorder, [PROJECT], clock, policy=policy)
        self._open.append(recording)
        return recording

    def after(self, seconds_: float) -> int:
        self.now += round(seconds_ * SECOND)
        return self.now

    def connect(self, recording: Recording) -> int:
        """Open a connection as a session does; return its number."""
        number = recording.session().number
        facts = {"control": "connected", "projects": [PROJECT]}
        recording.note(facts, self.after(1), number)
        return number

    def take(self, recording: Recording, data: bytes, connection: int = 1) -> None:
        """Keep a frame and learn from it, as a session does."""
        recording.memory.learn(*recording.keep([data], self.after(1), connection))

    def keep(self, recording: Recording, *numbers: int, connection: int = 1) -> None:
        """Take a snapshot of one chat for each number."""
        for number in numbers:
            self.take(recording, Frames.feed(Frames.request(number)), connection)

    def records(self) -> list[records.Record]:
        """Return what the unsealed segments hold."""
        return [
            item
            for path in journal.segments(self.folder)
            for item in records.decode(path.read_bytes())
            if isinstance(item, records.Record)
        ]

    def crash(self, recording: Recording) -> None:
        """Leave a recording as a dying process does: nothing is written, the lock goes."""
        self._open.remove(recording)
        os.close(recording._segment._file)
        os.close(recording._lock)

    def close(self, recording: Recording) -> None:
        self._open.remove(recording)
        recording.close(self.now)

    def leave(self) -> None:
        for recording in list(self._open):
            self.crash(recording)


@contextmanager
def room(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond `size`, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@cache
def captured(name: str) -> list[bytes]:
    """Return the frames received in a recording of the real server."""
    with gzip.open(CAPTURES / name, "rt", encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines]
    return [line["data"].encode() for line in found if line["dir"] == "in" and line["op"] == "text"]


@pytest.fixture(scope="session")
def frames() -> type[Frames]:
    return Frames


@pytest.fixture(scope="session")
def tape() -> type[Tape]:
    return Tape


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.leave()


@pytest.fixture(scope="session", name="story")
def story_() -> Any:
    return story


@pytest.fixture(scope="session", name="sealed_rows")
def sealed_rows_() -> Any:
    return sealed_rows


@pytest.fixture(scope="session", name="captured")
def captured_() -> Any:
    return captured


@pytest.fixture(scope="session", name="room")
def room_() -> Any:
    return room

"""A recorder killed after each thing that it does to the disk loses, claims and repeats nothing.

Run as a program, this file lives a recorder's story and is killed (SIGKILL) after every call that
changes the disk, in a process of its own each time. The steps are the calls that our code made when
the story was lived to its end; NAMED proves that those which one would name are among them.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import archiver
from archiver import contract
from archiver.extract import read_time
from archiver.recording import Recording, seal_all
from archiver.verify import faults

pytestmark = pytest.mark.slow
P = "65f0a1b2c3d4e5f601234567"
SECOND = 1_000_000
NOON = 1_795_435_200 * SECOND
OURS = str(Path(archiver.__file__).parent)
CHANGES = {"open", "mkdir", "write", "writev", "flush", "ftruncate", "replace", "rename", "unlink"}

NAMED = {
    "an archive's folder is made": "prepare > make_folder: mkdir",
    "the archive is marked": "prepare > _mark > publish: replace",
    "the recorder's lock is made": "acquire > lock: open",
    "the first numbers are used up": "_begin > _open > _save > save > publish: replace",
    "a segment is begun": "_begin > _open > __init__: open",
    "the segment tells the state before it": "_begin > _open > append: writev",
    "what was left open is ended": "_begin > _end_lines > note > _append > append: writev",
    "a fact is written, such as a mark": "note > _append > append: writev",
    "a frame is written": "keep > _append > append: writev",
    "a roll drafts the state": "roll > _open > _save > save > publish: flush",
    "a roll replaces the state": "roll > _open > _save > save > publish: replace",
    "a roll begins the next segment": "roll > _open > __init__: open",
    "the next segment tells the state": "roll > _open > append: writev",
    "the old segment is ended": "roll > append: writev",
    "a part is published": "seal > steps > publish: replace",
    "a segment is removed": "seal > steps > remove: unlink",
    "a recording is ended": "end > note > _append > append: writev",
    "the last state is saved": "end > _save > save > publish: replace",
    "what is left is sealed": "close > seal > steps > publish: replace",
    "a dead recorder's state is saved": "seal_all > save > publish: replace",
    "what a dead recorder left is sealed": "seal_all > seal > steps > remove: unlink",
}


# The story, as it is lived.


class Steps:
    """Counts our calls that change the disk, and dies after so many of them."""

    def __init__(self, limit: int | None = None) -> None:
        self.names: list[str] = []
        self._limit = limit

    def watch(self, frame: FrameType, event: str, called: Any) -> None:
        """Take what the interpreter tells of calls."""
        if event != "c_return" or called.__name__ not in CHANGES:
            return
        if called.__module__ != "posix" and called.__name__ != "flush":
            return  # of texts, say, or into a buffer
        chain = list(_chain(frame))
        if not chain or chain[-1] == "sync_folder":  # which opens to read
            return
        self.names.append(" > ".join(chain) + f": {called.__name__}")
        if len(self.names) == self._limit:
            os.kill(os.getpid(), signal.SIGKILL)


def _chain(frame: FrameType | None) -> Iterator[str]:
    """Yield the names of our functions that are at work, the outermost first."""
    found: list[str] = []
    while frame is not None:
        if frame.f_code.co_filename.startswith(OURS) and frame.f_code.co_name not in found[-1:]:
            found.append(frame.f_code.co_name)
        elif frame.f_code.co_filename == __file__ and not found:
            return  # we wrote ourselves
        frame = frame.f_back
    yield from reversed(found)


class Life:
    """A recorder's life in a story: what it is about to keep and has kept goes into a book."""

    def __init__(self, archive: Path, book: int, clock: Callable[[], int]) -> None:
        self._recording = Recording(archive, "main", [P], clock)
        self._book = book
        self._clock = clock
        self._number = self._recording.session().number
        self._recording.note({"control": "connected", "projects": [P]}, clock(), self._number)

    def _noted(self, what: str, name: str, act: Callable[[int], object]) -> None:
        at = self._clock()
        os.write(self._book, json.dumps(["asked", what, name, at]).encode() + b"\n")
        act(at)
        os.write(self._book, json.dumps(["kept", what, name, at]).encode() + b"\n")

    def snapshot(self, name: str) -> None:
        """Receive the feed's snapshot, of one chat."""
        self._noted("snapshot", name, lambda at: self._keep("CREATE", [{"_id": name}], at))

    def frame(self, name: str) -> None:
        """Receive a change of a chat."""
        self._noted("frame", name, lambda at: self._keep("UPDATE", {"_id": name}, at))

    def _keep(self, method: str, message: object, at: int) -> None:
        payload = {"topic": f"/{P}/requests", "method": method, "message": message}
        frame = json.dumps({"action": "publish", "payload": payload}).encode()
        self._recording.memory.learn(*self._recording.keep([frame], at, self._number))

    def mark(self) -> None:
        """Receive a heartbeat."""
        facts = {"control": "alive"}
        self._noted("mark", "", lambda at: self._recording.note(facts, at, self._number))

    def roll(self) -> None:
        """Close the segment."""
        self._recording.roll(self._clock())

    def seal(self) -> None:
        """Seal what is closed."""
        self._recording.seal()

    def die(self, *, rolling: bool = False) -> None:
        """End without a word, or between a roll's saving of the state and the next segment."""
        if rolling:
            self._recording._save()
        os.close(self._recording._segment._file)
        os.close(self._recording._lock)

    def stop(self) -> None:
        """End as a service is stopped."""
        self._recording.close(self._clock())


def ticking(at: int) -> Callable[[], int]:
    """Return a clock on which each look takes a second."""

    def clock() -> int:
        nonlocal at
        at += SECOND
        return at

    return clock


def story(archive: Path, book: int) -> None:
    """Live four lives; the first three end in death, and what lies between is a gap."""
    clock = ticking(NOON)
    first = Life(archive, book, clock)
    first.snapshot("a1")
    first.frame("a2")
    first.roll()
    first.mark()
    first.frame("a3")
    first.seal()
    first.die()
    second = Life(archive, book, clock)
    second.snapshot("b1")
    second.roll()
    second.frame("b2")
    second.die()
    seal_all(archive, "main")
    third = Life(archive, book, clock)
    third.snapshot("c1")
    third.frame("c2")
    third.die(rolling=True)
    fourth = Life(archive, book, clock)
    fourth.snapshot("d1")
    fourth.mark()
    fourth.stop()


def live(folder: Path, limit: int | None) -> list[str]:
    """Live the story in a folder, up to a step; return the steps."""
    folder.mkdir()
    book = os.open(folder / "book", os.O_WRONLY | os.O_CREAT)
    steps = Steps(limit)
    sys.setprofile(steps.watch)
    story(folder / "archive", book)
    sys.setprofile(None)
    return steps.names


def crash_everywhere(root: Path) -> None:
    """Live the story to its end, then up to each of its steps; print them, and how each ended."""
    names = live(root / "whole", None)
    ends = []
    for count in range(1, len(names) + 1):
        child = os.fork()
        if not child:
            live(root / str(count), count)
            os._exit(0)
        ends.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    print(json.dumps([names, ends]))


# What is left of it.


@dataclass(frozen=True)
class Survival:
    """What a recorder that came after the death left: rows, faults, parts before and after.

    The books are [what, name, at] of everything that was kept, and that may have been kept.
    """

    step: str
    books: tuple[list[Any], list[Any]]
    rows: list[dict[str, Any]]
    faults: list[str]
    parts: tuple[dict[Path, bytes], dict[Path, bytes]]

    def claims(self, kind: str) -> list[tuple[int, int]]:
        """Return the times that rows name, `covered` or `gap`; those that touch are one."""
        facts = [json.loads(row["payload"]) for row in self.rows if row["source"] == "recorder"]
        named = [fact for fact in facts if fact.get("control", "gap") == kind and fact["until"]]
        times = {(read_time(fact["since"]), read_time(fact["until"])) for fact in named}
        edges = Counter(edge for span in times for edge in span)
        outer = sorted(edge for edge, count in edges.items() if count == 1)
        return list(zip(outer[::2], outer[1::2], strict=True))


def survive(step: str, folder: Path, read: Callable[[Path], list[dict[str, Any]]]) -> Survival:
    """Start a recorder after a death, let it receive, and stop it."""
    archive = folder / "archive"

    def parts() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in archive.glob(contract.parts_glob())}

    before = parts()
    book = os.open(folder / "book", os.O_WRONLY | os.O_APPEND)
    life = Life(archive, book, ticking(NOON + 3600 * SECOND))
    life.snapshot("z1")
    life.frame("z2")
    life.stop()
    os.close(book)
    lines = [json.loads(line) for line in (folder / "book").read_text().splitlines()]
    books = tuple([line[1:] for line in lines if line[0] == word] for word in ("kept", "asked"))
    return Survival(step, books, read(archive), list(faults(archive)), (before, parts()))


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Return the steps of the story, how each life ended, and where."""
    root = tmp_path_factory.mktemp("crashes")
    found = subprocess.run(
        [sys.executable, __file__, root], check=True, capture_output=True, text=True
    )
    return *json.loads(found.stdout), root


@pytest.fixture(scope="module")
def survivals(told, sealed_rows):
    names, _, root = told
    return [survive(name, root / str(count), sealed_rows) for count, name in enumerate(names, 1)]


def spans(signs: list[Any]) -> list[tuple[int, int]]:
    """Return what may be claimed: of each life, the time from its snapshot to its last sign."""
    found: list[tuple[int, int]] = []
    for what, _, at in signs:
        found.append((at, at) if what == "snapshot" else (found.pop()[0], at))
    return [span for span in found if span[0] < span[1]]


def test_each_life_was_ended_by_force_after_its_step(told):
    names, ends, _ = told

    assert ends == [-signal.SIGKILL] * len(names)


@pytest.mark.parametrize("what", NAMED)
def test_a_life_was_ended_when(told, what):
    names, _, _ = told

    assert [name for name in names if name.endswith(NAMED[what])]


def test_nothing_that_was_kept_is_lost_or_there_twice(survivals):
    for survival in survivals:
        names = [row["entity_id"] for row in survival.rows if row["kind"] == "request"]
        kept, asked = ([name for _, name, _ in one if name] for one in survival.books)
        assert names in (kept, asked), survival.step


def test_no_number_is_used_twice(survivals):
    for survival in survivals:
        keys = [(row["seq"], row["element"]) for row in survival.rows]
        received = [row for row in survival.rows if row["kind"] == "request"]
        lives = {(row["entity_id"][0], row["connection"]) for row in received}
        assert len(keys) == len(set(keys)), survival.step
        assert len(lives) == len(dict(lives)) == len({number for _, number in lives}), survival.step


def test_what_was_sealed_before_a_death_stays_as_it_was(survivals):
    for survival in survivals:
        before, after = survival.parts
        assert {path: after.get(path) for path in before} == before, survival.step


def test_the_time_of_signs_is_covered_and_no_other(survivals):
    for survival in survivals:
        assert survival.claims("covered") in map(spans, survival.books), survival.step


def test_what_lies_between_is_a_gap(survivals):
    for survival in survivals:
        covered = survival.claims("covered")
        between = {(one[1], other[0]) for one, other in pairwise(covered)}
        assert between <= set(survival.claims("gap")), survival.step


def test_the_archive_is_whole(survivals):
    for survival in survivals:
        assert survival.faults == [], survival.step


if __name__ == "__main__":
    crash_everywhere(Path(sys.argv[1]))

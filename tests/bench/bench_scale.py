"""Scale: what an archive's size adds to the price of what is asked of it.

A simulated week, tiled to four (`tests/bench/tiled.py`): a day in parts of an hour, the others
compacted, as a recorder leaves them. That is one project; the others are hard links of its files
under other ids, so they take no disk, and what one of them was read for lies in memory for all.
Seconds are of processor, both cores together; bytes are those that a process asked for. Each figure
is a whole process, once. `PROJECTS` says how many there are at each size.

A month over all is a command for each project: `LOOPED` of them are run, the rest is multiplied.
Status, verify and the search for what to compact are over all projects; verify, which reads all
there is, is left out beyond `VERIFIED` projects. The compaction is of one project's one waiting
day; its other days are looked at, too. The slope is the exponent by which the seconds grew with the
projects, from the smallest size to the largest: 0 if they do not, 1 if with them. A year of one
project, and the build of a day, are under *Facts*.
"""

from __future__ import annotations

import json
import math
import os
import sys
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import tiled
from bench_compaction import WEEKS, by_hour
from bench_reports import BIN, DAY, UNTIL, Cost, cost, median, told

sys.path.insert(0, str(Path(__file__).parents[1] / "facts"))  # where answers are held together

from growing import is_same

from analytics.document.svg import rendered
from archiver import contract, listing
from archiver.status import facts_of, part

SIZES = tuple(map(int, os.environ.get("PROJECTS", "2,20,200").split(",")))
CHATS = int(os.environ.get("CHATS", "1120"))
"""A day: with as many, four weeks are half a million events."""
AGENTS = max(4, CHATS // 40)
WAITING = UNTIL - timedelta(days=2)
"""The day that waits to be compacted: a Friday, for on Saturdays the desk is closed."""
LOOPED = 3
VERIFIED = 20
DAMAGED = 3
STRANGERS = "rows of other projects"
PICTURE = "scale.svg"
pictures: dict[str, str] = {}
"""What the page shows, by file: `measure()` draws it."""

Figures = dict[str, Cost]


def project(root: Path) -> int:
    """Record a project of which one day waits for its compaction; return its rows."""
    week = tiled.week(root / "week", UNTIL, CHATS, AGENTS)
    rows = tiled.tile(week, root / "one", WEEKS)
    by_hour(root / "one")
    (last,) = (root / "one").glob(contract.partitions_glob(day=str(WAITING)))
    aside = last.rename(root / last.name)
    for _ in range(2):  # the second run removes what the first replaced
        cost(BIN / "archiver", "compact", "--archive", root / "one", "--grace", "0s")
    aside.rename(last)
    return rows


def multiply(one: Path, target: Path, count: int) -> str:
    """Link a project's files under so many ids, its own among them; return its own."""
    target.mkdir()
    os.link(one / contract.MARKER, target / contract.MARKER)
    folders = listing.partitions(one)
    own = folders[0].parent.name.removeprefix("project_id=")
    for name in (own, *(f"{number:024x}" for number in range(1, count))):
        for folder in folders:
            there = target / f"project_id={name}" / folder.name
            there.mkdir(parents=True)
            for path in folder.iterdir():
                os.link(path, there / path.name)
    return own


def ask(archive: Path, own: str, count: int) -> Figures:
    """Return what everything costs in an archive."""
    names = sorted(path.name.removeprefix("project_id=") for path in archive.glob("project_id=*"))
    month = ("--since", UNTIL - timedelta(weeks=WEEKS), "--until", UNTIL, "--no-compare")
    some = median([_report(archive, name, *month)[0] for name in names[:LOOPED]])
    day, found = _report(archive, own, "--date", DAY)
    _hold_alike(found, _report(archive, names[0], "--date", DAY)[1])
    look = (BIN / "archiver", "compact", "--archive", archive, "--dry-run")
    return {
        "a day's report, one project": day,
        "a month's report, one project": some,
        "a month's report, all projects": Cost(
            some.seconds * count, some.memory, some.read * count, some.processor * count
        ),
        "`archiver status`": cost(BIN / "archiver", "status", "--archive", archive),
        **({"`archiver verify`": _verify(archive, own, count)} if count <= VERIFIED else {}),
        "what to compact, all projects": cost(*look),
        "compaction of a day": _compact(archive, own),
    }


def _report(archive: Path, name: str, *days: object) -> tuple[Cost, dict[str, Any]]:
    asked = ("--archive", archive, "--project", name, "--format", "json")
    spent, text = told(BIN / "analytics", "report", *asked, *days)
    return spent, json.loads(text)


def _hold_alike(one: dict[str, Any], other: dict[str, Any]) -> None:
    """A project of links is asked what its original is, and says the same."""
    assert is_same(one["metrics"], other["metrics"])
    assert any(one["metrics"].values())


def _verify(archive: Path, own: str, count: int) -> Cost:
    """Read everything; what is wrong is only that linked rows tell of their first project."""
    command = (BIN / "archiver", "verify", "--archive", archive)
    spent, text = told(*command, status=DAMAGED if count > 1 else 0)
    named = [line for line in text.splitlines() if ".parquet: " in line]
    linked = [part for part in listing.parts(archive) if f"project_id={own}" not in part.parts]
    assert len(named) == len(linked), text
    assert all(STRANGERS in line for line in named), text
    return spent


def _compact(archive: Path, own: str) -> Cost:
    day = contract.partition(archive, own, WAITING)
    before = len(listing.look(day).parts)
    spent = cost(BIN / "archiver", "compact", "--archive", archive, "--project", own)
    assert len(listing.look(day).parts) < before
    return spent


def slope(small: float, large: float, times: float) -> float:
    """Return the exponent by which a cost grew while the archive grew so many times."""
    return math.log(large / small) / math.log(times)


def measure() -> str:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        rows = project(root)
        found: dict[int, Figures] = {}
        parts: dict[int, int] = {}
        for count in SIZES:
            archive = root / str(count)
            own = multiply(root / "one", archive, count)
            parts[count] = len(listing.parts(archive))
            assert _rows(archive) == rows * count
            found[count] = ask(archive, own, count)
        pictures[PICTURE] = rendered(_chart(found, rows))
        return "\n".join(_lines(found, rows, parts))


def _rows(archive: Path) -> int:
    footers = [part(path)[1] for path in listing.parts(archive)]
    return sum(facts_of(footer)["rows"] for footer in footers)


def _lines(found: dict[int, Figures], rows: int, parts: dict[int, int]) -> Iterator[str]:
    yield "| projects | " + " | ".join(f"{count:,}" for count in found) + " | slope |"
    yield "|---|" + "---:|" * (len(found) + 1)
    yield "| events | " + " | ".join(f"{rows * count:,}" for count in found) + " | |"
    yield "| parts | " + " | ".join(f"{parts[count]:,}" for count in found) + " | |"
    first = min(found)
    for name in found[first]:
        told = {count: figures[name] for count, figures in found.items() if name in figures}
        cells = [_cell(told[count]) if count in told else "–" for count in found]
        last = max(told)
        grown = slope(told[first].processor, told[last].processor, last / first)
        yield f"| {name} | {' | '.join(cells)} | {grown:.2f} |"
    yield ""
    yield f"![Seconds of processor by the number of events; both axes are logarithmic]({PICTURE})"


def _cell(one: Cost) -> str:
    return f"{one.processor:.1f} s, {one.memory:.0f} MB, read {one.read:,.1f} MB"


def _chart(found: dict[int, Figures], rows: int) -> dict[str, Any]:
    """Return the plot: seconds against events."""
    values = [
        {"events": rows * count, "seconds": one.processor, "of": name.replace("`", "")}
        for count, figures in found.items()
        for name, one in figures.items()
    ]
    log = {"type": "log"}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": 560,
        "height": 340,
        "background": "white",
        "data": {"values": values},
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": {
                "field": "events",
                "type": "quantitative",
                "scale": {**log, "nice": False},
                "axis": {"format": "~s"},
                "title": "events",
            },
            "y": {
                "field": "seconds",
                "type": "quantitative",
                "scale": log,
                "title": "seconds of processor",
            },
            "color": {"field": "of", "type": "nominal", "title": None, "sort": None},
        },
    }

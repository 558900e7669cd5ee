"""Remembers what each page of a folder was made from: only what may have changed is written again.

A page is good if it was written when all that is looked ahead for had come, by this version and
these settings, from the parts that its partitions have now. A partition without parts was pruned:
it changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from analytics.errors import SettingWrong
from analytics.folder import Folder
from analytics.output import write
from analytics.request import Request
from analytics.window import Window

FORMAT = 1
NAME = "days.json"

Digest = Callable[[date], str]


@dataclass(frozen=True)
class Entry:
    """A page: what it was made from, and its headline figures by `metric/column`."""

    made_by: str
    """A word for the product's version and all that was asked for."""
    parts: dict[str, str]
    """A word for what each partition held."""
    is_settled: bool
    """Nothing that is looked ahead for was still to come."""
    coverage_ratio: float
    figures: dict[str, float | None]

    def is_good(self, made_by: str, parts: dict[str, str]) -> bool:
        """Tell whether the page would be the same if it were written again."""
        known = all(self.parts.get(day) == parts[day] for day in parts)
        return self.is_settled and self.made_by == made_by and known


@dataclass(frozen=True)
class Ledger:
    """What is known of the pages of a folder, which are one project's."""

    path: Path
    project_id: str
    entries: dict[date, Entry]

    @classmethod
    def read(cls, folder: Path, project_id: str) -> Ledger:
        """Read what is known; of a new folder nothing is."""
        path = folder / NAME
        try:
            told = json.loads(path.read_bytes())
            owner = told["project_id"]
            entries = {date.fromisoformat(day): Entry(**one) for day, one in told["days"].items()}
        except FileNotFoundError:
            return cls(path, project_id, {})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SettingWrong(
                f"{path}: cannot read it; remove it, and every page is written again"
            ) from error
        if owner != project_id:
            raise SettingWrong(f"{folder}: has pages of project {owner}; choose another folder")
        return cls(path, project_id, entries)

    def save(self) -> None:
        """Write down what is known."""
        days = {day.isoformat(): asdict(self.entries[day]) for day in sorted(self.entries)}
        told = {"format": FORMAT, "project_id": self.project_id, "days": days}
        write(json.dumps(told, indent=1) + "\n", self.path)


def maker(request: Request, names: tuple[str, ...], *, compare: bool) -> str:
    """Return a word that changes with the product's version and all that is asked for."""
    asked = (names, compare, request.desk, request.as_of, request.look_back, request.look_ahead)
    return _word((version("tiledesk-archive"), FORMAT, asked))


def parts(request: Request, window: Window, digest: Digest) -> dict[str, str]:
    """Return a word for what each partition holds that a window reads."""
    recorded = request.folder.days(request.project_id)
    days = window.partitions(recorded, request.look_back, request.look_ahead)
    return {day.isoformat(): digest(day) for day in days}


def is_settled(request: Request, window: Window) -> bool:
    """Tell whether all that is looked ahead for had come when it was asked."""
    ahead = request.look_ahead
    return ahead is not None and window.now >= window.end + ahead


def digest(folder: Folder, project_id: str) -> Digest:
    """Return what tells a partition's word: its parts by name and size, and what is unsealed."""
    import pyarrow.compute as pc

    @cache
    def told(day: date) -> str:
        held = [(part.name, folder.size(part)) for part in folder.parts(project_id, [day])]
        for segment in folder.unsealed:
            of_project = pc.equal(segment.rows["project_id"], project_id)
            count = pc.sum(pc.and_(of_project, pc.equal(segment.rows["date"], day))).as_py()
            held += [(f"{segment.recorder}-{segment.number}", count)] if count else []
        return _word(held)

    return told


def _word(told: Any) -> str:
    return sha256(repr(told).encode()).hexdigest()[:16]

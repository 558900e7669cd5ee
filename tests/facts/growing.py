"""An archive that grows part by part, and what is answered of it with facts and without."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from analytics import queries
from analytics.archive import connect
from analytics.duck import Duck
from analytics.engine import Engine
from analytics.facts.build import Built, build
from analytics.facts.store import Store, store_of
from analytics.folder import Folder
from analytics.settings import Settings
from analytics.window import choose
from archiver import contract
from archiver.simulate.settings import PROJECT_ID

NOW = datetime(2026, 3, 20)
Answers = dict[str, list[dict[str, Any]]]


@dataclass
class Growing:
    """An archive to which parts of another are added."""

    source: Path
    root: Path
    project_id = PROJECT_ID

    @classmethod
    def beside(cls, source: Path, root: Path) -> Self:
        """Begin without a part."""
        shutil.copy(source / contract.MARKER, root)
        return cls(source, root)

    @property
    def store(self) -> Store:
        return store_of(self.root / contract.DERIVED_FOLDER, self.project_id)

    def left(self) -> list[Path]:
        """Return the parts that are not there yet, in the order of receiving."""
        parts = sorted(self.source.glob(contract.parts_glob()), key=lambda path: path.name[-16:])
        return [path for path in parts if not self._there(path).exists()]

    def add(self, parts: Iterable[Path]) -> None:
        for part in parts:
            self._there(part).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(part, self._there(part))

    def _there(self, part: Path) -> Path:
        return self.root / part.relative_to(self.source)

    def build(self, at_a_time: int = 60, start: Callable[[], Engine] = Duck) -> Built:
        folder = Folder(self.root)
        return build(folder, self.project_id, self.store, at_a_time=at_a_time, start=start)

    def ask(
        self,
        store: Store | None,
        days: tuple[date, date],
        names: Iterable[str] = queries.METRICS,
        **settings: Any,
    ) -> Answers:
        """Answer metrics, of facts that are kept or of all that was ever received."""
        window = choose(*days, "Europe/Rome", NOW)
        names = tuple(names)
        with connect(
            Folder(self.root),
            self.project_id,
            window,
            None,
            None,
            settings=Settings(**settings),
            only=names,
            store=store,
        ) as one:
            return {name: one.query(queries.load("metrics", name).sql).records() for name in names}

    def anew(self, days: tuple[date, date], **settings: Any) -> Answers:
        """Answer of all that was received: once for all, if every part is there."""
        if self.left():
            return self.ask(None, days, **settings)
        return _of_all(self.source, days, tuple(settings.items()))

    def assert_same(self, days: tuple[date, date], **settings: Any) -> None:
        """Hold answers of facts to those that are worked out anew."""
        anew, kept = self.anew(days, **settings), self.ask(self.store, days, **settings)
        wrong = [name for name in anew if not is_same(anew[name], kept[name])]
        assert not wrong, {name: (anew[name][:3], kept[name][:3]) for name in wrong[:3]}


def kept_of(store: Store, now: datetime = NOW) -> dict[str, tuple[list[Any], list[dict[str, Any]]]]:
    """Return what each file holds: names and types of columns, and the rows in an order.

    What is open lasts until the build, whenever that was: after `now`.
    """
    return {
        f"{one.number}/{name}": _told(pq.read_table(path, partitioning=None), now)
        for one in store.state().batches
        for name in one.files
        for path in store.paths([one], name)
    }


def _told(table: pa.Table, now: datetime) -> tuple[list[Any], list[dict[str, Any]]]:
    types = [(field.name, str(field.type)) for field in table.schema]
    rows = [
        {name: value for name, value in row.items() if name != "until" or (value or now) <= now}
        for row in table.to_pylist()
    ]
    return types, sorted(rows, key=str)


@cache
def _of_all(root: Path, days: tuple[date, date], settings: tuple[tuple[str, Any], ...]) -> Answers:
    return Growing(root, root).ask(None, days, **dict(settings))


def is_same(one: Any, other: Any) -> bool:
    """Float sums differ by their order."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    return bool(one == other)

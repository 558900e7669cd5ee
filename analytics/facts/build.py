"""Works out what is new, and keeps it: batch by batch, and one state in the end.

A build takes the chats of which anything new was received since the last one, and those on which
something bears that has changed about the whole archive. If it dies, what it wrote does not count.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from analytics.archive import PLAIN, Archive, utc_now
from analytics.duck import Duck
from analytics.engine import Engine
from analytics.errors import FactsUnusable
from analytics.facts.kept import ASIDE, AT_ONCE, HEARD, KEPT, ROWS, SURROUNDINGS, limits
from analytics.facts.news import News, news
from analytics.facts.relations import COLUMNS, IS_OPEN, TRIMMED, Relations
from analytics.facts.store import Batch, State, Store
from analytics.facts.surroundings import survey
from analytics.folder import Folder
from analytics.settings import Settings
from analytics.window import Window

SLICE = 15_000
"""So many chats are worked out at a time, and are kept in a batch: memory has room for them."""
FEW = 8
"""As many batches of less than half a slice are left as they are."""

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Built:
    """What a build did."""

    days: int
    """Days of which parts were new."""
    chats: int
    rows: int
    seconds: float
    written: int
    """Bytes."""
    is_anew: bool
    """What had been kept could not be used any more."""


def build(  # noqa: PLR0913
    folder: Folder,
    project_id: str,
    store: Store,
    settings: Settings = PLAIN,
    *,
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
    at_a_time: int = SLICE,
    start: Callable[[], Engine] = Duck,
) -> Built:
    """Keep what is not kept yet of a project; `progress` wraps the numbers of its slices."""
    one = _Build(folder, project_id, store, settings, progress, at_a_time, start)
    with store.writing():
        state, is_anew = _usable(store, settings)
        try:
            return one.run(state, is_anew=is_anew)
        except FactsUnusable:  # a file is damaged
            store.forget()
            return one.run(State(), is_anew=True)


def _usable(store: Store, settings: Settings) -> tuple[State, bool]:
    try:
        state = store.state()
        if not state.batches or state.limits == limits(settings):
            return state, False
    except FactsUnusable:
        pass
    is_anew = store.is_there
    store.forget()
    return State(), is_anew


@dataclass
class _Build:
    """One build; the store is ours meanwhile."""

    folder: Folder
    project_id: str
    store: Store
    settings: Settings
    progress: Callable[[Iterable[int]], Iterable[int]]
    at_a_time: int
    start: Callable[[], Engine]
    chats: int = 0
    rows: int = 0

    def run(self, state: State, *, is_anew: bool) -> Built:
        """Keep what is new to a state; if something is gone, all of it anew."""
        began = time.monotonic()
        found = news(self.folder, self.project_id, state)
        if found.is_gone:
            self.store.forget()
            return self.run(State(), is_anew=True)
        self.store.believe(state.batches)
        self.store.sweep(state.batches)
        written: list[Batch] = []
        if found.unknown:
            engine = self.start()
            try:
                written = self._keep(engine, state, found)
            finally:
                engine.close()
        elif found.days != state.days:  # compacted: the same by other parts
            self.store.swap(replace(state, days=found.days))
        return Built(
            len(found.new_days),
            self.chats,
            self.rows,
            time.monotonic() - began,
            sum(size for one in written for size, _ in one.files.values()),
            is_anew,
        )

    def _keep(self, engine: Engine, state: State, found: News) -> list[Batch]:
        if folder_files := self.folder.files:
            engine.mount(folder_files)
        window = Window(min(found.parts), max(found.parts) + _DAY, "UTC", utc_now())
        Archive(engine, self.project_id, window, self.settings).tell()
        relations = Relations(engine, self.store, state, found)
        survey(relations)
        done = self._batches(relations, state.next)
        every = (*state.batches, *done)
        state = State(done[-1].number + 1, limits(self.settings), found.days, every)
        state, merged = self._merge(relations, state)
        self.store.swap(state)
        return [*done, *merged]

    def _batches(self, relations: Relations, first: int) -> list[Batch]:
        """Write the batches of the chats of which something is new, in the order of their lives."""
        relations.engine.keep(
            "slices",
            "select conversation_id, cast(floor((row_number() over"
            # Those that are open are asked about whatever the days: they stand together.
            f" (order by {IS_OPEN}, first_at, conversation_id) - 1) / {self.at_a_time}) as bigint)"
            " as slice from lives where conversation_id in (select conversation_id from fresh)"
            " or conversation_id in (select conversation_id from touched where is_due)",
        )
        ((self.chats, last),) = relations.engine.table(
            "select count(*), coalesce(max(slice), 0) from slices"
        ).rows
        slices = self.progress(range(last + 1))
        return [self._batch(relations, slice_no, first + slice_no) for slice_no in slices]

    def _batch(self, relations: Relations, slice_no: int, number: int) -> Batch:
        engine = relations.engine
        engine.keep("living", f"select conversation_id from slices where slice = {slice_no}")
        engine.keep(
            "again",
            "select conversation_id, batch from touched semi join living using (conversation_id)",
        )
        relations.derive(with_aside=False)
        is_living = "conversation_id in (select conversation_id from living)"
        told = {
            name: f"select *, {number} as batch from {name}"
            + (f" where {is_living}" if name in AT_ONCE else "")
            for name in KEPT
            if name != ROWS
        }
        told[ROWS] = self._rows_of_open(relations, number)
        told[HEARD] = "select conversation_id, date from unread"
        told[ASIDE] = f"select {TRIMMED} from new_aside where {slice_no} = 0"
        return self._write(relations, number, told)

    def _rows_of_open(self, relations: Relations, number: int) -> str:
        """Return what was received of the chats at hand that are open."""
        again = [
            f"select {COLUMNS} from {name} semi join again using (conversation_id, batch)"
            for name in relations.kept(ROWS)
        ]
        rows = " union all ".join([f"select {COLUMNS} from events", *again])
        return (
            f"select request_id as conversation_id, {TRIMMED}, {number} as batch from ({rows})"
            f" where request_id in (select conversation_id from lives where {IS_OPEN})"
        )

    def _write(self, relations: Relations, number: int, told: dict[str, str]) -> Batch:
        told |= {
            name: f"select distinct {columns} from {name}" for name, columns in SURROUNDINGS.items()
        }
        self.store.begin(number)
        rows = {}
        for name, sql in told.items():
            with self.store.draft(number, name) as path:
                rows[name] = relations.engine.save(sql, path)
        self.rows += sum(rows.values())
        return self.store.written(number, rows["lives"])

    def _merge(self, relations: Relations, state: State) -> tuple[State, list[Batch]]:
        """Make one batch of those that are small, if they are many: what counts of them."""
        small = [one for one in state.batches if one.chats < self.at_a_time / 2]
        if len(small) <= FEW:
            return state, []
        engine, number = relations.engine, state.next
        self._name(engine, state.batches, ["lives"])
        engine.keep(
            "newest",
            "select conversation_id, max(batch) as batch from kept_lives group by conversation_id",
        )
        self._name(engine, small, [*KEPT, HEARD, ASIDE])
        told = {
            name: f"select {relations.columns(f'kept_{name}')}, {number} as batch"
            f" from kept_{name} semi join newest using (conversation_id, batch)"
            for name in KEPT
        }
        told[HEARD] = f"select distinct * from kept_{HEARD}"
        told[ASIDE] = f"select * from kept_{ASIDE}"
        merged = self._write(relations, number, told)
        others = tuple(one for one in state.batches if one not in small)
        return replace(state, next=number + 1, batches=(*others, merged)), [merged]

    def _name(self, engine: Engine, batches: Sequence[Batch], names: Sequence[str]) -> None:
        for name in names:
            engine.files(f"kept_{name}", self.store.paths(batches, name))

"""Opens an archive for questions about some days, on one engine or another.

A window reads the partitions of its own days and of some before and after, named one by one, and
what the recorder has not sealed yet: the journal first, then the parts, so that what is sealed in
between is read once. Views are made when a question needs them, and most are kept for the next.
It writes nothing, and knows nothing of what the queries mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self

from analytics import queries
from analytics.duck import Duck
from analytics.engine import Engine, Table
from analytics.errors import FactsUnusable, WindowWrong
from analytics.folder import Folder, Part, Segment
from analytics.hours import OpeningHours
from analytics.settings import Hours, Settings, sql_types
from analytics.window import Window
from archiver import contract
from archiver.manifest import is_compacted

if TYPE_CHECKING:
    import pyarrow as pa

    from analytics.facts.store import Store

LOOK_BACK = timedelta(days=2)
LOOK_AHEAD = timedelta(days=7)
EARLIER = timedelta(days=366)
"""How long before the days that are read a chat may have begun to wait in opening hours."""

PLAIN = Settings()
_WINDOW_TYPES = {
    "project_id": "varchar",
    "since": "date",
    "until": "date",
    "tz": "varchar",
    "start_utc": "timestamp",
    "end_utc": "timestamp",
    "now_utc": "timestamp",
    "is_narrow": "boolean",
}
_DAYS_TYPES = {
    "date": "date",
    "weekday": "integer",
    "start_utc": "timestamp",
    "end_utc": "timestamp",
}
_HOURS_TYPES = {"department_id": "varchar", "start_utc": "timestamp", "end_utc": "timestamp"}


class Archive:
    """One project's archive, open for questions about a window."""

    def __init__(
        self,
        engine: Engine,
        project_id: str,
        window: Window,
        settings: Settings = PLAIN,
        facts: frozenset[str] | None = None,
    ) -> None:
        self.project_id = project_id
        self.window = window
        self.settings = settings
        self._facts = facts
        self._engine = engine
        self._made: set[str] = set()

    def query(self, sql: str) -> Table:
        """Answer one of our own questions."""
        self._prepare(sql)
        return self._engine.table(sql)

    def arrow(self, sql: str) -> pa.Table:
        """Answer the same in Arrow."""
        self._prepare(sql)
        return self._engine.arrow(sql)

    def copy(self, name: str, path: Path, form: str) -> int:
        """Write what there is to export into a file, `parquet` or `csv`; return how many rows."""
        sql = queries.load("exports", name).sql
        self._prepare(sql)
        return self._engine.write(sql, path, form)

    def tell(self, hours: Sequence[Hours] = (), *, is_narrow: bool = False) -> None:
        """Make the relations that say what is asked: `params`, `days`, `opening_hours`.

        A narrow question needs no other chats than those of the window's days.
        """
        window = self.window
        told = [
            self.project_id,
            window.since,
            window.until,
            window.tz,
            window.start,
            window.end,
            window.now,
            is_narrow,
            *self.settings.params().values(),
        ]
        self._engine.tell("params", _WINDOW_TYPES | sql_types(), [told])
        self._engine.tell("days", _DAYS_TYPES, window.days())
        self._engine.tell("opening_hours", _HOURS_TYPES, hours)

    def read(self, parts: Sequence[Part], segments: Sequence[Segment], days: list[date]) -> None:
        """Make `events` of the parts and of what is unsealed."""
        whole = " union all ".join(
            f"select * from {name}"  # noqa: S608 (ours)
            for name in (*self._sealed(parts), *self._unsealed(parts, segments, days))
        )
        if not self.window.is_past:
            self._engine.view("events", whole)
            return
        self._engine.view("received", whole)
        self._forget_later()

    def recall(
        self,
        folder: Folder,
        store: Store,
        segments: Sequence[Segment],
        days: list[date],
        names: Iterable[str],
    ) -> None:
        """Make `events` and many views of the facts that are kept; FactsUnusable says why not."""
        from analytics.facts.kept import lasting, limits
        from analytics.facts.news import news
        from analytics.facts.recall import recall
        from analytics.facts.relations import Relations

        state = store.state()
        known = news(folder, self.project_id, state)
        if known.is_gone:
            raise FactsUnusable(f"{store.folder}: parts are gone; 'analytics build' begins anew")
        relations = Relations(
            self._engine,
            store,
            state,
            known,
            others=self._unsealed(known.every, segments, days),
            derived=lasting(state.limits, limits(self.settings)),
            since=self.window.start - LOOK_BACK,
        )
        self._made |= recall(relations, self.window, names)

    def _sealed(self, parts: Sequence[Part]) -> list[str]:
        if parts:
            self._engine.read("sealed", parts)
        return ["sealed"] if parts else []

    def _unsealed(
        self, parts: Sequence[Part], segments: Sequence[Segment], days: list[date]
    ) -> list[str]:
        """Make a relation of the journal's rows but those sealed since it was read."""
        if not segments:
            return []
        import pyarrow as pa  # which takes as long as a small report

        rows = pa.concat_tables([segment.rows for segment in segments])
        told = _told(rows, self.project_id, days)
        self._engine.take("journal", _once(told) if _is_twice(segments) else told)
        again = _sealed_meanwhile(parts, segments, rows)
        if not again:
            return ["journal"]
        self._engine.read("again", again)
        same = " and ".join(f"again.{name} = journal.{name}" for name in contract.KEY)
        self._engine.keep(
            "unsealed",
            f"select * from journal where not exists (select 1 from again where {same})",  # noqa: S608
        )
        return ["unsealed"]

    def _forget_later(self) -> None:
        """Make `events` of what had been received by an instant.

        What was covered is told when a segment ends, so those rows stay: views cut them by time.
        """
        by_then = f"received_at < timestamp '{self.window.now}'"
        self._engine.keep(
            "told",
            "select * from received where kind = 'gap' or (kind = 'control' and"  # noqa: S608
            f" ({by_then} or get_json_object(payload, '$.control') = 'covered'))",
        )
        sent = f"kind not in ('control', 'gap') and {by_then}"
        self._engine.view(
            "events",
            f"select * from received where {sent} union all select * from told",  # noqa: S608
        )

    def close(self) -> None:
        """Let go of everything."""
        self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _prepare(self, sql: str) -> None:
        """Work out the views that a question needs; they are kept for the next one."""
        assert self._facts is None or queries.facts_of(sql) <= self._facts
        for name in queries.needed(sql, self._facts, self._made):
            make = self._engine.view if name in queries.NAMED else self._engine.keep
            make(name, queries.view(name, self._facts))
            self._made.add(name)


def connect(  # noqa: PLR0913
    folder: Folder,
    project_id: str,
    window: Window,
    look_back: timedelta | None = LOOK_BACK,
    look_ahead: timedelta | None = LOOK_AHEAD,
    *,
    settings: Settings = PLAIN,
    hours: OpeningHours | None = None,
    only: Iterable[str] | None = None,
    start: Callable[[], Engine] = Duck,
    store: Store | None = None,
) -> Archive:
    """Open a project's archive for a window; None looks back or ahead as far as there is.

    Whoever will ask for a few metrics only names them: what others need is not worked out. With a
    store of facts, what is kept there is not worked out either, and chats are known as far as there
    is; FactsUnusable says why it cannot be used.
    """
    segments = list(folder.unsealed)
    recorded = folder.days(project_id)
    days = window.partitions(recorded, look_back, look_ahead)
    if not days:
        raise WindowWrong(
            f"{window.since} to {window.until}: nothing recorded of {project_id} in these days;"
            f" there is {recorded[0]} to {recorded[-1]}"
        )
    begin = datetime.combine(recorded[0] if store else days[0], time()) - EARLIER
    end = datetime.combine(days[-1], time()) + timedelta(days=1)
    opened = hours.between(begin, max(end, window.end), window.tz) if hours else ()
    names = None if only is None else tuple(only)
    is_narrow = names is not None and settings.is_whole and queries.stays_within(names)
    facts = None if names is None else queries.facts_for(names)
    segments += folder.spooled(project_id, recorded if store else days)
    archive = Archive(_reader(start, folder), project_id, window, settings, facts)
    try:
        archive.tell(opened, is_narrow=is_narrow)
        if store:
            archive.recall(folder, store, segments, recorded, names or ())
        else:
            archive.read(folder.parts(project_id, days), segments, days)
    except BaseException:
        archive.close()
        raise
    return archive


def _reader(start: Callable[[], Engine], folder: Folder) -> Engine:
    """Start an engine that can read the folder's parts."""
    engine = start()
    if folder.files is not None:
        engine.mount(folder.files)
    return engine


def utc_now() -> datetime:
    """Return what time it is, as naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None)


def _sealed_meanwhile(
    parts: Sequence[Part], segments: Sequence[Segment], rows: pa.Table
) -> list[Part]:
    """Return the parts that may hold rows of the journal: made of these segments, or compacted."""
    names = {contract.part_name(segment.recorder, segment.number) for segment in segments}
    days = {f"date={day}" for day in rows["date"].unique().to_pylist()}
    return [
        path
        for path in parts
        if path.name in names or (is_compacted(path.name) and path.parent.name in days)
    ]


def _is_twice(segments: Sequence[Segment]) -> bool:
    """Tell whether a segment was read as such and as a part that is not published yet."""
    return len({(one.recorder, one.number) for one in segments}) < len(segments)


def _once(rows: pa.Table) -> pa.Table:
    """Return each row once."""
    import pyarrow as pa

    numbered = rows.select(contract.KEY).append_column("index", pa.array(range(len(rows))))
    return rows.take(numbered.group_by(contract.KEY).aggregate([("index", "min")])["index_min"])


def _told(rows: pa.Table, project_id: str, days: Sequence[date]) -> pa.Table:
    """Return the rows of a project and of some days."""
    import pyarrow as pa
    import pyarrow.compute as pc

    its_own = pc.equal(rows["project_id"], project_id)
    in_time = pc.is_in(rows["date"], value_set=pa.array(days, pa.date32()))
    return rows.filter(pc.and_(its_own, in_time))

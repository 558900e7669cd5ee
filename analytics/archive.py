"""Opens an archive for questions about some days: the only place where DuckDB is opened.

A window reads the partitions of its own days and of some before and after, named one by one, and
what the recorder has not sealed yet: the journal first, then the parts, so that what is sealed in
between is read once. Views are made when a question needs them, and kept for the next one.
It writes nothing, and knows nothing of what the queries mean.
"""

from __future__ import annotations

import errno
import glob
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from analytics import queries
from analytics.errors import ArchiveUnreadable, QueryWrong, WindowWrong
from analytics.folder import Folder, Segment
from analytics.hours import OpeningHours
from analytics.settings import Hours, Settings, sql_types
from analytics.window import Window
from archiver import contract

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_Taken = TypeVar("_Taken")

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
_FORMS = {
    "parquet": "format parquet, compression zstd, use_tmp_file false",
    "csv": "format csv, header, timestampformat '%Y-%m-%dT%H:%M:%S.%fZ', use_tmp_file false",
}
_KEY = ("recorder", "seq", "element")
_LEAVES = "struct(project_user_id varchar, left_at timestamp)[]"


@dataclass(frozen=True)
class Table:
    """An answer: the columns' names and types, and the rows."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def records(self) -> list[dict[str, Any]]:
        """Return each row by its columns' names."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class Archive:
    """One project's archive, open for questions about a window."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        project_id: str,
        window: Window,
        settings: Settings = PLAIN,
        facts: frozenset[str] | None = None,
    ) -> None:
        self.project_id = project_id
        self.window = window
        self.settings = settings
        self._facts = facts
        self._connection = connection
        self._made: set[str] = set()

    def query(self, sql: str) -> Table:
        """Answer one of our own questions."""
        return self._answer(sql, lambda connection: _table(connection.execute(sql)))

    def arrow(self, sql: str) -> pa.Table:
        """Answer the same in Arrow."""
        return self._answer(sql, lambda connection: connection.sql(sql).to_arrow_table())

    def _answer(self, sql: str, take: Callable[[duckdb.DuckDBPyConnection], _Taken]) -> _Taken:
        import duckdb

        assert self._facts is None or queries.facts_of(sql) <= self._facts
        try:
            for name in queries.needed(sql, self._facts):
                self._make(name)
            return take(self._connection)
        except (duckdb.IOException, duckdb.InvalidInputException) as error:
            raise ArchiveUnreadable(f"{_first_line(error)}; see 'archiver verify'") from error

    def copy(self, name: str, path: Path, form: str) -> int:
        """Write what there is to export into a file, `parquet` or `csv`; return how many rows."""
        sql = queries.load("exports", name).sql
        empty = self.query(f"select * from ({sql}) limit 0")  # noqa: S608 (ours)
        chosen = ", ".join(
            f"timezone('UTC', {column}) as {column}"
            if form == "parquet" and kind == "TIMESTAMP"
            else column
            for column, kind in zip(empty.columns, empty.types, strict=True)
        )
        return self._write(
            f"copy (select {chosen} from ({sql})) to {_quoted(path)} ({_FORMS[form]})"  # noqa: S608
        )

    def _write(self, statement: str) -> int:
        import duckdb

        try:
            ((count,),) = self._connection.execute(statement).fetchall()
        except duckdb.IOException as error:  # what it reads is in memory: it cannot write
            raise OSError(errno.EIO, _first_line(error).rpartition(": ")[2]) from error
        return int(count)

    def close(self) -> None:
        """Let go of everything."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _make(self, name: str) -> None:
        if name not in self._made:
            sql = queries.view(name, self._facts)
            self._connection.execute(f"create or replace temp table {name} as {sql}")
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
) -> Archive:
    """Open a project's archive for a window; None looks back or ahead as far as there is.

    Whoever will ask for a few metrics only names them: what others need is not worked out.
    """
    segments = folder.unsealed
    recorded = folder.days(project_id)
    days = window.partitions(recorded, look_back, look_ahead)
    if not days:
        raise WindowWrong(
            f"{window.since} to {window.until}: nothing recorded of {project_id} in these days;"
            f" there is {recorded[0]} to {recorded[-1]}"
        )
    begin = datetime.combine(days[0], time()) - EARLIER
    end = datetime.combine(days[-1], time()) + timedelta(days=1)
    opened = hours.between(begin, max(end, window.end), window.tz) if hours else ()
    connection = database()
    names = None if only is None else tuple(only)
    is_narrow = names is not None and settings.is_whole and queries.stays_within(names)
    tell(connection, project_id, window, settings, opened, is_narrow=is_narrow)
    whole = _sources(connection, project_id, folder.parts(project_id, days), segments, days)
    name = "received" if window.is_past else "events"
    connection.execute(f"create or replace temp view {name} as {whole}")
    if window.is_past:
        _forget_later(connection, window.now)
    facts = None if names is None else queries.facts_for(names)
    return Archive(connection, project_id, window, settings, facts)


@contextmanager
def reading(sql: str) -> Iterator[None]:
    """Hold a statement that the user wrote to one that only reads; what is wrong fits in a line."""
    import duckdb

    try:
        statements = duckdb.extract_statements(sql)
        if [one.type for one in statements] != [duckdb.StatementType.SELECT]:
            raise QueryWrong("not one statement that only reads; write one SELECT")
        yield
    except duckdb.Error as error:
        raise QueryWrong(_first_line(error)) from error


def utc_now() -> datetime:
    """Return what time it is, as naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None)


def database() -> duckdb.DuckDBPyConnection:
    """Return an empty database in which the queries mean what they say."""
    import duckdb

    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    connection.execute("set TimeZone = 'UTC'")  # given at connect, it asks the network for ICU
    connection.execute("set enable_progress_bar = false")  # it would go to standard output
    connection.execute("set parquet_metadata_cache = true")  # every view reads the same parts
    connection.execute(queries.macros())
    return connection


def tell(
    connection: duckdb.DuckDBPyConnection,
    project_id: str,
    window: Window,
    settings: Settings = PLAIN,
    hours: Sequence[Hours] = (),
    *,
    is_narrow: bool = False,
) -> None:
    """Make the relations that say what is asked: `params`, `days`, `opening_hours`.

    A narrow question needs no other chats than those of the window's days.
    """
    told = _WINDOW_TYPES | sql_types()
    columns = ", ".join(f"? :: {kind} as {name}" for name, kind in told.items())
    connection.execute(
        f"create or replace temp table params as select {columns}",
        [
            project_id,
            window.since,
            window.until,
            window.tz,
            window.start,
            window.end,
            window.now,
            is_narrow,
            *settings.params().values(),
        ],
    )
    connection.execute(
        "create or replace temp table days"
        " (date date, weekday integer, start_utc timestamp, end_utc timestamp)"
    )
    connection.executemany("insert into days values (?, ?, ?, ?)", window.days())
    connection.execute(
        "create or replace temp table opening_hours"
        " (department_id varchar, start_utc timestamp, end_utc timestamp)"
    )
    if hours:
        listed = [list(column) for column in zip(*hours, strict=True)]
        connection.execute(
            "insert into opening_hours select unnest(cast(? as varchar[])),"
            " unnest(cast(? as timestamp[])), unnest(cast(? as timestamp[]))",
            listed,
        )


def _sources(
    connection: duckdb.DuckDBPyConnection,
    project_id: str,
    parts: list[Path],
    segments: list[Segment],
    days: list[date],
) -> str:
    """Return the statement that reads the parts and what is unsealed."""
    sources = []
    listed = ", ".join(_quoted(path) for path in parts)
    if parts:
        sources.append(f"select {columns()} from {_read(listed)}")  # noqa: S608 (no values)
    if segments:
        import pyarrow as pa  # which takes as long as a small report

        unsealed = pa.concat_tables([segment.rows for segment in segments])
        connection.register("journal", unsealed)
        connection.execute(
            "create or replace temp table unsealed as select * from journal"
            " where project_id = ? and array_contains(cast(? as date[]), date)",
            [project_id, days],
        )
        connection.unregister("journal")
        _leave_sealed(connection, parts, segments)
        sources.append(f"select {columns()} from unsealed")  # noqa: S608 (no values)
    return " union all ".join(sources)


def _forget_later(connection: duckdb.DuckDBPyConnection, now: datetime) -> None:
    """Make `events` of what had been received by an instant.

    What was covered is told when a segment ends, so those rows stay: views cut them by time.
    """
    connection.execute(
        "create or replace temp table told as select * from received where kind = 'gap' or"
        " (kind = 'control' and (received_at < ? or get_json_object(payload, '$.control') ="
        " 'covered'))",
        [now],
    )
    sent = f"kind not in ('control', 'gap') and received_at < timestamp '{now}'"
    connection.execute(
        "create or replace temp view events as"  # noqa: S608 (an instant)
        f" select * from received where {sent} union all select * from told"
    )


def _leave_sealed(
    connection: duckdb.DuckDBPyConnection, parts: list[Path], segments: list[Segment]
) -> None:
    """Forget what was sealed between reading the journal and listing the parts."""
    names = {contract.part_name(segment.recorder, segment.number) for segment in segments}
    sealed = [_quoted(path) for path in parts if path.name in names]
    if sealed:
        key = ", ".join(_KEY)
        connection.execute(
            f"create or replace temp table sealed as select {key} from {_read(', '.join(sealed))}"  # noqa: S608 (no values)
        )
        connection.execute(
            f"delete from unsealed where ({key}) in (select ({key}) from sealed)"  # noqa: S608
        )


def _read(listed: str) -> str:
    return (
        f"read_parquet([{listed}], hive_partitioning = true,"
        " hive_types = {'project_id': varchar, 'date': date})"
    )


def columns() -> str:
    """Return the contract's columns, times as plain UTC."""
    forms = {
        # A cast does the same, by the calendar of a time zone, and takes a hundred times as long.
        "time": "make_timestamp(epoch_us({0})) as {0}",
        "leaves": f"cast({{0}} as {_LEAVES}) as {{0}}",
    }
    told = [forms.get(column.type, "{0}").format(column.name) for column in contract.COLUMNS]
    return ", ".join(["project_id", "date", *told])


def _table(answer: duckdb.DuckDBPyConnection) -> Table:
    described = answer.description or []
    types = tuple(str(column[1]) for column in described)
    return Table(tuple(str(column[0]) for column in described), types, answer.fetchall())


def _quoted(path: Path) -> str:
    return "'" + glob.escape(str(path)).replace("'", "''") + "'"


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]

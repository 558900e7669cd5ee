"""DuckDB, the engine in this process: the only place where it is opened.

It knows nothing of what the queries mean.
"""

from __future__ import annotations

import errno
import glob
import re
import secrets
import shutil
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any

from analytics import queries
from analytics.engine import Table
from analytics.errors import ArchiveUnreadable, MemoryTooSmall, QueryWrong
from analytics.folder import Part
from archiver import contract

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_FORMS = {
    "parquet": "format parquet, compression zstd, use_tmp_file false",
    "csv": "format csv, header, timestampformat '%Y-%m-%dT%H:%M:%S.%fZ', use_tmp_file false",
}
# Of a traceback, in which DuckDB tells what a mounted file system said against it.
_OURS = re.compile(r"^(?:[\w.]+\.)?Store(?:Refuses|Unreachable): (.*)", re.MULTILINE)
_LEAVES = "struct(project_user_id varchar, left_at timestamp)[]"


class Duck:
    """An empty database in which the queries mean what they say.

    It may hold so many bytes of memory, and work on so many cores at a time; else DuckDB takes all
    cores and four fifths of the memory.
    """

    def __init__(self, memory_limit: int | None = None, threads: int | None = None) -> None:
        # What memory does not hold is written there: people's data, which is nobody else's.
        scratch = Path(gettempdir(), f"analytics-{secrets.token_hex(8)}")
        # Known before it is there, for a signal may end us at any time.
        self._clean = weakref.finalize(self, shutil.rmtree, scratch, ignore_errors=True)
        scratch.mkdir(mode=0o700)
        self.connection = database()
        self.connection.execute("set temp_directory = ?", [str(scratch)])
        if memory_limit is not None:
            self.connection.execute("set memory_limit = ?", [f"{memory_limit}B"])
        if threads is not None:
            self.connection.execute("set threads = ?", [threads])

    def tell(self, name: str, types: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
        """Make a small relation of columns with their SQL types."""
        columns = ", ".join(f"{column} {kind}" for column, kind in types.items())
        self.connection.execute(f"create or replace temp table {name} ({columns})")
        if rows:
            listed = [list(column) for column in zip(*rows, strict=True)]
            values = ", ".join(f"unnest(cast(? as {kind}[]))" for kind in types.values())
            self.connection.execute(f"insert into {name} select {values}", listed)

    def mount(self, files: Any) -> None:
        """Read parts that are no files by a file system of fsspec's kind."""
        self.connection.register_filesystem(files)

    def read(self, name: str, parts: Sequence[Part]) -> None:
        """Make a relation of a project's parts, with the partition's columns before theirs."""
        listed = ", ".join(_quoted(path) for path in parts)
        self.view(
            name,
            f"select {columns()} from read_parquet([{listed}], hive_partitioning = true,"  # noqa: S608 (no values)
            " hive_types = {'project_id': varchar, 'date': date})",
        )

    def files(self, name: str, paths: Sequence[Path]) -> None:
        """Make a relation of Parquet files that are no parts, as `save` writes them."""
        listed = ", ".join(_quoted(path) for path in paths)
        self.view(name, f"select * from read_parquet([{listed}])")  # noqa: S608 (no values)

    def take(self, name: str, rows: pa.Table) -> None:
        """Make the same of rows that are no part yet."""
        self.connection.register("taken", rows)
        self.keep(name, f"select {columns()} from taken")  # noqa: S608 (no values)
        self.connection.unregister("taken")

    def view(self, name: str, sql: str) -> None:
        """Give a statement a name."""
        with _reading():
            self.connection.execute(f"create or replace temp view {name} as {sql}")

    def keep(self, name: str, sql: str) -> None:
        """Give the rows of a statement a name: it is worked out once."""
        with _reading():
            self.connection.execute(f"create or replace temp table {name} as {sql}")

    def drop(self, name: str) -> None:
        """Let go of rows that were kept."""
        self.connection.execute(f"drop table {name}")

    def columns(self, name: str) -> tuple[str, ...]:
        """Return the columns of a relation."""
        return self.table(f"select * from {name} limit 0").columns  # noqa: S608 (no values)

    def table(self, sql: str) -> Table:
        """Answer a statement."""
        with _reading():
            answer = self.connection.execute(sql)
            described = answer.description or []
            types = tuple(str(column[1]) for column in described)
            return Table(tuple(str(column[0]) for column in described), types, answer.fetchall())

    def arrow(self, sql: str) -> pa.Table:
        """Answer the same in Arrow."""
        with _reading():
            return self.connection.sql(sql).to_arrow_table()

    def write(self, sql: str, path: Path, form: str) -> int:
        """Write an answer into a file, `parquet` or `csv`; return how many rows."""
        empty = self.table(f"select * from ({sql}) limit 0")  # noqa: S608 (ours)
        chosen = ", ".join(
            f"timezone('UTC', {column}) as {column}"
            if form == "parquet" and kind == "TIMESTAMP"
            else column
            for column, kind in zip(empty.columns, empty.types, strict=True)
        )
        return self._write(
            f"copy (select {chosen} from ({sql})) to {_quoted(path)} ({_FORMS[form]})"  # noqa: S608
        )

    def save(self, sql: str, path: Path) -> int:
        """Write the rows of a statement as they are, for `files`; return how many."""
        return self._write(f"copy ({sql}) to {_quoted(path)} ({_FORMS['parquet']})")

    def _write(self, statement: str) -> int:
        import duckdb

        with _reading():
            try:
                ((count,),) = self.connection.execute(statement).fetchall()
            except duckdb.IOException as error:  # what it reads is in memory: it cannot write
                raise OSError(errno.EIO, _first_line(error).rpartition(": ")[2]) from error
        return int(count)

    def close(self) -> None:
        """Let go of everything."""
        self.connection.close()
        self._clean()


def database() -> duckdb.DuckDBPyConnection:
    """Return an empty database in which the queries mean what they say."""
    import duckdb

    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    connection.execute("set TimeZone = 'UTC'")  # given at connect, it asks the network for ICU
    ((is_shown,),) = connection.execute("select current_setting('enable_progress_bar')").fetchall()
    if is_shown:  # on standard output; in Jupyter without widgets it is off, and not to be set
        connection.execute("set enable_progress_bar = false")
    connection.execute("set parquet_metadata_cache = true")  # every view reads the same parts
    connection.execute(queries.macros())
    return connection


def columns() -> str:
    """Return the contract's columns, times as plain UTC."""
    forms = {
        # A cast does the same, by the calendar of a time zone, and takes a hundred times as long.
        "time": "make_timestamp(epoch_us({0})) as {0}",
        "leaves": f"cast({{0}} as {_LEAVES}) as {{0}}",
    }
    told = [forms.get(column.type, "{0}").format(column.name) for column in contract.COLUMNS]
    return ", ".join(["project_id", "date", *told])


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


@contextmanager
def _reading() -> Iterator[None]:
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise MemoryTooSmall(
            f"not enough memory ({_first_line(error)}); allow more by --memory-limit, make room in"
            f" {gettempdir()}, or ask for fewer days or metrics"
        ) from error
    except (duckdb.IOException, duckdb.InvalidInputException) as error:
        raise ArchiveUnreadable(f"{_first_line(error)}; see 'archiver verify'") from error
    except duckdb.Error as error:
        told = _OURS.search(str(error))
        if told is None:
            raise
        raise ArchiveUnreadable(told[1]) from error


def _quoted(path: Part) -> str:
    return "'" + glob.escape(str(path)).replace("'", "''") + "'"


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]

"""Apache Spark by Spark Connect, the engine elsewhere: a server that reads the parts itself.

The queries are the same files. The server has to see the archive by the same path, or address; what
is not sealed yet is sent to it. It knows nothing of what the queries mean.
"""

from __future__ import annotations

import re
import socket
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from analytics.duck import Duck
from analytics.engine import Table
from analytics.errors import ArchiveUnreadable, EngineUnusable
from analytics.folder import Part
from archiver import contract
from archiver.errors import ArchiverError

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame
    from pyspark.sql.connect.session import SparkSession
    from pyspark.sql.types import StructField

PORT = 15002
REACH_S = 5
RETRIES = 4
"""With the pauses of Spark's client, about 5 s."""
AT_A_TIME = 16
"""Footers that are asked for at a time: a store's answer takes long, and costs little."""
MOST_UNSEALED = 64_000_000
"""Bytes of rows that no part has yet; they cross the network with the question."""

_SETTINGS = {
    # So that a server set up otherwise means the same.
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
    # Spark 4.2 fails to keep a union of views whose rows are kept: "key not found".
    "spark.sql.constraintPropagation.enabled": "false",
}
_URL = re.compile(r"sc://(?:[^/@;]*@)?(?P<host>[^/:;@]+|\[[^]]+\])(?::(?P<port>\d+))?(?:/.*)?")
_NOISE = r"PySpark does not yet fully support pandas|\[RETRIES_EXCEEDED\]"
_SECRET = re.compile(r"token=([^;]+)")
_DUCKDB_TYPES = {
    "bool": "BOOLEAN",
    "date32[day]": "DATE",
    "double": "DOUBLE",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "string": "VARCHAR",
    "timestamp[us]": "TIMESTAMP",
}


class Spark:
    """A session on a Spark server, `sc://host:port`, in which the queries mean what they say."""

    def __init__(self, remote: str) -> None:
        _require()
        host, port = _place(remote)
        self._place = f"sc://{host}:{port}"
        self._secrets = _SECRET.findall(remote)
        _reach(self._place, host, port)
        self._kept: dict[str, DataFrame] = {}
        self._seen: set[Part] = set()
        self._files: Any = None
        with self._asking():
            self._session = _session(remote)
        try:
            with self._asking():
                _hold(self._place, self._session.version)
                for name, value in _SETTINGS.items():
                    self._session.conf.set(name, value)
        except BaseException:
            self.close()
            raise

    def tell(self, name: str, types: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
        """Make a small relation of columns with their SQL types."""
        import pyarrow as pa

        kinds = {
            "bigint": pa.int64(),
            "boolean": pa.bool_(),
            "date": pa.date32(),
            "double": pa.float64(),
            "integer": pa.int32(),
            "timestamp": pa.timestamp("us", "UTC"),
            "varchar": pa.string(),
        }
        schema = pa.schema([(column, kinds[kind]) for column, kind in types.items()])
        listed = [dict(zip(types, row, strict=True)) for row in rows]
        self._name(name, pa.Table.from_pylist(listed, schema))

    def mount(self, files: Any) -> None:
        """Read footers of parts that are no files by a file system of fsspec's kind."""
        self._files = files

    def read(self, name: str, parts: Sequence[Part]) -> None:
        """Make a relation of a project's parts, with the partition's columns before theirs."""
        project = parts[0].parent.parent.name.removeprefix("project_id=")
        from pyspark.sql.pandas.types import from_arrow_schema

        with self._asking():
            schema = from_arrow_schema(contract.schema())
            read = self._session.read.schema(schema).parquet(*map(_uri, parts))
            self._see(read, parts, _uri(parts[0]).rpartition("/project_id=")[0])
            # Not the folders' columns: a day's parts hold what was received on it, in UTC.
            read.selectExpr(
                f"'{project}' as project_id", "cast(received_at as date) as date", *contract.NAMES
            ).createOrReplaceTempView(name)

    def _see(self, read: DataFrame, parts: Sequence[Part], root: str) -> None:
        """Hold the server to the rows that are there: some pass over a file they do not see."""
        from pyspark.errors import AnalysisException

        if self._seen.issuperset(parts):
            return
        try:
            seen = read.count()
        except AnalysisException as error:
            if error.getCondition() != "PATH_NOT_FOUND":
                raise
            seen = 0
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            there = sum(pool.map(self._rows, parts))
        if seen != there:
            raise EngineUnusable(
                f"{self._place}: sees {seen} of {there} rows in {root}; it reads the files itself:"
                " put the folder where the server has it by the same name"
            )
        self._seen.update(parts)

    def _rows(self, part: Part) -> int:
        """Return how many rows a part's footer tells of."""
        import pyarrow.parquet as pq

        try:
            source = part if isinstance(part, Path) else self._files.open(str(part))
            return int(pq.read_metadata(source).num_rows)
        except ArchiverError as error:
            raise ArchiveUnreadable(str(error)) from error

    def files(self, name: str, paths: Sequence[Path]) -> None:
        """Make a relation of Parquet files that are no parts, as `save` writes them."""
        import pyarrow as pa
        import pyarrow.parquet as pq
        from pyspark.sql.pandas.types import from_arrow_schema

        # Where the first file has no null, another may have.
        told = [field.with_nullable(True) for field in pq.read_schema(paths[0])]
        schema = from_arrow_schema(pa.schema(told))
        with self._asking():
            read = self._session.read.schema(schema).parquet(*map(_uri, paths))
            self._see(read, paths, _uri(paths[0].parent.parent))
            read.selectExpr(*map(_zoned, schema)).createOrReplaceTempView(name)

    def take(self, name: str, rows: pa.Table) -> None:
        """Make the same of rows that are no part yet."""
        if rows.nbytes > MOST_UNSEALED:
            raise EngineUnusable(
                f"journal: {rows.nbytes // 10**6} MB that no part has yet, and at most"
                f" {MOST_UNSEALED // 10**6} MB are sent to Spark; wait until they are sealed, or"
                " ask without --engine spark"
            )
        self._name(name, rows.select(["project_id", "date", *contract.NAMES]))

    def _name(self, name: str, rows: pa.Table) -> None:
        from pyspark.sql.pandas.types import from_arrow_schema

        with self._asking():  # without a schema, it takes no relation that is empty
            schema = from_arrow_schema(rows.schema)
            self._session.createDataFrame(rows, schema).createOrReplaceTempView(name)

    def view(self, name: str, sql: str) -> None:
        """Give a statement a name."""
        with self._asking():
            self._session.sql(sql).createOrReplaceTempView(name)

    def keep(self, name: str, sql: str) -> None:
        """Give the rows of a statement a name: it is worked out once."""
        with self._asking():
            # The client gives what is kept to the active session, which is the oldest otherwise.
            self._session._active_session.session = self._session  # noqa: SLF001
            kept = self._session.sql(sql).localCheckpoint()
            kept.createOrReplaceTempView(name)
        self._kept[name] = kept  # the server forgets the rows when nobody holds them here

    def drop(self, name: str) -> None:
        """Let go of rows that were kept."""
        with self._asking():
            self._session.catalog.dropTempView(name)
        del self._kept[name]

    def columns(self, name: str) -> tuple[str, ...]:
        """Return the columns of a relation."""
        with self._asking():
            return tuple(self._session.table(name).columns)

    def table(self, sql: str) -> Table:
        """Answer a statement."""
        answer = self.arrow(sql)
        types = tuple(_DUCKDB_TYPES.get(str(kind), str(kind)) for kind in answer.schema.types)
        columns = [column.to_pylist() for column in answer.columns]
        return Table(tuple(answer.column_names), types, list(zip(*columns, strict=True)))

    def arrow(self, sql: str) -> pa.Table:
        """Answer the same in Arrow."""
        import pyarrow as pa

        with self._asking():
            answer = self._session.sql(sql).toArrow()
        plain = [field.with_type(_plain(field.type)) for field in answer.schema]
        return answer.cast(pa.schema(plain))

    def write(self, sql: str, path: Path, form: str) -> int:
        """Write an answer into a file, `parquet` or `csv`; return how many rows."""
        with closing(Duck()) as duck:
            duck.connection.register("answer", self.arrow(sql))
            return duck.write("select * from answer", path, form)

    def save(self, sql: str, path: Path) -> int:
        """Write the rows of a statement as they are, for `files`; return how many."""
        with closing(Duck()) as duck:
            duck.connection.register("answer", self.arrow(sql))
            return duck.save("select * from answer", path)

    def close(self) -> None:
        """Let go of everything."""
        self._kept.clear()
        self._session.stop()

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Tell what the server, or the way to it, did not like, in a line without secrets."""
        from pyspark.errors import PySparkException

        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", _NOISE)
                yield
        except PySparkException as error:
            told = str(error).strip().partition("\n")[0]
            for secret in self._secrets:
                told = told.replace(secret, "…")
            raise EngineUnusable(f"{self._place}: {told}") from error


def _require() -> None:
    if find_spec("pyspark") is None:
        raise EngineUnusable(
            "spark: its client is not installed; install it: pip install 'tiledesk-archive[spark]'"
        )


def _place(remote: str) -> tuple[str, int]:
    """Return host and port of a server's URL, which may hold a token and is never shown."""
    found = _URL.fullmatch(remote)
    if not found:
        raise EngineUnusable(
            f"--spark-remote: no URL of a Spark Connect server; write sc://host:{PORT}"
        )
    return found["host"].strip("[]"), int(found["port"] or PORT)


def _reach(place: str, host: str, port: int) -> None:
    """Say at once if nobody is there: Spark's client would try for minutes."""
    try:
        socket.create_connection((host, port), REACH_S).close()
    except OSError as error:
        raise EngineUnusable(
            f"{place}: no server answers ({error.strerror or error}); start one, or name another"
            " with --spark-remote"
        ) from error


def _session(remote: str) -> SparkSession:
    """Return a session of our own: another archive's relations bear the same names."""
    with _has_a_file(sys.modules["__main__"]):
        from pyspark.sql.connect.client.retries import DefaultPolicy
        from pyspark.sql.connect.session import SparkSession

    session = SparkSession.builder.remote(remote).create()
    session.client.set_retry_policies([DefaultPolicy(max_retries=RETRIES)])
    return session


@contextmanager
def _has_a_file(main: ModuleType) -> Iterator[None]:
    """Let a program without a file seem to have one: Spark's client takes it for its own tests.

    Those want the whole of Spark; `python -c` and what else is told its program does not have it.
    """
    if hasattr(main, "__file__"):
        yield
        return
    main.__file__ = "-c"
    try:
        yield
    finally:
        del main.__file__


def _hold(place: str, server: str) -> None:
    """Hold the server to the client's major version: what they say to each other differs."""
    import pyspark

    client = pyspark.__version__
    if server.partition(".")[0] != client.partition(".")[0]:
        raise EngineUnusable(
            f"{place}: Spark {server}, but the client is of {client};"
            f" install 'pyspark-client=={server}', or name a server of that version"
        )


def _uri(part: Part) -> str:
    # Spark takes it as it is: nothing is to be quoted.
    return f"file://{part.absolute()}" if isinstance(part, Path) else str(part)


def _zoned(field: StructField) -> str:
    """Return a column as queries have it; what is saved has plain times."""
    kind = field.dataType.simpleString().replace("timestamp_ntz", "timestamp")
    return f"cast({field.name} as {kind}) as {field.name}"


def _plain(kind: Any) -> Any:
    """Return a type as DuckDB has it: times plain UTC, and quotients doubles."""
    import pyarrow as pa

    if pa.types.is_decimal(kind):
        return pa.float64()
    if pa.types.is_timestamp(kind):
        return pa.timestamp(kind.unit)
    if pa.types.is_list(kind):
        return pa.list_(_plain(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _plain(field.type)) for field in kind])
    return kind

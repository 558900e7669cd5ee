"""What answers SQL over an archive: the verbs that every engine has, and an answer.

An engine is told relations, reads parts, keeps the rows of views, and answers. It knows nothing of
windows, settings or metrics; the queries mean the same on all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Table:
    """An answer: the columns' names and types, and the rows."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    """As DuckDB spells them."""
    rows: list[tuple[Any, ...]]

    def records(self) -> list[dict[str, Any]]:
        """Return each row by its columns' names."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class Engine(Protocol):
    """What answers SQL; instants are naive UTC, going in and coming out."""

    def tell(self, name: str, types: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
        """Make a small relation of columns with their SQL types."""

    def mount(self, files: Any) -> None:
        """Read parts that are no files by a file system of fsspec's kind."""

    def read(self, name: str, parts: Sequence[Any]) -> None:
        """Make a relation of a project's parts, with the partition's columns before theirs."""

    def files(self, name: str, paths: Sequence[Path]) -> None:
        """Make a relation of Parquet files that are no parts, as `save` writes them."""

    def take(self, name: str, rows: pa.Table) -> None:
        """Make the same of rows that are no part yet."""

    def view(self, name: str, sql: str) -> None:
        """Give a statement a name."""

    def keep(self, name: str, sql: str) -> None:
        """Give the rows of a statement a name: it is worked out once."""

    def drop(self, name: str) -> None:
        """Let go of rows that were kept."""

    def columns(self, name: str) -> tuple[str, ...]:
        """Return the columns of a relation."""

    def table(self, sql: str) -> Table:
        """Answer a statement."""

    def arrow(self, sql: str) -> pa.Table:
        """Answer the same in Arrow."""

    def write(self, sql: str, path: Path, form: str) -> int:
        """Write an answer into a file, `parquet` or `csv`; return how many rows."""

    def save(self, sql: str, path: Path) -> int:
        """Write the rows of a statement as they are, for `files`; return how many."""

    def close(self) -> None:
        """Let go of everything."""

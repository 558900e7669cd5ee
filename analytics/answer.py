"""An answer as a program or a notebook takes it: Arrow, pandas, Polars, plain records, a table.

It holds the rows; what they mean, and where they come from, it does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from typing import TYPE_CHECKING, Any

from analytics.errors import QueryWrong, SettingWrong
from analytics.render import grid, shown

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

MOST = 60
"""Rows that are shown; of more, a line says how many there are."""


class Answer:
    """The rows of an answer.

    Whatever reads Arrow takes it as it is: `polars.DataFrame(answer)`, `pyarrow.table(answer)`. A
    notebook shows it as a table.
    """

    def __init__(self, table: pa.Table) -> None:
        """Take rows in Arrow; plain times are UTC."""
        self._table = _typed(table)

    @classmethod
    def of(cls, records: Iterable[dict[str, Any]]) -> Answer:
        """Return records as an answer, so that a notebook shows them as a table."""
        import pyarrow as pa

        return cls(pa.Table.from_pylist(list(records)))

    @property
    def columns(self) -> list[str]:
        """The columns' names."""
        return list(self._table.column_names)

    def __len__(self) -> int:
        """Return how many rows there are."""
        return int(self._table.num_rows)

    def arrow(self) -> pa.Table:
        """Return a `pyarrow.Table`; times are UTC and say so."""
        return self._table

    def pandas(self) -> pd.DataFrame:
        """Return a `pandas.DataFrame`; days and times are `datetime64`, what is unknown is NaN."""
        try:
            import pandas  # noqa: F401, ICN001 (only asked whether it is there)
        except ModuleNotFoundError as error:
            raise _missing("pandas") from error
        return self._table.to_pandas(date_as_object=False)

    def polars(self) -> pl.DataFrame:
        """Return a `polars.DataFrame`."""
        try:
            import polars as pl
        except ModuleNotFoundError as error:
            raise _missing("polars") from error
        return pl.DataFrame(self._table)

    def records(self) -> list[dict[str, Any]]:
        """Return each row as a dict; times are aware, what is unknown is None."""
        rows: list[dict[str, Any]] = self._table.to_pylist()
        return rows

    def select(self, *columns: str) -> Answer:
        """Return some of the columns."""
        return Answer(self._table.select(columns))

    def whole(self) -> Answer:
        """Return a metric's rows of all days together; of a single day they are its own."""
        dates = self._table["date"]
        rows = self._table.filter(dates.is_null()) if dates.null_count else self._table
        return Answer(rows.drop_columns("date"))

    def daily(self) -> Answer:
        """Return a metric's rows of single days, a day after the other."""
        return Answer(self._table.filter(self._table["date"].is_valid()))

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Hand the rows to whatever reads Arrow."""
        return self._table.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        """Return the first rows as a plain table."""
        return (grid(self.columns, self._shown(str)) if self.columns else "") + self._rest()

    def _repr_html_(self) -> str:
        """Return the first rows as a notebook shows them."""
        head = "".join(f"<th>{escape(name)}</th>" for name in self.columns)
        rows = "".join(
            f"<tr>{''.join(f'<td>{text}</td>' for text in row)}</tr>" for row in self._shown(escape)
        )
        parts = f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
        drawn = f'<table style="white-space: nowrap">{parts}</table>'
        return drawn + (f"<p>{self._rest()}</p>" if self._rest() else "")

    def _shown(self, told: Callable[[str], str]) -> list[list[str]]:
        rows = self._table.slice(0, MOST).to_pylist()
        return [[told(shown(name, row[name])) for name in self.columns] for row in rows]

    def _rest(self) -> str:
        if not len(self):
            return "no rows"
        return f"the first {MOST} of {len(self):,} rows" if len(self) > MOST else ""


def _missing(name: str) -> SettingWrong:
    return SettingWrong(f"{name}: is not installed; install it: pip install {name}")


def _typed(table: pa.Table) -> pa.Table:
    """Return a table in which times say that they are UTC, and sums are integers again."""
    import pyarrow as pa

    schema = pa.schema([(field.name, _type(field.type)) for field in table.schema])
    try:
        return table.cast(schema)
    except pa.ArrowInvalid as error:
        raise QueryWrong(f"{error}; cast the number to double") from error


def _type(kind: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_timestamp(kind):
        return pa.timestamp(kind.unit, "UTC")
    if pa.types.is_list(kind):
        return pa.list_(_type(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _type(field.type)) for field in kind])
    return pa.int64() if kind == pa.decimal128(38, 0) else kind

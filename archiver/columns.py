"""Turns rows into columns of the contract, many at a time: pure, nothing is opened.

What a column holds is said by `extract`. Here entities that are decoded strictly, into structs, are
read column by column; a row that is refused, for whatever reason, is read as `extract` reads it.
Both ways give the same: a test holds them to it.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import accumulate
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from archiver import contract
from archiver.contract import TYPED, Column
from archiver.entities import Path, Values, branch, decode, paths, transposed
from archiver.extract import BAD, READERS, Row, is_text
from archiver.frames import read_value

if TYPE_CHECKING:
    import pyarrow as pa

# What is read, and by what a table is put in order.
PLACED = (*contract.NAMES[:-1], "place")
_STAMPS = tuple(name for name in PLACED if name in Row.__struct_fields__)
_AS_THEY_ARE = ("text", "integer", "number", "flag", "texts")
# How the server spells times, all digits 0: years before 1000 are left to `extract`.
_TIME = b"0000-00-00T00:00:00.000Z"
_DIGITS = bytes.maketrans(b"123456789", b"000000000")


def read(kind: str, rows: Sequence[Row]) -> tuple[pa.Table | None, set[int]]:
    """Return rows of a kind as the columns that it has, or else which of them fit in none."""
    return _kind(kind).read(rows)


def arrow(rows: Sequence[dict[str, Any]], names: tuple[str, ...] = contract.NAMES) -> pa.Table:
    """Return rows that are spelled out as an Arrow table, with some columns or all."""
    import pyarrow as pa

    return pa.table(
        {name: pa.array([row.get(name) for row in rows], _type(name)) for name in names}
    )


def _table(columns: Mapping[str, Sequence[Any] | pa.Array]) -> pa.Table:
    """Return columns as a table, without those that hold nothing."""
    import pyarrow as pa

    found = {name: _array(name, values) for name, values in columns.items()}
    arrays = {name: array for name, array in found.items() if array is not None}
    return pa.Table.from_arrays(list(arrays.values()), names=list(arrays))


@cache
def _type(name: str) -> pa.DataType:
    import pyarrow as pa

    return pa.int64() if name == "place" else contract.schema().field(name).type


def _array(name: str, values: Sequence[Any] | pa.Array) -> pa.Array | None:
    """Return a column's values as an array: at once, if all of them are the same text, or none."""
    import pyarrow as pa

    if isinstance(values, pa.Array):
        return values
    first = values[0]
    is_simple = first is None or isinstance(first, str)
    if is_simple and first == values[-1] and values.count(first) == len(values):
        return None if first is None else pa.repeat(pa.scalar(first, _type(name)), len(values))
    return pa.array(values, _type(name))


def strings(texts: Sequence[bytes | memoryview]) -> pa.Array:
    """Return texts, each of them UTF-8, as an array."""
    import pyarrow as pa

    ends = array("i", accumulate(map(len, texts), initial=0))
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(texts))]
    return pa.Array.from_buffers(pa.string(), len(texts), buffers)


def _binary(rows: Sequence[Row]) -> set[int]:
    """Return which of the rows hold texts that are no UTF-8."""
    import pyarrow as pa

    others = [at for at, row in enumerate(rows) if not row.is_ascii]
    try:
        strings([rows[at].text for at in others]).validate(full=True)
    except pa.ArrowInvalid:
        return {at for at in others if not is_text(rows[at].text)}
    return set()


class _Kind:
    """How the entities of one kind are read."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._branch = branch(name)
        self._columns = [
            (column, [self._branch.split(path) for path in paths(column, name)])
            for column in TYPED
            if name in column.paths
        ]

    def read(self, rows: Sequence[Row]) -> tuple[pa.Table | None, set[int]]:
        """Return rows as columns, or else which of them hold what has none."""
        entities = [row.entity or decode(self._name, row.text) for row in rows]
        bad = {n for n, one in enumerate(entities) if one is None} | _binary(rows)
        if bad:
            return None, bad
        found = dict(zip(Row.__struct_fields__, transposed(rows, Row), strict=True))
        found = {name: found[name] for name in _STAMPS}
        values = Values(self._branch, entities)
        bad = {n for n, one in enumerate(values["_id",]) if one is None}
        chats: Sequence[Any] = list(map(attrgetter("about.request_id"), rows))
        if self._name == "request":
            chats = _first(values["request_id",], chats)
        found |= {"entity_id": values["_id",], "request_id": chats}
        for column, places in self._columns:
            found[column.name], wrong = _column(column, places, values)
            bad |= wrong
        return (None, bad) if bad else (_table(found), bad)


@cache
def _kind(name: str) -> _Kind:
    return _Kind(name)


def _column(
    column: Column, places: list[tuple[Path, Path]], values: Values
) -> tuple[Sequence[Any], set[int]]:
    """Return a column's values, the first of its places that holds one, and which are bad."""
    if column.type == "time" and len(places) == 1:
        times = _plain_times(values[places[0][0]])
        if times is not None:
            return times, set()
    found, bad = _place(column, *places[0], values)
    for path, below in places[1:]:
        if type(None) not in {*map(type, found)}:
            break
        more, wrong = _place(column, path, below, values)
        found, bad = _first(found, more), bad | wrong
    return found, bad


def _place(
    column: Column, path: Path, below: Path, values: Values
) -> tuple[Sequence[Any], set[int]]:
    """Return what stands in one of a column's places, and which are bad."""
    if below or column.type not in _AS_THEY_ARE:
        return _read_once(values[path], below, column)
    return values[path], set()


def _first(one: Sequence[Any], other: Sequence[Any]) -> Sequence[Any]:
    """Return the values of one, and those of the other where it has none."""
    return [second if first is None else first for first, second in zip(one, other, strict=True)]


def _read_once(place: Sequence[Any], below: Path, column: Column) -> tuple[Sequence[Any], set[int]]:
    """Return what texts hold for a column, each text read once, and which of them are bad."""
    known = {None: None}
    for text in {*place} - {None}:
        value = read_value(text) if isinstance(text, bytes) else text
        for key in below:
            value = value.get(key) if isinstance(value, dict) else None
        known[text] = None if value is None else READERS[column.type](value)
    found = [known[text] for text in place]
    has_bad = any(value is BAD for value in known.values())
    return found, {n for n, value in enumerate(found) if value is BAD} if has_bad else set()


def _plain_times(texts: Sequence[str | None]) -> pa.Array | None:
    """Return times if all are spelled as the server does, which Arrow reads as `extract` does."""
    import pyarrow as pa

    spelled_ = pa.array(texts, pa.string())
    digits = spelled_.buffers()[2].to_pybytes()
    # Texts of other lengths may look the same in a row, but one of them is no time to Arrow then.
    is_plain = (
        digits.translate(_DIGITS) == _TIME * (len(digits) // len(_TIME))
        and b"0" not in digits[:: len(_TIME)]
    )
    if not is_plain:
        return None
    try:
        return spelled_.cast(_type("received_at"))
    except pa.ArrowInvalid:  # a thirtieth of February
        return None

"""Turns rows into columns of the contract, many at a time: pure, nothing is opened.

What a column holds is said by `extract`. Here entities that are decoded strictly, into structs, are
read column by column; a row that is refused, for whatever reason, is read as `extract` reads it.
Both ways give the same: a test holds them to it.
"""

from __future__ import annotations

from array import array
from base64 import b64encode
from collections.abc import Iterable, Sequence
from functools import cache, reduce
from itertools import accumulate
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from archiver import contract
from archiver.contract import TYPED, Column
from archiver.entities import KINDS, Path, Values, branch, decode, paths, transposed
from archiver.extract import BAD, READERS, Row, is_text, told
from archiver.frames import read_value

if TYPE_CHECKING:
    import pyarrow as pa

_READ = ("entity_id", "request_id", "mistyped", *(column.name for column in TYPED))
_COLUMNS = contract.NAMES[:-1]
_AS_THEY_ARE = ("text", "integer", "number", "flag", "texts")
# How the server spells times, all digits 0: years before 1000 are left to `extract`.
_TIME = b"0000-00-00T00:00:00.000Z"
_DIGITS = bytes.maketrans(b"123456789", b"000000000")


class Batch(NamedTuple):
    """Some rows as columns, kind by kind, with their payloads; `places` is where each belongs."""

    columns: pa.Table
    payloads: list[bytes | memoryview]
    places: list[int]


def batch(rows: Sequence[Row]) -> Batch:
    """Read rows, of which nothing but the payload is needed any longer."""
    import pyarrow as pa

    binary = _binary(rows)
    read, places = _read(rows, binary)
    ordered = [rows[at] for at in places]
    stamps = dict(zip(Row.__struct_fields__, transposed(ordered, Row), strict=True))
    stamps["encoding"] = ["base64" if at in binary else None for at in places]
    schema = contract.schema()
    columns = [
        read.column(name) if name in _READ else pa.array(stamps[name], schema.field(name).type)
        for name in _COLUMNS
    ]
    payloads = [b64encode(rows[at].text) if at in binary else rows[at].text for at in places]
    return Batch(pa.table(columns, names=_COLUMNS), payloads, places)


def joined(batches: Sequence[Batch], order: Sequence[tuple[str, str]] = ()) -> pa.Table:
    """Return batches as one table in the contract's schema, as they came or in a given order."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = pa.concat_tables([one.columns for one in batches])
    payloads = [text for one in batches for text in one.payloads]
    places: list[int] = []
    for one in batches:
        start = len(places)
        places += [start + at for at in one.places]
    indices = pc.sort_indices(pa.array(places, pa.int64()))
    if order:
        keys = columns.select([name for name, _ in order]).take(indices)
        indices = indices.take(pc.sort_indices(keys, sort_keys=order))
    return columns.take(indices).append_column(
        contract.schema().field("payload"), _strings([payloads[at] for at in indices.to_pylist()])
    )


def table(rows: Sequence[Row]) -> pa.Table:
    """Return rows as an Arrow table in the contract's schema."""
    return joined([batch(rows)])


def arrow(rows: Sequence[dict[str, Any]], names: Sequence[str] = contract.NAMES) -> pa.Table:
    """Return rows that are spelled out as an Arrow table, with some columns or all."""
    import pyarrow as pa

    schema = pa.schema([contract.schema().field(name) for name in names])
    columns = [pa.array([row.get(one.name) for row in rows], one.type) for one in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _strings(pieces: Sequence[bytes | memoryview]) -> pa.Array:
    """Return pieces, each of them UTF-8, as an array."""
    import pyarrow as pa

    ends = array("i", accumulate(map(len, pieces), initial=0))
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(pieces))]
    return pa.Array.from_buffers(pa.string(), len(pieces), buffers)


def _binary(rows: Sequence[Row]) -> set[int]:
    """Return which of the rows hold texts that are no UTF-8."""
    import pyarrow as pa

    others = [at for at, row in enumerate(rows) if not row.is_ascii]
    try:
        _strings([rows[at].text for at in others]).validate(full=True)
    except pa.ArrowInvalid:
        return {at for at in others if not is_text(rows[at].text)}
    return set()


def _read(rows: Sequence[Row], binary: set[int]) -> tuple[pa.Table, list[int]]:
    """Return what is read from the texts of rows, kind by kind, and where each of these stood."""
    import pyarrow as pa

    groups: dict[str, list[int]] = {}
    for at, row in enumerate(rows):
        groups.setdefault("" if at in binary else row.kind, []).append(at)
    others = [at for kind in groups.keys() - KINDS for at in groups.pop(kind)]
    tables, places = [], []
    for kind, group in groups.items():
        good = _kind(kind).read(rows, group)
        tables.append(good.columns)
        places += good.rows
        others += good.refused
    tables.append(arrow([told(rows[at]) for at in others], _READ))
    return pa.concat_tables(tables), places + others


class _Good(NamedTuple):
    """Columns, the rows that they were read from, and those that were refused."""

    columns: pa.Table
    rows: list[int]
    refused: list[int]


class _Kind:
    """How the entities of one kind are read."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._columns = [(column, paths(column, name)) for column in TYPED if name in column.paths]

    def read(self, rows: Sequence[Row], group: Iterable[int]) -> _Good:
        """Read some of the rows."""
        entities, good, refused = [], [], []
        for at in group:
            entity = rows[at].entity or decode(self._name, rows[at].text)
            if entity is None:
                refused.append(at)
            else:
                entities.append(entity)
                good.append(at)
        columns, bad = self._read(entities, [rows[at] for at in good])
        if not bad:
            return _Good(columns, good, refused)
        again = self.read(rows, [at for n, at in enumerate(good) if n not in bad])
        return again._replace(refused=[*refused, *(good[n] for n in bad), *again.refused])

    def _read(self, entities: list[Any], rows: list[Row]) -> tuple[pa.Table, set[int]]:
        """Return the columns of entities, and which of these hold what has no column."""
        import pyarrow as pa

        if not entities:
            return arrow([], _READ), set()
        schema = contract.schema()
        values = branch(self._name).values(entities)
        bad = {n for n, one in enumerate(values["_id",]) if one is None}
        chats: Sequence[Any] = list(map(attrgetter("about.request_id"), rows))
        if self._name == "request":
            chats = _first(values["request_id",], chats)
        found: dict[str, Any] = {"entity_id": values["_id",], "request_id": chats}
        for column, places in self._columns:
            found[column.name], wrong = _column(column, [_place(values, path) for path in places])
            bad |= wrong
        if bad:
            return None, bad
        return pa.table(
            [
                pa.array(found[name], schema.field(name).type)
                if name in found
                else pa.nulls(len(rows), schema.field(name).type)
                for name in _READ
            ],
            names=_READ,
        ), bad


@cache
def _kind(name: str) -> _Kind:
    return _Kind(name)


def _place(values: Values, path: Path) -> tuple[Sequence[Any], Path]:
    """Return the values that stand at a path, or above it, and what is left of it."""
    end = next(n for n in range(len(path), 0, -1) if path[:n] in values)
    return values[path[:end]], path[end:]


def _column(
    column: Column, places: list[tuple[Sequence[Any], Path]]
) -> tuple[Sequence[Any], set[int]]:
    """Return a column's values, the first of its places that holds one, and which are bad."""
    if column.type == "time" and len(places) == 1:
        times = _plain_times(places[0][0])
        if times is not None:
            return times, set()
    read = [
        _read_once(values, below, column)
        if below or column.type not in _AS_THEY_ARE
        else (values, set[int]())
        for values, below in places
    ]
    found = reduce(_first, [values for values, _ in read])
    return found, set[int]().union(*(bad for _, bad in read))


def _first(one: Sequence[Any], other: Sequence[Any]) -> Sequence[Any]:
    """Return the values of one, and those of the other where it has none."""
    if None not in one:
        return one
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

    spelled = [text for text in texts if text is not None]
    digits = "".join(spelled).encode()
    is_plain = (
        {*map(len, spelled)} <= {len(_TIME)}
        and digits.translate(_DIGITS) == _TIME * len(spelled)
        and b"0" not in digits[:: len(_TIME)]
    )
    if not is_plain:
        return None
    try:
        return pa.array(texts, pa.string()).cast(contract.schema().field("received_at").type)
    except pa.ArrowInvalid:  # a thirtieth of February
        return None

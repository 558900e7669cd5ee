"""Turns rows into columns of the contract, many at a time: pure, nothing is opened.

What a column holds is said by `extract`. Here entities are decoded into structs that have just the
fields which columns need, and strictly; a row that is refused, for whatever reason, is read as
`extract` reads it. Both ways give the same: a test holds them to it.
"""

from __future__ import annotations

from array import array
from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec

from archiver import contract
from archiver.contract import TYPED, Column
from archiver.extract import BAD, KINDS, READERS, Row, is_text, told
from archiver.frames import read_value

if TYPE_CHECKING:
    import pyarrow as pa

_READ = ("entity_id", "request_id", "mistyped", *(column.name for column in TYPED))
_COLUMNS = contract.NAMES[:-1]

_Integer = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
# Types that are decoded as such. Others are cut out as texts, and each of these read once.
_STRICT: dict[str, Any] = {
    "time": str,
    "text": str,
    "integer": _Integer,
    "number": float,
    "flag": bool,
    "texts": list[str],
    "command": str,
    "length": str,
}
_AS_THEY_ARE = ("text", "integer", "number", "flag", "texts")
_REFUSED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_PLAIN_TIME = r"^[1-9]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"

_Path = tuple[str, ...]
_Values = dict[_Path, Sequence[Any]]


class Batch(NamedTuple):
    """Some rows as columns, but for their payloads, which are pieces of one text."""

    columns: pa.Table
    payloads: list[memoryview]


def batch(rows: Sequence[Row]) -> Batch:
    """Read rows, of which nothing is needed any longer."""
    import pyarrow as pa

    texts = [row.text for row in rows]
    whole, binary = b"".join(texts), frozenset[int]()
    try:
        _strings(whole, texts)
    except pa.ArrowInvalid:
        binary = frozenset(at for at, text in enumerate(texts) if not is_text(text))
        texts = [b64encode(text) if at in binary else text for at, text in enumerate(texts)]
        whole = b"".join(texts)
    schema = contract.schema()
    read = _read(rows, binary)
    stamps = dict(zip(Row.__struct_fields__, _transposed(rows, Row), strict=True))
    stamps["encoding"] = ["base64" if at in binary else None for at in range(len(rows))]
    columns = [
        read.column(name) if name in _READ else pa.array(stamps[name], schema.field(name).type)
        for name in _COLUMNS
    ]
    ends = accumulate(map(len, texts), initial=0)
    view = memoryview(whole)
    return Batch(
        pa.table(columns, names=_COLUMNS), [view[start:end] for start, end in pairwise(ends)]
    )


def joined(batches: Sequence[Batch], order: Sequence[tuple[str, str]] = ()) -> pa.Table:
    """Return batches as one table in the contract's schema, in an order if one is given."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = pa.concat_tables([one.columns for one in batches])
    payloads = [piece for one in batches for piece in one.payloads]
    if order:
        indices = pc.sort_indices(columns, sort_keys=order)
        columns = columns.take(indices)
        payloads = [payloads[at] for at in indices.to_pylist()]
    return columns.append_column(
        contract.schema().field("payload"), _strings(b"".join(payloads), payloads)
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


def _strings(whole: bytes, pieces: Sequence[bytes | memoryview]) -> pa.Array:
    """Return a text as an array of its pieces, without a copy; raise if one is no UTF-8."""
    import pyarrow as pa

    ends = array("i", accumulate(map(len, pieces), initial=0))
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(whole)]
    found = pa.Array.from_buffers(pa.string(), len(pieces), buffers)
    found.validate(full=True)
    return found


def _transposed(
    found: Sequence[msgspec.Struct], struct: type[msgspec.Struct]
) -> Sequence[Sequence[Any]]:
    """Return a sequence for each field of structs, even if there is none of these."""
    fields = tuple(zip(*map(msgspec.structs.astuple, found), strict=True))
    return fields or [()] * len(struct.__struct_fields__)


def _read(rows: Sequence[Row], binary: frozenset[int]) -> pa.Table:
    """Return what is read from the texts of rows: kind by kind, then put back in their order."""
    import pyarrow as pa
    import pyarrow.compute as pc

    groups: dict[str, list[int]] = {}
    for at, row in enumerate(rows):
        groups.setdefault("" if at in binary else row.kind, []).append(at)
    others = [at for kind in groups.keys() - KINDS for at in groups.pop(kind)]
    tables, order = [], []
    for kind, group in groups.items():
        good = _kind(kind).read(rows, group)
        tables.append(good.columns)
        order += good.rows
        others += good.refused
    tables.append(arrow([told(rows[at]) for at in others], _READ))
    return pa.concat_tables(tables).take(pc.sort_indices(pa.array(order + others, pa.int64())))


class _Good(NamedTuple):
    """Columns, the rows that they were read from, and those that were refused."""

    columns: pa.Table
    rows: list[int]
    refused: list[int]


class _Branch:
    """A struct of the fields that lie on some paths; what is none of its objects is no value."""

    struct: type[msgspec.Struct]

    def __init__(self, name: str, types: dict[_Path, Any]) -> None:
        self._inner: dict[str, _Branch] = {}
        self._texts: list[str] = []
        fields: list[tuple[str, Any, None]] = []
        for key in dict.fromkeys(path[0] for path in types):
            below = {path[1:]: one for path, one in types.items() if path[0] == key}
            if below.get(()) is msgspec.Raw:  # what lies below it is read of its text
                self._texts.append(key)
                fields.append((key, msgspec.Raw, None))
            elif () in below:
                fields.append((key, below[()] | None, None))
            else:
                self._inner[key] = inner = _Branch(f"{name}_{key}", below)
                fields.append((key, inner.struct | str | None, None))
        self.struct = msgspec.defstruct(name, fields, gc=False)

    def values(self, found: Sequence[Any]) -> _Values:
        """Return the values of each path."""
        columns = _transposed(found, self.struct)
        here = dict(zip(self.struct.__struct_fields__, columns, strict=True))
        values: _Values = {(name,): column for name, column in here.items()}
        for name in self._texts:
            values[name,] = [None if one is None else bytes(one) for one in here[name]]
        for name, inner in self._inner.items():
            blank = inner.struct()
            objects = [one if isinstance(one, inner.struct) else blank for one in here[name]]
            values |= {(name, *path): column for path, column in inner.values(objects).items()}
        return values


class _Kind:
    """How the entities of one kind are read."""

    def __init__(self, name: str) -> None:
        self._columns = [
            (column, [tuple(path.split(".")) for path in column.paths[name]])
            for column in TYPED
            if name in column.paths
        ]
        types = {
            path: _STRICT.get(one.type, msgspec.Raw)
            for one, paths in self._columns
            for path in paths
        }
        branch = _Branch(name, {("_id",): str, ("request_id",): str} | types)
        self._values = branch.values
        self._decode = msgspec.json.Decoder(branch.struct).decode

    def read(self, rows: Sequence[Row], group: Sequence[int]) -> _Good:
        """Read some of the rows."""
        entities, good, refused = [], [], []
        for at in group:
            try:
                entities.append(self._decode(rows[at].text))
                good.append(at)
            except _REFUSED:
                refused.append(at)
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
        values = self._values(entities)
        ids = values["_id",]
        bad = {n for n, one in enumerate(ids) if one is None}
        chats = [row.about and row.about.request_id for row in rows]
        if rows[0].kind == "request":
            chats = [
                of if own is None else own
                for own, of in zip(values["request_id",], chats, strict=True)
            ]
        found: dict[str, Any] = {"entity_id": ids, "request_id": chats}
        for column, paths in self._columns:
            found[column.name], wrong = _column(column, [_place(values, path) for path in paths])
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


def _place(values: _Values, path: _Path) -> tuple[Sequence[Any], _Path]:
    """Return the values that stand at a path, or above it, and what is left of it."""
    end = next(n for n in range(len(path), 0, -1) if path[:n] in values)
    return values[path[:end]], path[end:]


def _column(
    column: Column, places: list[tuple[Sequence[Any], _Path]]
) -> tuple[Sequence[Any], set[int]]:
    """Return a column's values, the first of its places that holds one, and which are bad."""
    if column.type == "time" and len(places) == 1:
        times = _plain_times(places[0][0])
        if times is not None:
            return times, set()
    is_plain = column.type in _AS_THEY_ARE and not any(below for _, below in places)
    found, *others = [
        values if is_plain else _read_once(values, below, column) for values, below in places
    ]
    for other in others:
        found = [two if one is None else one for one, two in zip(found, other, strict=True)]
    return found, set() if is_plain else {n for n, one in enumerate(found) if one is BAD}


def _read_once(place: Sequence[Any], below: _Path, column: Column) -> list[Any]:
    """Return what texts hold for a column, each text read once."""
    known = {None: None}
    for text in {*place} - {None}:
        value = read_value(text) if isinstance(text, bytes) else text
        for key in below:
            value = value.get(key) if isinstance(value, dict) else None
        known[text] = None if value is None else READERS[column.type](value)
    return [known[text] for text in place]


def _plain_times(texts: Sequence[str | None]) -> pa.Array | None:
    """Return times if all are spelled as the server does, which Arrow reads as `extract` does."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pa.array(texts, pa.string())
    plain = pc.match_substring_regex(found, _PLAIN_TIME)
    if pc.all(plain).as_py() is False:
        return None
    try:
        return found.cast(contract.schema().field("received_at").type)
    except pa.ArrowInvalid:  # a thirtieth of February
        return None

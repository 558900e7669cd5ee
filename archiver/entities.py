"""Structs of just those fields of an entity that columns are read from: pure, and strict.

An entity that is refused, for whatever reason, is read as `extract` reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any

import msgspec

from archiver.contract import TYPED, Column

KINDS = ("request", "message", "agent")

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
_REFUSED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

Path = tuple[str, ...]
Values = dict[Path, Sequence[Any]]


def paths(column: Column, kind: str) -> list[Path]:
    """Return where a column's values stand in entities of a kind."""
    return [tuple(path.split(".")) for path in column.paths.get(kind, ())]


def transposed(
    found: Sequence[msgspec.Struct], struct: type[msgspec.Struct]
) -> Sequence[Sequence[Any]]:
    """Return a sequence for each field of structs, even if there is none of these."""
    fields = tuple(zip(*map(msgspec.structs.astuple, found), strict=True))
    return fields or [()] * len(struct.__struct_fields__)


class Branch:
    """A struct of the fields that lie on some paths; what is none of its objects is no value."""

    struct: type[msgspec.Struct]

    def __init__(self, name: str, types: dict[Path, Any]) -> None:
        self._inner: dict[str, Branch] = {}
        self._texts: list[str] = []
        fields: list[tuple[str, Any, Any]] = []
        for key in dict.fromkeys(path[0] for path in types):
            below = {path[1:]: one for path, one in types.items() if path[0] == key}
            if below.get(()) is msgspec.Raw:  # what lies below it is read of its text
                self._texts.append(key)
                fields.append((key, msgspec.Raw, None))
            elif () in below:
                fields.append((key, below[()] | None, None))
            else:
                self._inner[key] = inner = Branch(f"{name}_{key}", below)
                fields.append((key, inner.struct | str | None, inner.struct()))
        self.struct = msgspec.defstruct(name, fields, gc=False, frozen=True)

    def values(self, found: Sequence[Any]) -> Values:
        """Return the values of each path."""
        columns = transposed(found, self.struct)
        here = dict(zip(self.struct.__struct_fields__, columns, strict=True))
        values: Values = {(name,): column for name, column in here.items()}
        for name in self._texts:
            values[name,] = [None if one is None else bytes(one) for one in here[name]]
        for name, inner in self._inner.items():
            objects = inner.objects(here[name])
            values |= {(name, *path): column for path, column in inner.values(objects).items()}
        return values

    def objects(self, found: Sequence[Any]) -> Sequence[Any]:
        """Return what was found, but for all that is no object an empty one."""
        if {*map(type, found)} <= {self.struct}:
            return found
        blank = self.struct()
        return [one if isinstance(one, self.struct) else blank for one in found]


@cache
def branch(kind: str) -> Branch:
    """Return the fields of a kind's entities."""
    types = {
        path: _STRICT.get(column.type, msgspec.Raw)
        for column in TYPED
        for path in paths(column, kind)
    }
    return Branch(kind, {("_id",): str, ("request_id",): str} | types)


@cache
def _decoder(kind: str) -> msgspec.json.Decoder[Any] | None:
    return msgspec.json.Decoder(branch(kind).struct) if kind in KINDS else None


def decode(kind: str, text: bytes | memoryview) -> Any:
    """Return an entity's fields, or None if it is refused: then this says nothing of the text."""
    decoder = _decoder(kind)
    if decoder is None:
        return None
    try:
        return decoder.decode(text)
    except _REFUSED:
        return None

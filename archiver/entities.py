"""Structs of just those fields of an entity that columns are read from: pure, and strict.

An entity that is refused, for whatever reason, is read as `extract` reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from operator import attrgetter
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
_FEW = 4  # fields that are read one by one in less time
_REFUSED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

Path = tuple[str, ...]


def paths(column: Column, kind: str) -> list[Path]:
    """Return where a column's values stand in entities of a kind."""
    return [tuple(path.split(".")) for path in column.paths.get(kind, ())]


def transposed(
    found: Sequence[msgspec.Struct], struct: type[msgspec.Struct]
) -> Sequence[Sequence[Any]]:
    """Return a sequence for each field of structs, even if there is none of these."""
    names = struct.__struct_fields__
    if len(names) < _FEW:
        return [list(map(attrgetter(name), found)) for name in names]
    fields = tuple(zip(*map(msgspec.structs.astuple, found), strict=True))
    return fields or [()] * len(names)


class Branch:
    """A struct of the fields that lie on some paths; what is none of its objects is no value."""

    struct: type[msgspec.Struct]

    def __init__(self, name: str, types: dict[Path, Any]) -> None:
        self.inner: dict[str, Branch] = {}
        self.texts: list[str] = []
        fields: list[tuple[str, Any, Any]] = []
        for key in dict.fromkeys(path[0] for path in types):
            below = {path[1:]: one for path, one in types.items() if path[0] == key}
            if below.get(()) is msgspec.Raw:  # what lies below it is read of its text
                self.texts.append(key)
                fields.append((key, msgspec.Raw, None))
            elif () in below:
                fields.append((key, below[()] | None, None))
            else:
                self.inner[key] = inner = Branch(f"{name}_{key}", below)
                fields.append((key, inner.struct | str | None, inner.struct()))
        self.struct = msgspec.defstruct(name, fields, gc=False, frozen=True)

    def split(self, path: Path) -> tuple[Path, Path]:
        """Return a path as far as it is decoded, and what of it is to be read of a text there."""
        if path[0] not in self.inner:
            return path[:1], path[1:]
        above, below = self.inner[path[0]].split(path[1:])
        return (path[0], *above), below

    def objects(self, found: Sequence[Any]) -> Sequence[Any]:
        """Return what was found, but for all that is no object an empty one."""
        if {*map(type, found)} <= {self.struct}:
            return found
        blank = self.struct()
        return [one if isinstance(one, self.struct) else blank for one in found]


class Values(dict[Path, Sequence[Any]]):
    """The values of paths; who asks for none below an object does not have it looked at."""

    def __init__(self, branch: Branch, found: Sequence[Any]) -> None:
        columns = transposed(found, branch.struct)
        fields = zip(branch.struct.__struct_fields__, columns, strict=True)
        super().__init__(((name,), column) for name, column in fields)
        for name in branch.texts:
            self[name,] = [None if one is None else bytes(one) for one in self[name,]]
        self._branch = branch
        self._inner: dict[str, Values] = {}

    def __missing__(self, path: Path) -> Sequence[Any]:
        """Look below an object."""
        name, *below = path
        if name not in self._inner:
            inner = self._branch.inner[name]
            self._inner[name] = Values(inner, inner.objects(self[name,]))
        return self._inner[name][tuple(below)]


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

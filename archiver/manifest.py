"""Which parts of a partition count, once compacted parts stand for others: pure.

A part of the archive's format, as `contract` is, and read by analytics as well. It opens no file:
`listing` looks at folders, `compact` writes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

FORMAT = 1
NAME = "_manifest.json"
COMPACTING = ".compacting"  # in the archive's folder; locked by who compacts
_COMPACTED = "compacted."  # no recorder's name has a dot
_GENERATION = re.compile(rf"{re.escape(_COMPACTED)}(\d+)-")


def compacted_name(generation: int, number: int, writer: str = "") -> str:
    """Name a part that a compaction made; `writer` tells it from another's of the same moment."""
    return f"{_COMPACTED}{generation:08d}-{number:03d}{writer and f'-{writer}'}.parquet"


def generation_of(name: str) -> int:
    """Return the generation of the manifest that a compacted part was written for."""
    found = _GENERATION.match(name)
    return int(found[1]) if found else 0


def is_compacted(name: str) -> bool:
    """Tell whether a compaction made a part, by its name."""
    return name.startswith(_COMPACTED)


def is_of_compaction(name: str) -> bool:
    """Tell whether a file of a partition is a compacted part, or the draft of one or a manifest."""
    is_draft = name.startswith((f".{_COMPACTED}", f".{NAME}"))
    return is_compacted(name) or is_draft


class Span(NamedTuple):
    """From now until when files that are replaced now have to stay: ISO-8601 UTC."""

    now: str
    until: str


@dataclass(frozen=True)
class Manifest:
    """Which compacted parts of a partition count, and which parts they stand for.

    `replaced` tells for each of the latter the instant (ISO-8601 UTC) from which its file may be
    gone. A partition without a manifest was never compacted: this is what it would say.
    """

    generation: int = 0
    parts: tuple[str, ...] = ()
    replaced: Mapping[str, str] = field(default_factory=dict)

    @property
    def known(self) -> set[str]:
        """The names of all parts that it tells of."""
        return {*self.parts, *self.replaced}

    def counting(self, names: Iterable[str]) -> list[str]:
        """Return the parts that count, given the names in the partition's folder.

        A part that was sealed later than the compaction counts; one that was replaced does not
        even if it is sealed again; one that the manifest names counts even if it is missing, so
        that who reads it fails rather than passes over it.
        """
        sealed = {name for name in names if name.endswith(".parquet") and not is_compacted(name)}
        return sorted(sealed - set(self.replaced) | set(self.parts))

    def successor(
        self, gone: Collection[str], made: Collection[str], names: Collection[str], span: Span
    ) -> Manifest:
        """Return the manifest by which new parts count instead of others, given what is there.

        Names of compacted parts that have gone are let go of. A segment's number is never used
        again, and sealing it again must change nothing: its part's name stays.
        """
        kept = {
            name: instant
            for name, instant in self.replaced.items()
            if name in names or instant > span.now or not is_compacted(name)
        }
        return Manifest(
            self.generation + 1,
            tuple(sorted({*self.parts, *made} - {*gone})),
            kept | dict.fromkeys(sorted(gone), span.until),
        )

    def to_bytes(self) -> bytes:
        """Return what its file holds."""
        return json.dumps(self.to_json()).encode() + b"\n"

    def to_json(self) -> dict[str, Any]:
        """Return the manifest as plain JSON."""
        return {
            "format": FORMAT,
            "generation": self.generation,
            "parts": list(self.parts),
            "replaced": dict(self.replaced),
        }

    @classmethod
    def from_text(cls, text: bytes) -> Manifest:
        """Return what a manifest's file tells; ValueError says why it cannot be."""
        found = json.loads(text)
        match found:
            case {
                "format": version,
                "generation": int(generation),
                "parts": list(parts),
                "replaced": dict(replaced),
            } if version == FORMAT:
                return cls(generation, tuple(parts), replaced)
        raise ValueError("not a manifest of this format")

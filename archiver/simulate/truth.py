"""What really happened on a simulated desk, as JSON lines, independent of any frame.

One line a fact: `{"kind": …, "project_id": …, …}`, times ISO-8601 UTC with milliseconds, in the
order in which the facts became known; what is still open at the end has a null end. An
assignment or a bot's stretch begins at the request's `assigned_at` where the change set one,
otherwise, as every other interval, at the `updatedAt` of the change. It ends at the `updatedAt`
of the change that ended it; only a session's `closed_at` is the server's own `closed_at`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from archiver.errors import ArchiverError
from archiver.simulate.timeline import iso

Sink = Callable[[str], object]
"""Takes one line, with its line end."""

_EDGES = {"session": ("opened_at", "closed_at")}
_INTERVAL = ("since", "until")


def discard(_line: str) -> None:
    """Take a line and forget it."""


class Truth:
    """The book of one project's facts; intervals are written when they end."""

    def __init__(self, project_id: str, sink: Sink = discard) -> None:
        self._project_id = project_id
        self._sink = sink
        self._open: dict[tuple[str, ...], dict[str, Any]] = {}
        self._by_subject: dict[str, dict[tuple[str, ...], None]] = {}

    def write(self, kind: str, **facts: object) -> None:
        """Write a fact that is known as a whole."""
        line = {"kind": kind, "project_id": self._project_id, **facts}
        self._sink(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")

    def begin(self, kind: str, key: tuple[str, ...], at_ms: int, **facts: object) -> None:
        """Begin an interval; one of the same kind and key that is open ends here.

        The key's first part is its subject: a chat or an agent.
        """
        self.end(kind, key, at_ms)
        first, last = _EDGES.get(kind, _INTERVAL)
        self._open[kind, *key] = facts | {first: iso(at_ms), last: None}
        self._by_subject.setdefault(key[0], {})[kind, *key] = None

    def note(self, kind: str, key: tuple[str, ...], **facts: object) -> None:
        """Add to an interval that is open."""
        self._open[kind, *key].update(facts)

    def end(self, kind: str, key: tuple[str, ...], at_ms: int, **facts: object) -> None:
        """End an interval, if it is open, and write it."""
        interval = self._open.pop((kind, *key), None)
        if interval is not None:
            _, last = _EDGES.get(kind, _INTERVAL)
            self.write(kind, **(interval | facts | {last: iso(at_ms)}))

    def leave(self, subject: str) -> None:
        """Write what is still open of one chat, without an end."""
        for kind, *key in [key for key in self._by_subject.pop(subject, ()) if key in self._open]:
            self.write(kind, **self._open.pop((kind, *key)))

    def finish(self) -> None:
        """Write everything that is still open, without an end."""
        for (kind, *_), interval in self._open.items():
            self.write(kind, **interval)
        self._open.clear()
        self._by_subject.clear()


class FileUnwritable(ArchiverError):
    """A file that was asked for cannot be written."""


def create(path: Path) -> TextIO:
    """Create a file to write lines to."""
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise FileUnwritable(
            f"{path}: {error.strerror}; name a file that can be written"
        ) from error

"""Opens an archive's questions on what is kept: of chats about which nothing has changed.

What has is worked out as a build would, in memory, and stands beside it; so an answer is never
older than the archive. Chats are known from their beginning to now, however far from the days asked
about: as with `--look-back all --look-ahead all`. It writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from analytics import queries
from analytics.facts.kept import AT_ONCE, OWN, SURROUNDINGS
from analytics.facts.relations import Relations
from analytics.facts.surroundings import survey
from analytics.window import Window

_DAY = timedelta(days=1)
_RECEIVED = {"events", "receipts"}
_MADE = ("living", "coverage", "gap_reports", "gaps")


def recall(relations: Relations, window: Window, names: Iterable[str]) -> frozenset[str]:
    """Make `events` and the views that are kept for some metrics; return which views are made."""
    engine = relations.engine
    survey(relations)
    engine.keep("living", queries.view("living"))
    engine.keep("again", _of_living("touched"))
    relations.derive(with_aside=True)
    engine.keep("chosen", f"{_of_living('current')} anti join again using (conversation_id)")
    chosen = {number for (number,) in engine.table("select distinct batch from chosen").rows}
    batches = [one for one in relations.batches if one.number in chosen]
    for name in (*OWN, *relations.derived):
        relations.join(name, "chosen", batches)
    relations.tell_days(_days(window, names))
    return frozenset({*AT_ONCE, *OWN, *relations.derived, *SURROUNDINGS, *_MADE})


def _of_living(chats: str) -> str:
    return f"select conversation_id, batch from {chats} semi join living using (conversation_id)"


def _days(window: Window, names: Iterable[str]) -> set[date]:
    """Return the days of which what was received is asked for itself, by a metric of receiving."""
    if not any(_RECEIVED & queries.load("metrics", name).words for name in names):
        return set()
    first, last = window.start.date() - _DAY, min(window.end, window.now).date()
    return {first + n * _DAY for n in range((last - first).days + 1)}

"""Opens an archive's questions on what is kept: of chats about which nothing has changed.

What has is worked out as a build would, in memory, and stands beside it; so an answer is never
older than the archive. Chats are known from their beginning to now, however far from the days asked
about: as with `--look-back all --look-ahead all`. It writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from analytics import queries
from analytics.facts.kept import AT_ONCE, HEARD, OWN, SURROUNDINGS
from analytics.facts.relations import Relations, union
from analytics.facts.surroundings import survey
from analytics.window import Window

_DAY = timedelta(days=1)
_MADE = ("living", "coverage", "gap_reports", "gaps")


def recall(relations: Relations, window: Window, names: Iterable[str]) -> frozenset[str]:
    """Make `events` and the views that are kept for some metrics; return which views are made."""
    engine = relations.engine
    survey(relations)
    engine.keep("living", queries.view("living"))
    engine.keep("again", _of_living("touched"))
    relations.derive(with_aside=True)
    engine.keep("chosen", f"{_of_living('current')} anti join again using (conversation_id)")
    chosen = dict(engine.table("select batch, count(*) from chosen group by batch").rows)
    batches = [one for one in relations.batches if one.number in chosen]
    whole = [one for one in batches if one.chats == chosen[one.number]]
    for name in (*OWN, *relations.derived):
        relations.join(name, "chosen", [one for one in batches if one not in whole], whole)
    asked = frozenset[str]().union(*(queries.load("metrics", name).words for name in names))
    if "deliveries" in asked:
        _cut_deliveries(relations, window)
    relations.tell_days(_last_days(window) if "events" in asked else ())
    return frozenset({*AT_ONCE, *OWN, *relations.derived, *SURROUNDINGS, *_MADE})


def _cut_deliveries(relations: Relations, window: Window) -> None:
    """Hold `deliveries` to the window: what sticks out of it is read again, and cut."""
    engine = relations.engine
    start, end = (f"timestamp '{instant}'" for instant in (window.start, window.end))
    is_inside = f"first_received_at >= {start} and last_received_at < {end}"
    engine.keep(
        "delivered",
        f"select * from deliveries where first_received_at < {end} and last_received_at >= {start}",
    )
    heard = [
        f"select conversation_id, date from {name}"
        f" semi join (select * from delivered where not ({is_inside})) using (conversation_id)"
        f" where date >= cast({start} as date) and date <= cast({end} as date)"
        for name in relations.kept(HEARD)
    ]
    engine.keep("cut", union(heard) or "select '' as conversation_id, current_date as date limit 0")
    relations.tell_of("cut", with_aside=False)
    engine.keep("cut_deliveries", queries.view("deliveries"))
    inside = f"select * from delivered where {is_inside}"
    engine.view("deliveries", f"{inside} union all select * from cut_deliveries")


def _of_living(chats: str) -> str:
    return f"select conversation_id, batch from {chats} semi join living using (conversation_id)"


def _last_days(window: Window) -> set[date]:
    """Return the days of the window's last 24 hours: of open chats it is asked who was heard of."""
    until = min(window.end, window.now)
    return {(until - _DAY).date(), until.date()}

"""The relations from which facts are worked out and asked: what is kept, and what is new.

Building and asking share them, so that an answer is the same whether what is new was built or not.
Each is made where an archive is open; nothing is written. Of a chat counts what the newest batch
holds (`current`), unless something new was received of it (`fresh`), or something about the whole
archive has changed that bears on it, or it was open (`touched`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from analytics import queries
from analytics.engine import Engine
from analytics.facts.kept import ASIDE, AT_ONCE, DERIVED, HEARD, OWN, ROWS, SURROUNDINGS
from analytics.facts.news import News
from analytics.facts.store import Batch, State, Store
from archiver import contract

COLUMNS = ", ".join(["project_id", "date", *contract.NAMES])
OF_A_CHAT = "kind in ('request', 'message') and request_id is not null"
_OF_NONE = "(kind not in ('request', 'message') or request_id is null)"
_SAME_ROW = " and ".join(f"known.{name} = new.{name}" for name in contract.KEY)
NOBODY = "select '' as conversation_id, 0 as batch where false"
_NOT_AGAIN = "not exists (select 1 from again where again.conversation_id = made.conversation_id)"
IS_OPEN = "(lives.closed_at is null or lives.open_at >= lives.closed_at)"
# What the server sent is long, and nothing asks for it.
TRIMMED = ", ".join(
    "case when kind in ('control', 'gap') then payload end as payload"
    if name == contract.PAYLOAD.name
    else name
    for name in ("project_id", "date", *contract.NAMES)
)


class Relations:
    """What is kept of a project, and what is not known yet: rows of parts, and of `others`."""

    def __init__(  # noqa: PLR0913
        self,
        engine: Engine,
        store: Store,
        state: State,
        news: News,
        *,
        others: Sequence[str] = (),
        derived: Sequence[str] = DERIVED,
        since: datetime | None = None,
    ) -> None:
        """Make them; `since` cuts off what was received of agents before, but for their state."""
        self.engine = engine
        self.derived = derived
        self._since = since
        self._store = store
        self.batches = state.batches
        self.news = news
        self.others = list(others)
        self._arrived = list(others)
        if news.unknown:
            engine.read("arrived", news.unknown)
            self._arrived.append("arrived")
        self._make_aside()
        self._make_fresh()
        self._make_current()
        self._make_at_once()

    def kept(
        self, name: str, batches: Iterable[Batch] | None = None, prefix: str = "kept"
    ) -> list[str]:
        """Make a relation of what is kept of a view; return its name, if there is anything."""
        paths = self._store.paths(self.batches if batches is None else batches, name)
        if paths:
            self.engine.files(f"{prefix}_{name}", paths)
        return [f"{prefix}_{name}"] if paths else []

    def columns(self, kept: str) -> str:
        """Return the columns of what is kept of a view, as the view has them."""
        return ", ".join(name for name in self.engine.columns(kept) if name != "batch")

    def _make_aside(self) -> None:
        """Make `new_aside` and `aside`: the rows of no chat, those not known yet and all."""
        kept = self.kept(ASIDE)
        known = f" and not exists (select 1 from kept_{ASIDE} as known where {_SAME_ROW})"
        new = [
            f"select {COLUMNS} from {name} as new where {_OF_NONE}{known if kept else ''}"
            for name in self._arrived
        ]
        make = self.engine.keep if kept else self.engine.view
        make("new_aside", union(new) or f"select {COLUMNS} from kept_{ASIDE} where false")
        whole = [f"select {COLUMNS} from {name}" for name in ("new_aside", *kept)]
        if self._since is None:
            self.engine.view(ASIDE, union(whole))
            return
        self.engine.view("every_aside", union(whole))
        self.engine.keep(ASIDE, _ASIDE_SINCE.format(since=self._since))

    def _make_fresh(self) -> None:
        """Make `fresh`: the chats of which something is new, and on which days they were heard."""
        heard = [
            f"select distinct request_id as conversation_id, date from {name} where {OF_A_CHAT}"
            for name in self._arrived
        ]
        nothing = "select '' as conversation_id, current_date as date where false"
        self.engine.keep("arrivals", " union ".join(heard) or nothing)
        known = [
            f"select conversation_id, date from {name} semi join arrivals using (conversation_id)"
            for name in self.kept(HEARD)
        ]
        self.engine.keep("fresh", " union ".join([*known, "select * from arrivals"]))

    def _make_current(self) -> None:
        """Make `current`: the other chats that are kept, and the batch that counts of each.

        And `remembered`: the rows of fresh ones that were open, so that they are not read again.
        """
        kept = [
            f"select conversation_id, max(batch) as batch from {name} group by conversation_id"
            for name in self.kept("lives")
        ]
        self.engine.keep("known", union(kept) or NOBODY)
        self.engine.keep("current", "select * from known anti join fresh using (conversation_id)")
        rows = [
            f"select {COLUMNS} from {name} semi join"
            " (select * from known semi join fresh using (conversation_id))"
            " using (conversation_id, batch)"
            for name in self.kept(ROWS)
        ]
        self.engine.keep("remembered", union(rows) or f"select {COLUMNS} from {ASIDE} where false")

    def _make_at_once(self) -> None:
        """Make the views that tell which chats are asked about, and who is an agent."""
        self.tell_of("fresh", with_aside=True)
        for name in AT_ONCE:
            self.engine.keep(f"new_{name}", queries.view(name))
            self.join(name, "current")

    def tell_of(self, chats: str, *, with_aside: bool) -> None:
        """Make `events` of all rows of some chats on some days, perhaps with those of no chat."""
        theirs = f"in (select conversation_id from {chats})"
        is_remembered = "in (select request_id from remembered)"
        found = self.engine.table(
            f"select distinct date from {chats} where conversation_id not {is_remembered}"
        )
        whose = f"{OF_A_CHAT} and request_id {theirs}"
        told = [f"select {COLUMNS} from remembered where {whose}"]
        told += [
            f"select {COLUMNS} from {name} as new where {whose} and request_id {is_remembered} and"
            f" not exists (select 1 from remembered as known where {_SAME_ROW})"
            for name in self._arrived
        ]
        told += [
            f"select {COLUMNS} from {name} where {whose} and request_id not {is_remembered}"
            for name in (*self.others, *self._around(day for (day,) in found.rows))
        ]
        told += [f"select {COLUMNS} from {ASIDE}"] if with_aside else []
        self.engine.view("events", union(told))
        self.engine.view("receipts", queries.view("receipts"))  # of which `deliveries` are made

    def tell_days(self, days: Iterable[date]) -> None:
        """Make `events` of the rows of no chat, and of what was received of chats on some days."""
        told = [f"select {COLUMNS} from {ASIDE}"]
        told += [
            f"select {COLUMNS} from {name} where {OF_A_CHAT}"
            for name in (*self.others, *self._around(days))
        ]
        self.engine.view("events", union(told))

    def _around(self, days: Iterable[date]) -> list[str]:
        """Make a relation of the parts of some days; return its name, if there is any."""
        parts = [part for day in sorted(set(days)) for part in self.news.parts.get(day, ())]
        if parts:
            self.engine.read("around", parts)
        return ["around"] if parts else []

    def derive(self, *, with_aside: bool) -> None:
        """Make `new_…` of every view that is kept, of those chats in `living` that need it.

        Those that are fresh are read anew; of `again`, which are touched, views of their own are
        kept. What names no chat is told with the rows of none.
        """
        self.engine.keep(
            "unread",
            "select conversation_id, date from fresh semi join living using (conversation_id)",
        )
        self.tell_of("unread", with_aside=with_aside)
        for name in OWN:
            read = f"select * from ({queries.view(name)}) as made where {_NOT_AGAIN}"
            self.engine.keep(f"new_{name}", union([read, *self._again(name)]))
            self.engine.view(name, f"select * from new_{name}")
        between = queries.needed(" ".join(self.derived), made=(*AT_ONCE, *OWN, *SURROUNDINGS))
        for name in between:
            if name in self.derived:
                self.engine.keep(f"new_{name}", queries.view(name))
                self.engine.view(name, f"select * from new_{name}")
            else:
                self.engine.keep(name, queries.view(name))
        for name in set(between) - set(self.derived):
            self.engine.drop(name)

    def _again(self, name: str) -> list[str]:
        return [
            f"select {self.columns(kept)} from {kept}"
            " semi join again using (conversation_id, batch)"
            for kept in self.kept(name)
        ]

    def join(
        self,
        name: str,
        chats: str,
        batches: Iterable[Batch] | None = None,
        whole: Iterable[Batch] = (),
    ) -> None:
        """Make a view of what is kept of some chats, and of what is new.

        Of `whole` batches every chat is meant: nothing of them needs to be looked for.
        """
        told = [
            f"select {self.columns(kept)} from {kept}"
            f" semi join {chats} using (conversation_id, batch)"
            for kept in self.kept(name, batches)
        ]
        told += [
            f"select {self.columns(kept)} from {kept}" for kept in self.kept(name, whole, "whole")
        ]
        self.engine.view(name, union([f"select * from new_{name}", *told]))


_ASIDE_SINCE = """
with states as (
    select
        agent_id,
        max(coalesce(updated_at, received_at)) as changed_at
    from every_aside
    where kind = 'agent' and received_at < timestamp '{since}'
    group by agent_id
)

select *
from every_aside
where kind in ('control', 'gap') or received_at >= timestamp '{since}'
union all
select every_aside.*
from every_aside
inner join states
    on
        every_aside.agent_id = states.agent_id
        and coalesce(every_aside.updated_at, every_aside.received_at) = states.changed_at
where every_aside.kind = 'agent' and every_aside.received_at < timestamp '{since}'
"""


def union(selects: Sequence[str]) -> str:
    return " union all ".join(f"({one})" for one in selects)

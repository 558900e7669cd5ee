"""Keeps one project's chats as they are now, and answers for them again and again.

All rows since the look-back are kept, without texts. The views run over those of chats awake only:
a chat that was closed a while ago and is silent is settled, its facts of the day are put aside, so
that an answer costs what is going on, not what has gone on. Whatever is heard of a settled chat
wakes it. Of an agent, what came before the present state is settled, too. Nothing is read from
disk here, and nothing shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from analytics import archive, metrics, queries
from analytics.archive import Archive
from analytics.config import Desk
from analytics.dashboard.normal import HAPPENINGS, Happening
from analytics.duck import Duck, columns
from analytics.engine import Table
from analytics.settings import Settings
from analytics.window import DAY, Window, local_date
from archiver.unsealed import partitioned

if TYPE_CHECKING:
    import pyarrow as pa

QUIET = timedelta(minutes=90)
"""How long a closed chat lives on: longer than any gauge looks back."""
SETTLE_EVERY = timedelta(minutes=1)
TABLES = ("kept", "awake", "covered", "settled", "settled_facts")
"""What it holds beside the views' tables, which bear the views' names."""
TODAY = ("chats_offered", "chats_closed", "service_level")

_NEW = """
create or replace temp table arrived as
select {columns} from incoming
where incoming.date >= date '{day}' and not exists (
    select 1 from kept
    where kept.seq between {first} and {last} and kept.recorder = incoming.recorder
        and kept.seq = incoming.seq and kept.element = incoming.element
)
"""
_WAKE = """
create or replace temp table woken as
select distinct settled.request_id from settled
inner join arrived on settled.request_id = arrived.request_id;
insert into awake select * from kept where request_id in (select request_id from woken);
delete from settled where request_id in (select request_id from woken);
delete from settled_facts where conversation_id in (select request_id from woken);
insert into kept select * from arrived;
insert into awake select * from arrived;
"""
_DEPARTMENTS = """
select department_id, max_by(department_name, received_at) from arrived
where department_id is not null and department_name is not null
group by department_id
"""
_DONE = """
create or replace temp table done as
select request_id from awake
where request_id is not null and kind in ('request', 'message')
group by request_id
having max(received_at) < (select max(received_at) from awake) - interval '{quiet}' minute
except
select conversation_id from waits
where closed_at is null or closed_at >= timestamp '{now}' - interval '{quiet}' minute
"""
_SETTLE = """
insert into settled select request_id from done;
insert into settled_facts
select * from timed_facts where conversation_id in (select request_id from done);
create or replace temp table awake as
select awake.* from awake
left join (
    select agent_id, min(started_at) as began_at
    from (
        select agent_id, started_at from agent_status where ended_at is null
        union all
        select agent_id, started_at from presence_stretches where ended_at is null
    ) as newest
    group by agent_id
) as states
    on awake.kind = 'agent' and awake.agent_id = states.agent_id
where
    (awake.request_id is null or awake.request_id not in (select request_id from done))
    and (
        states.began_at is null
        or coalesce(awake.updated_at, awake.received_at) >= states.began_at
    );
"""
_AGENTS = """
select agent_name, state, profile_status, since, chats_count, chat_limit, is_at_limit, slots_free
from agents_now
order by state = 'offline', state = 'away', agent_name, agent_id
"""
_WAITING = """
select conversation_id, state, department_name, channel, agent_name, waiting_since, waiting_s
from waiting_now
order by waiting_s desc, conversation_id
"""
_GAP = "select why from gaps where topic is null and until is null order by since desc limit 1"
_MIDNIGHT = """
create or replace temp table kept as select * from kept where date >= date '{day}';
create or replace temp table awake as select * from kept;
delete from settled;
delete from settled_facts;
"""


@dataclass(frozen=True)
class Figures:
    """How a project is at an instant, as the queries say it."""

    project_id: str
    window: Window
    settings: Settings
    gauges: dict[str, Any]
    today: dict[str, dict[str, Any]]
    """The rows of the metrics in `TODAY`."""
    happenings: list[Happening]
    agents: list[dict[str, Any]]
    waiting: list[dict[str, Any]]
    why: str | None
    """Why nothing is recorded at this moment; null if it is, or nobody knows."""


class Live:
    """One project, from the look-back to now; `take` what is new, then `ask`."""

    def __init__(self, project_id: str, desk: Desk, now: datetime) -> None:
        self.project_id = project_id
        self.desk = desk
        today = local_date(now, desk.tz)
        self.window = Window(today, today + DAY, desk.tz, now)
        self._facts = queries.facts_for(TODAY)
        self._engine = Duck()
        self._connection = self._engine.connection
        self._connection.execute("set threads = 1")  # little at a time: more would only wait
        self._settled_at = now - SETTLE_EVERY
        self._departments: dict[str, str] = {}
        self._prepare()

    def _prepare(self) -> None:
        """Make the tables, empty: an empty journal has every column."""
        empty = f"select {columns()} from incoming"  # noqa: S608 (no values)
        self._connection.register("incoming", partitioned([]))
        for name in ("kept", "awake", "covered"):
            self._connection.execute(f"create temp table {name} as {empty}")
        self._connection.unregister("incoming")
        self._connection.execute("create temp table settled (request_id varchar)")
        self._connection.execute(
            "create temp view events as select * from awake union all select * from covered"
        )
        self._asking()
        self._connection.execute(
            "create temp table settled_facts as select * from timed_facts limit 0"
        )

    def days(self) -> list[date]:
        """Return the UTC days to keep: today's and those of the look-back."""
        first = self.window.start.date() - archive.LOOK_BACK
        last = max(self.window.now, self.window.start).date()
        return [first + n * DAY for n in range((last - first).days + 1)]

    def take(self, rows: pa.Table) -> int:
        """Take rows, each once however often it comes; return how many were new."""
        import pyarrow.compute as pc

        if len(rows) == 0:
            return 0
        ends = pc.min_max(rows.column("seq")).as_py()
        self._connection.register("incoming", rows)
        day = self.days()[0]
        sql = _NEW.format(columns=columns(), day=day, first=ends["min"], last=ends["max"])
        self._connection.execute(sql)
        self._connection.unregister("incoming")
        self._connection.execute(_WAKE)
        self._departments.update(self._connection.execute(_DEPARTMENTS).fetchall())
        ((count,),) = self._connection.execute("select count(*) from arrived").fetchall()
        return int(count)

    def vouch(self, rows: pa.Table) -> None:
        """Take what the journal's segments cover so far, in place of what was told before."""
        self._connection.register("incoming", rows)
        self._connection.execute(
            f"create or replace temp table covered as select {columns()} from incoming"  # noqa: S608 (no values)
        )
        self._connection.unregister("incoming")

    def ask(self, now: datetime) -> Figures:
        """Return the figures of an instant."""
        self._turn(now)
        asked = self._asking()
        self._connection.execute("insert into timed_facts select * from settled_facts")
        (gauges,) = asked.query("select * from gauges").records()
        figures = Figures(
            self.project_id,
            self.window,
            self.desk.settings,
            gauges,
            {name: _row(metrics.run(asked, name)) for name in TODAY},
            [Happening(*row) for row in asked.query(HAPPENINGS).rows],
            asked.query(_AGENTS).records(),
            [self._named(row) for row in asked.query(_WAITING).records()],
            next((why for (why,) in asked.query(_GAP).rows), None),
        )
        if now - self._settled_at >= SETTLE_EVERY:
            self._settle()
        return figures

    def _named(self, row: dict[str, Any]) -> dict[str, Any]:
        """Name a department that only settled chats have named."""
        department = row["department_name"]
        return row | {"department_name": self._departments.get(department, department)}

    def _asking(self) -> Archive:
        settings = self.desk.settings
        asked = Archive(self._engine, self.project_id, self.window, settings, self._facts)
        asked.tell()
        asked.query("select * from timed_facts limit 0")  # makes it
        return asked

    def _settle(self) -> None:
        minutes = QUIET // timedelta(minutes=1)
        self._connection.execute(_DONE.format(quiet=minutes, now=self.window.now))
        self._connection.execute(_SETTLE)
        self._settled_at = self.window.now

    def _turn(self, now: datetime) -> None:
        """Go on to another instant; at midnight, forget a day and settle everything anew."""
        today = local_date(now, self.desk.tz)
        is_midnight = today != self.window.since
        self.window = Window(today, today + DAY, self.desk.tz, now)
        if is_midnight:
            self._connection.execute(_MIDNIGHT.format(day=self.days()[0]))
            self._settled_at = now - SETTLE_EVERY

    def sizes(self) -> dict[str, int]:
        """Return how many rows and chats it holds, by table: what it costs."""
        return {
            name: int(self._connection.execute(f"select count(*) from {name}").fetchall()[0][0])  # noqa: S608 (ours)
            for name in TABLES
        }

    def close(self) -> None:
        """Let go of everything."""
        self._engine.close()


def _row(table: Table) -> dict[str, Any]:
    return table.records()[0] if table.rows else {}

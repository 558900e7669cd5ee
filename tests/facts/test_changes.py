"""What comes later may change what was said of chats of which nothing new was received."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta

import pyarrow.parquet as pq
import pytest
from casebook import PROJECT, arrow, rows_of

from analytics.archive import connect
from analytics.facts.build import build
from analytics.facts.store import store_of
from analytics.folder import Folder
from analytics.settings import Settings
from analytics.window import choose
from archiver import contract

DAY = date(2026, 3, 2)
LATE = datetime(2026, 3, 9)
CHAT = {"chat": "c1", "at": datetime(2026, 3, 2, 9)}
CLOSED = {"chat": "c1", "at": datetime(2026, 3, 2, 10), "status": 1000}
SAID = {"chat": "c1", "at": datetime(2026, 3, 2, 9, 30), "by": "a1", "entity_id": "m1"}
ROLES = "select sender_role from messages order by sender_role"


class Desk:
    """An archive of hand-written parts, with the facts that are kept of it."""

    def __init__(self, root):
        self.root = root
        (root / contract.MARKER).write_text(json.dumps({"format": contract.VERSION}))
        self.store = store_of(root / contract.DERIVED_FOLDER, PROJECT)
        self._count = 0

    def receive(self, day=DAY, **case):
        """Add a part."""
        self._count += 1
        folder = contract.partition(self.root, PROJECT, day)
        folder.mkdir(parents=True, exist_ok=True)
        rows = rows_of(case)
        for row in rows:
            row["seq"] += 1000 * self._count
        table = arrow(rows).select(contract.NAMES)
        pq.write_table(table, folder / contract.part_name("main", self._count))

    def build(self, **options):
        return build(Folder(self.root), PROJECT, self.store, **options)

    def told(self, sql, store=None, now=LATE, **settings):
        window = choose(DAY, DAY + timedelta(days=3), "UTC", now)
        asked = (Folder(self.root), PROJECT, window, None, None)
        with connect(*asked, settings=Settings(**settings), only=(), store=store) as one:
            return one.query(sql).rows

    def changes(self, sql, later, **asked):
        """Return an answer before and after something later, each of facts, and built and not."""
        self.build()
        before = self.told(sql, self.store, **asked)
        self.receive(**later)
        anew, unbuilt = self.told(sql, **asked), self.told(sql, self.store, **asked)
        built = self.build()
        assert built.is_anew is False
        assert anew == unbuilt == self.told(sql, self.store, **asked)
        return before, anew, built.chats


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def test_who_turns_out_to_be_an_agent_was_one(desk):
    desk.receive(requests=[CHAT, CLOSED], messages=[SAID])
    later = {"requests": [{"chat": "c2", "at": datetime(2026, 3, 3, 9), "agents": ["a1"]}]}

    told = desk.changes(ROLES, later | {"day": date(2026, 3, 3)})

    assert told == ([("unknown",)], [("agent",)], 2)


def test_who_closed_a_chat_or_opened_another_turns_out_to_be_an_agent(desk):
    details = {"closed_at": datetime(2026, 3, 2, 10), "closed_by": "a1"}
    other = [one | {"chat": "c2", "created_by": "_a1"} for one in (CHAT, CLOSED)]
    desk.receive(requests=[CHAT, CLOSED | details, *other])
    later = {"agents": [{"agent": "a1", "at": datetime(2026, 3, 3, 9)}]}
    sql = "select close_reason, is_proactive from outcomes join waits using (conversation_id)"

    told = desk.changes(f"{sql} order by conversation_id", later | {"day": date(2026, 3, 3)})

    assert told == ([("unknown", False)] * 2, [("agent", False), ("unknown", True)], 2)


def test_a_gap_that_is_told_later_was_there(desk):
    """Another recorder's part comes with the coverage and the gap of a time long built."""
    seated = {"agents": ["a1"], "assigned_at": datetime(2026, 3, 2, 9, 10)}
    at = datetime(2026, 3, 2, 9, 20)
    desk.receive(requests=[CHAT, CHAT | seated | {"at": at}, CLOSED | seated])
    gap = {"since": datetime(2026, 3, 2, 9, 5), "until": datetime(2026, 3, 2, 9, 15), "why": "cut"}
    sql = "select agent_id, is_start_inferred from assignments"

    told = desk.changes(sql, {"gaps": [gap], "day": date(2026, 3, 3)})

    assert told == ([("a1", False)], [("a1", True)], 1)


def test_rows_that_come_late_widen_a_gap_that_is_known(desk):
    gap = {"since": datetime(2026, 3, 2, 9, 11), "until": datetime(2026, 3, 2, 9, 15), "why": "cut"}
    seated = {"agents": ["a1"], "assigned_at": datetime(2026, 3, 2, 9, 10, 50)}
    at = datetime(2026, 3, 2, 9, 20)
    desk.receive(requests=[CHAT, CHAT | seated | {"at": at}, CLOSED | seated], gaps=[gap])
    slow = {"chat": "c2", "at": datetime(2026, 3, 2, 9, 10), "received_at": gap["since"]}
    sql = "select agent_id, is_start_inferred from assignments"

    told = desk.changes(sql, {"requests": [slow]})

    assert told == ([("a1", False)], [("a1", True)], 2)


def test_what_is_open_is_as_long_as_it_is_by_now(desk):
    """Nothing came: but who waits gave up when he had been silent for long enough."""
    desk.receive(requests=[CHAT], messages=[SAID | {"by": "visitor"}])
    desk.build()
    sql = "select abandoned_at from waits"

    for now, abandoned in (
        (datetime(2026, 3, 2, 9, 45), None),
        (datetime(2026, 3, 2, 10, 30), datetime(2026, 3, 2, 10)),
    ):
        told = desk.told(sql, desk.store, now=now)
        assert told == desk.told(sql, now=now) == [(abandoned,)]


def test_a_setting_that_chats_were_derived_by_is_not_believed_when_it_is_another(desk):
    talk = [SAID | {"at": datetime(2026, 3, 2, 9, m), "entity_id": f"m{m}"} for m in (0, 5, 50)]
    desk.receive(requests=[CHAT | {"agents": ["a1"]}, CLOSED | {"agents": ["a1"]}], messages=talk)
    desk.build()
    sql = "select value from talk_times where value is not null"

    plain, short = desk.told(sql, desk.store), desk.told(sql, desk.store, pause_limit_s=60.0)

    assert plain == desk.told(sql) == [(300.0 + 600 + 600,)]
    assert short == desk.told(sql, pause_limit_s=60.0) == [(180.0,)]
    assert desk.build(settings=Settings(pause_limit_s=60.0)).is_anew is True
    assert desk.told(sql, desk.store, pause_limit_s=60.0) == short


def test_a_chat_that_goes_on_is_not_read_again_from_its_beginning(desk):
    """Its rows are remembered while it is open: the part that began it could be gone."""
    desk.receive(requests=[CHAT], messages=[SAID])
    desk.build()
    (first,) = desk.root.glob(contract.parts_glob())
    desk.receive(requests=[CLOSED | {"at": datetime(2026, 3, 3, 9)}], day=date(2026, 3, 3))
    anew = desk.told("select opened_at, closed_at from sessions")
    first.write_bytes(bytes(first.stat().st_size))

    assert desk.told("select opened_at, closed_at from sessions", desk.store) == anew
    assert desk.build().chats == 1
    assert desk.told("select opened_at, closed_at from sessions", desk.store) == anew
    assert len(anew) == 1


def test_one_that_was_closed_long_ago_and_goes_on_is_read_again(desk):
    desk.receive(requests=[CHAT, CLOSED], messages=[SAID])
    sql = "select session_no, opened_at, closed_at from sessions order by session_no"

    later = {"requests": [CHAT | {"at": datetime(2026, 3, 4, 9)}], "day": date(2026, 3, 4)}
    before, after, chats = desk.changes(sql, later)

    assert (len(before), len(after), chats) == (1, 2, 1)


def test_words_of_no_chat_count_as_they_did(desk):
    stray = {"kind": "message", "source": "realtime", "connection": 0, "sender": "x"}
    stray |= {"entity_id": "m9", "received_at": CHAT["at"], "created_at": CHAT["at"]}
    desk.receive(requests=[CHAT, CLOSED], messages=[SAID], others=[stray])
    desk.build()
    sql = "select message_id from received_messages order by message_id"

    assert desk.told(sql, desk.store) == desk.told(sql) == [("m1",), ("m9",)]

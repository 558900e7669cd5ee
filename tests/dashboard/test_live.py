"""One project, step by step: always what a question about the whole archive would be told."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from click.testing import CliRunner

from analytics import metrics
from analytics.archive import connect
from analytics.config import Config
from analytics.dashboard.follow import Parts
from analytics.dashboard.live import TABLES, TODAY, Live
from analytics.folder import Folder
from analytics.queries import VIEWS
from analytics.window import DAY, Window
from archiver.cli import cli as archiver
from archiver.unsealed import partitioned

PROJECT = "5f6c1d2e3a4b5c6d7e8f9a0b"
UNTIL = date(2026, 11, 21)
TZ = "Europe/Rome"
DESK = Config().desk(PROJECT, {"tz": TZ, "chat_limit": 4})
STEP = timedelta(hours=5, minutes=37)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A working day and two before it, with reopened chats, ratings and transfers."""
    folder = tmp_path_factory.mktemp("live") / "archive"
    asked = ["simulate", "history", "--archive", folder, "--days", 3, "--until", UNTIL]
    asked += ["--chats-per-day", 120, "--agents", 6, "--tz", TZ, "--seed", 5]
    done = CliRunner().invoke(archiver, [str(one) for one in asked])
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture(scope="module")
def rows(root):
    """All rows, and those of them that say what is covered, which are always known."""
    days = [UNTIL - DAY * n for n in range(5)]
    whole = pa.concat_tables(list(Parts(root, PROJECT).read(days)))
    told = pc.is_in(whole.column("kind"), value_set=pa.array(["control", "gap"]))
    return whole.filter(pc.invert(told)), whole.filter(told)


def between(rows, since, until):
    at = rows.column("received_at").cast(pa.timestamp("us"))
    return rows.filter(pc.and_(pc.greater_equal(at, since), pc.less(at, until)))


def whole_answer(root, now):
    today = (now + timedelta(hours=1)).date()
    window = Window(today, today + DAY, TZ, now, is_past=True)
    with connect(Folder(root), PROJECT, window, settings=DESK.settings) as archive:
        gauges = archive.query("select * from gauges").records()[0]
        today = {name: metrics.run(archive, name).records()[0] for name in TODAY}
        waiting = archive.query(
            "select conversation_id, state, agent_name, waiting_s from waiting_now"
        )
        agents = archive.query(
            "select agent_name, state, since, chats_count, slots_free from agents_now"
        )
    return gauges, today, sorted(waiting.rows, key=str), sorted(agents.rows, key=str)


def near(row):
    """Return a row whose floats do not depend on the order of sums."""
    return {k: round(v, 6) if isinstance(v, float) else v for k, v in row.items()}


def picked(rows, *names):
    return sorted((tuple(row[name] for name in names) for row in rows), key=str)


def settled_chats(live):
    return [chat for (chat,) in live._connection.execute("from settled order by 1").fetchall()]


def shown(today):
    """Return of today's metrics what the page shows."""
    return (
        today["chats_offered"]["sessions_count"],
        today["chats_closed"]["sessions_count"],
        near(today["service_level"]),
    )


@pytest.mark.slow
def test_whatever_is_settled_the_figures_are_those_of_the_whole_archive(root, rows):
    chats, told = rows
    begin = datetime(2026, 11, 18, 23)
    live = Live(PROJECT, DESK, begin + STEP)
    live.take(told)
    since, settled = datetime(2026, 11, 1), 0

    for step in range(1, 10):
        now = begin + step * STEP
        live.take(between(chats, since, now))
        live.take(between(chats, since, now))  # twice is once
        figures = live.ask(now)
        gauges, today, waiting, agents = whole_answer(root, now)

        assert near(figures.gauges) == near(gauges), now
        assert shown(figures.today) == shown(today), now
        columns = ("conversation_id", "state", "agent_name", "waiting_s")
        assert picked(figures.waiting, *columns) == waiting
        names = ("agent_name", "state", "since", "chats_count", "slots_free")
        assert picked(figures.agents, *names) == agents
        since = now
        settled = max(settled, live.sizes()["settled"])
        assert live.sizes()["awake"] < len(chats)

    assert settled > 100
    live.close()


def test_a_settled_chat_wakes_when_it_is_heard_of_again(rows):
    chats, told = rows
    now = datetime(2026, 11, 20, 22)
    live = Live(PROJECT, DESK, now)
    live.take(told)
    live.take(between(chats, datetime(2026, 11, 1), now))
    before = live.ask(now)
    chat, settled = settled_chats(live)[0], live.sizes()["settled"]

    one = chats.filter(pc.equal(chats.column("request_id"), chat)).slice(0, 1)
    later = now + timedelta(seconds=30)
    at = one.schema.get_field_index("received_at")
    again = one.set_column(at, "received_at", pa.array([later], pa.timestamp("us", "UTC")))
    again = again.set_column(
        one.schema.get_field_index("seq"), "seq", pa.array([10**9], pa.int64())
    )

    assert live.take(again) == 1
    after = live.ask(later + timedelta(seconds=1))

    assert chat not in settled_chats(live)
    assert live.sizes()["settled"] == settled - 1
    assert shown(after.today)[:2] == shown(before.today)[:2]
    live.close()


def test_at_midnight_a_day_is_forgotten_and_another_begins(rows):
    chats, told = rows
    evening = datetime(2026, 11, 20, 22, 59)
    live = Live(PROJECT, DESK, evening)
    live.take(told)
    live.take(between(chats, datetime(2026, 11, 1), evening))
    before, kept = live.ask(evening), live.sizes()["kept"]

    after = live.ask(evening + timedelta(minutes=2))

    assert before.window.since == date(2026, 11, 20)
    assert after.window.since == date(2026, 11, 21)
    assert shown(before.today)[0] > 0
    assert shown(after.today)[0] == 0
    assert after.gauges["incoming_count"] == before.gauges["incoming_count"]
    assert live.sizes()["kept"] <= kept
    live.close()


def test_without_any_event_nothing_is_claimed():
    live = Live(PROJECT, DESK, datetime(2026, 11, 20, 12))

    figures = live.ask(datetime(2026, 11, 20, 12))

    assert figures.gauges["incoming_count"] == 0
    assert figures.gauges["last_event_at"] is None
    assert figures.gauges["covered_until"] is None
    assert figures.waiting == figures.agents == figures.happenings == []
    assert live.take(partitioned([])) == 0
    live.close()


def test_no_view_has_the_name_of_a_table_of_ours():
    assert not {*TABLES, "arrived", "woken", "done", "incoming"} & set(VIEWS)


def test_no_text_of_a_chat_is_kept(rows):
    chats, _ = rows

    assert chats.column("payload").null_count == len(chats)

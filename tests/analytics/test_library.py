"""What a program gets of an archive: the commands' answers, in the form that it wants."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import analytics
from analytics import queries
from analytics.answer import MOST
from analytics.config import KEYS
from analytics.library import Options

DAYS = {"since": "2026-03-02", "until": "2026-03-05", "tz": "Europe/Rome"}
DOCUMENT = Path(__file__).parents[2] / "docs" / "library.md"


@pytest.fixture(scope="module")
def days(desk):
    """Three days of a desk, open."""
    with analytics.open(desk.root, **DAYS) as opened:
        yield opened


@pytest.fixture
def told(ask, desk):
    """Ask the command the same; return its JSON."""

    def call(*arguments):
        asked = ("--archive", desk.root, "--tz", "Europe/Rome", "--format", "json")
        done = ask(*arguments, *asked, "--since", "2026-03-02", "--until", "2026-03-05")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return call


def plain(answer):
    """Return an answer as the command prints it; sums differ by their order."""
    return [
        pytest.approx(
            {name: str(one) if isinstance(one, date) else one for name, one in row.items()}
        )
        for row in answer.records()
    ]


def test_a_metric_is_that_of_the_command(days, told):
    assert told("metric", "chats_offered") == plain(days.metric("chats_offered"))
    by = days.metric("queue_time", by="department")
    assert told("metric", "queue_time", "--by", "department") == plain(by)
    assert by.columns[:2] == ["date", "department"]


def test_the_chats_behind_a_metric_are_those_of_the_command(days, told):
    behind = days.metric("queue_time", chats=True)

    found = [row["conversation_id"] for row in told("metric", "queue_time", "--chats")]
    assert len(behind) > 10
    assert [row["conversation_id"] for row in behind.records()] == found


def test_what_is_exported_is_that_of_the_command(days, ask, desk, tmp_path):
    file = tmp_path / "sessions.parquet"
    asked = ("--archive", desk.root, "--tz", "Europe/Rome", "--output", file)
    ask("export", "sessions", *asked, "--since", "2026-03-02", "--until", "2026-03-05")

    written = pq.read_table(file)
    answer = days.export("sessions")
    assert answer.columns == written.column_names
    assert answer.arrow().schema.types == written.schema.types
    exact = ["conversation_id", "session_no", "opened_at", "agents", "first_response_s", "rating"]
    assert answer.select(*exact).records() == written.select(exact).to_pylist()


def test_times_are_utc_and_sums_are_integers(days):
    answer = days.sql(
        "select timestamp '2026-03-02 08:00:00' as at, sum(2) as total,"
        " [{'left_at': timestamp '2026-03-02 09:00:00'}] as leaves"
    )

    assert answer.records() == [
        {
            "at": datetime(2026, 3, 2, 8, tzinfo=UTC),
            "total": 2,
            "leaves": [{"left_at": datetime(2026, 3, 2, 9, tzinfo=UTC)}],
        }
    ]
    assert answer.arrow().schema.types[1] == pa.int64()


def test_an_answer_is_an_arrow_table_and_frames_of_it(days):
    answer = days.metric("chats_offered")
    counts = [row["sessions_count"] for row in answer.records()]

    assert answer.arrow()["sessions_count"].to_pylist() == counts
    assert answer.polars()["sessions_count"].to_list() == counts
    frame = answer.pandas()
    assert frame["sessions_count"].to_list() == counts
    assert frame["date"].dt.day.to_list()[:3] == [2, 3, 4]


def test_whatever_reads_arrow_takes_an_answer(days):
    answer = days.metric("chats_offered")

    assert pa.table(answer).equals(answer.arrow())
    assert pl.DataFrame(answer).equals(answer.polars())


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_library_that_is_missing_is_named(days, monkeypatch, library):
    monkeypatch.setitem(sys.modules, library, None)

    with pytest.raises(analytics.AnalyticsError) as refused:
        getattr(days.metric("chats_offered"), library)()

    assert str(refused.value) == f"{library}: is not installed; install it: pip install {library}"


def test_rows_of_all_days_and_of_single_ones(days):
    answer = days.metric("chats_offered")

    assert [row["date"] for row in answer.daily().records()] == days.days
    (whole,) = answer.whole().records()
    assert "date" not in whole
    assert whole["sessions_count"] == sum(row["sessions_count"] for row in answer.daily().records())


def test_of_a_single_day_its_rows_are_the_whole(desk):
    with analytics.open(desk.root, date=date(2026, 3, 3)) as day:
        answer = day.metric("chats_offered")

    assert len(answer) == len(answer.whole()) == len(answer.daily()) == 1


def test_a_notebook_shows_a_table(days):
    answer = days.sql("select '<b>&' as name, 0.5 as seen_ratio, null as nothing")

    assert answer._repr_html_() == (
        '<table style="white-space: nowrap"><thead><tr><th>name</th><th>seen_ratio</th>'
        "<th>nothing</th></tr></thead><tbody><tr><td>&lt;b&gt;&amp;</td><td>50 %</td>"
        "<td>–</td></tr></tbody></table>"
    )
    assert repr(answer) == "name  seen_ratio  nothing\n<b>&        50 %        –\n"


def test_of_many_rows_the_first_are_shown_and_how_many_there_are(days):
    answer = days.sql("select * from range(1234) as numbers (number)")

    assert answer._repr_html_().count("<tr>") == MOST + 1
    assert answer._repr_html_().endswith("<p>the first 60 of 1,234 rows</p>")
    assert repr(answer).endswith("the first 60 of 1,234 rows")


def test_that_there_are_no_rows_is_said(days):
    empty = days.sql("select 1 as one where false")

    assert repr(empty) == "one\nno rows"
    assert empty._repr_html_().endswith("<p>no rows</p>")
    assert repr(analytics.Answer.of([])) == "no rows"


def test_every_metric_and_view_is_listed_with_its_sentence(days):
    metrics = {row["metric"]: row for row in days.metrics.records()}
    views = {row["view"]: row["meaning"] for row in days.views.records()}

    assert list(metrics) == list(queries.METRICS)
    assert list(views) == list(queries.VIEWS)
    assert metrics["queue_time"]["meaning"] == queries.load("metrics", "queue_time").doc
    assert "department" in metrics["queue_time"]["by"]
    assert all(views.values())


def test_a_view_is_shown_as_it_is(days):
    agents = days.relation("agents")

    assert agents.columns == ["agent_id", "project_user_id", "agent_name"]
    assert len(agents) == days.sql("select count(*) as n from agents").records()[0]["n"] > 0


def test_what_is_open_says_so(days, desk):
    assert days.project_id == desk.project_id
    assert repr(days) == f"{desk.project_id} from 2026-03-02 to 2026-03-05 (Europe/Rome)"
    assert days.days == [date(2026, 3, number) for number in (2, 3, 4)]
    assert 0.9 < days.coverage < 1
    assert days.gaps.columns == ["since", "until", "why"]
    (hole,) = days.gaps.records()
    assert hole["until"] - hole["since"] == timedelta(hours=1)  # Rome's day begins before UTC's


@pytest.mark.parametrize(("count", "first", "after"), [(1, 4, 5), (2, 3, 5), (90, 2, 5)])
def test_the_last_days_are_those_recorded_without_the_newest(desk, count, first, after):
    with analytics.open(desk.root, last=count) as opened:
        window = opened.window

    assert (window.since, window.until) == (date(2026, 3, first), date(2026, 3, after))


def test_settings_come_from_the_file_of_the_commands_and_from_arguments(desk, tmp_path):
    file = tmp_path / "desk.toml"
    file.write_text(
        f'archive = "{desk.root}"\nproject = "{desk.project_id}"\nlook_back = "all"\n'
        f'[projects.{desk.project_id}]\ntz = "Asia/Tokyo"\nanswer_target = 5\n'
    )

    with analytics.open(config=file, date="2026-03-03", answer_target=7, tz=None) as opened:
        assert opened.window.tz == "Asia/Tokyo"
        assert opened.archive.settings.answer_target_s == 7


@pytest.mark.parametrize("said", [1_500_000_000, "1.5GB", "1.5 gb", "1464843.75 KiB"])
def test_what_an_answer_may_take_is_given_in_bytes_or_with_a_unit(desk, tmp_path, said):
    file = tmp_path / "desk.toml"
    file.write_text('memory_limit = "3GB"\nthreads = 1\n')
    sql = "select current_setting('memory_limit') as memory, current_setting('threads') as threads"

    with analytics.open(desk.root, date="2026-03-03", config=file, memory_limit=said) as opened:
        assert opened.sql(sql).records() == [{"memory": "1.3 GiB", "threads": 1}]


def test_every_setting_may_be_given():
    assert set(Options.__annotations__) == set(KEYS)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"date": "2026-3-2"}, "date: '2026-3-2' is no day; write it as 2026-11-23"),
        ({"since": 5}, "since: 5 is no day; write it as 2026-11-23"),
        ({"as_of": "noon"}, "as_of: 'noon' is no instant; write it as 2026-11-23T18:00"),
        ({"look_back": -1}, "look_back: -1 is no number of days; write 2, or all"),
        ({"last": 0}, "last: 0 is no number of days; write 7"),
        (
            {"last": 1, "date": "2026-03-03"},
            "last: says which days; leave out date, since and until",
        ),
        (
            {"date": "2026-03-03", "until": "2026-03-04"},
            "date: is one day; leave out since and until",
        ),
        ({"answer_target": "soon"}, "answer_target: 'soon' is no number of seconds; write 60"),
        ({"memory_limit": "4"}, "memory_limit: '4' is no size; write 4GB"),
        ({"memory_limit": "0 GB"}, "memory_limit: '0 GB' is no size; write 4GB"),
        ({"memory_limit": True}, "memory_limit: True is no size; write 4GB"),
        ({"threads": 0}, "threads: 0 is no number of cores; write 2"),
        ({"target": 5}, f"no setting 'target'; there is {', '.join(KEYS)}"),
    ],
)
def test_what_cannot_be_asked_is_refused(desk, asked, message):
    with pytest.raises(analytics.AnalyticsError) as refused:
        analytics.open(desk.root, **asked)

    assert str(refused.value) == message


def test_an_archive_must_be_named():
    with pytest.raises(analytics.AnalyticsError) as refused:
        analytics.open()

    assert str(refused.value) == "archive: none is named; name the folder, or configure it"


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("drop table params", "not one statement that only reads; write one SELECT"),
        ("select 1e30 :: hugeint as n", "Integer value out of bounds; cast the number to double"),
    ],
)
def test_a_statement_that_cannot_be_answered_is_refused(days, sql, message):
    with pytest.raises(analytics.AnalyticsError) as refused:
        days.sql(sql)

    assert str(refused.value) == message
    assert refused.value._render_traceback_() == [f"Error: {message}"]


def test_the_import_loads_no_heavy_library():
    heavy = "{'pyarrow', 'duckdb', 'numpy', 'pandas', 'polars', 'altair', 'holidays'}"
    script = f"import analytics, sys; print(sorted({heavy} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)

    assert done.stdout == b"[]\n"


def test_the_examples_of_the_document_run(desk, tmp_path, monkeypatch):
    (tmp_path / "chats").symlink_to(desk.root)
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(
        r"^```python\n(.*?)^```", DOCUMENT.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    names = {}

    for block in blocks:
        exec(block, names)  # noqa: S102 (our own document)

    assert names["total"] == sum(names["by_day"].values()) > 100
    assert len(names["frame"]) == len(names["quick"]) == len(names["rows"]) == 4
    assert names["share"] == 1
    for answer in ("waits", "chats", "sessions", "agents", "opened"):
        assert len(names[answer]) > 0, answer

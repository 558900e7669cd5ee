"""Every notebook runs to its last cell, shows what the report says, and is kept without answers."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner
from jupyter_client import AsyncKernelManager
from jupyter_core.utils import run_sync
from nbclient import NotebookClient

import analytics
from analytics.cli import cli
from analytics.figures import duration, percent
from archiver.simulate.history import Plan, Span, record_history
from archiver.simulate.settings import DeskSettings
from archiver.simulate.timeline import DAY

FOLDER = Path(__file__).parents[2] / "notebooks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
PICTURES = {"agents": 4, "capacity": 8, "last_week": 5, "sql": 1, "waits": 5}
MONDAY = 1_772_409_600_000
"""2 March 2026, in milliseconds."""


def read(name):
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_kept_without_answers(name):
    cells = code(read(name))

    assert cells
    assert not [cell for cell in cells if cell.outputs or cell.execution_count]


@pytest.fixture(scope="module")
def report(recorded):
    """Report on some days: what the notebooks are held against."""

    def call(since, until, *names):
        asked = ("report", "--archive", recorded, "--since", since, "--until", until)
        told = ("--metrics", ",".join(names), "--tz", "Europe/Rome", "--format", "json")
        done = CliRunner().invoke(cli, [str(one) for one in (*asked, *told)])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)["metrics"]

    return call


@pytest.fixture(scope="module")
def kernel():
    """Have one kernel for all: to start it and to import pandas and Altair takes longest."""
    manager = AsyncKernelManager(kernel_name="python3")
    yield manager
    run_sync(manager.shutdown_kernel)(now=True)


@pytest.fixture
def shown(recorded, kernel, monkeypatch):
    """Run a notebook as Jupyter does; return its pictures, and all else that it shows.

    It knows no name that another one gave.
    """
    monkeypatch.setenv("ARCHIVE", str(recorded))
    monkeypatch.setenv("DESK_TZ", "Europe/Rome")

    def call(name):
        notebook = read(name)
        notebook.cells.insert(0, nbformat.v4.new_code_cell("%reset -f"))
        where = {"metadata": {"path": str(FOLDER)}}
        client = NotebookClient(notebook, timeout=120, km=kernel, resources=where)
        client.execute()
        client.kc.stop_channels()
        outputs = [output for cell in code(notebook) for output in cell.outputs]
        assert not [one for one in outputs if one.output_type in {"error", "stream"}]
        told = [one.data for one in outputs]
        pictures = [one["image/svg+xml"] for one in told if "image/svg+xml" in one]
        assert len(pictures) == PICTURES[name]
        assert all(picture.startswith("<svg") for picture in pictures)
        rest = [one for one in told if "image/svg+xml" not in one]
        return "\n".join(pictures), "\n".join(
            one.get("text/html", "") + one["text/plain"] for one in rest
        )

    return call


@pytest.mark.slow
def test_last_week_is_that_of_the_report(shown, report):
    asked = (
        "chats_offered",
        "service_level",
        "first_response_human",
        "satisfaction",
        "backlog_at_midnight",
    )
    rows = report("2026-03-19", "2026-03-26", *asked)
    told = {name: rows[name][-1] for name in asked}
    service, rated = told["service_level"], told["satisfaction"]

    pictures, texts = shown("last_week")

    assert f">{told['chats_offered']['sessions_count']} chats in 7 days" in pictures
    assert (
        f">{percent(service['service_level_ratio'])} answered in time,"
        f" {service['abandoned_count']} left without an answer<" in pictures
    )
    assert f">{rated['mean_rating']:.2f} of 5 from {rated['rated_count']} ratings<" in pictures
    left = told["backlog_at_midnight"]["open_count"]
    assert f">{left} chats were open at the end<" in pictures
    assert duration(told["first_response_human"]["p50_s"]) in texts
    assert "2026-03-19 to 2026-03-26 (Europe/Rome), 100 % recorded" in texts


@pytest.mark.slow
def test_waits_are_those_of_the_report(shown, report):
    waits = ("first_response_bot", "first_response_human", "response_time", "transfer_wait")
    asked = (*waits, "queue_time", "service_level", "abandonment")
    rows = report("2026-03-02", "2026-03-26", *asked)
    told = {name: rows[name][-1] for name in asked}
    left = told["abandonment"]

    pictures, texts = shown("waits")

    longest = duration(told["queue_time"]["p90_s"])
    assert f">Longest until an agent had the chat: one in ten waited more than {longest}<" in (
        pictures
    )
    for name in waits:
        ends = (duration(told[name][end]) for end in ("p50_s", "p90_s", "p95_s"))
        assert f">{' · '.join(ends)}<" in pictures
    in_time = percent(told["service_level"]["service_level_ratio"])
    assert f">{in_time} had an answer in time<" in pictures
    share = percent(left["abandoned_ratio"])
    assert f">{share} of {left['requested_count']} left without a human word<" in pictures
    assert "99.1 % recorded" in texts


@pytest.mark.slow
def test_agents_days_are_those_of_the_report(shown, report):
    told = report("2026-03-19", "2026-03-26", "agent_load", "agent_chats")
    load = [row for row in told["agent_load"] if row["date"] is None]
    got = [row for row in told["agent_chats"] if row["date"] is None]
    busiest = max(load, key=lambda row: row["concurrency_mean"])

    pictures, texts = shown("agents")

    assert f">{sum(row['available_s'] for row in load) / 3600:.0f} hours available" in pictures
    mean = f"{busiest['concurrency_mean']:.1f}"
    assert f">{busiest['agent_name']} had most at once: {mean} on average<" in pictures
    assert len(got) == 5
    for row in got:
        counts = ("assigned_count", "answered_count", "missed_count", "closed_count")
        assert "".join(f"<td>{row[count]}</td>" for count in counts) in texts


@pytest.mark.slow
def test_a_question_in_sql_meets_the_rows_of_the_report(shown, report):
    told = report("2026-03-02", "2026-03-26", "close_reasons", "chats_offered")
    reasons = [row for row in told["close_reasons"] if row["date"] is None]

    pictures, texts = shown("sql")

    assert "chats closed, by how much was written" in pictures
    assert f" {told['chats_offered'][-1]['sessions_count']})" in texts  # sessions exported
    assert reasons
    for row in reasons:
        assert f"<td>{row['close_reason']}</td><td>{row['sessions_count']}</td>" in texts


@pytest.mark.slow
def test_staffing_leads_from_arrivals_to_a_plan(shown):
    _, texts = shown("capacity")

    assert texts.startswith("'23.8 days recorded, 2026-03-02 to 2026-03-26'")
    assert "<td>target=90/30</td>" in texts
    assert "<td>with an agent more</td>" in texts


def show(cell, names):
    """Run a cell here, which is quick, and draw what it ends with as a notebook does."""
    body = ast.parse(cell).body
    last = body.pop() if isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), "cell", "exec"), names)  # noqa: S102 (our own notebook)
    if last is not None:
        value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)  # noqa: S307
        for name in ("__repr__", "_repr_html_", "_repr_mimebundle_"):
            getattr(value, name, str)()


@pytest.fixture(scope="module")
def quiet(tmp_path_factory):
    """Record three days of a desk without bots, departments to speak of, and ratings."""
    root = tmp_path_factory.mktemp("quiet") / "archive"
    settings = DeskSettings(
        chats_per_day=15, agents=1, departments=1, bots=False, rating_share=0.0, transfer_share=0.0
    )
    record_history(settings, Plan(root, Span(MONDAY, MONDAY + 3 * DAY)))
    return root


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_desk_of_which_little_is_known_breaks_no_notebook(quiet, name, monkeypatch):
    monkeypatch.setenv("ARCHIVE", str(quiet))
    names = {}
    cells = ["".join(cell.source) for cell in code(read(name))]

    try:
        for cell in cells:
            show(cell, names)
    except analytics.AnalyticsError as error:
        told = error._render_traceback_()
        assert name == "capacity"
        assert len(told) == 1
        assert told[0].startswith("Error: No ")
        assert cell.startswith("if not plan")
    else:
        assert name != "capacity"

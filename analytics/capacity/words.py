"""A plan's report in words and cells: what table and page say alike.

Pure: plain data in, short texts out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from analytics.capacity import totals
from analytics.capacity.calibration import LEAST_CHATS
from analytics.figures import NOTHING, duration, number, percent
from analytics.render import WEEKDAYS

Row = dict[str, Any]
Said = tuple[str, str, bool]
"""What is told, the telling, and whether it is a warning."""

STAFFED = ("need", "in time", "roster", "there", "gap", "in time", "wait", "give up", "in use")
"""Agents, and what to expect first of those needed, then of those there."""
INTERVAL = ("", "chats", "80 % band", "erlangs", *STAFFED)
PAST = ("", "times", "chats", "had in time", "wait", "agents", "in use")
DEFERRED = ("", "a day", "hours a day", "hours to roster")
UNDERSTAFFED = "understaffed"


def title(report: Row) -> str:
    """Return whose plan it is, and of which days."""
    whose = f"Project {report['project_id']}"
    if report["department"] is not None:
        whose += f" · {report['department']}"
    days = [row["date"] for row in report["plan"]]
    span = f"plan of {days[0]} to {days[-1]}" if days else "no plan"
    return f"{whose} · {span} · {report['tz']}"


def basis(report: Row) -> list[Said]:
    """Return what the plan rests on, a line each."""
    return [
        _history(report["history"]),
        ("Target", _target(report["assumptions"]), False),
        *_supposition(report),
        *_handling(report["handle_times"], "Chats take"),
        *_handling(_supposed_times(report), "Supposed to"),
        _patience(report["patience"]),
        *_forecast(report["forecast"]),
        *_totals(report),
        *_calibration(report["calibration"]),
    ]


def _supposed_times(report: Row) -> list[Row]:
    """Return what chats are supposed to take, if that is something else than they take."""
    other = report["supposed"]["handle_times"] if report["supposed"] else []
    return [] if other == report["handle_times"] else other


def _history(told: Row) -> Said:
    last = date.fromisoformat(told["until"]) - timedelta(days=1)
    text = (
        f"{told['since']} to {last}, {number(told['recorded_days'])} days recorded:"
        f" {told['requested_count']} live chats needed a human"
    )
    return "History", text, False


def _target(told: Row) -> str:
    goal = (
        f"{_service(told)} (had, not yet answered);"
        f" at most {percent(told['max_occupancy'])} of the slots in use"
    )
    if told["max_abandoned"] < 1:
        goal += f", {percent(told['max_abandoned'])} of the visitors giving up"
    return f"{goal}; {_chats(told)}; {_away(told)}"


def _service(told: Row) -> str:
    within = duration(told["answer_in"])
    return f"{percent(told['service_level'])} of live chats are to be an agent's within {within}"


def _chats(told: Row) -> str:
    return f"{told['max_chats']} chats at once"


def _away(told: Row) -> str:
    return f"{percent(told['shrinkage'])} of the roster not there"


def _supposition(report: Row) -> list[Said]:
    """Return what the second plan takes for granted that the first does not."""
    if report["supposed"] is None:
        return []
    real, told = report["assumptions"], report["supposed"]["assumptions"]
    changes = [f"{told['more_agents']:+g} agents"] if told["more_agents"] else []
    for name, label in (("handle_time_scale", "handle times"), ("arrivals_scale", "chats")):
        if told[name] != 1:
            changes.append(f"{label} {told[name] * 100 - 100:+.0f} %")
    changes += [tell(told) for tell in (_chats, _service, _away) if tell(told) != tell(real)]
    return [("Supposed", "; ".join(changes) or "nothing else", False)]


def _handling(rows: Sequence[Row], name: str) -> list[Said]:
    shown = [
        f"{duration(row['planned_s'])} with {row['concurrency']}"
        for row in rows
        if row["planned_s"] is not None
    ]
    return [(name, f"{', '.join(shown)} at once", False)] if shown else []


def _patience(told: Row) -> Said:
    if told["mean_s"] is None:
        return "Patience", f"unknown: {told['left_count']} gave up in the queue", False
    text = f"{duration(told['mean_s'])} on average; {told['left_count']} gave up in the queue"
    return "Patience", text, False


def _forecast(told: Row | None) -> list[Said]:
    if told is None:
        return []
    if told["weeks_ahead"] == 0:
        return [("Forecast", f"{told['model']}; too few weeks to try it on", True)]
    lines = []
    for name, score in told["scores"].items():
        used = " (used)" if name == told["model"] else ""
        text = (
            f"{name}{used}: off by {percent(score['wape'])} of the chats of an interval,"
            f" MASE {number(score['mase'])}, bias {percent(score['bias'])};"
            f" its 80 % band held {percent(score['band_coverage'])}"
        )
        lines.append(("Forecast", text, False))
    error = told["staffing_error"]
    ahead = "a week" if told["weeks_ahead"] == 1 else f"{told['weeks_ahead']} weeks"
    text = (
        f"had the last weeks been staffed by it, {ahead} before:"
        f" {percent(error['under'])} of the intervals short of an agent or more,"
        f" {percent(error['over'])} with one or more too many"
    )
    return [*lines, ("Staffing", text, False)]


def _totals(report: Row) -> list[Said]:
    """Return what the weeks come to, and what they would as supposed."""
    minutes = report["history"]["interval_minutes"]
    plans = (("In all", report["plan"]), ("As supposed", supposed(report)))
    return [(name, totals.told(plan, minutes), False) for name, plan in plans if plan]


def _calibration(told: Row | None) -> list[Said]:
    if told is None:
        return []
    if told["difference"] is None:
        why = (
            "by the model the desk never had enough agents for a steady state"
            if told["rows"]
            else f"no time of the week had {LEAST_CHATS} chats to compare the model with"
        )
        return [("Does it hold?", f"unknown: {why}", True)]
    text = (
        f"of the past the model says {percent(told['predicted_service_level'])} in time,"
        f" {percent(told['service_level'])} were; it says {duration(told['predicted_wait_mean'])}"
        f" of wait, it was {duration(told['wait_mean'])}; by time of the week it is"
        f" {100 * told['typical']:.0f} points off"
    )
    if not told["fits"]:
        text += ". THE MODEL DOES NOT FIT THIS DESK"
    return [("Does it hold?", text, not told["fits"])]


def supposed(report: Row) -> list[Row]:
    """Return the second plan's rows; none if nothing is supposed."""
    return report["supposed"]["plan"] if report["supposed"] else []


def is_busy(row: Row) -> bool:
    """Tell whether an interval is worth a line: chats may come, or agents are there."""
    return bool(row["agents_required"] or row["agents_available"] or row["chats_high"])


def interval(row: Row) -> list[str]:
    """Return an interval of a plan."""
    return [
        row["time"],
        number(row["chats_expected"]),
        f"{row['chats_low']} to {row['chats_high']}",
        number(row["load_erlangs"]),
        *staffed(row),
    ]


def staffed(row: Row) -> list[str]:
    """Return whom an interval takes, who is there, and what to expect of both."""
    return [
        str(row["agents_required"]),
        percent(row["required_service_level_ratio"]),
        str(row["agents_rostered"]),
        number(row["agents_available"]),
        signed(row["agents_gap"]),
        *_expected(row),
    ]


def _expected(row: Row) -> list[str]:
    if row["is_understaffed"]:
        return [UNDERSTAFFED, NOTHING, NOTHING, NOTHING]
    return [
        percent(row["available_service_level_ratio"]),
        duration(row["available_wait_mean_s"]),
        percent(row["available_abandoned_ratio"]),
        percent(row["available_slot_use_ratio"]),
    ]


def signed(gap: float | None) -> str:
    """Return how many more than needed are there, or fewer."""
    shown = number(gap)
    if gap is None or shown in {"0", "-0"}:
        return NOTHING if gap is None else "0"
    return shown.replace("-", "−") if gap < 0 else f"+{shown}"


def by_hour(plan: Sequence[Row]) -> list[list[str]]:
    """Return a day a line: the most agents that each hour takes."""
    lines = []
    for day, rows in groupby(plan, lambda row: row["date"]):
        most: dict[int, int] = {}
        for row in rows:
            hour = row["minute"] // 60
            most[hour] = max(most.get(hour, 0), row["agents_required"])
        cells = [str(most[hour]) if hour in most else NOTHING for hour in range(24)]
        lines.append([f"{date.fromisoformat(day):%a %m-%d}", *cells])
    return lines


def deferred(report: Row) -> list[list[str]]:
    """Return the work that can wait, a channel a line."""
    columns = ("sessions_a_day", "hours_a_day", "rostered_hours_a_day")
    return [
        [row["channel"], *(number(row[name]) for name in columns)] for row in report["deferred"]
    ]


def past(report: Row) -> list[list[str]]:
    """Return what happened, a time of the week a line; nothing if there is a plan to read."""
    return [
        [
            f"{WEEKDAYS[row['weekday'] - 1]} {clock(row['minute'])}",
            str(row["intervals_count"]),
            number(row["requested_mean"]),
            percent(row["service_level_ratio"]),
            duration(row["wait_mean_s"]),
            number(row["agents_mean"]),
            percent(row["occupancy_ratio"]),
        ]
        for row in report["past"]
        if not report["plan"] and (row["requested_mean"] or row["agents_mean"])
    ]


def clock(minute: int) -> str:
    """Return minutes after midnight as a time."""
    return f"{minute // 60:02}:{minute % 60:02}"


def busiest(plan: Sequence[Row]) -> str:
    """Return what the picture of agents needed shows."""
    top = max(plan, key=lambda row: row["agents_required"])
    return f"most on {top['date']} at {top['time']}: {top['agents_required']}"


def shortest(plan: Sequence[Row]) -> str:
    """Return what the picture of agents there and needed shows."""
    gaps = [row for row in plan if row["agents_gap"] is not None]
    worst = min(gaps, key=lambda row: row["agents_gap"])
    short = sum(row["agents_gap"] < 0 for row in gaps)
    return (
        f"{short} of {len(gaps)} intervals have too few, the fewest on {worst['date']}"
        f" at {worst['time']}: {signed(worst['agents_gap'])}"
    )


def busiest_past(rows: Sequence[Row]) -> str:
    """Return what the picture of chats that came shows."""
    if not rows:
        return "nothing was recorded"
    top = max(rows, key=lambda row: row["requested_mean"])
    when = f"{WEEKDAYS[top['weekday'] - 1]} {clock(top['minute'])}"
    return f"most on {when}: {number(top['requested_mean'])}"


def of_day(told: Row) -> str:
    """Return how many agents a day took, against how many there were."""
    count, worst = told["intervals_count"], told["worst"]
    if not count:
        return f"not told: {told['basis']}"
    if worst is None:
        return f"enough agents in all {count} intervals recorded"
    return (
        f"too few in {told['short_count']} of {count} intervals; most are missing at"
        f" {worst['time']}: {worst['agents_required']} required,"
        f" {number(worst['agents_available'])} available"
    )


def replay(report: Row) -> tuple[str, str]:
    """Return which day was replayed, and how to read it."""
    title = f"Project {report['project_id']} · {report['date']} replayed · {report['tz']}"
    then = ", then as supposed" if _is_supposed(report) else ""
    text = (
        f"In time: of live chats, those that an agent had within {duration(report['answer_in'])}."
        f" First as it was ({percent(report['whole']['coverage_ratio'])} recorded), then played"
        f" {report['runs']} times with the same arrivals and whoever was there{then}. Where"
        " played is far from what was, believe only how much the last differs from it."
    )
    return title, text


def _is_supposed(report: Row) -> bool:
    return "supposed_wait_mean_s" in report["whole"]


def replayed(report: Row) -> tuple[list[str], list[list[str]]]:
    """Return the head and the lines of a replayed day: its intervals, then all of it."""
    parts = ["played", "supposed"] if _is_supposed(report) else ["played"]
    head = ["", "chats", "agents", "in time", "wait"]
    head += [column for _ in parts for column in ("│", "in time", "wait", "give up")]
    told = [row for row in report["intervals"] if row["requested_count"] or row["agents_mean"]]
    rows = [[row["time"], *_played(row, parts)] for row in told]
    return head, [*rows, ["all", *_played(report["whole"] | {"agents_mean": None}, parts)]]


def _played(row: Row, parts: Sequence[str]) -> list[str]:
    cells = [
        str(row["requested_count"]),
        number(row["agents_mean"]),
        percent(row["service_level_ratio"]),
        duration(row["wait_mean_s"]),
    ]
    for part in parts:
        cells += [
            "│",
            percent(row[f"{part}_service_level_ratio"]),
            duration(row[f"{part}_wait_mean_s"]),
            percent(row[f"{part}_abandoned_ratio"]),
        ]
    return cells

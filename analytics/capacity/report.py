"""A plan and what it rests on, as plain data: what is printed as JSON, drawn, or listed as CSV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from analytics.capacity.calibration import Calibration, calibrate
from analytics.capacity.forecast import LEAST_DAYS
from analytics.capacity.handling import LEAST_CLOSED, handle_times
from analytics.capacity.history import LEAST_LEFT, RECORDED, Past, Row
from analytics.capacity.plan import (
    NAIVE,
    Assumptions,
    Forecaster,
    History,
    Planned,
    choose,
    plan,
    staffing_error,
)
from analytics.capacity.request import Wish
from analytics.capacity.staffing import Expected
from analytics.window import zone

FORMAT = 1
EXPECTED = {
    "service_level": "service_level_ratio",
    "wait_mean": "wait_mean_s",
    "abandoned": "abandoned_ratio",
    "occupancy": "occupancy_ratio",
    "slot_use": "slot_use_ratio",
    "concurrency": "concurrency_mean",
}
"""What the model says of a desk, and the names that it has in a plan."""
PLAN = (
    "date",
    "time",
    "since",
    "minute",
    "chats_expected",
    "chats_low",
    "chats_high",
    "load_erlangs",
    "agents_required",
    "agents_required_high",
    "agents_rostered",
    "agents_available",
    "agents_gap",
    "is_understaffed",
    *(f"{whose}_{name}" for whose in ("required", "available") for name in EXPECTED.values()),
)
"""The columns of a plan: an interval a row."""


@dataclass(frozen=True)
class Basis:
    """What a plan rests on: nothing of it is None."""

    history: History
    forecaster: Forecaster


def build(past: Past, wish: Wish, supposed: Wish | None = None) -> dict[str, Any]:
    """Return the report; where something is missing for a plan, a note says what.

    With `supposed` there is a second plan, of the same weeks under other assumptions.
    """
    basis = _basis(past, wish)
    calibration = (
        calibrate(past.observed(), basis.history.demand(0), wish.assumptions.target.answer_in)
        if basis
        else None
    )
    return {
        "format": FORMAT,
        "project_id": past.project_id,
        "department": past.department,
        "tz": past.tz,
        "history": _history(past),
        "assumptions": _assumptions(wish),
        "handle_times": _handling(past, wish),
        "patience": {"mean_s": past.patience, "left_count": past.patience_count},
        "forecast": _forecast(basis, wish.assumptions) if basis else None,
        "calibration": _calibration(calibration) if calibration else None,
        "plan": _plan(past, basis, wish),
        "supposed": _supposed(past, basis, supposed) if supposed else None,
        "past": _week(past),
        "deferred": _deferred(past, wish.assumptions),
        "notes": _notes(past, basis, calibration, wish.max_chats),
    }


def apart(reports: Sequence[Row]) -> Row:
    """Return the reports of all departments as one."""
    return {"format": FORMAT, "departments": list(reports)}


def _history(past: Past) -> dict[str, Any]:
    until = past.first + timedelta(days=past.days)
    return {
        "since": past.first.isoformat(),
        "until": until.isoformat(),
        "days": past.days,
        "recorded_days": past.recorded_days,
        "interval_minutes": past.interval_minutes,
        "requested_count": sum(row["requested_count"] for row in past.intervals),
    }


def _supposed(past: Past, basis: Basis | None, wish: Wish) -> dict[str, Any]:
    return {
        "assumptions": _assumptions(wish),
        "handle_times": _handling(past, wish),
        "plan": _plan(past, basis, wish),
    }


def _basis(past: Past, wish: Wish) -> Basis | None:
    if not past.pooled:
        return None
    history = past.history(wish.max_chats)
    forecaster = choose(history.arrivals, wish.weeks)
    return None if forecaster is None else Basis(history, forecaster)


def _assumptions(wish: Wish) -> dict[str, Any]:
    done = wish.assumptions
    return {
        **asdict(done.target),
        "shrinkage": done.shrinkage,
        "more_agents": done.more_agents,
        "max_chats": wish.max_chats,
        "handle_time_scale": wish.handling,
        "arrivals_scale": wish.volume,
        "weeks": wish.weeks,
    }


def _handling(past: Past, wish: Wish) -> list[Row]:
    planned = handle_times(past.pooled, wish.max_chats) if past.pooled else ()
    seen = {one.concurrency: one for one in past.seen}
    rows = []
    for number in range(1, max([len(planned), *seen]) + 1):
        one = seen.get(number)
        rows.append(
            {
                "concurrency": number,
                "closed_count": one.closed if one else 0,
                "seen_s": one.chat_s / one.closed if one and one.closed else None,
                "planned_s": planned[number - 1] * wish.handling
                if number <= len(planned)
                else None,
            }
        )
    return rows


def _forecast(basis: Basis, assumptions: Assumptions) -> dict[str, Any]:
    forecaster = basis.forecaster
    return {
        "model": forecaster.name,
        "weeks_ahead": forecaster.ahead,
        "dispersion": forecaster.spread,
        "scores": {name: asdict(one) for name, one in forecaster.scores.items()},
        "staffing_error": asdict(staffing_error(basis.history, forecaster, assumptions)),
    }


def _calibration(found: Calibration) -> dict[str, Any]:
    return {**asdict(found), "fits": found.fits}


def _plan(past: Past, basis: Basis | None, wish: Wish) -> list[Row]:
    """Return the plan's rows; the forecast is the same for whatever is supposed."""
    if basis is None:
        return []
    history = past.history(wish.max_chats, wish.handling, wish.volume)
    rows = plan(history, basis.forecaster, wish.assumptions, wish.weeks)
    return list(_flat(rows, past))


def _flat(rows: Iterator[Planned], past: Past) -> Iterator[Row]:
    """Yield the rows as plain data; times that the clock skips, or that are closed, left out."""
    for row in rows:
        since = _instant(row.date, row.minute, past.tz)
        if since is None or not past.is_open(since):
            continue
        as_is = row.as_is or Expected(*(None,) * len(EXPECTED))
        values = (
            row.date.isoformat(),
            f"{row.minute // 60:02}:{row.minute % 60:02}",
            f"{since:%Y-%m-%dT%H:%M:%S}Z",
            row.minute,
            row.forecast,
            row.low,
            row.high,
            row.load,
            row.required,
            row.required_high,
            row.rostered,
            row.available,
            row.gap,
            row.as_is is not None and row.as_is.service_level is None,
            *(getattr(row.planned, name) for name in EXPECTED),
            *(getattr(as_is, name) for name in EXPECTED),
        )
        yield dict(zip(PLAN, values, strict=True))


def _instant(day: date, minute: int, tz: str) -> datetime | None:
    """Return when the clock first shows a time, UTC; None if it never does."""
    local = datetime.combine(day, time(minute // 60, minute % 60))
    instant = local.replace(tzinfo=zone(tz)).astimezone(UTC)
    if instant.astimezone(zone(tz)).replace(tzinfo=None) != local:
        return None
    return instant.replace(tzinfo=None)


def _week(past: Past) -> list[Row]:
    """Return what happened, by time of the week; gaps are left out, not counted as nothing."""
    grouped: dict[tuple[int, int], list[Row]] = {}
    for row in past.intervals:
        if row["coverage_ratio"] >= RECORDED:
            grouped.setdefault((row["weekday"], row["minute"]), []).append(row)
    return [_time_of_week(key, rows) for key, rows in sorted(grouped.items())]


def _time_of_week(key: tuple[int, int], rows: Sequence[Row]) -> Row:
    requested = sum(row["requested_count"] for row in rows)
    waits = [(row["wait_mean_s"], row["requested_count"]) for row in rows if row["wait_mean_s"]]
    waited = sum(mean * count for mean, count in waits)
    return {
        "weekday": key[0],
        "minute": key[1],
        "intervals_count": len(rows),
        "requested_mean": requested / len(rows),
        "abandoned_count": sum(row["abandoned_count"] for row in rows),
        "service_level_ratio": _share(rows, "accepted_in_time_count", requested),
        "answered_in_time_ratio": _share(rows, "in_time_count", requested),
        "wait_mean_s": waited / requested if requested else None,
        **{name: _mean(rows, name) for name in ("agents_mean", "slots_mean", "chats_mean")},
        "occupancy_ratio": _occupancy(rows),
    }


def _share(rows: Sequence[Row], name: str, whole: int) -> float | None:
    return sum(row[name] for row in rows) / whole if whole else None


def _mean(rows: Sequence[Row], name: str) -> float | None:
    known = [row[name] for row in rows if row[name] is not None]
    return sum(known) / len(known) if known else None


def _occupancy(rows: Sequence[Row]) -> float | None:
    """Return the share of the available agents who had a chat; more than all is all."""
    there, busy = _mean(rows, "agents_mean"), _mean(rows, "busy_mean")
    return min(1.0, busy / there) if there and busy is not None else None


def _deferred(past: Past, assumptions: Assumptions) -> list[Row]:
    """Return the work that can wait, an average day of it by channel, and whom to roster for it."""
    days = past.recorded_days
    useful = assumptions.target.max_occupancy * (1 - assumptions.shrinkage)
    return [
        {
            "channel": row["channel"],
            "sessions_a_day": row["sessions_count"] / days,
            "hours_a_day": row["active_s"] / 3600 / days,
            "rostered_hours_a_day": row["active_s"] / 3600 / days / useful,
        }
        for row in past.deferred
        if days
    ]


def _notes(
    past: Past, basis: Basis | None, calibration: Calibration | None, chats: int
) -> list[str]:
    notes = []
    if not past.pooled:
        done = sum(one.closed for one in past.seen)
        notes.append(
            f"No plan: {done} live chats were done in these days; {LEAST_CLOSED} tell handle times."
        )
    elif basis is None:
        notes.append(
            f"No forecast: fewer than {LEAST_DAYS} days are recorded; only what happened is told."
        )
    if basis and basis.forecaster.name == NAIVE:
        why = (
            "no model was nearer on the weeks tried"
            if basis.forecaster.ahead
            else "there are too few weeks to try a model on"
        )
        notes.append(f"The forecast is last week's figures: {why}.")
    if past.patience is None:
        notes.append(
            f"{past.patience_count} visitors gave up in the queue; {LEAST_LEFT} tell patience."
            " The plan takes it that nobody leaves, and asks for more agents than it needs."
        )
    if calibration and calibration.fits is False:
        points = round(100 * (calibration.difference or 0))
        notes.append(f"The model does not fit this desk: on the past it is {points:+d} points off.")
    if past.pooled and chats > past.pooled[-1].until:
        notes.append(
            f"More than {past.pooled[-1].until} chats at once were hardly seen:"
            " the plan takes it that nobody gets more done with them."
        )
    notes += _of_department(past)
    if basis and past.opened is not None:
        notes.append(
            "Only the opening hours are planned; who comes before them is no part of the plan."
        )
    if past.deferred:
        notes.append(
            "E-mail, forms and messengers can wait: they are planned by the hours that they take,"
            " not by waiting times."
        )
    return notes


def _of_department(past: Past) -> Iterator[str]:
    if past.department is not None:
        yield (
            "Who belongs to a department is not recorded: an agent counts in each by the share of"
            " his work that its chats were."
        )
    if past.borrowed:
        yield (
            "Too few of its own chats tell them, so these are the project's:"
            f" {', '.join(past.borrowed)}."
        )

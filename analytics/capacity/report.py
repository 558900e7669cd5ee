"""A plan and what it rests on, as plain data: what is printed as JSON, drawn, or listed as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
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
    choose,
    plan,
    staffing_error,
)
from analytics.capacity.request import Wish

FORMAT = 1


@dataclass(frozen=True)
class Basis:
    """What a plan rests on: nothing of it is None."""

    history: History
    forecaster: Forecaster


def build(past: Past, wish: Wish) -> dict[str, Any]:
    """Return the report; where something is missing for a plan, a note says what."""
    basis = _basis(past, wish)
    calibration = (
        calibrate(past.observed(), basis.history.demand(0), wish.assumptions.target.answer_in)
        if basis
        else None
    )
    return {
        "format": FORMAT,
        "history": {"since": past.first.isoformat(), "days": past.days},
        "assumptions": _assumptions(wish),
        "handle_times": _handling(past, wish.max_chats),
        "patience": {"mean_s": past.patience, "left_count": past.patience_count},
        "forecast": _forecast(basis, wish.assumptions) if basis else None,
        "calibration": _calibration(calibration) if calibration else None,
        "plan": _plan(basis, wish) if basis else [],
        "past": _week(past),
        "deferred": _deferred(past),
        "notes": _notes(past, basis, calibration, wish.max_chats),
    }


def _basis(past: Past, wish: Wish) -> Basis | None:
    if not past.pooled:
        return None
    history = past.history(wish.max_chats, wish.handling, wish.volume)
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


def _handling(past: Past, chats: int) -> list[Row]:
    planned = handle_times(past.pooled, chats) if past.pooled else ()
    seen = {one.concurrency: one for one in past.seen}
    rows = []
    for number in range(1, max([len(planned), *seen]) + 1):
        one = seen.get(number)
        rows.append(
            {
                "concurrency": number,
                "closed_count": one.closed if one else 0,
                "seen_s": one.chat_s / one.closed if one and one.closed else None,
                "planned_s": planned[number - 1] if number <= len(planned) else None,
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


def _plan(basis: Basis, wish: Wish) -> list[Row]:
    rows = []
    for row in plan(basis.history, basis.forecaster, wish.assumptions, wish.weeks):
        flat = asdict(row)
        flat["date"] = row.date.isoformat()
        for part in ("planned", "as_is"):
            told = flat.pop(part) or dict.fromkeys(asdict(row.planned))
            flat |= {f"{part}_{name}": value for name, value in told.items()}
        flat["is_understaffed"] = row.as_is is not None and row.as_is.service_level is None
        rows.append(flat)
    return rows


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


def _deferred(past: Past) -> list[Row]:
    """Return the work that can wait, an average day of it by channel."""
    whole = [row for row in past.deferred if past.days == 1 or row["date"] is None]
    return [
        {
            "channel": row["channel"],
            "sessions_a_day": row["sessions_count"] / past.days,
            "hours_a_day": row["active_s"] / 3600 / past.days,
        }
        for row in whole
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
        notes.append("The forecast is last week's figures: no model was nearer on the weeks tried.")
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
    if past.deferred:
        notes.append(
            "E-mail, forms and messengers can wait: they are planned by the hours that they take,"
            " not by waiting times."
        )
    return notes

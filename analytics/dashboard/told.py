"""What the page is told of a project: the figures of an instant as plain data, pure.

No text of a chat and no visitor's name is among them; an agent's name is.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from analytics.dashboard.live import Figures
from analytics.dashboard.normal import FACTS, Normal, by_hour
from analytics.report import plain, records
from analytics.window import zone

SILENCE = timedelta(seconds=30)
"""A recorder writes down a sign of life every few seconds: who is silent so long is down."""
LISTED = 50


def project(
    figures: Figures, normal: Normal | None, last_day: date | None = None
) -> dict[str, Any]:
    """Return what the page shows of a project; `last_day` is one of which something is there."""
    late = [row for row in figures.waiting if row["waiting_s"] > _patience(figures, row["state"])]
    return {
        "project_id": figures.project_id,
        "tz": figures.window.tz,
        "asked_at": plain(figures.window.now),
        "date": figures.window.since.isoformat(),
        "gauges": records([figures.gauges | {"agents_busy_count": _busy(figures)}])[0],
        "today": _today(figures, normal),
        "service": _service(figures),
        "agents": records(figures.agents),
        "late": records([_shown(row) for row in late[:LISTED]]),
        "late_count": len(late),
        "recorder": _recorder(figures, last_day),
    }


def _patience(figures: Figures, state: str) -> float:
    settings = figures.settings
    return settings.reply_target_s if state == "active" else settings.answer_target_s


def _busy(figures: Figures) -> int:
    return sum(row["state"] == "available" and row["chats_count"] > 0 for row in figures.agents)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "waiting_s"}


def _today(figures: Figures, normal: Normal | None) -> dict[str, Any]:
    clock = plain_clock(figures.window.now, figures.window.tz)
    told: dict[str, Any] = {"normal_days": len(normal.days) if normal else None}
    for name, fact in FACTS.items():
        hours = by_hour(figures.happenings, fact)
        told[name] = {
            "count": sum(hours),
            "by_hour": hours[: clock.hour + 1],
            "normal_until_now": normal and normal.until(fact, clock.hour, clock.minute),
            "normal_by_hour": normal and normal.by_hour(fact),
        }
    return told


def plain_clock(now: datetime, tz: str) -> datetime:
    """Return what the clock of a time zone shows at an instant of naive UTC."""
    offset = zone(tz).utcoffset(now.replace(tzinfo=zone("UTC")).astimezone(zone(tz)))
    return now + (offset or timedelta())


def _service(figures: Figures) -> dict[str, Any]:
    row = figures.today["service_level"]
    return {
        "ratio": row.get("service_level_ratio"),
        "in_time_count": row.get("in_time_count"),
        "base_count": row.get("base_count"),
        "target_s": figures.settings.answer_target_s,
        "coverage_ratio": row.get("coverage_ratio"),
    }


def _recorder(figures: Figures, last_day: date | None) -> dict[str, Any]:
    heard, until = figures.gauges["last_event_at"], figures.gauges["covered_until"]
    if heard is None and until is None and last_day is None:
        state = "empty"
    elif until is None or figures.window.now - until > SILENCE:
        state = "down"
    else:
        state = "recording"
    return {
        "state": state,
        "last_event_at": plain(heard),
        "covered_until": plain(until),
        "last_day": last_day and last_day.isoformat(),
        "why": figures.why if state == "down" else None,
    }

"""A plan in a line: hours of agents, and what to expect over all its intervals. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from analytics.figures import duration, percent

Row = dict[str, Any]


def told(plan: Sequence[Row], minutes: int) -> str:
    """Return what a plan of such intervals comes to; chats weigh, not intervals."""
    needed, rostered, there = (
        math.fsum(row[f"agents_{name}"] or 0 for row in plan) * minutes / 60
        for name in ("required", "rostered", "available")
    )
    text = f"{needed:.0f} hours of agents needed, {rostered:.0f} on the roster, {there:.0f} there"
    known = [row for row in plan if row["available_wait_mean_s"] is not None]
    if not _chats(known):
        return text
    text += (
        f": {percent(_mean(known, 'available_service_level_ratio'))} in time,"
        f" {duration(_mean(known, 'available_wait_mean_s'))} of wait,"
        f" {percent(_mean(known, 'available_abandoned_ratio'))} give up"
    )
    short = _chats([row for row in plan if row["is_understaffed"]])
    if short:
        text += f"; not counting {percent(short / _chats(plan))} of the chats: understaffed then"
    return text


def _chats(rows: Sequence[Row]) -> float:
    return math.fsum(row["chats_expected"] for row in rows)


def _mean(rows: Sequence[Row], name: str) -> float:
    return math.fsum(row[name] * row["chats_expected"] for row in rows) / _chats(rows)

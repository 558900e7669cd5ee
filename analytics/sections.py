"""The parts of the page that tell a report: chats, waits, days, agents, hours, Tiledesk's figures.

Pure: each draws some metrics' rows, and is left out where one of them is not in the report.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from analytics.capacity import words
from analytics.figures import NOTHING, duration, marked, number, percent
from analytics.reported import FEW, QUALITY, TILEDESK, Row
from analytics.sheet import Sheet, spent

EXPOSED_H = 0.5
"""An hour of which less was recorded tells no rate."""
WIDTH = 104
_BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Section:
    """A part of the page: the metrics that it needs, and those that it makes superfluous."""

    draw: Callable[[Sheet], str]
    needs: frozenset[str]
    replaces: frozenset[str] = frozenset()


def _chats(sheet: Sheet) -> str:
    offered = sheet.total("chats_offered")
    closed = sheet.total("chats_closed")
    moved = sheet.total("transfers")
    rated = sheet.total("satisfaction")
    written = [
        f"{row['sender_role']} {row['messages_count']}"
        for row in sheet.told["messages_by_role"]
        if row["date"] == closed["date"]
    ]
    reasons = [row for row in sheet.told["close_reasons"] if row["date"] == closed["date"]]
    by = ", ".join(f"{row['close_reason']} {row['sessions_count']}" for row in reasons)
    lines = [
        (
            f"Chats      {offered['sessions_count']} began: {offered['new_count']} new,"
            f" {offered['reopened_count']} opened again; {offered['contacts_count']} visitors;"
            f" {offered['bot_only_count']} left to a bot"
        ),
        *_service(sheet),
        f"Closed     {closed['sessions_count']}" + (f": by {by}" if by else ""),
        (
            f"Transfers  {moved['agent_count']} between agents,"
            f" {moved['department_count']} between departments"
        ),
        (
            f"Rating     {number(rated['mean_rating'])} of 5 from {rated['rated_count']},"
            f" good {percent(rated['good_ratio'])}; {percent(rated['response_ratio'])} of the"
            " chats closed were rated"
        ),
        *_staffing(sheet),
    ]
    if written:
        lines.append(f"Messages   {', '.join(written)}")
    if sheet.told["backlog_at_midnight"]:
        left = sheet.told["backlog_at_midnight"][-1]
        lines.append(
            f"Left open  {left['open_count']} at midnight of {left['date']}:"
            f" {left['unassigned_count']} with nobody, {left['unanswered_count']} unanswered,"
            f" the oldest for {duration(left['age_max_s'])}"
        )
    return "\n".join(lines) + "\n"


def _staffing(sheet: Sheet) -> list[str]:
    told = sheet.report.get("staffing")
    if told is None:
        return []
    rough = "; a rough guide" if told["fits"] is False else ""
    return [f"Staffing   {words.of_day(told)}{rough}"]


def _left(row: Row) -> str:
    """Return how many left; a day may see more leave than come, as others came before it."""
    left = row["abandoned_queue_count"] + row["abandoned_assigned_count"]
    if left > row["requested_count"]:
        came = row["requested_count"]
        return f"{left} left without an answer, some come before; {came} needed a human since"
    return (
        f"{left} of {row['requested_count']} who needed a human left without an answer"
        f" ({percent(row['abandoned_ratio'])})"
    )


def _service(sheet: Sheet) -> list[str]:
    needed = sheet.total("abandonment")
    served = sheet.total("service_level")
    bots = sheet.total("bot_containment")
    lines = [
        (
            f"Answered   {percent(served['service_level_ratio'])} within {sheet.target}"
            f" ({served['in_time_count']} of {served['base_count']}); {_left(needed)}"
        )
    ]
    if bots["with_bot_count"]:
        lines.append(
            f"Bots       {percent(bots['contained_ratio'])} of {bots['with_bot_count']} chats"
            f" closed without a human; {percent(bots['deserted_ratio'])} deserted"
        )
    return lines


def _waits(sheet: Sheet) -> str:
    named = [
        ("first human reply", "first_response_human", "answered_count"),
        ("  from the first message", "first_response_customer", "answered_count"),
        ("each later reply", "response_time", "response_count"),
        ("until an agent had it", "queue_time", "requested_count"),
        ("from opening to close", "session_duration", "closed_count"),
        ("  talked in that time", "active_duration", "closed_count"),
    ]
    rows = []
    for label, metric, count in named:
        row = sheet.total(metric)
        times = [spent(row, count, name) for name in ("p50_s", "p90_s", "p95_s", "mean_s")]
        rows.append([label, str(row[count]), *times])
    head = ("Time", "count", "median", "90 % within", "95 % within", "mean")
    return sheet.table(head, rows)


def _days(sheet: Sheet) -> str:
    days = [row for row in sheet.told["chats_offered"] if row["date"] is not None]
    if len(days) < 2:
        return ""
    rows = []
    for day in days:
        closed = sheet.of_day("chats_closed", day["date"])
        reply = sheet.of_day("first_response_human", day["date"])
        served = sheet.of_day("service_level", day["date"])
        rows.append(
            [
                f"{date.fromisoformat(day['date']):%a} {day['date']}",
                str(day["sessions_count"]),
                str(closed["sessions_count"]),
                percent(served["service_level_ratio"]),
                spent(reply, "answered_count", "p50_s"),
                spent(reply, "answered_count", "p90_s"),
                marked(day["coverage_ratio"], sheet.threshold),
            ]
        )
    head = ("Day", "began", "closed", "in time", "reply median", "90 % within", "recorded")
    return sheet.table(head, rows)


def _agents(sheet: Sheet) -> str:
    people = sorted(
        {(row["agent_name"], row["agent_id"]) for name in AGENTS.needs for row in sheet.told[name]}
    )
    head = (
        "Agent",
        "got",
        "answered",
        "closed",
        "in/out",
        "first reply",
        "replies",
        "90 % within",
        "available",
        "busy",
        "at once",
    )
    return sheet.table(head, [_agent(sheet, *one) for one in people]) if people else ""


def _agent(sheet: Sheet, name: str, agent: str) -> list[str]:
    chats = sheet.of_agent("agent_chats", agent)
    reply = sheet.of_agent("agent_response", agent)
    load = sheet.of_agent("agent_load", agent)
    return [
        name,
        *[str(chats.get(f"{key}_count", 0)) for key in ("assigned", "answered", "closed")],
        f"{chats.get('transferred_in_count', 0)}/{chats.get('transferred_out_count', 0)}",
        spent(reply, "reaction_count", "reaction_p50_s"),
        spent(reply, "response_count", "response_p50_s"),
        spent(reply, "response_count", "response_p90_s"),
        duration(load.get("available_s")),
        percent(load.get("occupancy_ratio")),
        number(load.get("concurrency_mean")),
    ]


def _hours(sheet: Sheet) -> str:
    hours = sheet.told["arrivals_by_hour"]
    rates = [row["arrivals_per_h"] if row["exposure_h"] >= EXPOSED_H else None for row in hours]
    most = max((rate for rate in rates if rate is not None), default=0)
    bars = "".join(_bar(rate, most) for rate in rates)
    title = sheet.style("Chats an hour", "title")
    peak = [row["hour"] for row, rate in zip(hours, rates, strict=True) if rate == most > 0]
    busiest = f"  most at {peak[0]:02d}:00, {number(most)} an hour" if peak else ""
    return f"{title}  00│{bars}│24{busiest}\n"


def _bar(rate: float | None, most: float) -> str:
    if rate is None:
        return "·"
    if rate == 0 or most == 0:
        return " "
    return _BARS[min(len(_BARS) - 1, int(rate / most * len(_BARS)))]


def _tiledesk(sheet: Sheet) -> str:
    found = {row["figure"]: row for row in sheet.told["tiledesk_differences"]}
    told = [found[figure] for figure in TILEDESK]
    rows = []
    for row in told:
        label, shown = TILEDESK[row["figure"]]
        rows.append([label, shown(row["tiledesk_value"]), shown(row["our_value"])])
    why = [
        textwrap.fill(row["why"], WIDTH, initial_indent="  ", subsequent_indent="    ")
        for row in told
        if row["tiledesk_value"] != row["our_value"]
    ]
    return sheet.table(("As Tiledesk counts", "Tiledesk", "here"), rows) + "\n".join([*why, ""])


def _foot(sheet: Sheet) -> str:
    quality = sheet.total("data_quality")
    lag = duration(quality["receive_lag_p95_s"])
    notes = [f"{quality['rows_count']} entities received, 95 % within {lag}"]
    notes += [f"{quality[key]} {label}" for key, label in QUALITY.items() if quality.get(key)]
    few = f"~ fewer than {FEW} chats   {NOTHING} unknown"
    return "\n".join([f"Data: {'; '.join(notes)}", few]) + "\n"


AGENTS = Section(
    _agents,
    frozenset({"agent_chats", "agent_response", "agent_load"}),
    frozenset({"agent_availability"}),
)

SECTIONS = (
    Section(
        _chats,
        frozenset(
            {
                "abandonment",
                "backlog_at_midnight",
                "bot_containment",
                "chats_closed",
                "chats_offered",
                "close_reasons",
                "messages_by_role",
                "satisfaction",
                "service_level",
                "transfers",
            }
        ),
    ),
    Section(
        _waits,
        frozenset(
            {
                "active_duration",
                "first_response_customer",
                "first_response_human",
                "queue_time",
                "response_time",
                "session_duration",
            }
        ),
    ),
    Section(
        _days,
        frozenset({"chats_closed", "chats_offered", "first_response_human", "service_level"}),
        frozenset({"coverage_by_day"}),
    ),
    AGENTS,
    Section(_hours, frozenset({"arrivals_by_hour"})),
    Section(_tiledesk, frozenset({"tiledesk_differences"}), frozenset({"tiledesk_compatible"})),
    Section(_foot, frozenset({"data_quality"})),
)

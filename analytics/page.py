"""Draws a report as one screen of plain text, for whoever runs the desk.

Pure: the report's plain data in, text out. Null is drawn as –, figures from few chats are
marked ~, and a day of which much was not recorded says so before anything else.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from analytics.render import NOTHING, grid

FEW = 5
COVERED = 0.95
EXPOSED_H = 0.5
"""An hour of which less was recorded tells no rate."""
GAPS_SHOWN = 5
MARKS = timedelta(seconds=10)
_BARS = "▁▂▃▄▅▆▇█"

Style = Callable[[str, str], str]
Row = dict[str, Any]


def draw(report: dict[str, Any], style: Style = lambda text, _: text) -> str:
    """Return the report as text; `style(text, name)` may paint `title` and `warning`."""
    told = report["metrics"]
    sections = [
        _head(report, style),
        _chats(told),
        _waits(told, style),
        _days(told, style),
        _agents(told, style),
        _hours(told, style),
        _tiledesk(told, style),
        _foot(told),
    ]
    return "\n".join(section for section in sections if section)


def _head(report: dict[str, Any], style: Style) -> str:
    since = date.fromisoformat(report["since"])
    until = date.fromisoformat(report["until"])
    days = (until - since).days
    span = f"{since:%A} {since}" if days == 1 else f"{since} to {until} ({days} days)"
    ratio = report["coverage"]["ratio"]
    lines = [
        style(f"Project {report['project_id']} · {span} · {report['tz']}", "title"),
        f"Recorded {percent(ratio)} of the time",
    ]
    if ratio < COVERED:
        lines[-1] = style(f"{lines[-1]}: the figures below are incomplete", "warning")
    gaps = _worth_telling(report["coverage"]["gaps"])
    place = ZoneInfo(report["tz"])
    for gap in gaps[:GAPS_SHOWN]:
        begin, end = _local(gap["since"], place), _local(gap["until"], place)
        form = "%H:%M:%S" if begin.date() == end.date() and days == 1 else "%Y-%m-%d %H:%M:%S"
        lines.append(f"  missing {begin:{form}} to {end:{form}}  {gap['why'] or NOTHING}")
    if len(gaps) > GAPS_SHOWN:
        lines.append(f"  … and {len(gaps) - GAPS_SHOWN} more (--format json lists them)")
    return "\n".join(lines) + "\n"


def _worth_telling(gaps: list[Row]) -> list[Row]:
    """Leave out the seconds since the last mark of a recorder at work: it marks every 5 s."""
    if not gaps or gaps[-1]["why"] is not None:
        return gaps
    since, until = (datetime.fromisoformat(gaps[-1][edge]) for edge in ("since", "until"))
    return gaps[:-1] if until - since < MARKS else gaps


def _chats(told: dict[str, list[Row]]) -> str:
    offered = total(told["chats_offered"])
    closed = total(told["chats_closed"])
    moved = total(told["transfers"])
    rated = total(told["satisfaction"])
    reasons = [row for row in told["close_reasons"] if row["date"] == closed["date"]]
    by = ", ".join(f"{row['close_reason']} {row['sessions_count']}" for row in reasons)
    lines = [
        (
            f"Chats      {offered['sessions_count']} began: {offered['new_count']} new,"
            f" {offered['reopened_count']} opened again; {offered['contacts_count']} visitors;"
            f" {offered['bot_only_count']} left to a bot"
        ),
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
    ]
    if told["backlog_at_midnight"]:
        left = told["backlog_at_midnight"][-1]
        lines.append(
            f"Left open  {left['open_count']} at midnight of {left['date']}:"
            f" {left['unassigned_count']} with nobody, {left['unanswered_count']} unanswered,"
            f" the oldest for {duration(left['age_max_s'])}"
        )
    return "\n".join(lines) + "\n"


def _waits(told: dict[str, list[Row]], style: Style) -> str:
    named = [
        ("first human reply", "first_response_human", "answered_count"),
        ("  from the first message", "first_response_customer", "answered_count"),
        ("until an agent had it", "queue_time", "requested_count"),
        ("from opening to close", "session_duration", "closed_count"),
    ]
    rows = []
    for label, metric, count in named:
        row = total(told[metric])
        spent = [_spent(row, count, name) for name in ("p50_s", "p90_s", "p95_s", "mean_s")]
        rows.append([label, str(row[count]), *spent])
    head = ("Time", "chats", "median", "90 % within", "95 % within", "mean")
    return _titled(grid(head, rows), style)


def _days(told: dict[str, list[Row]], style: Style) -> str:
    days = [row for row in told["chats_offered"] if row["date"] is not None]
    if len(days) < 2:
        return ""
    rows = []
    for day in days:
        closed = of_day(told["chats_closed"], day["date"])
        reply = of_day(told["first_response_human"], day["date"])
        covered = of_day(told["coverage_by_day"], day["date"])["coverage_ratio"]
        mark = " !" if covered is not None and covered < COVERED else ""
        rows.append(
            [
                f"{date.fromisoformat(day['date']):%a} {day['date']}",
                str(day["sessions_count"]),
                str(closed["sessions_count"]),
                duration(reply["p50_s"]),
                duration(reply["p90_s"]),
                percent(covered) + mark,
            ]
        )
    head = ("Day", "began", "closed", "reply median", "90 % within", "recorded")
    return _titled(grid(head, rows), style)


def _agents(told: dict[str, list[Row]], style: Style) -> str:
    people = sorted({(row["agent_name"], row["agent_id"]) for row in _agent_rows(told)})
    rows = []
    for name, agent in people:
        chats = _agent(told["agent_chats"], agent)
        reply = _agent(told["agent_response"], agent)
        switch = _agent(told["agent_availability"], agent)
        rows.append(
            [
                name,
                *[str(chats.get(f"{key}_count", 0)) for key in ("assigned", "answered", "closed")],
                f"{chats.get('transferred_in_count', 0)}/{chats.get('transferred_out_count', 0)}",
                _spent(reply, "reaction_count", "reaction_p50_s"),
                _spent(reply, "response_count", "response_p50_s"),
                _spent(reply, "response_count", "response_p90_s"),
                duration(switch.get("available_s")),
            ]
        )
    if not rows:
        return ""
    head = (
        "Agent",
        "got",
        "answered",
        "closed",
        "in/out",
        "first reply",
        "reply median",
        "90 % within",
        "available",
    )
    return _titled(grid(head, rows), style)


def _hours(told: dict[str, list[Row]], style: Style) -> str:
    hours = told["arrivals_by_hour"]
    rates = [row["arrivals_per_h"] if row["exposure_h"] >= EXPOSED_H else None for row in hours]
    most = max((rate for rate in rates if rate is not None), default=0)
    bars = "".join(_bar(rate, most) for rate in rates)
    title = style("Chats an hour", "title")
    peak = [row["hour"] for row, rate in zip(hours, rates, strict=True) if rate == most > 0]
    busiest = f"  most at {peak[0]:02d}:00, {number(most)} an hour" if peak else ""
    return f"{title}  00│{bars}│24{busiest}\n"


def _tiledesk(told: dict[str, list[Row]], style: Style) -> str:
    theirs = told["tiledesk_compatible"][0]
    waited = total(told["first_response_human"])
    lasted = total(told["session_duration"])
    rated = total(told["satisfaction"])
    offered = total(told["chats_offered"])
    rows = [
        ["chats", str(theirs["requests_count"]), str(offered["new_count"])],
        [
            "waiting, mean",
            duration(seconds(theirs["waiting_time_avg_ms"])),
            f"{duration(waited['mean_s'])} for a human",
        ],
        [
            "duration, mean",
            duration(seconds(theirs["duration_avg_ms"])),
            f"{duration(lasted['mean_s'])} a session",
        ],
        ["satisfaction, mean", number(theirs["satisfaction_avg"]), number(rated["mean_rating"])],
    ]
    return _titled(grid(("As Tiledesk counts", "Tiledesk", "here"), rows), style)


def _foot(told: dict[str, list[Row]]) -> str:
    quality = told["data_quality"][0]
    lag = duration(quality["receive_lag_p95_s"])
    notes = [f"{quality['rows_count']} entities received, 95 % within {lag}"]
    named = {
        "unparsed_count": "not understood",
        "untrusted_count": "injected by others",
        "mistyped_count": "of an unexpected type",
        "truncated_count": "snapshots cut by the server",
        "refused_count": "topics refused",
        "unknown_sender_count": "messages of unknown authors",
        "closes_untold_count": "closes without details",
    }
    notes += [f"{quality[key]} {label}" for key, label in named.items() if quality[key]]
    few = f"~ fewer than {FEW} chats   {NOTHING} unknown"
    return "\n".join([f"Data: {'; '.join(notes)}", few]) + "\n"


def total(rows: list[Row]) -> Row:
    """Return the row of the whole window: the only one, or the one without a date."""
    return rows[-1]


def of_day(rows: list[Row], day: str) -> Row:
    """Return the row of a day."""
    return next(row for row in rows if row["date"] == day)


def duration(value: float | None) -> str:
    """Return seconds as people say them: 4.2s, 1m 05s, 2h 10m, 3d 4h."""
    if value is None:
        return NOTHING
    if value < 9.95:
        return f"{value:.1f}s"
    whole = round(value)
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}m {rest:02d}s"
    hours, minutes = divmod(round(value / 60), 60)
    if hours < 48:
        return f"{hours}h {minutes:02d}m"
    days, hours = divmod(round(value / 3600), 24)
    return f"{days}d {hours}h"


def number(value: float | None) -> str:
    """Return a number with at most two decimals."""
    return NOTHING if value is None else f"{value:.2f}".rstrip("0").rstrip(".")


def percent(ratio: float | None) -> str:
    """Return a share; 100 % only if nothing is missing."""
    if ratio is None:
        return NOTHING
    shown = f"{ratio * 100:.1f}"
    return f"{'99.9' if shown == '100.0' and ratio < 1 else shown.removesuffix('.0')} %"


def seconds(milliseconds: float | None) -> float | None:
    """Return milliseconds as seconds."""
    return None if milliseconds is None else milliseconds / 1000


def _spent(row: Row, count: str, name: str) -> str:
    """Return a time of a row, marked if it comes from few chats."""
    value = row.get(name)
    few = value is not None and row[count] < FEW
    return f"{'~' if few else ''}{duration(value)}"


def _titled(drawn: str, style: Style) -> str:
    head, _, rest = drawn.partition("\n")
    return f"{style(head, 'title')}\n{rest}"


def _bar(rate: float | None, most: float) -> str:
    if rate is None:
        return "·"
    if rate == 0 or most == 0:
        return " "
    return _BARS[min(len(_BARS) - 1, int(rate / most * len(_BARS)))]


def _agent_rows(told: dict[str, list[Row]]) -> list[Row]:
    names = ("agent_chats", "agent_response", "agent_availability")
    return [row for name in names for row in told[name]]


def _agent(rows: list[Row], agent: str) -> Row:
    """Return an agent's row of the whole window: dates come first, the window last."""
    found = [row for row in rows if row["agent_id"] == agent]
    return found[-1] if found else {}


def _local(instant: str, place: ZoneInfo) -> datetime:
    return datetime.fromisoformat(instant).replace(tzinfo=UTC).astimezone(place)

"""The sections that tell how a day went: at a glance, through the hours, waits, the week.

Each takes the material and returns a section; what the pictures show is also told in words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from analytics.document import charts, lanes
from analytics.document.blocks import Change, Figure, Part, Picture, Said, Section, Table, Tile
from analytics.document.facts import Facts, definitions, shown
from analytics.document.material import Day, Material
from analytics.document.palette import CSS
from analytics.figures import NOTHING, change, change_of_share, duration, number, percent
from analytics.page import LABELS
from analytics.render import WEEKDAYS
from analytics.reported import Row

BETTER = {
    "service_level": 1,
    "satisfaction": 1,
    "first_response_human": -1,
    "queue_time": -1,
    "abandonment": -1,
}
"""Whether more of a headline figure is better or worse; of the others it is neither."""
MOODS = {1: "better", -1: "worse", 0: ""}
MANY = 10
"""Of so many, a mean has no decimals that matter."""
HOURS_NOTE = "by the local clock"


def glance(material: Material) -> Section:
    """Return the headline figures, and the day in some sentences."""
    facts = Facts(material.report)
    return Section(
        "glance",
        "At a glance",
        said=list(sentences(facts)),
        tiles=list(tiles(facts)),
        tables=[] if material.day else _days(facts),
        definitions=definitions(
            "chats_offered", "chats_closed", "bot_containment", "transfers", "close_reasons"
        ),
    )


def tiles(facts: Facts) -> Iterator[Tile]:
    """Yield the headline figures that the report has."""
    compared = facts.report.get("comparison", {"figures": []})
    changes = {(row["metric"], row["column"]): row for row in compared["figures"]}
    for (metric, column), label in LABELS.items():
        if metric not in facts.told:
            continue
        row = changes.get((metric, column))
        told = [] if row is None else _changes(facts, row)
        name = label if label == label.strip() else f"first human reply, {label.strip()}"
        name = name.replace(" %", "\u00a0%")
        yield Tile(name, facts.figure(metric, column), told)


def _changes(facts: Facts, row: Row) -> list[Change]:
    compared = facts.report["comparison"]
    before = date.fromisoformat(compared["previous"]["date"])
    weekday = WEEKDAYS[date.fromisoformat(facts.report["since"]).weekday()]
    count = row["weekday_count"]
    weeks = f"mean of {count} {weekday}" if count > 1 else f"a {weekday} before"
    return [
        _change(row, "weekday_mean", weeks if count else f"no {weekday} recorded"),
        _change(row, "previous", f"{before:%a %d %b}"),
    ]


def _change(row: Row, against: str, name: str) -> Change:
    value, other = row["value"], row[against]
    if other is None:
        return Change(NOTHING, name)
    is_share = row["column"].endswith("_ratio")
    text = (change_of_share if is_share else change)(value, other)
    told = f"{name}: {_rounded(row['column'], other)}"
    if text == NOTHING or text.startswith("±"):
        return Change(text, told)
    rises = value > other
    mood = BETTER.get(row["metric"], 0) * (1 if rises else -1)
    return Change(f"{'▲' if rises else '▼'} {text}", told, MOODS[mood])


def _rounded(column: str, value: float) -> str:
    """Return a figure of other days."""
    is_many = column.endswith("_count") and value >= MANY
    return shown(column, round(value) if is_many else value)


def sentences(facts: Facts) -> Iterator[Said]:
    """Yield the day in some sentences."""

    def one(metric: str, column: str) -> Figure:
        return facts.figure(metric, column)

    yield (
        one("chats_offered", "sessions_count"),
        " chats began: ",
        one("chats_offered", "new_count"),
        " new, ",
        one("chats_offered", "reopened_count"),
        " opened again, by ",
        one("chats_offered", "contacts_count"),
        " visitors; ",
        one("chats_offered", "bot_only_count"),
        " were left to a bot.",
    )
    yield ("Closed: ", one("chats_closed", "sessions_count"), *_reasons(facts), ".")
    yield (
        "Transfers: ",
        one("transfers", "agent_count"),
        " between agents, ",
        one("transfers", "department_count"),
        " between departments.",
    )
    if facts.total("bot_containment")["with_bot_count"]:
        yield (
            "Bots: ",
            one("bot_containment", "contained_ratio"),
            " of ",
            one("bot_containment", "with_bot_count"),
            " chats closed without a human; ",
            one("bot_containment", "deserted_ratio"),
            " deserted.",
        )
    yield from _written(facts)
    if facts.told["backlog_at_midnight"]:
        yield (
            "Left open at midnight: ",
            one("backlog_at_midnight", "open_count"),
            ", of them ",
            one("backlog_at_midnight", "unassigned_count"),
            " with nobody and ",
            one("backlog_at_midnight", "unanswered_count"),
            " unanswered; the oldest for ",
            one("backlog_at_midnight", "age_max_s"),
            ".",
        )


def _reasons(facts: Facts) -> list[Part]:
    parts = _listed(facts, "close_reasons", "close_reason", "sessions_count")
    return [", by ", *parts] if parts else []


def _written(facts: Facts) -> Iterator[Said]:
    if parts := _listed(facts, "messages_by_role", "sender_role", "messages_count"):
        yield ("Messages: by ", *parts, ".")


def _listed(facts: Facts, metric: str, name: str, count: str) -> list[Part]:
    """Return the whole window's rows of a metric as a list in a sentence."""
    rows = facts.told[metric]
    parts: list[Part] = []
    for at, row in enumerate(rows):
        if row["date"] == rows[-1]["date"]:
            parts += [", " if parts else "", f"{row[name]} ", facts.figure(metric, count, at)]
    return parts


def _days(facts: Facts) -> list[Table]:
    head = ("Day", "began", "closed", "in time", "reply, median", "90 % within", "recorded")
    rows: list[Said] = []
    for at, row in enumerate(facts.told["chats_offered"]):
        if row["date"] is not None:
            day = date.fromisoformat(row["date"])
            rows.append(
                [
                    f"{day:%a %d %b}",
                    facts.figure("chats_offered", "sessions_count", at),
                    facts.figure("chats_closed", "sessions_count", at),
                    facts.figure("service_level", "service_level_ratio", at),
                    facts.figure("first_response_human", "p50_s", at, few="answered_count"),
                    facts.figure("first_response_human", "p90_s", at, few="answered_count"),
                    facts.figure("chats_offered", "coverage_ratio", at),
                ]
            )
    return [Table("Day by day", head, rows)]


def through_the_day(material: Material) -> Section | None:
    """Return what came, what was open and who was there, hour by hour."""
    day = material.day
    if day is None:
        return None
    gaps = material.report["coverage"]["gaps"]
    minutes = material.report["settings"]["interval_minutes"]
    return Section(
        "day",
        "Through the day",
        said=[[f"Every {minutes} minutes, {HOURS_NOTE} ({day.clock.tz})."]],
        pictures=[
            Picture.of(
                charts.arrivals(day.backlog, gaps, day.clock, CSS),
                "arrivals",
                "Chats that began and were closed",
                _most(day, day.backlog, "opened_count", "began"),
            ),
            Picture.of(
                charts.backlog(day.backlog, gaps, day.clock, CSS),
                "backlog",
                "Open chats, and what they waited for",
                _most(day, day.backlog, "open_count", "were open")
                + "; "
                + _most(day, day.backlog, "waiting_count", "waited for an agent"),
            ),
            Picture.of(
                charts.agents(day.intervals, gaps, day.clock, CSS),
                "agents-there",
                "Agents available",
                _most(day, day.intervals, "agents_mean", "were available"),
            ),
        ],
        definitions=definitions("load_by_interval", "backlog_at_midnight"),
    )


def _most(day: Day, rows: Sequence[Row], column: str, verb: str) -> str:
    """Return the peak of a column in words."""
    known = [row for row in rows if row[column] is not None and row["coverage_ratio"]]
    if not known:
        return f"nothing was recorded of how many {verb}"
    top = max(known, key=lambda row: row[column])
    return f"at most {number(top[column])} {verb}, at {day.clock.time(top['since'])}"


WAITS = (
    ("first human reply", "first_response_human", "answered_count"),
    ("the same, from the first message", "first_response_customer", "answered_count"),
    ("each later reply", "response_time", "response_count"),
    ("until an agent had the chat", "queue_time", "requested_count"),
    ("from opening to close", "session_duration", "closed_count"),
    ("talked in that time", "active_duration", "closed_count"),
)


def waits(material: Material) -> Section:
    """Return how long visitors waited, and chats took."""
    facts = Facts(material.report)
    columns = ("p50_s", "p90_s", "p95_s", "mean_s")
    rows: list[Said] = [
        [
            label,
            facts.figure(metric, count),
            *[facts.figure(metric, column, few=count) for column in columns],
        ]
        for label, metric, count in WAITS
    ]
    head = ("Time", "count", "median", "90 % within", "95 % within", "mean")
    return Section(
        "waits",
        "Waits and durations",
        pictures=list(_times(facts, material.hours["first_response_human"])),
        tables=[Table("Waits and durations", head, rows)],
        definitions=definitions(*(metric for _, metric, _ in WAITS)),
    )


def _times(facts: Facts, hours: Sequence[Row]) -> Iterator[Picture]:
    drawn = [facts.total(metric) | {"name": label} for label, metric, _ in WAITS]
    first = facts.total("first_response_human")
    if any(row["p50_s"] is not None for row in drawn):
        told = (
            f"half of the first human replies came within {duration(first['p50_s'])}, nine in"
            f" ten within {duration(first['p90_s'])}; the table has all of them"
        )
        title = "Median · 90 % within · 95 % within"
        yield Picture.of(lanes.waits(drawn, CSS), "times", title, told)
    if first["p50_s"] is not None:
        title = "First human reply, by the hour it came in"
        chart = charts.waits_by_hour(hours, facts.threshold, CSS)
        yield Picture.of(chart, "times-by-hour", title, _worst_hour(hours))


def _worst_hour(hours: Sequence[Row]) -> str:
    known = [row for row in hours if row["p90_s"] is not None]
    worst = max(known, key=lambda row: row["p90_s"])
    return f"longest from {worst['hour']}:00: nine in ten within {duration(worst['p90_s'])}"


SERVICE = "Answered in time"


def service(material: Material) -> Section:
    """Return which share was answered in time, hour by hour."""
    facts = Facts(material.report)
    hours = material.hours["service_level"]
    if not any(row["base_count"] for row in hours):
        said: list[Said] = [["No chat that needed a human was answered, or left."]]
        return Section("service", SERVICE, said=said, definitions=definitions("service_level"))
    return Section(
        "service",
        SERVICE,
        said=[
            [
                facts.figure("service_level", "service_level_ratio", few="base_count"),
                f" of the chats that needed a human had a reply within {facts.target}: ",
                facts.figure("service_level", "in_time_count"),
                " of ",
                facts.figure("service_level", "base_count"),
                ".",
            ]
        ],
        pictures=[
            Picture.of(
                charts.service_level(hours, facts.threshold, CSS),
                "service-level",
                f"Share answered within {facts.target}, by the hour in which a human was needed",
                _span(hours),
            ),
            Picture.of(
                charts.needing(hours, facts.threshold, CSS),
                "needing",
                "Chats that needed a human, and what became of them",
                _busiest(hours),
            ),
        ],
        definitions=definitions("service_level"),
    )


def _span(hours: Sequence[Row]) -> str:
    known = [row for row in hours if row["service_level_ratio"] is not None]
    if not known:
        return "no share to tell"
    low = min(known, key=lambda row: row["service_level_ratio"])
    high = max(known, key=lambda row: row["service_level_ratio"])
    return (
        f"from {percent(low['service_level_ratio'])} at {low['hour']}:00"
        f" to {percent(high['service_level_ratio'])} at {high['hour']}:00"
    )


def _busiest(hours: Sequence[Row]) -> str:
    top = max(hours, key=lambda row: row["base_count"])
    return (
        f"most at {top['hour']}:00: {top['base_count']},"
        f" of which {top['in_time_count']} were answered in time"
    )


def week(material: Material) -> Section:
    """Return when chats come, over some weeks."""
    rows = [row for row in material.week if row["exposure_h"] >= lanes.EXPOSED_H]
    top = max(rows, key=lambda row: row["arrivals_per_h"], default=None)
    told = "nothing was recorded"
    if top is not None:
        when = f"{WEEKDAYS[top['weekday'] - 1]} {top['hour']:02}:00"
        told = f"most on {when}: {number(top['arrivals_per_h'])} an hour"
    last = date.fromisoformat(material.report["until"]) - timedelta(days=1)
    return Section(
        "week",
        "When chats come",
        said=[[f"Chats that began in an hour recorded, {material.week_since} to {last}: {told}."]],
        pictures=[
            Picture.of(lanes.week(material.week, CSS), "week-map", "Chats an hour", told),
        ],
        definitions=definitions("arrivals_by_weekday_hour"),
    )

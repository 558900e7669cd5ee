"""The sections about agents and visitors: agents' days, who left, who rated, staffing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from analytics.capacity import words
from analytics.document import charts, lanes
from analytics.document.blocks import Figure, Name, Picture, Said, Section, Table
from analytics.document.facts import Facts, definitions
from analytics.document.material import Material
from analytics.document.palette import CSS
from analytics.figures import NOTHING, duration, percent
from analytics.reported import Row

MOST_LANES = 40
"""Agents whose day is drawn: of more, those with the most chats and time."""

AGENT = (
    ("got", "agent_chats", "assigned_count", None),
    ("answered", "agent_chats", "answered_count", None),
    ("closed", "agent_chats", "closed_count", None),
    ("taken over", "agent_chats", "transferred_in_count", None),
    ("passed on", "agent_chats", "transferred_out_count", None),
    ("first reply", "agent_response", "reaction_p50_s", "reaction_count"),
    ("later replies", "agent_response", "response_p50_s", "response_count"),
    ("available", "agent_load", "available_s", None),
    ("with chats", "agent_load", "occupancy_ratio", None),
    ("chats at once", "agent_load", "concurrency_mean", None),
    ("at the limit", "agent_load", "at_limit_s", None),
)
"""A column each: its head, where the figure is, and the count that says if it is from few."""
COUNTS = "agent_chats"


def agents(material: Material) -> Section:
    """Return each agent's day, and what came of it."""
    facts = Facts(material.report)
    metrics = tuple(dict.fromkeys(metric for _, metric, _, _ in AGENT))
    people = sorted(
        {(row["agent_name"], row["agent_id"]) for metric in metrics for row in facts.told[metric]}
    )
    rows = [_agent(facts, name, agent) for name, agent in people]
    head = ("Agent", *(label for label, _, _, _ in AGENT))
    return Section(
        "agents",
        "Agents",
        said=[] if people else [["Nothing is known of any agent."]],
        pictures=_timeline(material) if material.day else [],
        tables=[Table("Agents: chats, medians of replies, time", head, rows)] if people else [],
        definitions=definitions(*metrics, "agent_availability"),
    )


def _agent(facts: Facts, name: str, agent: str) -> Said:
    cells: list[str | Figure | Name] = [Name(name)]
    for _, metric, column, few in AGENT:
        at = facts.place_of_agent(metric, agent)
        if at is not None:
            cells.append(facts.figure(metric, column, at, few))
        else:
            cells.append("0" if metric == COUNTS else NOTHING)
    return cells


def _timeline(material: Material) -> list[Picture]:
    day = material.day
    if day is None or not day.timeline:
        return []
    rows, left = _drawn(day.timeline)
    told = f"{_people(rows)} agents"
    peak = max(rows, key=lambda row: row["chats_count"])
    if peak["chats_count"]:
        told += f"; at most {peak['chats_count']} chats at once, with {peak['agent_name']}"
    title = "Agents' days: available, at the limit, chats at once"
    if left:
        title += f" ({left} more agents are in the table only)"
    gaps = material.report["coverage"]["gaps"]
    chart = lanes.timeline(rows, gaps, day.clock, CSS)
    return [Picture.of(chart, "timeline", title, told)]


def _people(rows: Sequence[Row]) -> int:
    return len({row["agent_id"] for row in rows})


def _drawn(rows: Sequence[Row]) -> tuple[list[Row], int]:
    """Return the stretches of as many as have room, and how many were there that have none."""
    weight: dict[str, tuple[int, int]] = {}
    for row in rows:
        there, chats = weight.get(row["agent_id"], (0, 0))
        weight[row["agent_id"]] = (
            there + bool(row["is_available"]),
            max(chats, row["chats_count"]),
        )
    seen = sorted((one for one in weight if any(weight[one])), key=lambda one: weight[one])
    kept = set(seen[-MOST_LANES:])
    return [row for row in rows if row["agent_id"] in kept], len(seen) - len(kept)


def _ended(one: Callable[[str], Figure]) -> Said:
    """Return when chats ended without a reply, and by whom."""
    return [
        one("abandoned_queue_count"),
        " before an agent had them, ",
        one("abandoned_assigned_count"),
        " afterwards; ",
        one("agent_closed_count"),
        " of those an agent closed; ",
        one("idle_count"),
        " fell silent.",
    ]


def abandonment(material: Material) -> Section:
    """Return who left, or fell silent, before a human replied."""
    facts = Facts(material.report)

    def one(column: str) -> Figure:
        return facts.figure("abandonment", column)

    total = facts.total("abandonment")
    left = total["abandoned_queue_count"] + total["abandoned_assigned_count"]
    said: list[Said] = [["No chat needed a human."]]
    if left > total["requested_count"]:
        said = [
            [
                f"{left} chats ended without a reply: ",
                *_ended(one),
                " Some had come before; ",
                one("requested_count"),
                " needed a human since.",
            ]
        ]
    elif total["requested_count"]:
        said = [
            [
                one("abandoned_ratio"),
                " of ",
                one("requested_count"),
                " chats that needed a human ended without a reply: ",
                *_ended(one),
            ]
        ]
    pictures = []
    if material.patience:
        half = [row["wait_s"] for row in material.patience if row["still_waiting_ratio"] <= 0.5]
        told = (
            f"half would have given up within {duration(half[0])}"
            if half
            else ("more than half had more patience than they needed")
        )
        title = "Who would still wait, after how long without an agent"
        chart = charts.patience(material.patience, CSS)
        pictures.append(Picture.of(chart, "patience", title, told))
    return Section(
        "abandonment",
        "Left without an answer",
        said=said,
        pictures=pictures,
        definitions=definitions("abandonment", "patience"),
    )


def satisfaction(material: Material) -> Section:
    """Return how visitors rated."""
    facts = Facts(material.report)
    total = facts.total("satisfaction")

    def one(column: str, few: str | None = None) -> Figure:
        return facts.figure("satisfaction", column, few=few)

    said: list[Said] = [
        [
            "Mean ",
            one("mean_rating", "rated_count"),
            " of 5 from ",
            one("rated_count"),
            " ratings; ",
            one("good_ratio"),
            " were 4 or 5. ",
            one("response_ratio"),
            " of the chats closed were rated.",
        ]
    ]
    pictures = []
    if not total["rated_count"]:
        said = [["Nobody rated a chat."]]
    else:
        told = ", ".join(
            f"{stars} stars: {total[f'rating_{stars}_count']}" for stars in range(5, 0, -1)
        )
        chart = charts.ratings(total, CSS)
        pictures.append(Picture.of(chart, "ratings", "Ratings by stars", told))
    return Section(
        "satisfaction",
        "Satisfaction",
        said=said,
        pictures=pictures,
        definitions=definitions("satisfaction"),
    )


def staffing(material: Material) -> Section | None:
    """Return how many agents the day took, against how many there were."""
    day = material.day
    if day is None:
        return None
    needed = day.staffing
    if not needed.rows:
        said: list[Said] = [[f"Not told: {needed.told}."]]
        return Section("staffing", "Staffing", said=said)
    goal = (
        f"Required: to have {percent(needed.target.service_level)} of the chats that came with an"
        f" agent within {duration(needed.target.answer_in)}, {needed.chats} chats at once,"
        f" {needed.told}."
    )
    gaps = material.report["coverage"]["gaps"]
    shown = words.of_day(material.report["staffing"])
    chart = charts.staffing(needed.rows, gaps, day.clock, CSS)
    return Section(
        "staffing",
        "Staffing",
        said=[[goal]],
        pictures=[
            Picture.of(chart, "staffing-map", "Agents required and available", shown),
        ],
        definitions=definitions("load_by_interval", "handle_time_by_concurrency"),
    )

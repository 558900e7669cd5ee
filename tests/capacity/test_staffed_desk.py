"""A simulated desk, planned by its own recorded past and staffed by that plan, keeps the promise.

The desk is not the model: its agents take breaks, differ in pace, come early and leave late; its
visitors think before they answer. It has live chats only, and one department, as the model says.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

import analytics
from analytics.capacity import history, report
from analytics.capacity.plan import Assumptions
from analytics.capacity.request import Wish
from analytics.capacity.staffing import Target
from archiver.simulate import arrivals, desk
from archiver.simulate.history import Plan, Span, record_history
from archiver.simulate.people import Staff, hire
from archiver.simulate.settings import DeskSettings

ROME = "Europe/Rome"
FIRST, AFTER = date(2026, 2, 2), date(2026, 2, 17)
END = AFTER + timedelta(weeks=1)
LAST_HOUR = 23
"""The simulated agents' shifts end on a full hour of the same day, so nobody works after it."""
MOST_CHATS = 3
TARGET = Target(0.8, 60.0)
TOLERANCE = 0.05
SETTINGS = DeskSettings(
    chats_per_day=300,
    agents=12,
    departments=1,
    project_chat_limit=MOST_CHATS,
    limit_days=1e9,
    transfer_share=0,
    helper_share=0,
    leave_share=0,
    pending_share=0,
    proactive_share=0,
    draft_share=0,
    reopen_share=0,
    late_reopen_share=0,
)


def record(root, settings, since, until, staff):
    """Record a desk at which those work whom `staff` names."""
    edges = (
        datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(ROME)) for day in (since, until)
    )
    span = Span(*(round(edge.timestamp() * 1000) for edge in edges))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(desk, "hire", staff)
        patch.setattr(arrivals, "CHANNELS", {"chat21": 1})
        record_history(settings, Plan(root, span))


def past(root, since, until):
    asked = analytics.open(root, since=since, until=until, tz=ROME, answer_target=TARGET.answer_in)
    with asked.archive as archive:
        return history.past(archive, history.ask(archive))


def working(agent, hours, weekdays):
    agent.shift, agent.days_off = hours, frozenset(range(7)) - set(weekdays)
    agent.chat_limit = None
    agent.member.pop("max_assigned_chat", None)
    return agent


def by_day(settings):
    """Hire for the past: enough for a day's work, in overlapping shifts."""
    staff = hire(settings)
    for number, agent in enumerate(staff.agents):
        working(agent, ((7, 15), (9, 17), (10, 18), (15, 23))[number % 4], range(7))
    return staff


def roster(needed):
    """Return whom to hire so that in each hour of each weekday as many are on the roster."""

    def hired(settings):
        staff = hire(replace(settings, agents=300))
        people, chosen = iter(staff.agents), []
        for weekday, hours in needed.items():
            for lane in range(1, max(hours) + 1):
                edges = [
                    hour for hour in range(24) if (hours[hour] >= lane) != on(hours, hour, lane)
                ]
                ends = [*edges, LAST_HOUR] if len(edges) % 2 else edges
                for begin, end in zip(ends[::2], ends[1::2], strict=True):
                    chosen.append(working(next(people), (begin, end), [weekday]))
        for department in staff.departments:
            department.agents = chosen
        return Staff(staff.owner, chosen, staff.departments, staff.bots)

    return hired


def on(hours, hour, lane):
    return hour > 0 and hours[hour - 1] >= lane


@pytest.mark.slow
def test_a_desk_staffed_by_our_plan_keeps_the_promise(tmp_path):
    """In nine of ten hours of the week that had ten chats or more, the target less five points.

    On the past the model told the truth, and the roster was no larger than the plan.
    """
    record(tmp_path / "before", SETTINGS, FIRST, AFTER, by_day)
    told = report.build(
        past(tmp_path / "before", FIRST, AFTER), Wish(Assumptions(TARGET), 1, MOST_CHATS)
    )
    needed = defaultdict(lambda: [0] * 24)
    for row in told["plan"]:
        hours, hour = needed[date.fromisoformat(row["date"]).weekday()], row["minute"] // 60
        if hour < LAST_HOUR:
            hours[hour] = max(hours[hour], row["agents_rostered"])

    record(tmp_path / "after", replace(SETTINGS, seed=2), AFTER, END, roster(needed))

    came, in_time = defaultdict(int), defaultdict(int)
    ran = past(tmp_path / "after", AFTER, END)
    for row in ran.intervals:
        if row["minute"] < LAST_HOUR * 60:
            came[row["weekday"], row["minute"] // 60] += row["requested_count"]
            in_time[row["weekday"], row["minute"] // 60] += row["accepted_in_time_count"]
    busy = [when for when, count in came.items() if count >= 10]
    kept = [when for when in busy if in_time[when] / came[when] >= 0.8 - TOLERANCE]
    assert told["calibration"]["fits"]
    assert abs(told["calibration"]["difference"]) < TOLERANCE
    assert len(busy) >= 50
    assert len(kept) >= 0.9 * len(busy), sorted(set(busy) - set(kept))
    there = sum(row["agents_mean"] for row in ran.intervals) / 2  # of hours
    assert 0.6 * sum(map(sum, needed.values())) < there < sum(map(sum, needed.values()))

"""A plan in a line: what all its intervals come to."""

from __future__ import annotations

from analytics.capacity import totals


def row(chats, required, there, level, wait, left):
    """An interval of a plan; without figures, an understaffed one."""
    return {
        "chats_expected": chats,
        "agents_required": required,
        "agents_rostered": required + 1,
        "agents_available": there,
        "is_understaffed": level is None,
        "available_service_level_ratio": level,
        "available_wait_mean_s": wait,
        "available_abandoned_ratio": left,
    }


def test_chats_weigh_and_not_intervals():
    plan = [row(9.0, 3, 2.5, 0.9, 10.0, 0.0), row(1.0, 1, 0.5, 0.4, 110.0, 0.5)]

    assert totals.told(plan, 30) == (
        "2 hours of agents needed, 3 on the roster, 2 there: 85 % in time, 20s of wait, 5 % give up"
    )


def test_what_is_understaffed_is_in_no_mean_and_told():
    plan = [row(3.0, 2, 2.0, 0.9, 10.0, 0.0), row(1.0, 2, 1.0, None, None, None)]

    assert totals.told(plan, 60).endswith(
        ": 90 % in time, 10s of wait, 0 % give up;"
        " not counting 25 % of the chats: understaffed then"
    )


def test_where_nobody_knows_who_was_there_only_the_need_is_told():
    assert totals.told([row(3.0, 2, None, None, None, None) | {"is_understaffed": False}], 60) == (
        "2 hours of agents needed, 3 on the roster, 0 there"
    )

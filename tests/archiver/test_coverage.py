"""What a recorder can vouch for, told by small scripts in seconds after noon."""

from __future__ import annotations

import pytest

from archiver.coverage import Coverage
from archiver.unsealed import Reader

P = "65f0a1b2c3d4e5f601234567"
DIED, STOPPED = "the recorder died", "the recorder was stopped"
TALK = f"/{P}/requests/R/messages"
NOON = 43_200  # seconds of the day


def carried(tape):
    """Return the state that a segment leaves to the next, through JSON."""
    reader = Reader("main")
    for _ in reader.rows(tape.data):
        pass
    return Coverage.from_json(reader.coverage.to_json()).to_json()


def test_a_connection_covers_nothing_before_its_first_snapshot(tape, story):
    told = story(tape().connected(1).control("alive", 5).disconnected(9).rows())

    assert told == [("connected",), ("disconnected",)]


def test_a_project_is_covered_from_its_snapshot_to_the_last_sign_of_life(tape, story):
    script = tape().connected(1).feed(2).control("alive", 7).disconnected(9, why="cut")

    assert story(script.rows()) == [
        ("connected",),
        ("disconnected",),
        ("covered", 2, 7),
        ("gap", 7, None, "cut"),
    ]


def test_any_frame_is_a_sign_of_life(tape, story):
    script = tape().connected(1).feed(2).frame(b"garbage", 8).disconnected(60)

    assert ("covered", 2, 8) in story(script.rows())


def test_only_the_projects_own_feed_makes_it_covered(tape, frames, story):
    script = tape().connected(1)
    for topic in (TALK, f"/{P}/requests/R", f"/{P}/project_users/users/U", f"/{P}/bots/B"):
        script.frame(frames.publish(topic, []), 2)
    script.frame(frames.publish(f"/{P}/requests", [], None), 3)
    script.frame(frames.publish(f"/{P}/requests", {}, "CREATE"), 3)
    script.frame(frames.update([]), 3)

    assert story(script.control("stopped", 9).rows()) == [("connected",), ("disconnected",)]


def test_an_empty_snapshot_covers(tape, story):
    script = tape().connected(1).feed(2, size=0).control("alive", 5).control("rolled", 6)

    assert story(script.rows()) == [("connected",), ("covered", 2, 5)]


def test_the_gap_ends_with_the_next_connections_snapshot(tape, story):
    script = tape().connected(1).feed(2).disconnected(9, why="cut").connected(11, 2).feed(12, 2)

    assert story(script.control("alive", 15, 2).control("rolled", 20, 2).rows()) == [
        ("connected",),
        ("disconnected",),
        ("gap", 2, None, "cut"),
        ("connected",),
        ("gap", 2, 12, "cut"),
        ("covered", 12, 15),
    ]


def test_connections_that_never_get_a_snapshot_leave_one_gap_of_its_first_cause(tape, story):
    script = tape().connected(1).feed(2).disconnected(9, why="first")
    script.connected(11, 2).disconnected(12, 2, "second")
    script.connected(21, 3).feed(22, 3).control("rolled", 25, 3)

    gaps = [told for told in story(script.rows()) if told[0] == "gap"]
    assert gaps == [("gap", 2, None, "first"), ("gap", 2, 22, "first")]


def test_a_second_snapshot_of_a_covered_project_changes_nothing(tape, story):
    script = tape().connected(1).feed(2).feed(7).control("rolled", 9)

    assert story(script.rows()) == [("connected",), ("covered", 2, 7)]


def test_a_clean_stop_covers_to_the_last_sign_of_life_and_is_a_gap_from_there(tape, story):
    script = tape().connected(1).feed(2).control("alive", 7).control("stopped", 8)

    assert story(script.rows()) == [
        ("connected",),
        ("covered", 2, 7),
        ("disconnected",),
        ("gap", 7, None, STOPPED),
    ]


def test_a_death_covers_to_the_last_sign_of_life_and_is_a_gap_from_there(tape, story):
    script = tape().connected(1).feed(2).control("alive", 7)

    assert story(script.rows()) == [
        ("connected",),
        ("covered", 2, 7),
        ("disconnected",),
        ("gap", 7, None, DIED),
    ]


@pytest.mark.parametrize(("end", "why"), [("stopped", STOPPED), (None, DIED)])
def test_the_segment_after_the_end_closes_its_gap(tape, story, end, why):
    script = tape().connected(1).feed(2).control("alive", 7)
    if end:
        script.control(end, 8)

    after = tape(99, carried(script), at=100).connected(101, 2).feed(103, 2)

    told = story(after.control("rolled", 110, 2).rows())
    assert told == [("connected",), ("gap", 7, 103, why)]


def test_a_roll_is_no_gap_and_the_next_segment_goes_on_where_it_ended(tape, story):
    first = tape().connected(1).feed(2).control("alive", 7).control("rolled", 8)
    second = tape(99, carried(first), at=8).control("alive", 12).control("rolled", 13)

    assert story(first.rows()) == [("connected",), ("covered", 2, 7)]
    assert story(second.rows()) == [("covered", 7, 12)]


def test_what_is_covered_over_midnight_lies_in_two_days(tape, story):
    until = NOON + 3  # three seconds after midnight
    script = tape().connected(1).feed(2).signs(3, until).control("rolled", until)

    rows = script.rows()

    assert story(rows)[1:] == [("covered", 2, NOON), ("covered", NOON, until)]
    days = [row["received_at"] // (86_400 * 1_000_000) for row in rows if row["element"] < 2][-2:]
    assert days[1] == days[0] + 1


def test_what_is_covered_over_days_without_a_roll_has_a_row_for_each(tape, story):
    until = NOON + 2 * 86_400 + 5
    script = tape().connected(1).feed(2).signs(3, until).control("rolled", until)

    told = [span for span in story(script.rows()) if span[0] == "covered"]
    edges = [2, NOON, NOON + 86_400, NOON + 2 * 86_400, until]
    assert told == [("covered", *edges[n : n + 2]) for n in range(4)]


def test_a_long_silence_is_a_gap_though_the_connection_goes_on(tape, story):
    script = tape().connected(1).feed(2).control("alive", 10).feed(90).control("rolled", 95)

    told = [fact for fact in story(script.rows()) if fact[0] in ("covered", "gap")]
    assert told == [("covered", 2, 10), ("gap", 10, 90, "no sign of life")]


def test_a_clock_that_is_set_back_covers_what_it_shows_again_once(tape, story):
    script = tape().connected(1).feed(2).control("alive", 10).control("alive", 5)
    script.disconnected(8).connected(3, 2).feed(4, 2).control("alive", 6, 2)

    told = [fact for fact in story(script.rows()) if fact[0] in ("covered", "gap")]
    assert told == [
        ("covered", 2, 5),
        ("gap", 5, None, "cut"),
        ("gap", 5, 5, "cut"),
        ("covered", 4, 6),
        ("gap", 6, None, "the recorder died"),
    ]


def test_projects_of_one_connection_are_covered_each_by_its_own_snapshot(tape, frames, story):
    script = tape().connected(1, projects=(P, "other")).feed(2)
    script.frame(frames.feed(project="other"), 5).control("alive", 7).disconnected(9)

    assert ("covered", 2, 7) in story(script.rows(), P)
    assert ("covered", 5, 7) in story(script.rows(), "other")


def test_the_end_of_a_connection_that_never_began_says_nothing(tape, story):
    assert story(tape().disconnected(5, 7).rows()) == []


# Topics that are not answered.


def refused(script, at=20.0, since=12.0):
    since_micros = script.records[0].at + round(since * 1_000_000)
    return script.control("refused", at, topic=TALK, since=since_micros)


def test_a_topic_that_is_refused_has_a_gap_of_its_own_and_the_project_none(tape, story):
    script = refused(tape().connected(1).feed(2)).control("rolled", 25)

    assert story(script.rows()) == [
        ("connected",),
        ("refused",),
        ("gap", 12, None, "refused", TALK),
    ]


def test_the_gap_of_a_refused_topic_ends_with_its_snapshot(tape, frames, story):
    script = refused(tape().connected(1).feed(2)).frame(frames.publish(TALK, []), 40)

    assert ("gap", 12, 40, "refused", TALK) in story(script.control("rolled", 45).rows())


def test_a_live_frame_of_a_refused_topic_ends_nothing(tape, frames, story):
    script = refused(tape().connected(1).feed(2)).frame(frames.publish(TALK, {}, "UPDATE"), 30)

    told = story(script.control("rolled", 45).rows())
    assert [gap for gap in told if gap[0] == "gap"] == [("gap", 12, None, "refused", TALK)]


def test_the_gap_of_a_refused_topic_ends_when_it_is_left(tape, story):
    script = refused(tape().connected(1).feed(2)).control("unsubscribed", 50, topic=TALK)

    assert ("gap", 12, 50, "refused", TALK) in story(script.control("rolled", 55).rows())


def test_a_topic_refused_again_is_still_one_gap_since_the_first_time(tape, story):
    script = refused(refused(tape().connected(1).feed(2)), 40, 30).control("rolled", 45)

    gaps = [told for told in story(script.rows()) if told[0] == "gap"]
    assert gaps == [("gap", 12, None, "refused", TALK)] * 2


def test_a_refusal_outlives_its_segment(tape, frames, story):
    first = refused(tape().connected(1).feed(2)).control("rolled", 25)

    second = tape(99, carried(first), at=25).frame(frames.publish(TALK, []), 40)

    assert ("gap", 12, 40, "refused", TALK) in story(second.rows())


def test_leaving_a_topic_that_was_answered_says_nothing(tape, story):
    script = tape().connected(1).control("unsubscribed", 5, topic=TALK).control("rolled", 6)

    assert story(script.rows()) == [("connected",)]


# Snapshots at the server's limits.


@pytest.mark.parametrize(("size", "told"), [(99, False), (100, True), (101, False)])
def test_a_feed_of_exactly_a_hundred_chats_may_be_cut_off(tape, story, size, told):
    script = tape().connected(1).feed(2, size=size).control("rolled", 5)

    assert (("truncated",) in story(script.rows())) is told


def talk(frames, size):
    return frames.publish(TALK, [{"_id": str(n)} for n in range(size)])


@pytest.mark.parametrize("source", ["realtime", "repair"])
def test_three_hundred_messages_may_be_cut_off_and_matter_where_they_repair(
    tape, frames, story, source
):
    script = tape().connected(1).feed(2).disconnected(5, why="cut").connected(9, 2).feed(10, 2)
    script.control("subscribed", 11, 2, topic=TALK, source=source)
    script.frame(talk(frames, 300), 12, 2).control("rolled", 15, 2)

    told = story(script.rows())

    why = "the snapshot holds the oldest 300 messages only"
    assert ("truncated",) in told
    assert (("gap", 2, 12, why, TALK) in told) is (source == "repair")


def test_a_repair_that_is_not_cut_off_leaves_no_gap_of_its_topic(tape, frames, story):
    script = tape().connected(1).feed(2).disconnected(5, why="cut").connected(9, 2).feed(10, 2)
    script.control("subscribed", 11, 2, topic=TALK, source="repair")
    script.frame(talk(frames, 299), 12, 2).control("rolled", 15, 2)

    gaps = [told for told in story(script.rows()) if told[0] == "gap"]
    assert gaps == [("gap", 2, None, "cut"), ("gap", 2, 10, "cut")]


def sources(script):
    return [row["source"] for row in script.rows() if row["source"] != "recorder"]


def test_what_was_asked_for_as_a_repair_is_marked_so_once(tape, frames):
    script = tape().connected(1).control("subscribed", 2, topic=TALK, source="repair")
    for second in (3, 4):
        script.frame(talk(frames, 2), second)
    script.frame(frames.publish(TALK, {}), 5)

    assert sources(script) == ["repair"] * 2 + ["realtime"] * 3


def test_a_chat_read_by_its_own_topic_is_a_repair(tape, frames):
    script = tape().connected(1).frame(frames.publish(f"/{P}/requests/R", {}), 3)
    script.frame(frames.publish(f"/{P}/requests/R", {}, "UPDATE"), 4)

    assert sources(script) == ["repair", "repair"]


def test_a_new_connection_asks_anew_what_is_a_repair(tape, frames):
    script = tape().connected(1).control("subscribed", 2, topic=TALK, source="repair")
    script.connected(5, 2).frame(talk(frames, 1), 6, 2)

    assert sources(script) == ["realtime"]

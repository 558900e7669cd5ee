"""Trouble of one project, beside another: it is that project's alone."""

from __future__ import annotations

import json

import pytest

PROJECT = "5f6c1d2e3a4b5c6d7e8f9a0b"
QUIET = "5f6c1d2e3a4b5c6d7e8f9a0c"
UNKNOWN = "5f6c1d2e3a4b5c6d7e8f9a0d"
QUIET_FEED = f"/{QUIET}/requests"


def of(rows, project):
    return [row for row in rows if row["project_id"] == project]


def covered(rows):
    facts = [json.loads(row["payload"]) for row in rows if row["kind"] == "control"]
    return [fact for fact in facts if fact["control"] == "covered"]


@pytest.fixture
def settled(office, desk_of):
    """Wait until a connection has received everything so far."""
    request, _, messages_of = desk_of

    def settle(connection, number):
        office.change(request(number, number))
        office.wait_until_asked(connection, "subscribe", messages_of(number))

    return settle


def test_a_cut_of_one_connection_is_no_gap_of_another(
    office, settled, configured, run, archive, read_rows, gaps
):
    recorder = configured(office.url, {PROJECT: "simulated", QUIET: "simulated"})
    office.wait_until_followed(QUIET_FEED, {2})
    settled(1, 1)
    for number in (2, 3):
        office.hang_up(QUIET_FEED)
        office.wait_until_followed(QUIET_FEED, {number + 1})
        settled(1, number)
    assert recorder.stop() == 0, recorder.lines

    rows = read_rows(archive)
    (end,) = gaps(of(rows, PROJECT))
    assert end["why"] == "the recorder was stopped"
    assert len(covered(of(rows, PROJECT))) == 1
    assert [gap["why"] for gap in gaps(of(rows, QUIET))] == [
        *["connection lost"] * 2,
        "the recorder was stopped",
    ]
    assert run("archiver", "verify", "--archive", archive).returncode == 0


def test_a_project_that_is_never_answered_is_no_trouble_of_another_on_its_connection(
    office, settled, record, archive, read_rows, gaps, sent_entities, lost
):
    recorder = record(office.url, "--project", UNKNOWN)
    settled(1, 1)
    settled(1, 2)
    assert recorder.stop() == 0, recorder.lines

    assert ("subscribe", f"/{UNKNOWN}/requests") in office.asked(1)
    rows = read_rows(archive)
    assert lost(sent_entities(office.sent()), archive) == {}
    assert len(covered(of(rows, PROJECT))) == 1
    assert covered(of(rows, UNKNOWN)) == []
    assert gaps(of(rows, UNKNOWN)) == []  # nothing of it was ever covered


@pytest.mark.parametrize("status", [404, 503])
def test_a_connection_that_fails_at_first_is_tried_again_beside_one_that_did_not(
    status, office, settled, configured, archive, read_rows
):
    office.refuse(status, dial=2)
    recorder = configured(office.url, {QUIET: "simulated", PROJECT: "simulated"})
    office.wait_until_followed(QUIET_FEED, {1})
    settled(2, 1)
    assert recorder.stop() == 0, recorder.lines

    first, second, third = office.dials(3)
    assert [dial.refused for dial in (first, second, third)] == [None, status, None]
    assert len(covered(of(read_rows(archive), PROJECT))) == 1
    assert [line for line in recorder.lines if "event=failed" in line] == []

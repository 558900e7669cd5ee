"""Holds the gauges of a busy day, at some of its instants, against how things really were."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from deskoracle import now
from deskoracle.compare import differences
from deskoracle.truth import instant

from analytics.archive import LOOK_AHEAD, LOOK_BACK
from analytics.settings import Settings

DAY = date(2025, 10, 21)
INSTANTS = [datetime(2025, 10, 21, *at) for at in ((7, 10), (9, 40), (11, 5), (14, 30), (18, 20))]
ABOUT_THE_RECORDING = {"last_event_at", "covered_until"}
FEW = 3
"""Chats at once, so that some agents have all that they may."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def busy(record):
    return record(DAY - timedelta(days=1), DAY + timedelta(days=1), "--chats-per-day", 400)


@pytest.fixture(scope="module", params=INSTANTS, ids=str)
def asked(busy, ask, request):
    settings = Settings(chat_limit=FEW)
    return ask(busy, DAY, DAY + timedelta(days=1), settings, past=request.param)


@pytest.fixture(scope="module")
def known(busy, asked):
    return busy.known_at(asked.past)


@pytest.fixture(scope="module")
def opened(asked):
    with asked.ask((LOOK_BACK, LOOK_AHEAD)) as one:
        yield one


def test_every_gauge_is_true(asked, known, opened):
    (told,) = opened.query("select * from gauges").records()

    true = now.gauges(known, asked.window)
    assert set(told) - set(true) == ABOUT_THE_RECORDING
    assert differences([{name: told[name] for name in true}], [true]) == []
    assert told["last_event_at"] <= asked.past


def test_who_waits_is_true(asked, known, opened):
    told = opened.query("select conversation_id, state, waiting_s from waiting_now").records()

    true = list(now.waiting_now(known, asked.window))
    assert sorted(told, key=str) == sorted(true, key=str)


def test_how_each_agent_is_is_true(asked, known, opened):
    names = list(next(now.agents_now(known, asked.window)))
    told = opened.query(f"select {', '.join(names)} from agents_now").records()

    true = list(now.agents_now(known, asked.window))
    assert sorted(told, key=str) == sorted(true, key=str)


def test_the_day_is_busy_enough(busy, ask):
    """Each gauge says something at one of the instants, except that nobody rated badly."""
    told = set()
    for at in INSTANTS:
        asked = ask(busy, DAY, DAY + timedelta(days=1), Settings(chat_limit=FEW), past=at)
        row = now.gauges(busy.known_at(at), asked.window)
        told |= {name for name, value in row.items() if value}
        assert instant(f"{at}Z") == asked.window.now

    assert set(row) - told <= {"bad_30m_count", "bad_60m_count"}

"""When a desk is open: weeks, dates, holidays, changes of the clock, and wrong files."""

from __future__ import annotations

import itertools
import json
import sys
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from analytics.errors import SettingWrong
from analytics.hours import WEEKDAYS, merged, parse, plain

DAY = timedelta(days=1)
ROME = "Europe/Rome"
EVERY_DAY = {day: ["00:00-24:00"] for day in WEEKDAYS}
MORNINGS = {day: ["09:00-13:00"] for day in WEEKDAYS}


def opened(document, since, until, tz=ROME):
    return parse(plain(document)).between(since, until, tz)


def local_day(day, tz=ROME):
    """Return a local day's first instant, and the first one after it, UTC."""
    place = ZoneInfo(tz)
    return tuple(
        datetime.combine(one, datetime.min.time(), place).astimezone(UTC).replace(tzinfo=None)
        for one in (day, day + DAY)
    )


def open_hours(document, day, tz=ROME):
    spans = opened(document, *local_day(day, tz), tz)
    return sum((end - start for _, start, end in spans), timedelta()) / timedelta(hours=1)


def test_each_day_of_the_week_has_its_slots():
    document = {"tz": ROME, "monday": ["09:00-13:00", "14:00-18:00"], "tuesday": ["9:00 - 12:30"]}

    assert opened(document, datetime(2026, 3, 1), datetime(2026, 3, 8)) == [
        ("", datetime(2026, 3, 2, 8), datetime(2026, 3, 2, 12)),
        ("", datetime(2026, 3, 2, 13), datetime(2026, 3, 2, 17)),
        ("", datetime(2026, 3, 3, 8), datetime(2026, 3, 3, 11, 30)),
    ]


TILEDESK = {
    "0": [{"start": "09:00", "end": "13:00"}],
    "1": [{"start": "09:00", "end": "13:00"}, {"start": "14:00", "end": "18:00"}],
    "tzname": ROME,
}
PROJECT = {
    "_id": "64ff0a0b1c2d3e4f5a6b7c8d",
    "name": "shop",
    "activeOperatingHours": True,
    "operatingHours": json.dumps(TILEDESK),
    "timeSlots": {
        "6a1c": {
            "name": "Nights",
            "active": True,
            "hours": json.dumps({"7": [{"start": "22:00", "end": "06:00"}], "tzname": ROME}),
        },
        "6a1d": {"name": "Old", "active": False, "hours": "{}"},
    },
}


@pytest.mark.parametrize("document", [TILEDESK, PROJECT, PROJECT | {"operatingHours": TILEDESK}])
def test_tiledesk_s_own_hours_are_read_as_they_are(document):
    assert opened(document, datetime(2026, 3, 1), datetime(2026, 3, 8)) == [
        ("", datetime(2026, 3, 1, 8), datetime(2026, 3, 1, 12)),
        ("", datetime(2026, 3, 2, 8), datetime(2026, 3, 2, 12)),
        ("", datetime(2026, 3, 2, 13), datetime(2026, 3, 2, 17)),
    ]
    assert parse(plain(document)).tz == ROME


@pytest.mark.parametrize("slot", ["6a1c", "Nights"])
def test_a_time_slot_of_a_project_is_named_by_id_or_name(slot):
    hours = parse(plain(PROJECT, slot))

    assert hours.between(datetime(2026, 3, 1), datetime(2026, 3, 8), "UTC") == [
        ("", datetime(2026, 3, 1, 21), datetime(2026, 3, 2, 5))
    ]


def test_a_slot_over_midnight_belongs_to_the_day_on_which_it_begins():
    document = {"tz": "UTC", "monday": ["22:00-06:00"], "tuesday": []}
    tuesday = datetime(2026, 3, 3)

    assert opened(document, tuesday, tuesday + DAY) == [
        ("", tuesday, datetime(2026, 3, 3, 6)),
    ]


def test_slots_that_touch_or_overlap_are_one():
    document = {"tz": "UTC", **EVERY_DAY, "monday": ["08:00-24:00", "00:00-12:00"]}
    since, until = datetime(2026, 3, 1), datetime(2026, 3, 8)

    assert opened(document, since, until) == [("", since, until)]


@pytest.mark.parametrize(
    ("slots", "spring", "autumn"),
    [
        (["00:00-24:00"], 23, 25),
        (["01:30-03:30"], 1, 3),
        (["01:30-02:30"], 0.5, 1),
        (["02:00-03:00"], 0, 2),
        (["02:30-03:30"], 0.5, 2),
        (["02:15-02:45"], 0, 0.5),
        (["09:00-18:00"], 9, 9),
    ],
)
def test_a_slot_is_as_long_as_the_clock_makes_it(slots, spring, autumn):
    document = {"tz": ROME, "sunday": slots}

    assert open_hours(document, date(2026, 3, 29)) == spring
    assert open_hours(document, date(2026, 10, 25)) == autumn


def test_on_the_days_of_change_the_slots_begin_and_end_by_the_clock():
    document = {"tz": ROME, "sunday": ["01:30-03:30"]}

    (spring,) = opened(document, *local_day(date(2026, 3, 29)))
    (autumn,) = opened(document, *local_day(date(2026, 10, 25)))

    assert spring == ("", datetime(2026, 3, 29, 0, 30), datetime(2026, 3, 29, 1, 30))
    assert autumn == ("", datetime(2026, 10, 24, 23, 30), datetime(2026, 10, 25, 2, 30))


@pytest.mark.parametrize(
    ("tz", "day", "hours"),
    [
        ("America/Santiago", date(2026, 9, 6), 23),  # has no midnight
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Pacific/Apia", date(2011, 12, 30), 0),  # was left out
    ],
)
def test_clocks_are_changed_at_midnight_by_half_an_hour_and_by_a_day(tz, day, hours):
    assert open_hours({"tz": tz, **EVERY_DAY}, day, tz) == hours


def test_holidays_are_days_off_and_dates_come_first():
    document = {"tz": ROME, **MORNINGS, "holidays": "IT", "dates": {"2026-12-26": ["10:00-11:00"]}}
    christmas = date(2026, 12, 25)

    assert open_hours(document, christmas) == 0
    assert open_hours(document, christmas + DAY) == 1  # Saint Stephen's
    assert open_hours(document, christmas - DAY) == 4
    assert open_hours(document | {"dates": {"2026-12-24": []}}, christmas - DAY) == 0


def test_without_the_package_of_holidays_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "holidays", None)

    with pytest.raises(SettingWrong) as caught:
        parse({**MORNINGS, "holidays": "IT"})

    assert str(caught.value) == (
        "holidays: a package is missing; install it: pip install 'tiledesk-archive[holidays]'"
    )
    assert open_hours(MORNINGS, date(2026, 12, 25)) == 4


def test_a_part_of_a_country_has_holidays_of_its_own():
    whit_monday = date(2026, 5, 25)

    assert open_hours({**MORNINGS, "holidays": "IT"}, whit_monday) == 4
    assert open_hours({**MORNINGS, "holidays": "IT-BZ"}, whit_monday) == 0


def test_holidays_of_two_years_are_known_over_new_year():
    spans = opened(
        {"tz": "UTC", **EVERY_DAY, "holidays": "IT"}, datetime(2025, 12, 24), datetime(2026, 1, 3)
    )

    assert [(start.day, end.day) for _, start, end in spans] == [(24, 25), (27, 1), (2, 3)]


def test_a_department_says_what_is_different():
    document = {
        "tz": "UTC",
        **MORNINGS,
        "holidays": "IT",
        "departments": {
            "nights": {"monday": ["22:00-02:00"]},
            "tokyo": {"tz": "Asia/Tokyo", "holidays": ""},
        },
    }
    epiphany = datetime(2026, 1, 6)

    assert opened(document, epiphany - DAY, epiphany + DAY) == [
        ("", datetime(2026, 1, 5, 9), datetime(2026, 1, 5, 13)),
        ("nights", datetime(2026, 1, 5, 22), datetime(2026, 1, 6, 2)),
        ("tokyo", datetime(2026, 1, 5), datetime(2026, 1, 5, 4)),
        ("tokyo", datetime(2026, 1, 6), datetime(2026, 1, 6, 4)),
    ]


def test_departments_may_have_hours_where_the_project_has_none():
    hours = parse({"departments": {"sales": {"monday": ["09:00-10:00"]}}})

    assert set(hours.calendars) == {"sales"}
    assert hours.tz is None


def test_who_is_always_closed_is_known_to_be_closed():
    since = datetime(2026, 3, 3)
    document = {"monday": ["09:00-10:00"], "departments": {"sales": MORNINGS}}

    assert opened(document, since, since + DAY)[0] == ("", since, since)


def test_a_week_replaces_a_week():
    base = {"tz": ROME, "monday": ["09:00-10:00"], "holidays": "IT"}

    assert merged(base, {"tuesday": []}) == {"tz": ROME, "holidays": "IT", "tuesday": []}
    assert merged(base, {"tz": "UTC"}) == base | {"tz": "UTC"}


MONDAY = 'write monday = ["09:00-13:00"]'


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], f"no table of hours; {MONDAY}"),
        ({}, f"no day of the week; {MONDAY}"),
        ({"tz": ROME}, f"no day of the week; {MONDAY}"),
        (
            {"monay": []},
            (
                "no key 'monay'; there is tz, monday, tuesday, wednesday, thursday, friday,"
                " saturday, sunday, dates, holidays"
            ),
        ),
        ({"monday": "9-13"}, """monday: '9-13' is no list of slots; write ["09:00-13:00"]"""),
        ({"monday": ["9-13"]}, "monday: '9-13' is no slot; write 09:00-13:00"),
        ({"monday": [9]}, "monday: 9 is no slot; write 09:00-13:00"),
        ({"1": [{"start": "09:00"}]}, "monday: '09:00-None' is no slot; write 09:00-13:00"),
        (
            {"monday": ["09:00-24:30"]},
            "monday: '09:00-24:30' is no slot; times are 00:00 to 24:00",
        ),
        (
            {"monday": ["09:60-10:00"]},
            "monday: '09:60-10:00' is no slot; times are 00:00 to 24:00",
        ),
        (
            {"monday": ["24:00-02:00"]},
            "monday: '24:00-02:00' is no slot; times are 00:00 to 24:00",
        ),
        (
            {"monday": ["00:00-00:00"]},
            "monday: '00:00-00:00' has no length; a whole day is 00:00-24:00",
        ),
        (
            {"monday": [], "tz": "Mars/Base"},
            "tz: 'Mars/Base' is no time zone; write an IANA name: Europe/Rome",
        ),
        (
            {"monday": [], "tzname": 1},
            "tz: 1 is no time zone; write an IANA name: Europe/Rome",
        ),
        ({"monday": [], "dates": []}, "dates: no table; write dates.2026-12-24 = []"),
        (
            {"monday": [], "dates": {"24.12.": []}},
            "dates: '24.12.' is no date; write 2026-12-24",
        ),
        (
            {"monday": [], "dates": {"2026-12-24": ["9"]}},
            "dates.2026-12-24: '9' is no slot; write 09:00-13:00",
        ),
        (
            {"monday": [], "holidays": "Narnia"},
            "holidays: 'Narnia' is not known; write a country such as IT, or its part: IT-BZ",
        ),
        (
            {"monday": [], "holidays": "IT-ZZ"},
            "holidays: 'IT-ZZ' is not known; write a country such as IT, or its part: IT-BZ",
        ),
        (
            {"monday": [], "holidays": ["IT"]},
            "holidays: ['IT'] is not known; write a country such as IT, or its part: IT-BZ",
        ),
        (
            {"monday": [], "departments": ["x"]},
            """departments: no table; write [departments.ID] and monday = ["09:00-13:00"]""",
        ),
        (
            {"monday": [], "departments": {"x": 1}},
            f"departments.x: no table of hours; {MONDAY}",
        ),
        (
            {"monday": [], "departments": {"x": {"monday": [""]}}},
            "departments.x: monday: '' is no slot; write 09:00-13:00",
        ),
        (
            PROJECT | {"activeOperatingHours": False},
            (
                "activeOperatingHours: is false, so the project is always open for Tiledesk;"
                " make it true, or give no hours"
            ),
        ),
        (
            PROJECT | {"operatingHours": "{"},
            "operatingHours: not JSON; copy it from the project again",
        ),
        (
            PROJECT | {"operatingHours": None},
            "operatingHours: no hours in it; copy it from the project again",
        ),
    ],
)
def test_what_is_wrong_is_one_line(document, message):
    with pytest.raises(SettingWrong) as caught:
        parse(plain(document))

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("project", "slot", "message"),
    [
        (TILEDESK, "Nights", "timeSlots: none are here; leave out slot"),
        (PROJECT, "Days", "slot: no time slot 'Days'; there is 6a1c, 6a1d"),
        (
            PROJECT,
            "Old",
            "timeSlots.6a1d: not active, so always open for Tiledesk; choose another",
        ),
        (
            {"timeSlots": {"6a1c": {}}},
            "6a1c",
            "timeSlots.6a1c.hours: no hours in it; copy it from the project again",
        ),
    ],
)
def test_a_time_slot_that_cannot_be_used_is_one_line(project, slot, message):
    with pytest.raises(SettingWrong) as caught:
        plain(project, slot)

    assert str(caught.value) == message


ZONES = st.sampled_from(
    [ROME, "UTC", "America/Santiago", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo"]
)
QUARTERS = st.integers(0, 95).map(lambda n: f"{n // 4:02}:{n % 4 * 15:02}")
SLOTS = st.lists(
    st.tuples(QUARTERS, QUARTERS).filter(lambda pair: pair[0] != pair[1]).map("-".join), max_size=3
)
WEEKS = st.dictionaries(st.sampled_from(WEEKDAYS), SLOTS, min_size=1)
DAYS = st.dates(date(2026, 1, 1), date(2027, 1, 1))


@given(week=WEEKS, tz=ZONES, first=DAYS, count=st.integers(1, 10))
def test_intervals_are_apart_in_order_and_within_the_days_asked_for(week, tz, first, count):
    since, until = local_day(first, tz)[0], local_day(first + (count - 1) * DAY, tz)[1]

    spans = [(start, end) for _, start, end in opened({"tz": tz, **week}, since, until)]

    assert all(since <= start <= end <= until for start, end in spans)
    assert all(one[1] < other[0] for one, other in itertools.pairwise(spans))
    assert all(start < end for start, end in spans) or spans == [(since, since)]


@given(week=WEEKS, tz=ZONES, first=DAYS, minute=st.integers(0, 3 * 24 * 60))
def test_it_is_open_when_the_clock_shows_a_time_in_a_slot(week, tz, first, minute):
    since, until = local_day(first, tz)[0], local_day(first + 4 * DAY, tz)[1]
    instant = since + timedelta(minutes=minute)
    place = ZoneInfo(tz)
    local = instant.replace(tzinfo=UTC).astimezone(place)
    assume(local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset())  # shown once
    wall = local.replace(tzinfo=None)

    shown = any(
        begins <= wall < ends
        for day in (wall.date() - DAY, wall.date())
        for begins, ends in _walls(day, week.get(WEEKDAYS[day.isoweekday() % 7], []))
    )

    spans = opened({"tz": tz, **week}, since, until)
    assert any(start <= instant < end for _, start, end in spans) == shown


def _walls(day, slots):
    for slot in slots:
        start, end = (datetime.fromisoformat(f"{day}T{text}") for text in slot.split("-"))
        yield start, end if end > start else end + DAY


@given(tz=ZONES, day=DAYS)
def test_a_closed_day_has_no_open_second(tz, day):
    closed = WEEKDAYS[day.isoweekday() % 7]
    week = {name: ["08:00-20:00"] for name in WEEKDAYS if name != closed}

    assert open_hours({"tz": tz, **week}, day, tz) == 0

"""Holds an answer's rows against the oracle's: same rows, same counts, floats but for the last."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from deskoracle.window import Row

KEYS = (
    "date",
    "agent",
    "department",
    "channel",
    "bot",
    "tag",
    "language",
    "weekday",
    "hour",
    "agent_id",
    "sender_role",
    "close_reason",
    "wait_s",
    "figure",
)
"""Columns that tell the rows of a metric apart."""

SLICES = set(KEYS[1:9])
"""What a row may be a slice by: the column after the date."""

Rows = dict[tuple[Any, ...], Row]


def by_key(rows: Iterable[Row]) -> Rows:
    """Return rows by what identifies them; there must be no two of a kind."""
    listed = list(rows)
    keyed = {tuple(row.get(name) for name in KEYS): row for row in listed}
    assert len(keyed) == len(listed), "two rows with the same key"
    return keyed


def differences(told: Iterable[Row], true: Iterable[Row]) -> list[str]:
    """Return a line for each row and value that is not what it should be."""
    listed = list(told)
    answers, truths = by_key(listed), by_key(true)
    found = [] if _is_ordered(listed) else ["not in order"]
    found += [f"{_name(key)}: too much" for key in answers.keys() - truths.keys()]
    found += [f"{_name(key)}: missing" for key in truths.keys() - answers.keys()]
    for key in answers.keys() & truths.keys():
        answer, truth = answers[key], truths[key]
        assert list(answer) == list(truth), (list(answer), list(truth))
        found += [
            f"{_name(key)} {name}: {value!r}, truly {truth[name]!r}"
            for name, value in answer.items()
            if not _is_same(value, truth[name])
        ]
    return sorted(found)


def _is_ordered(rows: list[Row]) -> bool:
    """Tell whether days follow each other, the whole window last, and slices within them."""
    dated = [list(row.items())[:2] for row in rows if "date" in row]
    places = [
        (day is None, str(day), str(value) if name in SLICES else "")
        for (_, day), (name, value) in dated
    ]
    return places == sorted(places)


def _name(key: tuple[Any, ...]) -> str:
    return "/".join(str(one) for one in key if one is not None) or "the window"


def _is_same(told: Any, true: Any) -> bool:
    """Compare values; sums of floats differ in the last digits by their order.

    Of a sentence, the oracle says only that there is one.
    """
    if true is str:
        return isinstance(told, str) and bool(told)
    if isinstance(told, float) and isinstance(true, int | float):
        return math.isclose(told, true, rel_tol=1e-9, abs_tol=0)
    return type(told) is type(true) and told == true

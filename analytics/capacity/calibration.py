"""Does the model hold? What it says of the past, beside what happened, for each hour of the week.

Intervals of the same weekday and minute are taken together: a single one holds too few chats to
tell a share. Only what was recorded counts.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from analytics.capacity.chat_model import Demand
from analytics.capacity.staffing import expected

LEAST_CHATS = 10
FITS = 0.15
"""Farther off than so much, a promise of service level is not worth planning by."""


@dataclass(frozen=True)
class Observed:
    """One interval of the past; `agents` were available, `exposure_s` of it was recorded.

    `in_time`: chats that an agent had within the target, as the model counts them.
    """

    weekday: int
    minute: int
    exposure_s: float
    requested: int
    in_time: int
    wait_s: float
    """All waits added up."""
    agents: float


@dataclass(frozen=True)
class Compared:
    """A time of the week: predicted and observed share answered in time, and mean wait."""

    weekday: int
    minute: int
    requested: int
    agents: float
    service_level: float
    predicted_service_level: float | None
    wait_mean: float
    predicted_wait_mean: float | None


@dataclass(frozen=True)
class Calibration:
    """All times of the week together, by their chats; None: nothing to compare.

    `difference` is predicted minus observed service level, `typical` its mean size by time of the
    week; `understaffed_ratio` the share of chats that came when the model sees no steady state.
    """

    rows: Sequence[Compared]
    service_level: float | None
    predicted_service_level: float | None
    difference: float | None
    typical: float | None
    wait_mean: float | None
    predicted_wait_mean: float | None
    understaffed_ratio: float | None

    @property
    def fits(self) -> bool | None:
        """Tell whether the model describes this desk."""
        return None if self.difference is None else abs(self.difference) <= FITS


def calibrate(
    past: Iterable[Observed], shape: Demand, answer_in: float, least: int = LEAST_CHATS
) -> Calibration:
    """Compare; of `shape`, handle times and patience count. Times with few chats are left out."""
    grouped: dict[tuple[int, int], list[Observed]] = defaultdict(list)
    for one in past:
        grouped[one.weekday, one.minute].append(one)
    rows = [
        _compared(key, group, shape, answer_in)
        for key, group in sorted(grouped.items())
        if sum(one.requested for one in group) >= least
    ]
    return _summary(rows)


def _compared(
    key: tuple[int, int], group: Sequence[Observed], shape: Demand, answer_in: float
) -> Compared:
    """Predict each interval by who was there, as one agent more or fewer changes it much."""
    exposure = math.fsum(one.exposure_s for one in group)
    requested = sum(one.requested for one in group)
    demand = Demand(requested / exposure, shape.handle_times, shape.patience)
    predicted = [(expected(demand, one.agents, answer_in), one.requested) for one in group]

    def mean(values: Iterable[tuple[float | None, int]]) -> float | None:
        known = [(value, count) for value, count in values if count]
        if any(value is None for value, _ in known):
            return None
        return math.fsum((value or 0.0) * count for value, count in known) / requested

    return Compared(
        *key,
        requested=requested,
        agents=math.fsum(one.agents * one.exposure_s for one in group) / exposure,
        service_level=sum(one.in_time for one in group) / requested,
        predicted_service_level=mean((one.service_level, count) for one, count in predicted),
        wait_mean=math.fsum(one.wait_s for one in group) / requested,
        predicted_wait_mean=mean((one.wait_mean, count) for one, count in predicted),
    )


def _summary(rows: Sequence[Compared]) -> Calibration:
    known = [row for row in rows if row.predicted_service_level is not None]
    if not known:
        return Calibration(rows, *(None,) * 6, understaffed_ratio=1.0 if rows else None)
    weight = sum(row.requested for row in known)

    def mean(values: Iterable[float | None]) -> float:
        pairs = zip(values, known, strict=True)
        return math.fsum((value or 0.0) * row.requested for value, row in pairs) / weight

    observed = mean(row.service_level for row in known)
    predicted = mean(row.predicted_service_level for row in known)
    return Calibration(
        rows=rows,
        service_level=observed,
        predicted_service_level=predicted,
        difference=predicted - observed,
        typical=mean(
            abs((row.predicted_service_level or 0.0) - row.service_level) for row in known
        ),
        wait_mean=mean(row.wait_mean for row in known),
        predicted_wait_mean=mean(row.predicted_wait_mean for row in known),
        understaffed_ratio=1 - weight / sum(row.requested for row in rows),
    )

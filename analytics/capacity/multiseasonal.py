"""Forecasts with statsforecast, where it is installed: seasons of the day and week, and a trend.

MSTL takes the seasons off (K. Bandara, R. J. Hyndman and C. Bergmeir, 2021), an exponential
smoothing chosen by AutoETS carries on what is left. It comes with the extra `forecast`, and is
used only if it beats the other models on weeks that none of them knew.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from importlib.util import find_spec

from analytics.capacity.forecast import WEEK, Count, Day, Grid

NAME = "seasons and trend (statsforecast)"
HISTORY_DAYS = 12 * WEEK
AHEAD_DAYS = 6 * WEEK


def is_installed() -> bool:
    """Tell whether this model can be offered."""
    return find_spec("statsforecast") is not None


class MultiSeasonal:
    """A model that is fitted once for each history, and then asked day by day."""

    def __init__(self) -> None:
        self._known: Grid | None = None
        self._means: list[Day] = []

    def __call__(self, known: Grid, when: date) -> Day:
        """Forecast a day; a holiday as the Sunday of its week."""
        if known is not self._known:
            self._known, self._means = known, _fitted(known)
        ahead = (when - known.after).days
        if known.kind(when) != when.weekday():
            ahead += known.kind(when) - when.weekday()
        return self._means[ahead]


def _fitted(known: Grid) -> list[Day]:
    import numpy as np
    from statsforecast.models import MSTL, AutoETS

    days = known.days[-HISTORY_DAYS:]
    slots = len(days[0])
    model = MSTL([slots, WEEK * slots], trend_forecaster=AutoETS(model="ZZN"))
    told = model.forecast(np.fromiter(_filled(days), float), AHEAD_DAYS * slots)["mean"]
    means = [max(0.0, float(mean)) for mean in told]
    return [list(means[at : at + slots]) for at in range(0, len(means), slots)]


def _filled(days: Sequence[Day]) -> Iterator[float]:
    """Yield the counts in a row; what is unknown as the mean of the same times of the week."""
    for number, day in enumerate(days):
        alike = days[number % WEEK :: WEEK]
        for slot, count in enumerate(day):
            yield _mean(one[slot] for one in alike) if count is None else count


def _mean(values: Iterable[Count]) -> float:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else 0.0

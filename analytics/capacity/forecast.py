"""How many chats to expect in each interval of the next weeks, and how far that may be off.

History is a grid: local days, each with the same intervals of the local clock; None where nothing
is known (a gap of the recording, an hour that the clock skipped, not yet over). Unknown intervals
are left out, never counted as empty.

The seasonal profile takes, for each interval, the mean of the last eight same weekdays, times the
level of the last two weeks against that. Over weeks ahead such an average is hard to beat: J. W.
Taylor, "A comparison of univariate time series methods for forecasting intraday arrivals at a call
center" (2008). The band is that of counts whose rate varies from day to day, the negative binomial:
J. W. Taylor, "Density forecasting of intraday call center arrivals" (2012).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

Count = float | None
Day = list[Count]

WEEK = 7
SUNDAY = 6
LEAST_DAYS = 14
"""With fewer days that are known, nothing is forecast."""
PROFILE_WEEKS = 8
LEVEL_DAYS = 14
LEVEL_BOUNDS = (0.5, 2.0)
"""Whatever the last two weeks were like, the level moves no farther."""
_RAREST = 1e-12


@dataclass(frozen=True)
class Grid:
    """Counts by local day and interval of the day; `holidays` are days unlike their weekday."""

    first: date
    days: Sequence[Day]
    holidays: frozenset[date] = field(default_factory=frozenset)

    @property
    def after(self) -> date:
        """The day after the last."""
        return self.first + timedelta(days=len(self.days))

    def day(self, when: date) -> Day | None:
        """Return a day's counts; None if it is not in the grid."""
        number = (when - self.first).days
        return self.days[number] if 0 <= number < len(self.days) else None

    def before(self, when: date) -> Grid:
        """Return what was known when a day began."""
        return Grid(self.first, self.days[: max(0, (when - self.first).days)], self.holidays)

    def kind(self, when: date) -> int:
        """Return which weekday a day is like: 0 for Monday; a holiday is like a Sunday."""
        return SUNDAY if when in self.holidays else when.weekday()

    @property
    def known_days(self) -> int:
        """Days of which at least half of the intervals are known."""
        return sum(2 * sum(one is not None for one in day) >= len(day) > 0 for day in self.days)


Model = Callable[[Grid, date], Day]
"""Forecasts a day from what was known before it: a mean for each interval, None if it cannot."""


def seasonal_naive(known: Grid, when: date) -> Day:
    """Forecast a day as the last same weekday that is known."""
    back = when - timedelta(days=WEEK)
    while back >= known.first:
        day = known.day(back)
        if day is not None and any(one is not None for one in day):
            return list(day)
        back -= timedelta(days=WEEK)
    return [None] * _slots(known)


def seasonal_profile(known: Grid, when: date) -> Day:
    """Forecast a day by the mean of the last same days, times the recent level."""
    level = _level(known)
    return [None if mean is None else mean * level for mean in _profile(known, when)]


def _profile(known: Grid, when: date) -> Day:
    kind, alike = known.kind(when), []
    for back in range(1, len(known.days) + WEEK + 1):
        one = when - timedelta(days=back)
        day = known.day(one)
        if day is not None and known.kind(one) == kind:
            alike.append(day)
        if len(alike) == PROFILE_WEEKS:
            break
    return [_mean(day[slot] for day in alike) for slot in range(_slots(known))]


def _level(known: Grid) -> float:
    """Return how much came lately, against what the weeks before let expect of the same days."""
    begin = known.after - timedelta(days=LEVEL_DAYS)
    earlier = known.before(begin)
    came = awaited = 0.0
    for number in range(LEVEL_DAYS):
        when = begin + timedelta(days=number)
        for real, mean in zip(known.day(when) or [], _profile(earlier, when), strict=False):
            if real is not None and mean is not None:
                came, awaited = came + real, awaited + mean
    least, most = LEVEL_BOUNDS
    # The profile of the whole history holds these two weeks already: a quarter of its eight.
    ratio = came / awaited if awaited else 1.0
    weight = LEVEL_DAYS / WEEK / PROFILE_WEEKS
    return min(most, max(least, ratio / (1 - weight + weight * ratio)))


def _mean(values: Iterable[Count]) -> Count:
    known = [one for one in values if one is not None]
    return math.fsum(known) / len(known) if known else None


def _slots(grid: Grid) -> int:
    return len(grid.days[0]) if grid.days else 0


@dataclass(frozen=True)
class Scores:
    """How far forecasts were off. Shares 0 to 1; None where nothing could be compared.

    `wape`: absolute errors by what came. `mase`: absolute errors by those of the seasonal naive
    forecast on the history before (R. J. Hyndman and A. B. Koehler, 2006). `bias`: how much too
    much, by what came. `band_coverage`: intervals in which what came lay in the 80 % band.
    `pinball`: mean pinball loss of the band's edges, in chats.
    """

    intervals: int
    wape: float | None
    mase: float | None
    bias: float | None
    band_coverage: float | None
    pinball: float | None


@dataclass(frozen=True)
class Trial:
    """One interval that was forecast before it came."""

    when: date
    slot: int
    forecast: float
    came: float
    naive_error: float
    """Mean absolute error of the seasonal naive forecast on the history before."""


def trials(grid: Grid, model: Model, weeks: int, horizon_weeks: int = 1) -> Iterator[Trial]:
    """Yield forecasts of the last weeks, each from what was known `horizon_weeks` before it."""
    for week in range(weeks, 0, -1):
        begin = grid.after - timedelta(days=WEEK * week)
        known = grid.before(begin - timedelta(days=WEEK * (horizon_weeks - 1)))
        if known.known_days < LEAST_DAYS:
            continue
        scale = _naive_error(known)
        for number in range(WEEK):
            when = begin + timedelta(days=number)
            pairs = zip(model(known, when), grid.day(when) or [], strict=False)
            for slot, (mean, came) in enumerate(pairs):
                if mean is not None and came is not None:
                    yield Trial(when, slot, mean, came, scale)


def _naive_error(known: Grid) -> float:
    """Return the mean absolute difference of each interval from the same a week before."""
    errors = [
        abs(now - then)
        for later, sooner in zip(known.days[WEEK:], known.days, strict=False)
        for now, then in zip(later, sooner, strict=True)
        if now is not None and then is not None
    ]
    return math.fsum(errors) / len(errors) if errors else 0.0


def dispersion(done: Sequence[Trial]) -> float:
    """Return how much more than Poisson counts vary: variance = mean + dispersion * mean².

    By the method of moments on forecasts that came true or not; 0 is Poisson.
    """
    squares = math.fsum(one.forecast**2 for one in done)
    excess = math.fsum((one.came - one.forecast) ** 2 - one.forecast for one in done)
    return max(0.0, excess / squares) if squares else 0.0


def quantile(mean: float, spread: float, share: float) -> int:
    """Return the count that is not exceeded with a probability of `share`."""
    if mean <= 0:
        return 0
    likely = math.exp(-mean) if spread < _RAREST else (1 + spread * mean) ** (-1 / spread)
    if likely == 0.0:  # so many that the distribution is as good as normal
        return max(0, round(mean + _normal(share) * math.sqrt(mean + spread * mean**2)))
    reached, count = likely, 0
    while reached < share and (count < mean or likely > _RAREST * (1 - share)):
        likely *= mean * (1 + spread * count) / ((1 + spread * mean) * (count + 1))
        count += 1
        reached += likely
    return count


def _normal(share: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(share)


def score(done: Sequence[Trial], spread: float) -> Scores:
    """Return how far forecasts were off, and how well a band of this spread held."""
    if not done:
        return Scores(0, None, None, None, None, None)
    came = math.fsum(one.came for one in done)
    wrong = math.fsum(abs(one.came - one.forecast) for one in done)
    scale = math.fsum(one.naive_error for one in done)
    edges = [(quantile(t.forecast, spread, 0.1), quantile(t.forecast, spread, 0.9)) for t in done]
    inside = sum(low <= one.came <= high for one, (low, high) in zip(done, edges, strict=True))
    losses = [
        _pinball(one.came, low, 0.1) + _pinball(one.came, high, 0.9)
        for one, (low, high) in zip(done, edges, strict=True)
    ]
    return Scores(
        intervals=len(done),
        wape=wrong / came if came else None,
        mase=wrong / scale if scale else None,
        bias=math.fsum(one.forecast - one.came for one in done) / came if came else None,
        band_coverage=inside / len(done),
        pinball=math.fsum(losses) / (2 * len(losses)),
    )


def _pinball(came: float, edge: float, share: float) -> float:
    return max(share * (came - edge), (share - 1) * (came - edge))

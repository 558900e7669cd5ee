"""The chat model: agents have several chats at once, which slows each, and visitors may leave.

A birth-death chain over x, the number of chats in the system. Arrivals come at a constant rate
(Poisson). The x chats are spread evenly over the agents, at most `len(handle_times)` each; a chat
of an agent who has j of them ends at rate 1 / handle_times[j - 1]. Visitors beyond the agents'
slots wait in order of arrival, and each loses patience after an exponential time.

With one chat an agent this is Erlang A (C. Palm, 1946; Garnett, Mandelbaum and Reiman, 2002), with
a constant handle time and endless patience Erlang C with as many servers as slots. That the model
takes a list of handle times follows G. Koole, "Call Center Optimization" (2013), on chat.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, count

_NEGLIGIBLE = math.log(1e-18)
"""Of the likeliest state: states that are rarer change no digit that a double has."""


@dataclass(frozen=True)
class Demand:
    """What comes in, and how it is handled.

    `arrival_rate`: chats per second that need a human. `handle_times`: seconds that a chat takes
    while its agent has 1, 2, … chats; as many as an agent may have. `patience`: mean seconds until
    who waits leaves; None: nobody ever does.
    """

    arrival_rate: float
    handle_times: tuple[float, ...]
    patience: float | None = None

    def __post_init__(self) -> None:
        """Refuse what no desk can be."""
        if not self.arrival_rate >= 0 or math.isinf(self.arrival_rate):
            raise ValueError(f"arrival rate {self.arrival_rate}: give 0 or more a second")
        if not self.handle_times or not all(0 < one < math.inf for one in self.handle_times):
            raise ValueError(f"handle times {self.handle_times}: give one or more, above 0 s")
        if self.patience is not None and not self.patience > 0:
            raise ValueError(f"patience {self.patience}: give more than 0 s, or None")


@dataclass(frozen=True)
class Performance:
    """What a desk is like in the long run. Times in seconds, shares 0 to 1.

    `service_level` counts who is answered within the target, of all arrivals;
    `service_level_waited` the same of those who did not leave within it;
    `service_level_kept` those answered or gone within it, of all arrivals.
    """

    agents: int
    service_level: float
    service_level_waited: float
    service_level_kept: float
    wait_probability: float
    wait_mean: float
    abandoned: float
    queue_mean: float
    occupancy: float
    """Share of the agents who have at least one chat."""
    slot_use: float
    """Share of the slots in which there is a chat: for one chat an agent, the occupancy."""
    concurrency: float
    """Chats of an agent who has any; 0 if there are none."""


@lru_cache(maxsize=16_384)  # plans ask again and again: the same weekdays, the same counts
def solve(demand: Demand, agents: int, target: float) -> Performance | None:
    """Return how so many agents do, answers counted within `target` seconds; None: understaffed.

    Understaffed is a desk whose queue would grow for ever: nobody leaves, and more comes in than
    all agents with all their slots can end.
    """
    if agents < 0 or target < 0:
        raise ValueError(f"{agents} agents, target {target} s: give none or more of both")
    if demand.arrival_rate == 0:
        return Performance(agents, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0)
    chain = _Chain(demand, agents)
    if not chain.is_stable:
        return None
    return _performance(chain, target)


class _Chain:
    """The chain's long-run shares: of each number of chats in service, and of each queue length."""

    def __init__(self, demand: Demand, agents: int) -> None:
        self.demand, self.agents = demand, agents
        self.slots = agents * len(demand.handle_times)
        self.leaving = 0.0 if demand.patience is None else 1 / demand.patience
        self.full_rate = self._rate(self.slots)
        self.is_stable = self.leaving > 0 or self.full_rate > demand.arrival_rate
        if self.is_stable:
            self._solve()

    def _rate(self, chats: int) -> float:
        """Return how many chats end a second when so many are in service."""
        if chats == 0:
            return 0.0
        each, more = divmod(chats, self.agents)
        times = self.demand.handle_times
        rate = (self.agents - more) * each / times[each - 1] if each else 0.0
        return rate + (more * (each + 1) / times[each] if more else 0.0)

    def _solve(self) -> None:
        arriving = math.log(self.demand.arrival_rate)
        rises = (arriving - math.log(self._rate(chats)) for chats in range(1, self.slots + 1))
        weights = list(accumulate(rises, initial=0.0))
        peak = max(weights)
        queue: list[float] = []
        length, weight = 0, weights[-1]
        while not queue or weight > peak + _NEGLIGIBLE or self._grows(length):
            length += 1
            weight += arriving - math.log(self.full_rate + length * self.leaving)
            peak = max(peak, weight)
            queue.append(weight)
            if self.leaving == 0:  # a geometric tail: its sums are known
                break
        serving = [math.exp(one - peak) for one in weights]
        waiting = [math.exp(one - peak) for one in queue]
        total = math.fsum(serving) + self._sum(waiting)
        self.serving = [one / total for one in serving]
        self.waiting = [one / total for one in waiting]

    def _grows(self, length: int) -> bool:
        return self.full_rate + length * self.leaving < self.demand.arrival_rate

    def _sum(self, waiting: list[float]) -> float:
        return math.fsum(waiting) if self.leaving else waiting[0] / (1 - self.ratio)

    @property
    def ratio(self) -> float:
        """By what a longer queue is rarer, where nobody leaves."""
        return self.demand.arrival_rate / self.full_rate

    @property
    def wait_probability(self) -> float:
        """The share of arrivals that find every slot taken."""
        return self.serving[-1] + self._sum(self.waiting)

    @property
    def queue_mean(self) -> float:
        """Visitors waiting, on average."""
        if not self.leaving:
            return self.waiting[0] / (1 - self.ratio) ** 2
        return math.fsum(length * share for length, share in enumerate(self.waiting, 1))


def _performance(chain: _Chain, target: float) -> Performance:
    agents, slots = chain.agents, chain.slots
    full = chain.wait_probability
    abandoned = min(1.0, chain.leaving * chain.queue_mean / chain.demand.arrival_rate)
    chats = math.fsum(n * share for n, share in enumerate(chain.serving))
    chats += slots * (full - chain.serving[-1])
    idle = math.fsum((agents - n) * share for n, share in enumerate(chain.serving[:agents]))
    busy = agents - idle
    late, served = _late_and_served(chain, target)
    in_time = max(0.0, 1 - full) + served
    left = max(0.0, full - late - served)
    return Performance(
        agents=agents,
        service_level=in_time,
        service_level_waited=in_time / (1 - left) if left < 1 else 0.0,
        service_level_kept=1 - late,
        wait_probability=full,
        wait_mean=chain.queue_mean / chain.demand.arrival_rate,
        abandoned=abandoned,
        queue_mean=chain.queue_mean,
        occupancy=busy / agents if agents else 1.0,
        slot_use=chats / slots if slots else 1.0,
        concurrency=chats / busy if busy else 0.0,
    )


def _late_and_served(chain: _Chain, target: float) -> tuple[float, float]:
    """Return the shares of arrivals that wait longer than `target`, and that wait and are in time.

    Who finds i waiting
    before him moves up at rate r + j θ while j are left (r: the rate at which full agents end
    chats, θ: of losing patience). The time until he is first is a sum of exponentials, of which
    e^(-θ t) has the distribution Beta(r / θ, i + 1).
    """
    rate, leaving = chain.full_rate, chain.leaving
    if not leaving:
        spare = rate - chain.demand.arrival_rate
        late = chain.wait_probability * math.exp(-spare * target)
        return late, chain.wait_probability - late
    stays = math.exp(-leaving * target)
    if rate == 0 or stays == 1:
        return chain.wait_probability * stays, 0.0
    late = served = 0.0
    behind, ahead = _beta(rate / leaving, stays), _beta(rate / leaving + 1, stays)
    for before, share in enumerate([chain.serving[-1], *chain.waiting]):
        late += share * stays * next(behind)
        served += share * rate / (rate + (before + 1) * leaving) * (1 - next(ahead))
    return late, served


def _beta(a: float, x: float) -> Iterator[float]:
    """Yield the regularised incomplete beta function I_x(a, 1), I_x(a, 2), … for 0 < x < 1."""
    term, rest, total = a * math.log(x), math.log1p(-x), 0.0
    for number in count(1):
        total += math.exp(term)
        yield min(total, 1.0)
        term += rest + math.log((a + number - 1) / number)

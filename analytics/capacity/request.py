"""What a plan is asked for: targets and suppositions, as people write them.

`80/60` is 80 % within 60 s; `agents=+1,handle_time=-10%` supposes one agent more and chats that
take a tenth less. A wrong one is refused in a line that says how to write it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from analytics.capacity.plan import Assumptions
from analytics.errors import SettingWrong

INTERVALS = (15, 30, 60)
_TARGET = re.compile(r"(\d+(?:\.\d+)?)/(\d+(?:\.\d+)?)")
_CHANGE = re.compile(r"([+-]?)(\d+(?:\.\d+)?)(%?)")
MOST_CHATS = 50
WHAT_IF = ("agents", "max_chats", "handle_time", "arrivals", "target", "shrinkage")


@dataclass(frozen=True)
class Wish:
    """What a plan is asked for; `handling` and `volume` scale what was seen."""

    assumptions: Assumptions
    weeks: int = 2
    max_chats: int = 3
    handling: float = 1.0
    volume: float = 1.0


def target(text: str) -> tuple[float, float]:
    """Read a service target: the share, 0 to 1, and the seconds."""
    found = _TARGET.fullmatch(text.strip())
    if not found or not 0 < float(found[1]) < 100:
        raise SettingWrong(f"target {text!r}: write 80/60 for 80 % answered within 60 s")
    return float(found[1]) / 100, float(found[2])


def interval(text: str) -> int:
    """Read the length of an interval, minutes."""
    minutes = text.strip().removesuffix("m")
    if minutes not in {str(one) for one in INTERVALS}:
        raise SettingWrong(f"interval {text!r}: write 15m, 30m or 60m")
    return int(minutes)


def suppose(wish: Wish, text: str) -> Wish:
    """Return what is asked for with suppositions such as `agents=+1,max_chats=4`."""
    given: set[str] = set()
    for part in filter(None, map(str.strip, text.split(","))):
        name, _, value = map(str.strip, part.partition("="))
        if name not in WHAT_IF or not value:
            known = ", ".join(WHAT_IF)
            raise SettingWrong(f"what-if {part!r}: write NAME=VALUE, with NAME one of {known}")
        if name in given:
            raise SettingWrong(f"what-if {text!r}: {name} is given twice; say it once")
        given.add(name)
        wish = _supposed(wish, name, value)
    return wish


def _supposed(wish: Wish, name: str, value: str) -> Wish:
    done = wish.assumptions
    if name == "target":
        level, answer_in = target(value)
        goal = replace(done.target, service_level=level, answer_in=answer_in)
        return replace(wish, assumptions=replace(done, target=goal))
    if name == "agents":
        return replace(wish, assumptions=replace(done, more_agents=_added(name, value)))
    if name == "shrinkage":
        return replace(wish, assumptions=replace(done, shrinkage=shrinkage(value)))
    if name == "max_chats":
        return replace(wish, max_chats=_whole(name, value))
    if name == "handle_time":
        return replace(wish, handling=_scaled(name, value))
    return replace(wish, volume=_scaled(name, value))


def shrinkage(text: str) -> float:
    """Read the share of the rostered who are not there: 0.3, or 30%."""
    found = _CHANGE.fullmatch(text)
    value = float(found[2]) / (100 if found[3] else 1) if found and not found[1] else 1.0
    if not 0 <= value < 1:
        raise SettingWrong(f"shrinkage {text!r}: write 0.3 for 30 %")
    return value


def _added(name: str, value: str) -> float:
    found = _CHANGE.fullmatch(value)
    if not found or not found[1] or found[3]:
        raise SettingWrong(f"what-if {name}={value}: write +1 or -1")
    return float(found[1] + found[2])


def _whole(name: str, value: str) -> int:
    if not value.isdecimal() or not 1 <= int(value) <= MOST_CHATS:
        raise SettingWrong(f"what-if {name}={value}: write a number of chats, such as 4")
    return int(value)


def _scaled(name: str, value: str) -> float:
    found = _CHANGE.fullmatch(value)
    scale = 1 + float(found[1] + found[2]) / 100 if found and found[1] and found[3] else 0.0
    if scale <= 0:
        raise SettingWrong(f"what-if {name}={value}: write -10% or +20%")
    return scale

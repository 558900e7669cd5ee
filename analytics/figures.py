"""How people read figures: durations, shares, changes. Pure: a number in, a few signs out."""

from __future__ import annotations

NOTHING = "–"
MARK = "!"
MUCH = 10
"""A rise to more than so many times is told as that."""
_ROUNDING = 1e-9
"""A share that is whole but for the last digits of a double is whole."""


def duration(value: float | None) -> str:
    """Return seconds as people say them: 4.2s, 1m 05s, 2h 10m, 3d 4h."""
    if value is None:
        return NOTHING
    if value < 9.95:
        return f"{value:.1f}s"
    whole = round(value)
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}m {rest:02d}s"
    hours, minutes = divmod(round(value / 60), 60)
    if hours < 48:
        return f"{hours}h {minutes:02d}m"
    days, hours = divmod(round(value / 3600), 24)
    return f"{days}d {hours}h"


def number(value: float | None) -> str:
    """Return a number with at most two decimals."""
    return NOTHING if value is None else f"{value:.2f}".rstrip("0").rstrip(".")


def percent(ratio: float | None) -> str:
    """Return a share; 100 % only if nothing is missing but the last digits of a double."""
    if ratio is None:
        return NOTHING
    shown = f"{ratio * 100:.1f}"
    is_whole = ratio > 1 - _ROUNDING
    return f"{'99.9' if shown == '100.0' and not is_whole else shown.removesuffix('.0')} %"


def change(value: float | None, before: float | None) -> str:
    """Return by which share a figure rose or fell; a rise of which no share says more, as that."""
    if value is None or not before:
        return NOTHING
    if value > MUCH * before:
        return f"more than {MUCH} ×"
    return _signed(f"{value / before * 100 - 100:+.0f}", "%")


def change_of_share(ratio: float | None, before: float | None) -> str:
    """Return by how many points of a hundred a share rose or fell."""
    if ratio is None or before is None:
        return NOTHING
    return _signed(f"{(ratio - before) * 100:+.1f}", "pt")


def is_short(ratio: float | None, threshold: float) -> bool:
    """Tell whether too little was recorded to rely on it."""
    return ratio is not None and ratio < threshold


def marked(ratio: float | None, threshold: float) -> str:
    """Return a coverage, with a mark if it is too little to rely on."""
    return percent(ratio) + (f" {MARK}" if is_short(ratio, threshold) else "")


def _signed(shown: str, unit: str) -> str:
    return f"{'±0' if not float(shown) else shown.replace('-', '−')} {unit}"

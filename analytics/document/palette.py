"""The colours of documents and pictures, for light and dark screens and for paper.

Blue, amber and orange are told apart with every colour blindness; green is never beside orange.
Pictures of a page bear the names of CSS variables, so that one picture follows the reader's screen.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True)
class Palette:
    """What each colour stands for."""

    ground: str
    raised: str
    """The ground of what is set apart."""
    ink: str
    quiet: str
    """The ink of what is said aside."""
    faint: str
    """Lines, and nothing."""
    gap: str
    """What was not recorded."""
    main: str
    soft: str
    """The same, weaker: what stands behind it, or counts little."""
    second: str
    warn: str
    """What is missing, late or too much."""
    rest: str
    """What is left over."""
    level_0: str
    level_1: str
    level_2: str
    level_3: str
    level_4: str
    level_5: str
    """More and more of something."""
    on_level: str
    """Ink on the strongest levels."""

    @property
    def levels(self) -> tuple[str, ...]:
        """The colours of more and more of something."""
        return tuple(getattr(self, f"level_{number}") for number in range(6))


LIGHT = Palette(
    ground="#ffffff",
    raised="#f5f7f9",
    ink="#1f2933",
    quiet="#52606d",
    faint="#d9dee3",
    gap="#e4dfd8",
    main="#0b62a3",
    soft="#a9cbe6",
    second="#bf8400",
    warn="#a8330c",
    rest="#84909b",
    level_0="#eef3f8",
    level_1="#c9dff0",
    level_2="#94c1e2",
    level_3="#559bcd",
    level_4="#1f71b0",
    level_5="#0a4477",
    on_level="#ffffff",
)
DARK = Palette(
    ground="#14181d",
    raised="#1d2329",
    ink="#e6e9ec",
    quiet="#a9b4be",
    faint="#39424c",
    gap="#3d372e",
    main="#58aae8",
    soft="#275376",
    second="#f0c050",
    warn="#ef6f45",
    rest="#7c8894",
    level_0="#20272f",
    level_1="#1f3f5b",
    level_2="#225a86",
    level_3="#2f7bb5",
    level_4="#58a3dc",
    level_5="#a4d3f7",
    on_level="#0d1116",
)
CSS = Palette(**{one.name: f"var(--{one.name.replace('_', '-')})" for one in fields(Palette)})
"""Colours by the names of the variables that a page gives them."""


def variables(palette: Palette) -> str:
    """Return a palette as CSS custom properties."""
    return " ".join(
        f"--{name.replace('_', '-')}: {colour};" for name, colour in asdict(palette).items()
    )

"""Colours that everybody can tell apart, and read."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest

from analytics.document.palette import CSS, DARK, LIGHT, variables

# Machado, Oliveira and Fernandes (2009), severity 1: what linear RGB becomes.
BLINDNESS = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
    "none": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
}
TOGETHER = (
    ("main", "soft", "warn", "second"),
    ("main", "soft", "warn", "rest"),
    ("main", "second", "gap"),
    ("soft", "warn", "gap"),
)


def linear(colour):
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def seen(colour, blindness):
    matrix = BLINDNESS[blindness]
    return [
        min(
            1.0,
            max(0.0, sum(weight * part for weight, part in zip(row, linear(colour), strict=True))),
        )
        for row in matrix
    ]


def lab(rgb):
    """Return a colour in CIE Lab, in which distance is what one sees."""
    matrix = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    white = (0.9505, 1.0, 1.089)
    x, y, z = (
        sum(weight * part for weight, part in zip(row, rgb, strict=True)) / edge
        for row, edge in zip(matrix, white, strict=True)
    )
    f = [part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in (x, y, z)]
    return 116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])


def luminance(colour):
    return sum(w * part for w, part in zip((0.2126, 0.7152, 0.0722), linear(colour), strict=True))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("blindness", BLINDNESS)
def test_colours_that_stand_together_are_told_apart(palette, blindness):
    for group in TOGETHER:
        for one, other in combinations(group, 2):
            a, b = (lab(seen(getattr(palette, name), blindness)) for name in (one, other))
            distance = sum((left - right) ** 2 for left, right in zip(a, b, strict=True)) ** 0.5
            assert distance > 15, (one, other, distance)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("blindness", BLINDNESS)
def test_more_is_stronger(palette, blindness):
    lights = [lab(seen(colour, blindness))[0] for colour in palette.levels]

    steps = [after - before for before, after in pairwise(lights)]
    assert all(step < -5 for step in steps) or all(step > 5 for step in steps)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_what_is_written_can_be_read(palette):
    for ink in ("ink", "quiet", "main", "warn"):
        for ground in ("ground", "raised"):
            assert contrast(getattr(palette, ink), getattr(palette, ground)) >= 4.5, (ink, ground)
    for level in palette.levels[:4]:
        assert contrast(palette.ink, level) >= 3
    for level in palette.levels[4:]:
        assert contrast(palette.on_level, level) >= 4.5


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_what_is_drawn_stands_out_from_the_ground(palette):
    for colour in ("main", "second", "warn", "rest"):
        assert contrast(getattr(palette, colour), palette.ground) >= 3, colour


def test_a_page_s_names_are_the_palette_s():
    assert CSS.level_3 == "var(--level-3)"
    assert "--level-3: #559bcd;" in variables(LIGHT)

"""How figures read."""

from __future__ import annotations

import pytest

from analytics.figures import change, change_of_share, marked, percent


@pytest.mark.parametrize(
    ("value", "before", "text"),
    [
        (11, 10, "+10 %"),
        (9, 10, "−10 %"),
        (10, 10, "±0 %"),
        (10.01, 10, "±0 %"),
        (0, 10, "−100 %"),
        (100, 10, "+900 %"),
        (101, 10, "more than 10 ×"),
        (10, 0, "–"),
        (10, None, "–"),
        (None, 10, "–"),
    ],
)
def test_a_figure_rises_and_falls_by_a_share_of_what_it_was(value, before, text):
    assert change(value, before) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(1, "100 %"), (1 - 2**-50, "100 %"), (0.99996, "99.9 %"), (0.5, "50 %"), (None, "–")],
)
def test_only_what_is_whole_is_a_hundred_percent(ratio, text):
    assert percent(ratio) == text


@pytest.mark.parametrize(
    ("ratio", "before", "text"),
    [
        (0.5, 0.4, "+10.0 pt"),
        (0.4, 0.45, "−5.0 pt"),
        (0.5, 0.5, "±0 pt"),
        (0.1, 0, "+10.0 pt"),
        (None, 0.1, "–"),
        (0.1, None, "–"),
    ],
)
def test_a_share_rises_and_falls_by_points(ratio, before, text):
    assert change_of_share(ratio, before) == text


def test_a_coverage_below_the_threshold_is_marked():
    assert marked(0.949, 0.95) == "94.9 % !"
    assert marked(0.95, 0.95) == "95 %"
    assert marked(None, 0.95) == "–"

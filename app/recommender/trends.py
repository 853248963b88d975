"""Lists from counters: what is popular over a long window, and what is used more than it used to be."""

from collections.abc import Mapping
from math import sqrt

from app.recommender.counts import FINE_SECONDS, THOUSANDTHS, Counts

BASELINE = 24
"""Half-lives of the baseline in half-lives of the trend."""
LEAST = 0.1
"""Scores below are noise."""

Ranked = list[tuple[str, float]]


def popular(counts: Counts, now: float, window_seconds: float) -> Ranked:
    """The items by their weight within the window, the most used first."""
    total: dict[str, int] = {}
    for (slot, item_id), amount in counts.items():
        if slot > now - window_seconds:
            total[item_id] = total.get(item_id, 0) + amount
    return _ranked({item_id: amount / THOUSANDTHS for item_id, amount in total.items() if amount > 0})


def trending(counts: Counts, now: float, half_life_seconds: float) -> Ranked:
    """The items that are used more than they used to be, the fastest risers first.

        hot      = sum of w * 2^(-age / h)
        expected = sum of w * 2^(-age / (24 h)) / 24,   which is hot for an item whose use is steady
        score    = (hot - expected) / sqrt(expected + 1),   in about standard deviations of a Poisson process

    A burst counts half after each half-life h, and less than nothing after five, when its own baseline has caught up.
    """
    hot: dict[str, float] = {}
    expected: dict[str, float] = {}
    for (slot, item_id), amount in sorted(counts.items()):  # in one order, because floats do not add up in any
        age = max(0.0, now - slot - FINE_SECONDS / 2) / half_life_seconds
        weight = amount / THOUSANDTHS
        hot[item_id] = hot.get(item_id, 0.0) + weight * 2.0**-age
        expected[item_id] = expected.get(item_id, 0.0) + weight * 2.0 ** (-age / BASELINE) / BASELINE
    scores = {item_id: (hot[item_id] - usual) / sqrt(max(usual, 0.0) + 1.0) for item_id, usual in expected.items()}
    return _ranked({item_id: score for item_id, score in scores.items() if score >= LEAST})


def faded(scores: Mapping[str, float], seconds: float, half_life_seconds: float) -> dict[str, float]:
    """A trending list some time later, when nothing has happened since."""
    factor = 2.0 ** (-max(0.0, seconds) / half_life_seconds)
    return {item_id: score * factor for item_id, score in scores.items() if score * factor >= LEAST}


def _ranked(scores: Mapping[str, float]) -> Ranked:
    return sorted(scores.items(), key=lambda one: (-one[1], one[0]))

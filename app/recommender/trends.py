"""Popular and trending lists, computed from counters."""

from collections.abc import Mapping
from math import sqrt

from app.recommender.counts import FINE_SECONDS, THOUSANDTHS, Counts

BASELINE = 24
"""Half-life of the baseline, in half-lives of the trend."""
LEAST = 0.1
"""Scores below this are noise."""

Ranked = list[tuple[str, float]]


def popular(counts: Counts, now: float, window_seconds: float) -> Ranked:
    """Returns the items by their weight within the window, heaviest first."""
    total: dict[str, int] = {}
    for (slot, item_id), amount in counts.items():
        if slot > now - window_seconds:
            total[item_id] = total.get(item_id, 0) + amount
    return _ranked({item_id: amount / THOUSANDTHS for item_id, amount in total.items() if amount > 0})


def trending(counts: Counts, now: float, half_life_seconds: float) -> Ranked:
    """Returns the items that are used more than before, the fastest risers first.

        hot      = sum of w * 2^(-age / h)
        expected = sum of w * 2^(-age / (24 h)) / 24,   which equals hot for an item of steady use
        score    = (hot - expected) / sqrt(expected + 1),   in about standard deviations of a Poisson process

    A burst counts half after each half-life h, and less than zero after five, when its baseline has caught up.
    """
    hot: dict[str, float] = {}
    expected: dict[str, float] = {}
    for (slot, item_id), amount in sorted(counts.items()):  # in a fixed order, because the sum of floats depends on it
        age = max(0.0, now - slot - FINE_SECONDS / 2) / half_life_seconds
        weight = amount / THOUSANDTHS
        hot[item_id] = hot.get(item_id, 0.0) + weight * 2.0**-age
        expected[item_id] = expected.get(item_id, 0.0) + weight * 2.0 ** (-age / BASELINE) / BASELINE
    scores = {item_id: (hot[item_id] - usual) / sqrt(max(usual, 0.0) + 1.0) for item_id, usual in expected.items()}
    return _ranked({item_id: score for item_id, score in scores.items() if score >= LEAST})


def faded(scores: Mapping[str, float], seconds: float, half_life_seconds: float) -> dict[str, float]:
    """Returns a trending list some time later, if nothing has happened since."""
    factor = 2.0 ** (-max(0.0, seconds) / half_life_seconds)
    return {item_id: score * factor for item_id, score in scores.items() if score * factor >= LEAST}


def _ranked(scores: Mapping[str, float]) -> Ranked:
    return sorted(scores.items(), key=lambda entry: (-entry[1], entry[0]))

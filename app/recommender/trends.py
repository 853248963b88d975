"""Popular and trending lists and recent popularity, computed from counters."""

from collections.abc import Callable, Mapping
from itertools import islice
from math import sqrt

from app.recommender.counts import COARSE_SECONDS, FINE_SECONDS, THOUSANDTHS, Counts

BASELINE = 24
"""Half-life of the baseline, in half-lives of the trend."""
LEAST = 0.1
"""Scores below this are noise."""
MOST_RECENT = 500
"""Items that recent popularity distinguishes from the others."""
COMPARED = 100
"""The first items of recent popularity, which tell whether it has changed."""
BY_DAY_SECONDS = 2 * COARSE_SECONDS + 7_200
"""Age from which counters have slots of a day."""

ONE = 2**48
"""The weight 1 in sums of integers."""

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

    def left(slot: int, half_life_seconds: float) -> float:
        return _left(now - slot - FINE_SECONDS / 2, half_life_seconds)

    hot = _sums(counts, lambda slot: left(slot, half_life_seconds))
    expected = _sums(counts, lambda slot: left(slot, half_life_seconds * BASELINE) / BASELINE)
    scores = {
        item_id: (weight - (usual := expected.get(item_id, 0.0))) / sqrt(max(usual, 0.0) + 1.0)
        for item_id, weight in hot.items()
    }
    return _ranked({item_id: score for item_id, score in scores.items() if score >= LEAST})


def faded(scores: Mapping[str, float], seconds: float, half_life_seconds: float) -> dict[str, float]:
    """Returns a trending list some time later, if nothing has happened since."""
    left = _left(seconds, half_life_seconds)
    return {item_id: score * left for item_id, score in scores.items() if score * left >= LEAST}


def recent(counts: Counts, now: float, half_life_seconds: float) -> Ranked:
    """Returns the recent popularity of the MOST_RECENT most popular items:  r = sum of w * 2^(-age / h)."""

    def left(slot: int) -> float:
        width = COARSE_SECONDS if slot % COARSE_SECONDS == 0 and now - slot >= BY_DAY_SECONDS else FINE_SECONDS
        return _left(now - slot - width / 2, half_life_seconds)

    total = _sums(counts, left)
    return _ranked({item_id: popularity for item_id, popularity in total.items() if popularity > 0})[:MOST_RECENT]


def recent_factors(
    popularity: Mapping[str, float], seconds: float, half_life_seconds: float, exponent: float
) -> dict[str, float]:
    """Returns the factors of scores some time after recent popularity was computed, if nothing has happened since.

        factor = ((1 + r) / (1 + least r))^exponent,   with a least r of 0 if all items with a popularity are listed

    Items that are not listed have the factor 1.
    """
    left = _left(seconds, half_life_seconds)
    least = 1.0 + left * min(popularity.values()) if len(popularity) >= MOST_RECENT else 1.0
    return {item_id: ((1.0 + left * value) / least) ** exponent for item_id, value in popularity.items()}


def recent_change(
    before: Mapping[str, float], after: Mapping[str, float], seconds: float, half_life_seconds: float
) -> float:
    """Returns the largest factor, at least 1, by which 1 + r is larger or smaller than if nothing had happened since.

    It is taken over the first COMPARED items of both lists, which are ordered most popular first.

    Args:
        before: recent popularity.
        after: recent popularity some time later.
        seconds: the time between them.
        half_life_seconds: the half-life of events.
    """
    left = _left(seconds, half_life_seconds)
    names = {*islice(before, COMPARED), *islice(after, COMPARED)}
    ratios = [(1.0 + after.get(name, 0.0)) / (1.0 + left * before.get(name, 0.0)) for name in names]
    return max((max(ratio, 1.0 / ratio) for ratio in ratios), default=1.0)


def _sums(counts: Counts, weight: Callable[[int], float]) -> dict[str, float]:
    """Returns the weighted sum of each item's counters, apart from slots whose weight is below 2^-49.

    Weights are rounded to integers, so that the order of the counters does not matter, and computed once for a slot.
    """
    weights = {slot: round(weight(slot) * ONE) for slot in {slot for slot, _ in counts}}
    total: dict[str, int] = {}
    for (slot, item_id), amount in counts.items():
        if weights[slot]:
            total[item_id] = total.get(item_id, 0) + amount * weights[slot]
    return {item_id: amount / (ONE * THOUSANDTHS) for item_id, amount in total.items()}


def _left(seconds: float, half_life_seconds: float) -> float:
    return float(2.0 ** (-max(0.0, seconds) / half_life_seconds))


def _ranked(scores: Mapping[str, float]) -> Ranked:
    return sorted(scores.items(), key=lambda entry: (-entry[1], entry[0]))

"""Scores at serving time: score(j) = sum over sources i of w[i] * row[i][j], and the exact share of each i.

For an i with a negative weight, only the positive part of its row counts.
"""

from collections.abc import Container, Mapping, Sequence
from operator import itemgetter

Weights = Mapping[str, float]
Sources = Sequence[tuple[float, Weights]]
"""Weights of events, or of items, and the rows that these count through."""


def scores(sources: Sources) -> dict[str, float]:
    """Returns the score of every item in a row of the sources."""
    total: dict[str, float] = {}
    for weight, row in sources:  # as `_term`, without a call for each neighbor
        if weight > 0:
            for neighbor, value in row.items():
                total[neighbor] = total.get(neighbor, 0.0) + weight * value
        else:
            for neighbor, value in row.items():
                total[neighbor] = total.get(neighbor, 0.0) + weight * max(value, 0.0)
    return total


def _term(weight: float, value: float) -> float:
    """Returns what one past event adds to a score; a negative event can only lower scores."""
    return weight * value if weight > 0 else weight * max(value, 0.0)


def ranked(total: Weights, excluded: Container[str]) -> list[tuple[str, float]]:
    """Returns the items with a positive score, best first; equal scores are ordered by id."""
    candidates = [(item_id, score) for item_id, score in total.items() if score > 0 and item_id not in excluded]
    candidates.sort(key=itemgetter(0))
    candidates.sort(key=itemgetter(1), reverse=True)
    return candidates


def shares(item_id: str, sources: Sources) -> list[tuple[int, float]]:
    """Returns positions in the sources and their shares of the item's score, largest first.

    The shares sum to 1; the share of an event that counts against the item is negative. Empty if the score is 0.
    """
    terms = [
        (position, term)
        for position, (weight, row) in enumerate(sources)
        if item_id in row and (term := _term(weight, row[item_id]))
    ]
    score = sum(term for _, term in terms)
    if not score:
        return []
    return sorted(((position, term / score) for position, term in terms), key=lambda share: -share[1])

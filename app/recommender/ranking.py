"""Scores at serving time: score(j) = sum over i of w[i] * row[i][j], and the exact share of each i.

For an i with a negative weight, only the positive part of its row counts.
"""

from collections.abc import Container, Mapping, Sequence

Weights = Mapping[str, float]


def scores(history: Sequence[tuple[str, float]], rows: Mapping[str, Weights]) -> dict[str, float]:
    """Returns the score of every item in a row of the history; an item without a row adds nothing.

    Args:
        history: (item id, weight) pairs, each item once.
        rows: neighbor rows by item id; they hold di^-b * W[i, j] * dj^b.
    """
    total: dict[str, float] = {}
    for item_id, weight in history:
        for neighbor, value in rows.get(item_id, {}).items():
            total[neighbor] = total.get(neighbor, 0.0) + _term(weight, value)
    return total


def _term(weight: float, value: float) -> float:
    """Returns what one past event adds to a score; a negative event can only lower scores."""
    return weight * value if weight > 0 else weight * max(value, 0.0)


def ranked(total: Weights, excluded: Container[str]) -> list[tuple[str, float]]:
    """Returns the items with a positive score, best first; equal scores are ordered by id."""
    candidates = [(item_id, score) for item_id, score in total.items() if score > 0 and item_id not in excluded]
    return sorted(candidates, key=lambda candidate: (-candidate[1], candidate[0]))


def shares(item_id: str, history: Sequence[tuple[str, float]], rows: Mapping[str, Weights]) -> list[tuple[int, float]]:
    """Returns positions in the history and their shares of the item's score, largest first.

    The shares sum to 1; the share of an event that counts against the item is negative. Empty if the score is 0.
    """
    terms = [
        (position, term)
        for position, (source, weight) in enumerate(history)
        if (term := _term(weight, rows.get(source, {}).get(item_id, 0.0)))
    ]
    score = sum(term for _, term in terms)
    if not score:
        return []
    return sorted(((position, term / score) for position, term in terms), key=lambda share: -share[1])

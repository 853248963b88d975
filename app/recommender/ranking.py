"""Serving's maths: score(j) = sum over i of w[i] * row[i][j], and the exact share of each i.

Of an i with a negative weight only the positive part of its row counts.
"""

from collections.abc import Container, Mapping, Sequence

Weights = Mapping[str, float]


def scores(history: Sequence[tuple[str, float]], rows: Mapping[str, Weights]) -> dict[str, float]:
    """The score of every item that some row of the history names; an item without a row adds nothing.

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
    """What one past event adds to a score; a negative event only pushes away, and speaks for nothing."""
    return weight * value if weight > 0 else weight * max(value, 0.0)


def ranked(total: Weights, excluded: Container[str]) -> list[tuple[str, float]]:
    """The items with a positive score, best first, equal scores by id."""
    candidates = [(item_id, score) for item_id, score in total.items() if score > 0 and item_id not in excluded]
    return sorted(candidates, key=lambda candidate: (-candidate[1], candidate[0]))


def shares(item_id: str, history: Sequence[tuple[str, float]], rows: Mapping[str, Weights]) -> list[tuple[int, float]]:
    """Positions in the history and their shares of the item's score, largest first.

    The shares sum to 1; one is negative where a past event speaks against the item. Empty where the score is 0.
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

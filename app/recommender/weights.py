"""How much an event counts: by its type, its rating and its age. The same in learning and in serving."""

from collections.abc import Collection, Iterable

from app.domain import Event, Scoring

RATING = "rating"
EVENT_WEIGHTS = {
    "impression": 0.0,
    "dislike": 0.0,
    "hide": 0.0,
    "return": 0.0,
    "view": 1.0,
    "click": 1.0,
    "like": 2.0,
    "cart": 2.0,
    "purchase": 3.0,
}
"""Any other type counts 1."""
UNSEEN_TYPES = frozenset({"impression"})
"""Events that do not make an item a seen one."""
SECONDS_A_DAY = 86_400.0


def of_type(event_type: str, value: float | None, rating_threshold: float | None) -> float:
    """The weight of an event, its age aside, in [0, 3].

    A rating counts 1 from `rating_threshold` on and nothing below it.
    """
    if event_type == RATING and value is not None and rating_threshold is not None:
        return 1.0 if value >= rating_threshold else 0.0
    return EVENT_WEIGHTS.get(event_type, 1.0)


def rating_threshold(highest: float | None) -> float | None:
    """The rating from which on an item was liked: 6 of 10, 3 of 5; None where nothing is rated."""
    return None if highest is None else 0.6 * highest


def of_history(
    events: Iterable[Event], scoring: Scoring, event_types: Collection[str] | None = None
) -> list[tuple[Event, float]]:
    """Each item's strongest event and its weight, items with no weight left out.

    w = type weight * 2^(-age / half life), where age is counted from the newest event, so that the clock plays no part.
    """
    history = [event for event in events if event_types is None or event.event_type in event_types]
    if not history:
        return []
    newest = max(event.timestamp for event in history)
    strongest: dict[str, tuple[Event, float]] = {}
    for event in history:
        weight = of_type(event.event_type, event.value, scoring.rating_threshold)
        if scoring.half_life_days and weight:
            age_days = (newest - event.timestamp).total_seconds() / SECONDS_A_DAY
            weight *= 2.0 ** (-age_days / scoring.half_life_days)
        if weight > strongest.get(event.item_id, (None, 0.0))[1]:
            strongest[event.item_id] = (event, weight)
    return list(strongest.values())


def seen(events: Iterable[Event]) -> set[str]:
    """The items that the events make known to the user."""
    return {event.item_id for event in events if event.event_type not in UNSEEN_TYPES}

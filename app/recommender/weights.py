"""Weights of events by type, rating and age; the same in training and in serving."""

from collections.abc import Collection, Iterable, Mapping

from app.domain.events import Event
from app.domain.models import Scoring

RATING = "rating"
IMPRESSION = "impression"
EVENT_WEIGHTS = {
    IMPRESSION: 0.0,
    "dislike": -2.0,
    "hide": -1.0,
    "return": -2.0,
    "view": 1.0,
    "click": 1.0,
    "like": 2.0,
    "cart": 2.0,
    "purchase": 3.0,
}
"""Any other type counts 1. Events of negative types lower the scores of similar items; they are not trained on."""
SECONDS_A_DAY = 86_400.0
NO_OVERRIDES: Mapping[str, float] = {}


def of_type(event_type: str, value: float | None, rating_threshold: float | None) -> float:
    """Returns the weight of an event in serving, in [-2, 3], before its age counts.

    A rating counts 1 if it reaches `rating_threshold`, else 0.
    """
    if event_type == RATING and value is not None and rating_threshold is not None:
        return 1.0 if value >= rating_threshold else 0.0
    return EVENT_WEIGHTS.get(event_type, 1.0)


def to_learn(event_type: str, value: float | None, rating_threshold: float | None) -> float:
    """Returns the weight of an event in training, in [0, 3], before its age counts."""
    return max(0.0, of_type(event_type, value, rating_threshold))


def of_list(event_type: str, overrides: Mapping[str, float]) -> float:
    """Returns the weight of an event in popular and trending lists: its override, else its type's, at least 0."""
    return overrides.get(event_type, max(0.0, EVENT_WEIGHTS.get(event_type, 1.0)))


def rating_threshold(highest: float | None) -> float | None:
    """Returns the lowest rating that counts as liked: 6 of 10, 3 of 5; None if there are no ratings."""
    return None if highest is None else 0.6 * highest


def of_history(
    events: Iterable[Event],
    scoring: Scoring,
    event_types: Collection[str] | None = None,
    overrides: Mapping[str, float] = NO_OVERRIDES,
) -> list[tuple[Event, float]]:
    """Returns the event that counts for each item, with its weight; items whose weight is 0 are left out.

    It is the newest negative event if no positive one came after it, else the strongest positive one.

    w = type weight * 2^(-age / half life), with the age relative to the newest event, so that the clock is not needed.
    """
    history = [event for event in events if event_types is None or event.event_type in event_types]
    if not history:
        return []
    newest = max(event.timestamp for event in history)
    counting: dict[str, tuple[Event, float]] = {}
    for event in sorted(history, key=lambda event: event.timestamp):
        weight = overrides.get(event.event_type)
        if weight is None:
            weight = of_type(event.event_type, event.value, scoring.rating_threshold)
        if scoring.half_life_days and weight:
            age_days = (newest - event.timestamp).total_seconds() / SECONDS_A_DAY
            weight *= 2.0 ** (-age_days / scoring.half_life_days)
        before = counting.get(event.item_id, (None, 0.0))[1]
        if weight < 0 or (weight > 0 and weight >= before):
            counting[event.item_id] = (event, weight)
    return list(counting.values())


def disliked(events: Iterable[Event]) -> set[str]:
    """Returns the items whose newest event of non-zero weight is negative."""
    last: dict[str, bool] = {}
    for event in sorted(events, key=lambda event: event.timestamp):
        weight = EVENT_WEIGHTS.get(event.event_type, 1.0)
        if weight:
            last[event.item_id] = weight < 0
    return {item_id for item_id, negative in last.items() if negative}


def ignored(events: Iterable[Event], halving: float = 3.0) -> dict[str, float]:
    """Returns a factor in (0, 1) for each item shown n times since the last other event with it: 2^(-n / halving).

    After `halving` ignored impressions, half of the score is left.
    """
    shown: dict[str, int] = {}
    for event in sorted(events, key=lambda event: event.timestamp):
        shown[event.item_id] = shown.get(event.item_id, 0) + 1 if event.event_type == IMPRESSION else 0
    return {item_id: 2.0 ** (-times / halving) for item_id, times in shown.items() if times}


def seen(events: Iterable[Event]) -> set[str]:
    """Returns the items that the user knows: those of all events but impressions."""
    return {event.item_id for event in events if event.event_type != IMPRESSION}

"""How much an event counts: by its type, its rating and its age. The same in learning and in serving."""

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
"""Any other type counts 1. Negative ones push away what resembles the item; nothing is learned from them."""
SECONDS_A_DAY = 86_400.0
USUAL: Mapping[str, float] = {}
"""No weights in place of the usual ones."""


def of_type(event_type: str, value: float | None, rating_threshold: float | None) -> float:
    """The weight of an event in serving, its age aside, in [-2, 3].

    A rating counts 1 from `rating_threshold` on and nothing below it.
    """
    if event_type == RATING and value is not None and rating_threshold is not None:
        return 1.0 if value >= rating_threshold else 0.0
    return EVENT_WEIGHTS.get(event_type, 1.0)


def to_learn(event_type: str, value: float | None, rating_threshold: float | None) -> float:
    """The weight of an event in learning, its age aside, in [0, 3]."""
    return max(0.0, of_type(event_type, value, rating_threshold))


def of_list(event_type: str, given: Mapping[str, float]) -> float:
    """The weight of an event in the lists that move: the given one, else the type's own, which is never negative."""
    return given.get(event_type, max(0.0, EVENT_WEIGHTS.get(event_type, 1.0)))


def rating_threshold(highest: float | None) -> float | None:
    """The lowest rating of a liked item: 6 of 10, 3 of 5; None if nothing is rated."""
    return None if highest is None else 0.6 * highest


def of_history(
    events: Iterable[Event],
    scoring: Scoring,
    event_types: Collection[str] | None = None,
    given: Mapping[str, float] = USUAL,
) -> list[tuple[Event, float]]:
    """The event that speaks for each item and its weight, items with no weight left out; `given` weights go first.

    That is the newest negative event if nothing positive came after it, else the strongest positive one.

    w = type weight * 2^(-age / half life), where age is counted from the newest event, so that the clock plays no part.
    """
    history = [event for event in events if event_types is None or event.event_type in event_types]
    if not history:
        return []
    newest = max(event.timestamp for event in history)
    speaking: dict[str, tuple[Event, float]] = {}
    for event in sorted(history, key=lambda one: one.timestamp):
        weight = given.get(event.event_type)
        if weight is None:
            weight = of_type(event.event_type, event.value, scoring.rating_threshold)
        if scoring.half_life_days and weight:
            age_days = (newest - event.timestamp).total_seconds() / SECONDS_A_DAY
            weight *= 2.0 ** (-age_days / scoring.half_life_days)
        before = speaking.get(event.item_id, (None, 0.0))[1]
        if weight < 0 or (weight > 0 and weight >= before):
            speaking[event.item_id] = (event, weight)
    return list(speaking.values())


def disliked(events: Iterable[Event]) -> set[str]:
    """The items whose last word is a negative event."""
    last: dict[str, bool] = {}
    for event in sorted(events, key=lambda one: one.timestamp):
        weight = EVENT_WEIGHTS.get(event.event_type, 1.0)
        if weight:
            last[event.item_id] = weight < 0
    return {item_id for item_id, negative in last.items() if negative}


def ignored(events: Iterable[Event], halving: float = 3.0) -> dict[str, float]:
    """By which factor the score of an item falls that was shown n times since the last other event with it.

    2^(-n / halving): after `halving` ignored impressions, half is left.
    """
    shown: dict[str, int] = {}
    for event in sorted(events, key=lambda one: one.timestamp):
        shown[event.item_id] = shown.get(event.item_id, 0) + 1 if event.event_type == IMPRESSION else 0
    return {item_id: 2.0 ** (-times / halving) for item_id, times in shown.items() if times}


def seen(events: Iterable[Event]) -> set[str]:
    """The items that the events make known to the user."""
    return {event.item_id for event in events if event.event_type != IMPRESSION}

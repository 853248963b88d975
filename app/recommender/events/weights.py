"""Weights of events by type, rating and age; the same in training, serving and lists."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from app.domain.events import Event
from app.domain.models import Scoring
from app.recommender.events import ratings
from app.recommender.events.kinds import IMPRESSION, KIND_WEIGHTS, OTHER_WEIGHT, PURCHASE, RATING, kind_of, normalized

SECONDS_A_DAY = 86_400.0
Overrides = Mapping[str, float]
"""Weights by normalized event type."""
NO_OVERRIDES: Overrides = {}
Fact = TypeVar("Fact")


@dataclass(frozen=True)
class Weights:
    """The weights of a project's event types: its own, else those of their kinds.

    Events of negative types lower the scores of similar items; nothing is learned from them, and no list counts them.
    """

    learning: Overrides = field(default_factory=dict)
    serving: Overrides = field(default_factory=dict)
    lists: Overrides = field(default_factory=dict)
    meanings: Mapping[str, str] = field(default_factory=dict)
    """Kinds that the project gives to event types, by normalized event type."""

    def kind(self, event_type: str) -> str:
        """Returns the kind of an event type: what the project says it means, else what its name says."""
        own = self.meanings.get(normalized(event_type)) if self.meanings else None
        return own or kind_of(event_type)

    def is_lasting(self, event: Event) -> bool:
        """Whether an item is known to its user for good after this event: bought or rated."""
        return self.kind(event.event_type) in {PURCHASE, RATING}

    def in_learning(self, event_type: str) -> float:
        """Returns the weight of an event in training, at least 0, before its age counts."""
        return max(0.0, _weight(event_type, self.learning))

    def in_serving(self, event_type: str, overrides: Overrides = NO_OVERRIDES) -> float:
        """Returns the weight of an event in a user's history, before its age counts; `overrides` go first."""
        own = overrides.get(normalized(event_type)) if overrides else None
        return _weight(event_type, self.serving) if own is None else own

    def in_lists(self, event_type: str) -> float:
        """Returns the weight of an event in popular and trending lists, at least 0."""
        return max(0.0, _weight(event_type, self.lists))


DEFAULT = Weights()


class ByType(dict[str, Fact]):
    """What follows from the type of an event, computed once for each type: histories repeat a few types many times."""

    def __init__(self, compute: Callable[[str], Fact]) -> None:
        super().__init__()
        self._compute = compute

    def __missing__(self, event_type: str) -> Fact:
        fact = self[event_type] = self._compute(event_type)
        return fact


def by_name(overrides: Overrides) -> Overrides:
    """Returns weights by normalized event type."""
    return {normalized(event_type): weight for event_type, weight in overrides.items()}


def _weight(event_type: str, overrides: Overrides) -> float:
    own = overrides.get(normalized(event_type)) if overrides else None
    return KIND_WEIGHTS.get(kind_of(event_type), OTHER_WEIGHT) if own is None else own


def is_rating(event: Event) -> bool:
    """Whether an event is a rating with a value."""
    return event.value is not None and kind_of(event.event_type) == RATING


def is_impression(event: Event) -> bool:
    return kind_of(event.event_type) == IMPRESSION


def of_history(
    events: Iterable[Event],
    scoring: Scoring,
    event_types: Collection[str] | None = None,
    overrides: Overrides = NO_OVERRIDES,
    weights: Weights = DEFAULT,
    now: datetime | None = None,
) -> list[tuple[Event, float]]:
    """Returns the event that counts for each item, with its weight; items whose weight is 0 are left out.

    It is the newest negative event if no positive one came after it, else the strongest positive one. A rating counts
    if the user liked the item.

    w = type weight * 2^(-age / half life) * step decay^k

    The age is relative to the newest event, so that the clock is not needed; k is the number of later moments at which
    an event that counts happened. The events of a basket have one time, so they share a step. The step decay can be
    another one while the newest moment is open.

    Args:
        events: the user's events, in any order.
        scoring: the parameters of the model version.
        event_types: the types that count; None for all.
        overrides: weights by event type that replace those of the project.
        weights: the weights of the project.
        now: the time of the request; None if no moment is open.
    """
    named = by_name(overrides)
    history = sorted(_chosen(events, event_types), key=lambda event: event.timestamp)
    if not history:
        return []
    serving = ByType(lambda event_type: weights.in_serving(event_type, named))
    threshold, newest = _threshold(history, scoring.rating_threshold), history[-1].timestamp
    counting: dict[str, tuple[Event, float]] = {}
    for event in history:
        weight = serving[event.event_type]
        if threshold is not None and event.value is not None and event.value < threshold and is_rating(event):
            weight = min(weight, 0.0)
        if scoring.half_life_days and weight:
            age_days = (newest - event.timestamp).total_seconds() / SECONDS_A_DAY
            weight *= 2.0 ** (-age_days / scoring.half_life_days)
        before = counting.get(event.item_id, (None, 0.0))[1]
        if weight < 0 or (weight > 0 and weight >= before):
            counting[event.item_id] = (event, weight)
    weighted = list(counting.values())
    return _decayed(weighted, scoring_at(now, weighted, scoring).step_decay)


def scoring_at(now: datetime | None, history: Iterable[tuple[Event, float]], scoring: Scoring) -> Scoring:
    """Returns the parameters for a weighted history at a time, or at a later one when no moment is open."""
    newest = max((event.timestamp for event, _ in history), default=None)
    if now is None or newest is None:
        return scoring.at(is_open=False)
    return scoring.at(is_open=(now - newest).total_seconds() <= scoring.open_seconds)


def _decayed(counting: list[tuple[Event, float]], step_decay: float | None) -> list[tuple[Event, float]]:
    """Returns events with the weights that are left after the steps since then."""
    if step_decay is None:
        return counting
    moments = sorted({event.timestamp for event, _ in counting}, reverse=True)
    left = {moment: step_decay**steps for steps, moment in enumerate(moments)}
    return [(event, weight * left[event.timestamp]) for event, weight in counting]


def _chosen(events: Iterable[Event], event_types: Collection[str] | None) -> Iterable[Event]:
    if event_types is None:
        return events
    names = {normalized(event_type) for event_type in event_types}
    return (event for event in events if normalized(event.event_type) in names)


def _threshold(events: Iterable[Event], project: float | None) -> float | None:
    """Returns the lowest rating that the user of the events likes; None without a scale. Events are oldest first."""
    if project is None:
        return None
    values = {event.item_id: event.value for event in events if event.value is not None and is_rating(event)}
    return ratings.threshold_of_user(list(values.values()), project)


def disliked(events: Iterable[Event], weights: Weights = DEFAULT, earlier: Iterable[str] = ()) -> set[str]:
    """Returns the items whose newest event of non-zero weight is negative.

    Args:
        events: the user's newest events, in any order.
        weights: the weights of the project.
        earlier: the items that were disliked before these events.
    """
    last = dict.fromkeys(earlier, True)
    serving = ByType(weights.in_serving)
    for event in sorted(events, key=lambda event: event.timestamp):
        weight = serving[event.event_type]
        if weight:
            last[event.item_id] = weight < 0
    return {item_id for item_id, negative in last.items() if negative}


def ignored(events: Iterable[Event], halving: float = 3.0) -> dict[str, float]:
    """Returns a factor in (0, 1) for each item shown n times since the last other event with it: 2^(-n / halving).

    After `halving` ignored impressions, half of the score is left.
    """
    shown: dict[str, int] = {}
    kinds = ByType(kind_of)
    for event in sorted(events, key=lambda event: event.timestamp):
        shown[event.item_id] = shown.get(event.item_id, 0) + 1 if kinds[event.event_type] == IMPRESSION else 0
    return {item_id: 2.0 ** (-times / halving) for item_id, times in shown.items() if times}


def seen(events: Iterable[Event]) -> set[str]:
    """Returns the items that the user knows: those of all events but impressions."""
    kinds = ByType(kind_of)
    return {event.item_id for event in events if kinds[event.event_type] != IMPRESSION}

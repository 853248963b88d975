"""What became of recommendations: sums over events that name the answer which they go back to."""

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass

from app.domain.events import Attribution, Event
from app.recommender import counts
from app.recommender.counts import MARK, THOUSANDTHS, Counts
from app.recommender.weights import IMPRESSION

CLICKS, PURCHASE = ("click", "view"), "purchase"
"""Opening an item's page is the click on its recommendation."""
ARRIVED = MARK + "events"
"""Events that can be learned from, by the time at which they came, whatever they go back to."""
SHOWN, CLICKED, CONVERTED, REVENUE, SQUARES = "i", "c", "p", "r", "q"
"""Impressions, clicks, purchases; the value of purchases and its squares, in thousandths."""
MOST_REVENUE = 100_000.0
"""Of one purchase; what lies beyond counts as that much, in both directions."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the items that one version, scenario and recommender showed."""

    impressions: int = 0
    clicks: int = 0
    conversions: int = 0
    revenue: float = 0.0
    squares: float = 0.0
    """Of the revenue of each conversion."""

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(*(one + another for one, another in zip(astuple(self), astuple(other), strict=True)))


def of_event(event: Event, arrived: int) -> Counts:
    """What one event adds to the counters, in addition to its item's use."""
    total: Counts = {}
    if event.event_type != IMPRESSION:
        total[counts.floor(arrived, counts.FINE_SECONDS), ARRIVED] = 1
    if event.origin is not None:
        slot = counts.slot_of(event, arrived)
        origin = event.origin
        for metric, amount in _metrics(event):
            total[slot, MARK.join(("", origin.version, origin.scenario, origin.source, metric))] = amount
    return total


def _metrics(event: Event) -> Iterable[tuple[str, int]]:
    if event.event_type == IMPRESSION:
        yield SHOWN, 1
    elif event.event_type in CLICKS:
        yield CLICKED, 1
    elif event.event_type == PURCHASE:
        yield CONVERTED, 1
        revenue = max(-MOST_REVENUE, min(MOST_REVENUE, event.value or 0.0))
        if round(revenue * THOUSANDTHS):
            yield REVENUE, round(revenue * THOUSANDTHS)
            yield SQUARES, round(revenue * revenue * THOUSANDTHS)


def arrived_since(total: Counts, second: float) -> int:
    """How many events came in the slots that began after then."""
    return sum(amount for (slot, name), amount in total.items() if name == ARRIVED and slot > second)


def by_origin(total: Counts, since: float) -> dict[Attribution, Outcome]:
    """Outcomes of the slots that began since then (seconds since 1970)."""
    sums: dict[Attribution, dict[str, int]] = {}
    for (slot, name), amount in total.items():
        if slot < since or counts.is_item(name) or name == ARRIVED:
            continue
        _, version, scenario, source, metric = name.split(MARK)
        of_origin = sums.setdefault(Attribution(version, scenario, source), {})
        of_origin[metric] = of_origin.get(metric, 0) + amount
    return {origin: _outcome(found) for origin, found in sums.items()}


def _outcome(sums: Mapping[str, int]) -> Outcome:
    return Outcome(
        sums.get(SHOWN, 0),
        sums.get(CLICKED, 0),
        sums.get(CONVERTED, 0),
        sums.get(REVENUE, 0) / THOUSANDTHS,
        sums.get(SQUARES, 0) / THOUSANDTHS,
    )

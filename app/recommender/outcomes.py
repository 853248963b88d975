"""Outcomes of recommendations: impressions, clicks and purchases, summed over attributed events."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, dataclass
from datetime import UTC, date, datetime

from app.domain.events import Attribution, Event
from app.recommender import counts
from app.recommender.counts import MARK, THOUSANDTHS, Counts
from app.recommender.events.kinds import CLICK, IMPRESSION, PURCHASE, VIEW, kind_of

CLICKS = (CLICK, VIEW)
"""Viewing an item counts as a click on its recommendation."""
ARRIVED = MARK + "events"
"""Counter of all events but impressions, by arrival time."""
SHOWN, CLICKED, CONVERTED, REVENUE, SQUARES = "i", "c", "p", "r", "q"
"""Impressions, clicks and purchases; the value of purchases and its square, in thousandths."""
MOST_REVENUE = 100_000.0
"""Largest absolute revenue of one purchase; values beyond it are clipped."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of the items that one version, scenario and recommender showed."""

    impressions: int = 0
    clicks: int = 0
    conversions: int = 0
    revenue: float = 0.0
    squares: float = 0.0
    """Sum of the squared revenues."""

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


def of_event(event: Event, arrived: int, kind: Callable[[str], str] = kind_of) -> Counts:
    """Returns what one event adds to the counters of outcomes; `kind` returns the kind of its type."""
    arrival = counts.floor(arrived, counts.FINE_SECONDS)
    total: Counts = {(arrival, counts.TYPED + event.event_type): 1}
    if kind_of(event.event_type) != IMPRESSION:
        total[arrival, ARRIVED] = 1
    if event.attribution is not None:
        slot = counts.slot_of(event, arrived)
        attribution = event.attribution
        for metric, amount in _metrics(event, kind(event.event_type)):
            total[slot, MARK.join(("", attribution.version, attribution.scenario, attribution.source, metric))] = amount
    return total


def _metrics(event: Event, kind: str) -> Iterable[tuple[str, int]]:
    if kind == IMPRESSION:
        yield SHOWN, 1
    elif kind in CLICKS:
        yield CLICKED, 1
    elif kind == PURCHASE:
        yield CONVERTED, 1
        revenue = max(-MOST_REVENUE, min(MOST_REVENUE, event.value or 0.0))
        if round(revenue * THOUSANDTHS):
            yield REVENUE, round(revenue * THOUSANDTHS)
            yield SQUARES, round(revenue * revenue * THOUSANDTHS)


def arrived_since(total: Counts, second: float) -> int:
    """Returns how many events arrived in the slots that began after `second`."""
    return sum(amount for (slot, name), amount in total.items() if name == ARRIVED and slot > second)


def by_type(total: Counts) -> dict[str, int]:
    """Returns how many events of each type arrived."""
    numbers: dict[str, int] = {}
    for (_, name), amount in total.items():
        if name.startswith(counts.TYPED):
            event_type = name.removeprefix(counts.TYPED)
            numbers[event_type] = numbers.get(event_type, 0) + amount
    return {event_type: number for event_type, number in numbers.items() if number > 0}


def by_day(total: Counts, since: float, until: float) -> dict[tuple[date, Attribution], Outcome]:
    """Returns the outcomes by UTC day and attribution.

    Args:
        total: the counters.
        since: only slots that began at or after it count (seconds since 1970).
        until: only slots that began before it count (seconds since 1970).
    """
    sums: dict[tuple[date, Attribution], dict[str, int]] = {}
    for (slot, name), amount in total.items():
        if not since <= slot < until or not name.startswith(MARK) or name == ARRIVED:
            continue
        _, version, scenario, source, metric = name.split(MARK)
        day = datetime.fromtimestamp(slot, UTC).date()
        amounts = sums.setdefault((day, Attribution(version, scenario, source)), {})
        amounts[metric] = amounts.get(metric, 0) + amount
    return {cell: _outcome(metrics) for cell, metrics in sums.items()}


def _outcome(sums: Mapping[str, int]) -> Outcome:
    return Outcome(
        sums.get(SHOWN, 0),
        sums.get(CLICKED, 0),
        sums.get(CONVERTED, 0),
        sums.get(REVENUE, 0) / THOUSANDTHS,
        sums.get(SQUARES, 0) / THOUSANDTHS,
    )

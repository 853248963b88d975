"""Outcomes of recommendations, and comparisons of model versions by them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from app.clock import Clock
from app.domain.events import Attribution
from app.recommender import intervals, outcomes
from app.recommender.intervals import ALPHA, Difference, Sums
from app.recommender.outcomes import Outcome
from app.services.counters.rollups import Rollups
from app.storage.counters import DAY

MOST_DAYS = 90
"""The days of outcomes that can be read; counters are kept a little longer."""
JUDGED_DAYS = 30
"""The days of live outcomes that an activation considers."""
DAY_FIELD = "day"

Group = tuple[str, ...]
Cells = Mapping[tuple[date, Attribution], Outcome]
"""Outcomes by UTC day and attribution."""


class Verdict(StrEnum):
    """The result of comparing a version with another."""

    BETTER = "better"
    WORSE = "worse"
    UNDECIDED = "undecided"

    @classmethod
    def of(cls, difference: Difference) -> "Verdict":
        if difference.p >= ALPHA:
            return cls.UNDECIDED
        return cls.BETTER if difference.value > 0 else cls.WORSE


@dataclass(frozen=True, slots=True)
class Comparison:
    """The difference in click-through rate between two versions."""

    version: str
    against: str
    difference: Difference


@dataclass(frozen=True, slots=True)
class Differences:
    """What one group of outcomes has more than another, per impression. None if there is too little to compare."""

    click_through: Difference | None
    conversion: Difference | None
    revenue: Difference | None


class Outcomes:
    def __init__(self, rollups: Rollups, clock: Clock) -> None:
        self._rollups, self._clock = rollups, clock

    def of(self, project: str, days: int, until: date | None = None) -> Cells:
        """Returns the outcomes of so many days, up to the end of the day `until`, by default up to now."""
        now = self._clock.now()
        last = min(until or now.date(), now.date())
        end = now if until is None else datetime.combine(last, time(), UTC) + timedelta(days=1)
        since = max(end.timestamp() - days * DAY, now.timestamp() - MOST_DAYS * DAY)
        total, _ = self._rollups.of(project, max(1.0, (now.timestamp() - since) / DAY))
        return outcomes.by_day(total, since, end.timestamp())

    def find_regression(self, project: str, version: str, against: str) -> str | None:
        """Describes why a version's click-through rate is clearly below another's; None if it is not."""
        for comparison in compared(self.of(project, JUDGED_DAYS), against):
            difference = comparison.difference
            if comparison.version == version and Verdict.of(difference) is Verdict.WORSE:
                return f"its click-through is lower by {-difference.value:.2%} of impressions (p = {difference.p:.1g})"
        return None


def grouped(cells: Cells, by: Sequence[str]) -> dict[Group, Outcome]:
    """Sums up outcomes by some of `day`, `version`, `scenario` and `source`."""
    groups: dict[Group, Outcome] = {}
    for (day, attribution), outcome in cells.items():
        group = tuple(day.isoformat() if name == DAY_FIELD else str(getattr(attribution, name)) for name in by)
        groups[group] = groups.get(group, Outcome()) + outcome
    return dict(sorted(groups.items()))


def compared(cells: Cells, against: str) -> list[Comparison]:
    """Compares every version that was shown with the version `against`."""
    of_version = {group[0]: outcome for group, outcome in grouped(cells, ("version",)).items()}
    base = of_version.pop(against, None)
    if base is None:
        return []
    differences = ((name, _click_through(outcome, base)) for name, outcome in of_version.items())
    return [Comparison(name, against, difference) for name, difference in differences if difference]


def differences(cells: Cells, by: str, name: str, against: str) -> Differences:
    """Compares two groups of outcomes; a group that was not shown has no outcomes."""
    groups = grouped(cells, (by,))
    other, base = (groups.get((group,), Outcome()) for group in (name, against))
    shown = base.impressions, other.impressions
    return Differences(
        _click_through(other, base),
        intervals.of_rate_difference((base.conversions, other.conversions), shown),
        intervals.of_mean_difference(_revenue(base), _revenue(other)),
    )


def _click_through(other: Outcome, base: Outcome) -> Difference | None:
    return intervals.of_rate_difference((base.clicks, other.clicks), (base.impressions, other.impressions))


def _revenue(outcome: Outcome) -> Sums:
    return Sums(outcome.revenue, outcome.squares, outcome.impressions)

"""Outcomes of recommendations, and comparisons of model versions by them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.clock import Clock
from app.domain.events import Attribution
from app.recommender import intervals, outcomes
from app.recommender.outcomes import Outcome
from app.services.counters.rollups import Rollups
from app.storage.counters import DAY

ALPHA = 0.05
JUDGED_DAYS = 30
"""The days of live outcomes that an activation considers."""

Group = tuple[str, ...]
ByAttribution = Mapping[Attribution, Outcome]


class Verdict(StrEnum):
    """The result of comparing a version with another."""

    BETTER = "better"
    WORSE = "worse"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The difference in click-through rate between two versions. `p` is always valid: it allows repeated looks."""

    version: str
    against: str
    difference: float
    p: float

    @property
    def verdict(self) -> Verdict:
        if self.p >= ALPHA:
            return Verdict.UNDECIDED
        return Verdict.BETTER if self.difference > 0 else Verdict.WORSE


class Outcomes:
    def __init__(self, rollups: Rollups, clock: Clock) -> None:
        self._rollups, self._clock = rollups, clock

    def of(self, project: str, days: int) -> ByAttribution:
        """Returns the outcomes of the last days."""
        total, _ = self._rollups.of(project, days)
        return outcomes.by_attribution(total, self._clock.now().timestamp() - days * DAY)

    def find_regression(self, project: str, version: str, against: str) -> str | None:
        """Describes why a version's click-through rate is clearly below another's; None if it is not."""
        for comparison in compared(self.of(project, JUDGED_DAYS), against):
            if comparison.version == version and comparison.verdict is Verdict.WORSE:
                loss, p = -comparison.difference, comparison.p
                return f"its click-through is lower by {loss:.2%} of impressions (p = {p:.1g})"
        return None


def grouped(by_attribution: ByAttribution, by: Sequence[str]) -> dict[Group, Outcome]:
    """Sums up outcomes by some of `version`, `scenario` and `source`."""
    groups: dict[Group, Outcome] = {}
    for attribution, outcome in by_attribution.items():
        group = tuple(str(getattr(attribution, name)) for name in by)
        groups[group] = groups.get(group, Outcome()) + outcome
    return dict(sorted(groups.items()))


def compared(by_attribution: ByAttribution, against: str) -> list[Comparison]:
    """Compares every version that was shown with the version `against`."""
    of_version = {group[0]: outcome for group, outcome in grouped(by_attribution, ("version",)).items()}
    base = of_version.pop(against, None)
    if base is None:
        return []
    comparisons = (_compared(name, outcome, against, base) for name, outcome in of_version.items())
    return [comparison for comparison in comparisons if comparison is not None]


def _compared(version: str, outcome: Outcome, against: str, base: Outcome) -> Comparison | None:
    rate = intervals.of_rate(outcome.clicks, outcome.impressions)
    base_rate = intervals.of_rate(base.clicks, base.impressions)
    if rate is None or base_rate is None:
        return None
    p = intervals.always_valid_p((base.clicks, outcome.clicks), (base.impressions, outcome.impressions))
    return Comparison(version, against, rate.value - base_rate.value, p)

"""What became of recommendations, and whether one version's are better than another's."""

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
"""Over which live outcomes decide about an activation."""

Group = tuple[str, ...]
ByOrigin = Mapping[Attribution, Outcome]


class Verdict(StrEnum):
    """What is known of a version against the active one."""

    BETTER = "better"
    WORSE = "worse"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One version's click-through against another's; p holds however often one looks."""

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

    def of(self, project: str, days: int) -> ByOrigin:
        """Outcomes of the last days."""
        total, _ = self._rollups.of(project, days)
        return outcomes.by_attribution(total, self._clock.now().timestamp() - days * DAY)

    def find_regression(self, project: str, version: str, against: str) -> str | None:
        """Describe how a version's click-through is clearly below another's; None if it is not."""
        for one in compared(self.of(project, JUDGED_DAYS), against):
            if one.version == version and one.verdict is Verdict.WORSE:
                return f"its click-through is lower by {-one.difference:.2%} of impressions (p = {one.p:.1g})"
        return None


def grouped(found: ByOrigin, by: Sequence[str]) -> dict[Group, Outcome]:
    """Outcomes summed up by some of `version`, `scenario` and `source`."""
    groups: dict[Group, Outcome] = {}
    for attribution, outcome in found.items():
        group = tuple(str(getattr(attribution, name)) for name in by)
        groups[group] = groups.get(group, Outcome()) + outcome
    return dict(sorted(groups.items()))


def compared(found: ByOrigin, against: str) -> list[Comparison]:
    """Every version that was shown, against one of them."""
    of_version = {group[0]: outcome for group, outcome in grouped(found, ("version",)).items()}
    base = of_version.pop(against, None)
    if base is None:
        return []
    comparisons = (_compared(name, outcome, against, base) for name, outcome in of_version.items())
    return [one for one in comparisons if one is not None]


def _compared(version: str, outcome: Outcome, against: str, base: Outcome) -> Comparison | None:
    rate, usual = (intervals.of_rate(one.clicks, one.impressions) for one in (outcome, base))
    if rate is None or usual is None:
        return None
    p = intervals.always_valid_p((base.clicks, outcome.clicks), (base.impressions, outcome.impressions))
    return Comparison(version, against, rate.value - usual.value, p)
